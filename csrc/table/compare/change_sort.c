#include "table/compare/change_sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum {
    PARTS = 256,
    PART_BLOCK_BYTES = 4096,
    RECORDS_BETWEEN_CHECKS = 4096,
    SORTING_BYTES = 2, /* times the places: what sorting them may take */
    TEXT_CEILING = 1 << 30,
};

/* Of a record in the memory. */
struct place {
    uint64_t number;
    size_t at;
};

void scoop_change_sort_init(struct scoop_change_sort *sort,
                            const struct scoop_change_sort_options *options) {
    *sort = (struct scoop_change_sort){.options = *options};
}

static void free_parts(struct scoop_spool *parts) {
    for (unsigned i = 0; parts != NULL && i < PARTS; i++)
        scoop_spool_free(&parts[i]);
    scoop_free(parts);
}

void scoop_change_sort_free(struct scoop_change_sort *sort) {
    free_parts(sort->late);
    if (sort->merging) {
        scoop_spool_free(&sort->merged);
        scoop_spool_reader_free(&sort->reader);
    }
    sort->late = NULL;
    sort->merging = false;
}

void scoop_change_sort_expect(struct scoop_change_sort *sort, uint64_t end) {
    sort->end = end;
}

static struct scoop_spool *new_parts(struct scoop_scratch *scratch, struct scoop_error *error) {
    struct scoop_spool *parts = scoop_calloc(PARTS, sizeof *parts);
    if (parts == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    for (unsigned i = 0; i < PARTS; i++)
        scoop_spool_init(&parts[i], scratch, PART_BLOCK_BYTES);
    return parts;
}

/* How many of the numbers from `from` to `end` each part has. */
static uint64_t width_of(uint64_t from, uint64_t end) {
    return (end - from) / PARTS + 1;
}

int scoop_change_sort_add(struct scoop_change_sort *sort, const struct scoop_record *record,
                          struct scoop_error *error) {
    if (record->number >= sort->last) {
        sort->last = record->number;
        return scoop_spool_add(sort->options.changes, record, error);
    }
    if (!SCOOP_INVARIANT(record->number < sort->end, error))
        return -1;
    if (sort->late == NULL && (sort->late = new_parts(sort->options.scratch, error)) == NULL)
        return -1;
    return scoop_spool_add(&sort->late[record->number / width_of(0, sort->end)], record, error);
}

/* --- in order --- */

static int check_cancelled(const struct scoop_change_sort *sort, struct scoop_error *error) {
    if (sort->options.cancelled != NULL && atomic_load(sort->options.cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
    return 0;
}

static int read_ahead(struct scoop_change_sort *sort, struct scoop_error *error) {
    int status = scoop_spool_reader_next(&sort->reader, &sort->ahead, error);
    sort->has_ahead = status > 0;
    return status < 0 ? -1 : 0;
}

/* Those that came in order, up to a number. */
static int pass_on(struct scoop_change_sort *sort, uint64_t below, struct scoop_error *error) {
    while (sort->has_ahead && sort->ahead.number < below)
        if (scoop_spool_add(&sort->merged, &sort->ahead, error) != 0 ||
            read_ahead(sort, error) != 0)
            return -1;
    return 0;
}

static int emit(struct scoop_change_sort *sort, const struct scoop_record *record,
                struct scoop_error *error) {
    if (pass_on(sort, record->number, error) != 0)
        return -1;
    return scoop_spool_add(&sort->merged, record, error);
}

static int by_number(const void *a, const void *b) {
    const struct place *one = a, *other = b;
    return one->number < other->number ? -1 : one->number > other->number;
}

/* Copies the records to `text` as they are written, and notes their places. */
static int collect(const struct scoop_spool *part, struct scoop_buf *text, struct place *places,
                   struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_record record;
    size_t count = 0;
    int status;
    scoop_spool_reader_init(&reader, part);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        places[count++] = (struct place){record.number, text->length};
        if (scoop_buf_append(text, reader.record, (size_t)(reader.at - reader.record), error) != 0)
            status = -1;
        if (status < 0)
            break;
    }
    scoop_spool_reader_free(&reader);
    return status;
}

static int sort_in_memory(struct scoop_change_sort *sort, const struct scoop_spool *part,
                          struct scoop_error *error) {
    struct scoop_buf text;
    struct scoop_record record;
    struct place *places = scoop_calloc((size_t)part->records + 1, sizeof *places);
    scoop_buf_init(&text, TEXT_CEILING);
    int status = places == NULL ? scoop_fail_memory(error) : 0;
    if (status == 0)
        status = scoop_buf_reserve(&text, (size_t)scoop_spool_bytes(part), error);
    if (status == 0)
        status = collect(part, &text, places, error);
    if (status == 0)
        qsort(places, (size_t)part->records, sizeof *places, by_number);
    for (uint64_t i = 0; i < part->records && status == 0; i++) {
        scoop_spool_decode(text.data + places[i].at, &record);
        status = emit(sort, &record, error);
    }
    scoop_buf_free(&text);
    scoop_free(places);
    return status;
}

static bool fits(const struct scoop_change_sort *sort, const struct scoop_spool *part) {
    uint64_t bytes = scoop_spool_bytes(part);
    bytes += (1 + SORTING_BYTES) * part->records * sizeof(struct place);
    return bytes <= sort->options.memory_bytes && bytes <= TEXT_CEILING;
}

static int distribute(const struct scoop_change_sort *sort, const struct scoop_spool *part,
                      struct scoop_spool *parts, uint64_t from, uint64_t width,
                      struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_record record;
    uint64_t count = 0;
    int status;
    scoop_spool_reader_init(&reader, part);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0)
        if ((++count % RECORDS_BETWEEN_CHECKS == 0 && check_cancelled(sort, error) != 0) ||
            scoop_spool_add(&parts[(record.number - from) / width], &record, error) != 0) {
            status = -1;
            break;
        }
    scoop_spool_reader_free(&reader);
    return status;
}

/* Puts the records of a part, whose numbers begin at `from`, behind what is merged. One that does
 * not fit the memory is divided as the whole was. */
static int sort_part(struct scoop_change_sort *sort, struct scoop_spool *part, uint64_t from,
                     uint64_t numbers, struct scoop_error *error) {
    if (check_cancelled(sort, error) != 0)
        return -1;
    if (numbers == 1 || part->records <= 1 || fits(sort, part)) {
        int sorted = sort_in_memory(sort, part, error);
        scoop_spool_free(part);
        return sorted;
    }
    uint64_t width = width_of(from, from + numbers);
    struct scoop_spool *parts = new_parts(sort->options.scratch, error);
    int status = parts == NULL ? -1 : distribute(sort, part, parts, from, width, error);
    scoop_spool_free(part);
    for (unsigned i = 0; i < PARTS && status == 0; i++)
        status = sort_part(sort, &parts[i], from + i * width, width, error);
    free_parts(parts);
    return status;
}

static int begin_merging(struct scoop_change_sort *sort, struct scoop_error *error) {
    struct scoop_spool *changes = sort->options.changes;
    scoop_spool_init(&sort->merged, changes->scratch, changes->block_bytes);
    scoop_spool_reader_init(&sort->reader, changes);
    sort->merging = true;
    return read_ahead(sort, error);
}

static int end_merging(struct scoop_change_sort *sort, struct scoop_error *error) {
    if (pass_on(sort, UINT64_MAX, error) != 0)
        return -1;
    scoop_spool_free(sort->options.changes);
    *sort->options.changes = sort->merged;
    scoop_spool_init(&sort->merged, NULL, 0);
    scoop_change_sort_free(sort);
    return 0;
}

int scoop_change_sort_finish(struct scoop_change_sort *sort, struct scoop_error *error) {
    uint64_t width = width_of(0, sort->end);
    if (sort->late == NULL)
        return 0;
    if (!sort->merging)
        return begin_merging(sort, error) == 0 ? 1 : -1;
    if (sort->next_part == PARTS)
        return end_merging(sort, error);
    unsigned part = sort->next_part++;
    return sort_part(sort, &sort->late[part], part * width, width, error) == 0 ? 1 : -1;
}
