#include "table/compare/hash_join.h"

#include "table/compare/fingerprint_join.h"
#include "table/rows/row_build.h"
#include "table/compare/row_log.h"
#include "base/invariant.h"
#include "scoop/memory.h"

enum {
    LOG_PART = 4,   /* of the memory, for recent rows */
    TRY_PART = 4,   /* of the recent rows are new when it is worth while to match */
    MOST_PAUSE = 8, /* times the recent rows */
    COPIED_BYTES = 256 * 1024,
    ROWS_AT_ONCE = 32,
    KEY_CEILING = 1 << 30,
};

enum phase { MATCHING, READING, PAIRING };

struct scoop_sieve {
    struct scoop_join_options options;
    const struct scoop_row_plan *plans;
    enum phase phase;
    struct scoop_verdicts verdicts;
    struct scoop_row_log log;
    struct scoop_matching matching; /* until READING */
    struct scoop_batch copied[2];   /* rows of each side that do not come in batches */
    uint64_t next_try, pause_rows;
    size_t extra_count; /* rows that are told as duplicates */
    uint64_t extras[SCOOP_MOST_EXTRAS];
    uint64_t spilled_rows;
    struct cursor {
        struct scoop_row_reader reader;
        size_t next; /* of the reader's rows */
        bool ended;
    } cursors[2];
    struct scoop_join *pairs;         /* from READING on: rows whose counterpart differs */
    struct scoop_buf key;             /* of such a row */
    struct scoop_delta_counts paired; /* duplicates among them have been counted before */
    size_t beside_bytes;              /* of the memory: all but the join's */
};

struct scoop_sieve *scoop_sieve_new(const struct scoop_join_options *options,
                                    const struct scoop_row_plan *plans, struct scoop_error *error) {
    struct scoop_sieve *sieve = scoop_calloc(1, sizeof *sieve);
    if (sieve == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sieve->options = *options;
    sieve->plans = plans;
    scoop_buf_init(&sieve->key, KEY_CEILING);
    size_t for_log = options->memory_bytes / LOG_PART;
    for (size_t side = 0; side < 2; side++)
        scoop_batch_init(&sieve->copied[side]);
    if (scoop_row_log_init(&sieve->log, options->scratch, &sieve->verdicts, for_log, error) == 0 &&
        scoop_matching_init(&sieve->matching, options->scratch, &sieve->verdicts,
                            options->memory_bytes - for_log, options->cancelled, error) == 0)
        return sieve;
    scoop_sieve_free(sieve);
    return NULL;
}

void scoop_sieve_free(struct scoop_sieve *sieve) {
    if (sieve == NULL)
        return;
    for (size_t side = 0; side < 2; side++)
        scoop_row_reader_free(&sieve->cursors[side].reader);
    scoop_matching_free(&sieve->matching);
    scoop_join_free(sieve->pairs);
    scoop_row_log_free(&sieve->log);
    scoop_verdicts_free(&sieve->verdicts);
    scoop_buf_free(&sieve->key);
    for (size_t side = 0; side < 2; side++)
        scoop_batch_free(&sieve->copied[side]);
    scoop_free(sieve);
}

int scoop_sieve_add_matched(struct scoop_sieve *sieve, struct scoop_key_hash hash,
                            struct scoop_error *error) {
    return scoop_stubs_add_key(sieve->matching.stubs, hash, error);
}

/* Rows that are matched before they leave the memory need not be written. Where exports come in
 * nearly the same order those are most; where they do not, tries become rare. */
static int try_to_match(struct scoop_sieve *sieve, struct scoop_error *error) {
    uint64_t recent = sieve->log.rows - sieve->log.recent[sieve->log.recent_first].head.number;
    if (sieve->log.rows < sieve->next_try)
        return 0;
    int status = scoop_matching_try(&sieve->matching, error);
    if (status < 0)
        return -1;
    if (status > 0 || sieve->pause_rows == 0)
        sieve->pause_rows = recent / TRY_PART;
    else if (sieve->pause_rows < MOST_PAUSE * recent)
        sieve->pause_rows *= 2;
    sieve->next_try = sieve->log.rows + sieve->pause_rows;
    return 0;
}

static int make_room(struct scoop_sieve *sieve, const struct scoop_batch *batch,
                     struct scoop_error *error) {
    while (!scoop_row_log_has_room(&sieve->log, batch))
        if (try_to_match(sieve, error) != 0 || scoop_row_log_retire(&sieve->log, error) != 0)
            return -1;
    return 0;
}

int scoop_sieve_add(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_batch *batch,
                    size_t first, struct scoop_error *error) {
    const uint64_t flags = side == SCOOP_NEW ? SCOOP_STUB_NEW : 0;
    uint64_t number = sieve->log.rows | flags;
    if (first == batch->count)
        return 0;
    if (!SCOOP_INVARIANT(sieve->phase == MATCHING && first < batch->count, error))
        return -1;
    if (make_room(sieve, batch, error) != 0 ||
        scoop_verdicts_reserve(&sieve->verdicts, sieve->log.rows + batch->count - first, error) !=
            0)
        return -1;
    scoop_matching_spare(&sieve->matching, sieve->verdicts.bytes);
    if (!batch->digested)
        scoop_batch_digest(batch);
    for (size_t i = first; i < batch->count; i++) {
        const struct scoop_row *row = &batch->rows[i];
        const struct scoop_stub stub = {row->hash, row->digest, number++};
        if (scoop_stubs_add(sieve->matching.stubs, &stub, error) != 0)
            return -1;
    }
    return scoop_row_log_add(&sieve->log, side, batch, first, error);
}

static int add_copied(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_error *error) {
    struct scoop_batch *batch = &sieve->copied[side];
    int status = scoop_sieve_add(sieve, side, batch, 0, error);
    scoop_batch_clear(batch);
    return status;
}

int scoop_sieve_add_row(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_key_hash hash,
                        const struct scoop_row_bytes *row, struct scoop_error *error) {
    struct scoop_batch *batch = &sieve->copied[side];
    if (batch->text.length + row->length > COPIED_BYTES && add_copied(sieve, side, error) != 0)
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

int scoop_sieve_end_copies(struct scoop_sieve *sieve, struct scoop_error *error) {
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        if (add_copied(sieve, (enum scoop_side)side, error) != 0)
            return -1;
    return 0;
}

static int begin_reading(struct scoop_sieve *sieve, struct scoop_error *error) {
    const struct scoop_matcher *found = &sieve->matching.found;
    struct scoop_join_options options = sieve->options;
    options.counts->unchanged += found->same;
    for (size_t side = 0; side < 2; side++)
        options.counts->duplicates[side] += found->extra[side];
    sieve->extra_count = found->extra_count;
    for (size_t i = 0; i < found->extra_count; i++) {
        sieve->extras[i] = found->extras[i];
        scoop_verdict_set(&sieve->verdicts, found->extras[i], SCOOP_ALONE);
    }
    sieve->spilled_rows = sieve->matching.stubs->spilled;
    scoop_matching_free(&sieve->matching);
    sieve->beside_bytes = scoop_row_log_bytes(&sieve->log) + sieve->verdicts.bytes;
    options.beside_bytes = &sieve->beside_bytes;
    options.counts = &sieve->paired;
    sieve->pairs = scoop_join_new(&options, error);
    sieve->phase = READING;
    for (size_t i = 0; i < SCOOP_CHANGES; i++)
        scoop_sequence_expect(&options.changes[i], sieve->log.rows + 1);
    scoop_row_log_end(&sieve->log);
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        scoop_row_reader_init(&sieve->cursors[side].reader, &sieve->log, (enum scoop_side)side);
    return sieve->pairs == NULL ? -1 : 1;
}

static bool is_extra(const struct scoop_sieve *sieve, uint64_t number) {
    for (size_t i = 0; i < sieve->extra_count; i++)
        if (sieve->extras[i] == number)
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
static struct cursor *first_cursor(struct scoop_sieve *sieve) {
    struct cursor *before = &sieve->cursors[SCOOP_OLD], *now = &sieve->cursors[SCOOP_NEW];
    if (before->ended || now->ended)
        return before->ended ? now->ended ? NULL : now : before;
    return number_at(before) < number_at(now) ? before : now;
}

static void tell_extra(const struct scoop_sieve *sieve, const struct found *found) {
    const struct scoop_numbered_row *row = &found->numbered;
    uint32_t line = found->row->line;
    if (sieve->options.on_duplicate != NULL)
        sieve->options.on_duplicate(sieve->options.user, row->side, &row->bytes,
                                    line == SCOOP_NO_LINE ? 0
                                                          : found->reader->head.first_line + line);
}

static int settle(struct scoop_sieve *sieve, const struct found *found, struct scoop_error *error) {
    const struct scoop_join_options *options = &sieve->options;
    uint64_t number = found->reader->head.number + found->row->index;
    if (is_extra(sieve, number)) {
        tell_extra(sieve, found);
        return 0;
    }
    if (scoop_verdict_of(&sieve->verdicts, number) == SCOOP_PAIR)
        return scoop_join_add(sieve->pairs, &found->numbered, error);
    return scoop_settle_one(options->changes, options->counts, &found->numbered, error);
}

/* Takes a row, and tells the join what it will look for. */
static int find_row(struct scoop_sieve *sieve, struct cursor *cursor, struct found *found,
                    struct scoop_error *error) {
    const struct scoop_row_reader *reader = &cursor->reader;
    *found = (struct found){.reader = reader, .row = &reader->rows[cursor->next]};
    struct scoop_numbered_row *row = &found->numbered;
    row->side = reader->side;
    row->number = number_at(cursor) + 1;
    row->bytes = scoop_row_reader_bytes(reader, found->row);
    cursor->next++;
    if (scoop_row_hash_key(&sieve->plans[row->side], &row->bytes, &sieve->key, &row->hash, error) !=
        0)
        return -1;
    scoop_join_prefetch(sieve->pairs, row->hash);
    return 0;
}

/* Some rows at a time, in the order of their numbers, up to the end of a block. */
static int settle_some(struct scoop_sieve *sieve, struct cursor **cursor,
                       struct scoop_error *error) {
    struct found found[ROWS_AT_ONCE];
    size_t count = 0;
    while (count < ROWS_AT_ONCE && (*cursor)->next < (*cursor)->reader.head.count) {
        if (find_row(sieve, *cursor, &found[count++], error) != 0)
            return -1;
        if ((*cursor)->next < (*cursor)->reader.head.count)
            *cursor = first_cursor(sieve);
    }
    for (size_t i = 0; i < count; i++)
        if (settle(sieve, &found[i], error) != 0)
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

static int read_blocks(struct scoop_sieve *sieve, struct scoop_error *error) {
    for (size_t side = 0; side < 2; side++)
        if (fill_cursor(&sieve->cursors[side], error) != 0)
            return -1;
    struct cursor *cursor = first_cursor(sieve);
    if (cursor == NULL)
        sieve->phase = PAIRING;
    while (cursor != NULL && cursor->next < cursor->reader.head.count)
        if (settle_some(sieve, &cursor, error) != 0)
            return -1;
    return 1;
}

int scoop_sieve_finish(struct scoop_sieve *sieve, struct scoop_error *error) {
    int status;
    switch (sieve->phase) {
    case MATCHING:
        status = scoop_matching_finish(&sieve->matching, error);
        return status == 0 ? begin_reading(sieve, error) : status;
    case READING:
        return read_blocks(sieve, error);
    case PAIRING:
        break;
    }
    status = scoop_join_finish(sieve->pairs, error);
    if (status == 0)
        sieve->options.counts->updated += sieve->paired.updated;
    return status;
}

uint64_t scoop_sieve_spilled(const struct scoop_sieve *sieve) {
    uint64_t by_now = sieve->matching.stubs == NULL ? 0 : sieve->matching.stubs->spilled;
    return sieve->spilled_rows + by_now +
           (sieve->pairs == NULL ? 0 : scoop_join_spilled(sieve->pairs));
}
