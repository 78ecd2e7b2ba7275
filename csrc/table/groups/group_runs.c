#include "table/groups/group_runs.h"

#include "scoop/memory.h"

enum { BLOCK_BYTES = 64 * 1024, GROUP_CEILING = 1 << 30 };

void scoop_group_runs_init(struct scoop_group_runs *runs, const struct scoop_group_schema *schema,
                           struct scoop_scratch *scratch) {
    memset(runs, 0, sizeof *runs);
    runs->schema = schema;
    runs->scratch = scratch;
}

void scoop_group_runs_free(struct scoop_group_runs *runs) {
    for (size_t i = 0; i < runs->count; i++)
        scoop_spool_free(&runs->spools[i]);
    scoop_free(runs->spools);
    scoop_group_runs_init(runs, runs->schema, runs->scratch);
}

struct scoop_spool *scoop_group_runs_add(struct scoop_group_runs *runs, struct scoop_error *error) {
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity == 0 ? 8 : 2 * runs->capacity;
        struct scoop_spool *grown = scoop_realloc(runs->spools, capacity * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        runs->spools = grown;
        runs->capacity = capacity;
    }
    struct scoop_spool *spool = &runs->spools[runs->count++];
    scoop_spool_init(spool, runs->scratch, BLOCK_BYTES);
    return spool;
}

int scoop_group_runs_spill(struct scoop_group_runs *runs, struct scoop_group_table *table,
                           struct scoop_error *error) {
    struct scoop_spool *spool = scoop_group_runs_add(runs, error);
    if (spool == NULL)
        return -1;
    scoop_group_table_sort(table);
    for (size_t i = 0; i < table->count; i++) {
        const unsigned char *group = table->slots[i].group;
        if (scoop_spool_add_suffix(spool, 0, group, (uint32_t)scoop_group_bytes(group), error) != 0)
            return -1;
    }
    scoop_group_table_clear(table);
    return scoop_spool_flush(spool, error);
}

void scoop_group_runs_replace(struct scoop_group_runs *runs, size_t count) {
    for (size_t i = 0; i < count; i++)
        scoop_spool_free(&runs->spools[i]);
    runs->count -= count;
    memmove(runs->spools, runs->spools + count, runs->count * sizeof *runs->spools);
}

/* --- the merge --- */

static bool is_before(const struct scoop_group_merge *merge, size_t a, size_t b) {
    const struct merged_run *one = &merge->inputs[merge->heap[a]];
    const struct merged_run *other = &merge->inputs[merge->heap[b]];
    int order = scoop_group_compare(one->group, one->bytes, other->group, other->bytes,
                                    scoop_group_state_bytes(merge->runs->schema));
    return order != 0 ? order < 0 : merge->heap[a] < merge->heap[b];
}

static void swap(struct scoop_group_merge *merge, size_t a, size_t b) {
    size_t kept = merge->heap[a];
    merge->heap[a] = merge->heap[b];
    merge->heap[b] = kept;
}

static void sink(struct scoop_group_merge *merge, size_t at) {
    for (;;) {
        size_t least = at, left = 2 * at + 1;
        if (left < merge->heap_count && is_before(merge, left, least))
            least = left;
        if (left + 1 < merge->heap_count && is_before(merge, left + 1, least))
            least = left + 1;
        if (least == at)
            return;
        swap(merge, at, least);
        at = least;
    }
}

/* The next group of an input. 1, 0 at its end, -1. */
static int advance(struct merged_run *input, struct scoop_error *error) {
    struct scoop_record record;
    int status = scoop_spool_reader_next(&input->reader, &record, error);
    if (status > 0) {
        input->group = record.row.data;
        input->bytes = record.row.length;
    }
    return status;
}

int scoop_group_merge_init(struct scoop_group_merge *merge, struct scoop_group_runs *runs,
                           size_t count, struct scoop_error *error) {
    memset(merge, 0, sizeof *merge);
    merge->runs = runs;
    scoop_buf_init(&merge->group, GROUP_CEILING);
    merge->inputs = scoop_calloc(count + 1, sizeof *merge->inputs);
    merge->heap = scoop_calloc(count + 1, sizeof *merge->heap);
    if (merge->inputs == NULL || merge->heap == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        scoop_spool_reader_init(&merge->inputs[i].reader, &runs->spools[i]);
        merge->input_count++;
        int status = advance(&merge->inputs[i], error);
        if (status < 0)
            return -1;
        if (status > 0)
            merge->heap[merge->heap_count++] = i;
    }
    for (size_t i = merge->heap_count; i-- > 0;)
        sink(merge, i);
    return 0;
}

void scoop_group_merge_free(struct scoop_group_merge *merge) {
    for (size_t i = 0; i < merge->input_count; i++)
        scoop_spool_reader_free(&merge->inputs[i].reader);
    scoop_free(merge->inputs);
    scoop_free(merge->heap);
    scoop_buf_free(&merge->group);
    memset(merge, 0, sizeof *merge);
}

/* The least input goes on. 0 or -1. */
static int pass(struct scoop_group_merge *merge, struct scoop_error *error) {
    int status = advance(&merge->inputs[merge->heap[0]], error);
    if (status < 0)
        return -1;
    if (status == 0)
        merge->heap[0] = merge->heap[--merge->heap_count];
    sink(merge, 0);
    return 0;
}

int scoop_group_merge_next(struct scoop_group_merge *merge, struct scoop_error *error) {
    struct scoop_buf *group = &merge->group;
    size_t before = scoop_group_state_bytes(merge->runs->schema);
    if (merge->heap_count == 0)
        return 0;
    const struct merged_run *least = &merge->inputs[merge->heap[0]];
    group->length = 0;
    if (scoop_buf_append(group, least->group, least->bytes, error) != 0 || pass(merge, error) != 0)
        return -1;
    while (merge->heap_count > 0) {
        const struct merged_run *next = &merge->inputs[merge->heap[0]];
        if (scoop_group_compare(group->data, group->length, next->group, next->bytes, before) != 0)
            break;
        scoop_group_state_merge(group->data, next->group, merge->runs->schema);
        if (pass(merge, error) != 0)
            return -1;
    }
    return 1;
}
