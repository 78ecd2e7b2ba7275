#include "table/compare/hash_join.h"

#include "base/invariant.h"
#include "scoop/memory.h"
#include "table/compare/fingerprint_join.h"
#include "table/compare/row_join.h"
#include "table/compare/row_log.h"
#include "table/rows/row_build.h"

enum {
    LOG_PART = 4,   /* of the memory, for recent rows */
    TRY_PART = 4,   /* of the recent rows are new when it is worth while to match */
    MOST_PAUSE = 8, /* times the recent rows */
    COPIED_BYTES = 256 * 1024,
    ROWS_AT_ONCE = 32,
    KEY_CEILING = 1 << 30,
};

enum phase { JOINING_FINGERPRINTS, READING_ROWS, JOINING_ROWS };

struct scoop_hash_join {
    struct scoop_join_options options;
    const struct scoop_row_plan *plans;
    enum phase phase;
    struct scoop_match_flags flags;
    struct scoop_row_log log;
    struct scoop_fingerprint_join fingerprints; /* until READING_ROWS */
    struct scoop_batch copied[2];               /* rows of each side that do not come in batches */
    uint64_t next_try, pause_rows;
    size_t shown_count; /* rows that are told as duplicates */
    uint64_t shown[SCOOP_DUPLICATES_SHOWN];
    uint64_t spilled_rows;
    struct cursor {
        struct scoop_row_reader reader;
        size_t next; /* of the reader's rows */
        bool ended;
    } cursors[2];
    struct scoop_row_join *rows;      /* from READING_ROWS on: rows whose counterpart differs */
    struct scoop_buf key;             /* of such a row */
    struct scoop_delta_counts paired; /* duplicates among them have been counted before */
    size_t beside_bytes;              /* of the memory: all but the row join's */
};

struct scoop_hash_join *scoop_hash_join_new(const struct scoop_join_options *options,
                                            const struct scoop_row_plan *plans,
                                            struct scoop_error *error) {
    struct scoop_hash_join *join = scoop_calloc(1, sizeof *join);
    if (join == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    join->options = *options;
    join->plans = plans;
    scoop_buf_init(&join->key, KEY_CEILING);
    size_t for_log = options->memory_bytes / LOG_PART;
    for (size_t side = 0; side < 2; side++)
        scoop_batch_init(&join->copied[side]);
    if (scoop_row_log_init(&join->log, options->scratch, &join->flags, for_log, error) == 0 &&
        scoop_fingerprint_join_init(&join->fingerprints, options->scratch, &join->flags,
                                    options->memory_bytes - for_log, options->cancelled,
                                    error) == 0)
        return join;
    scoop_hash_join_free(join);
    return NULL;
}

void scoop_hash_join_free(struct scoop_hash_join *join) {
    if (join == NULL)
        return;
    for (size_t side = 0; side < 2; side++)
        scoop_row_reader_free(&join->cursors[side].reader);
    scoop_fingerprint_join_free(&join->fingerprints);
    scoop_row_join_free(join->rows);
    scoop_row_log_free(&join->log);
    scoop_match_flags_free(&join->flags);
    scoop_buf_free(&join->key);
    for (size_t side = 0; side < 2; side++)
        scoop_batch_free(&join->copied[side]);
    scoop_free(join);
}

int scoop_hash_join_add_matched(struct scoop_hash_join *join, struct scoop_key_hash hash,
                                struct scoop_error *error) {
    return scoop_hash_partitions_add_key(join->fingerprints.partitions, hash, error);
}

/* Rows that are matched before they leave the memory need not be written. Where exports come in
 * nearly the same order those are most; where they do not, tries become rare. */
static int try_to_match(struct scoop_hash_join *join, struct scoop_error *error) {
    uint64_t recent = join->log.rows - join->log.recent[join->log.recent_first].head.number;
    if (join->log.rows < join->next_try)
        return 0;
    int status = scoop_fingerprint_join_try(&join->fingerprints, error);
    if (status < 0)
        return -1;
    if (status > 0 || join->pause_rows == 0)
        join->pause_rows = recent / TRY_PART;
    else if (join->pause_rows < MOST_PAUSE * recent)
        join->pause_rows *= 2;
    join->next_try = join->log.rows + join->pause_rows;
    return 0;
}

static int make_room(struct scoop_hash_join *join, const struct scoop_batch *batch,
                     struct scoop_error *error) {
    while (!scoop_row_log_has_room(&join->log, batch))
        if (try_to_match(join, error) != 0 || scoop_row_log_evict(&join->log, error) != 0)
            return -1;
    return 0;
}

int scoop_hash_join_add(struct scoop_hash_join *join, enum scoop_side side,
                        struct scoop_batch *batch, size_t first, struct scoop_error *error) {
    const uint64_t side_bit = side == SCOOP_NEW ? SCOOP_FINGERPRINT_NEW : 0;
    uint64_t number = join->log.rows | side_bit;
    if (first == batch->count)
        return 0;
    if (!SCOOP_INVARIANT(join->phase == JOINING_FINGERPRINTS && first < batch->count, error))
        return -1;
    if (make_room(join, batch, error) != 0 ||
        scoop_match_flags_reserve(&join->flags, join->log.rows + batch->count - first, error) != 0)
        return -1;
    scoop_fingerprint_join_spare(&join->fingerprints, join->flags.bytes);
    if (!batch->digested)
        scoop_batch_digest(batch);
    for (size_t i = first; i < batch->count; i++) {
        const struct scoop_row *row = &batch->rows[i];
        const struct scoop_fingerprint fingerprint = {row->hash, row->digest, number++};
        if (scoop_hash_partitions_add(join->fingerprints.partitions, &fingerprint, error) != 0)
            return -1;
    }
    return scoop_row_log_add(&join->log, side, batch, first, error);
}

static int add_copied(struct scoop_hash_join *join, enum scoop_side side,
                      struct scoop_error *error) {
    struct scoop_batch *batch = &join->copied[side];
    int status = scoop_hash_join_add(join, side, batch, 0, error);
    scoop_batch_clear(batch);
    return status;
}

int scoop_hash_join_add_row(struct scoop_hash_join *join, enum scoop_side side,
                            struct scoop_key_hash hash, const struct scoop_row_bytes *row,
                            struct scoop_error *error) {
    struct scoop_batch *batch = &join->copied[side];
    if (batch->text.length + row->length > COPIED_BYTES && add_copied(join, side, error) != 0)
        return -1;
    struct scoop_row *copy = scoop_batch_add(batch, error);
    if (copy == NULL)
        return -1;
    copy->hash = hash;
    copy->at = (uint32_t)batch->text.length;
    copy->length = row->length;
    copy->compared = row->compared;
    copy->line = SCOOP_NO_LINE;
    return scoop_buf_append(&batch->text, row->data, row->length, error);
}

int scoop_hash_join_end_copies(struct scoop_hash_join *join, struct scoop_error *error) {
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        if (add_copied(join, (enum scoop_side)side, error) != 0)
            return -1;
    return 0;
}

static int begin_reading(struct scoop_hash_join *join, struct scoop_error *error) {
    const struct scoop_probe *found = &join->fingerprints.found;
    struct scoop_join_options options = join->options;
    options.counts->unchanged += found->same;
    for (size_t side = 0; side < 2; side++)
        options.counts->duplicates[side] += found->duplicates[side];
    join->shown_count = found->shown_count;
    for (size_t i = 0; i < found->shown_count; i++) {
        join->shown[i] = found->shown[i];
        scoop_match_set(&join->flags, found->shown[i], SCOOP_MATCH_NONE);
    }
    join->spilled_rows = join->fingerprints.partitions->spilled;
    scoop_fingerprint_join_free(&join->fingerprints);
    join->beside_bytes = scoop_row_log_bytes(&join->log) + join->flags.bytes;
    options.beside_bytes = &join->beside_bytes;
    options.counts = &join->paired;
    join->rows = scoop_row_join_new(&options, error);
    join->phase = READING_ROWS;
    for (size_t i = 0; i < SCOOP_CHANGES; i++)
        scoop_change_sort_expect(&options.changes[i], join->log.rows + 1);
    scoop_row_log_end(&join->log);
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        scoop_row_reader_init(&join->cursors[side].reader, &join->log, (enum scoop_side)side);
    return join->rows == NULL ? -1 : 1;
}

static bool is_shown(const struct scoop_hash_join *join, uint64_t number) {
    for (size_t i = 0; i < join->shown_count; i++)
        if (join->shown[i] == number)
            return true;
    return false;
}

/* A row of the log. */
struct found {
    const struct scoop_row_reader *reader;
    const struct scoop_log_row *row;
    struct scoop_numbered_row numbered;
};

static uint64_t number_at(const struct cursor *cursor) {
    return cursor->reader.head.number + cursor->reader.rows[cursor->next].index;
}

/* The cursor whose row has the lower number; NULL: both have ended. */
static struct cursor *first_cursor(struct scoop_hash_join *join) {
    struct cursor *before = &join->cursors[SCOOP_OLD], *now = &join->cursors[SCOOP_NEW];
    if (before->ended || now->ended)
        return before->ended ? now->ended ? NULL : now : before;
    return number_at(before) < number_at(now) ? before : now;
}

static void tell_duplicate(const struct scoop_hash_join *join, const struct found *found) {
    const struct scoop_numbered_row *row = &found->numbered;
    uint32_t line = found->row->line;
    if (join->options.on_duplicate != NULL)
        join->options.on_duplicate(join->options.user, row->side, &row->bytes,
                                   line == SCOOP_NO_LINE ? 0
                                                         : found->reader->head.first_line + line);
}

static int take_row(struct scoop_hash_join *join, const struct found *found,
                    struct scoop_error *error) {
    const struct scoop_join_options *options = &join->options;
    uint64_t number = found->reader->head.number + found->row->index;
    if (is_shown(join, number)) {
        tell_duplicate(join, found);
        return 0;
    }
    if (scoop_match_of(&join->flags, number) == SCOOP_MATCH_DIFFERENT)
        return scoop_row_join_add(join->rows, &found->numbered, error);
    return scoop_emit_one(options->changes, options->counts, &found->numbered, error);
}

/* Takes a row, and tells the row join what it will look for. */
static int find_row(struct scoop_hash_join *join, struct cursor *cursor, struct found *found,
                    struct scoop_error *error) {
    const struct scoop_row_reader *reader = &cursor->reader;
    *found = (struct found){.reader = reader, .row = &reader->rows[cursor->next]};
    struct scoop_numbered_row *row = &found->numbered;
    row->side = reader->side;
    row->number = number_at(cursor) + 1;
    row->bytes = scoop_row_reader_bytes(reader, found->row);
    cursor->next++;
    if (scoop_row_hash_key(&join->plans[row->side], &row->bytes, &join->key, &row->hash, error) !=
        0)
        return -1;
    scoop_row_join_prefetch(join->rows, row->hash);
    return 0;
}

/* Some rows at a time, in the order of their numbers, up to the end of a block. */
static int take_some(struct scoop_hash_join *join, struct cursor **cursor,
                     struct scoop_error *error) {
    struct found found[ROWS_AT_ONCE];
    size_t count = 0;
    while (count < ROWS_AT_ONCE && (*cursor)->next < (*cursor)->reader.head.count) {
        if (find_row(join, *cursor, &found[count++], error) != 0)
            return -1;
        if ((*cursor)->next < (*cursor)->reader.head.count)
            *cursor = first_cursor(join);
    }
    for (size_t i = 0; i < count; i++)
        if (take_row(join, &found[i], error) != 0)
            return -1;
    return 0;
}

static int fill_cursor(struct cursor *cursor, struct scoop_error *error) {
    if (cursor->ended || cursor->next < cursor->reader.head.count)
        return 0;
    int status = scoop_row_reader_next(&cursor->reader, error);
    cursor->next = 0;
    cursor->ended = status == 0;
    return status < 0 ? -1 : 0;
}

static int read_blocks(struct scoop_hash_join *join, struct scoop_error *error) {
    for (size_t side = 0; side < 2; side++)
        if (fill_cursor(&join->cursors[side], error) != 0)
            return -1;
    struct cursor *cursor = first_cursor(join);
    if (cursor == NULL)
        join->phase = JOINING_ROWS;
    while (cursor != NULL && cursor->next < cursor->reader.head.count)
        if (take_some(join, &cursor, error) != 0)
            return -1;
    return 1;
}

int scoop_hash_join_finish(struct scoop_hash_join *join, struct scoop_error *error) {
    int status;
    switch (join->phase) {
    case JOINING_FINGERPRINTS:
        status = scoop_fingerprint_join_finish(&join->fingerprints, error);
        return status == 0 ? begin_reading(join, error) : status;
    case READING_ROWS:
        return read_blocks(join, error);
    case JOINING_ROWS:
        break;
    }
    status = scoop_row_join_finish(join->rows, error);
    if (status == 0)
        join->options.counts->updated += join->paired.updated;
    return status;
}

uint64_t scoop_hash_join_spilled(const struct scoop_hash_join *join) {
    uint64_t by_now =
        join->fingerprints.partitions == NULL ? 0 : join->fingerprints.partitions->spilled;
    return join->spilled_rows + by_now +
           (join->rows == NULL ? 0 : scoop_row_join_spilled(join->rows));
}
