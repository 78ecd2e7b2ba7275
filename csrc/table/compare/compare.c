#include "table/compare/compare.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "table/compare/hash_join.h"
#include "table/compare/merged_keys.h"
#include "table/compare/row_join.h"

enum { STEP_ROWS = 4096, PREFETCH_ROWS = 8 };

enum phase { BEGINNING, MERGING, JOINING, FINISHING, ORDERING, DONE };

struct cursor {
    struct scoop_batch *batch;
    size_t next;
    bool ended;
};

struct scoop_compare {
    struct scoop_compare_options options;
    enum phase phase;
    enum scoop_order order;
    struct cursor cursors[2];
    struct scoop_merged_keys merged_keys;
    struct scoop_change_sort changes[SCOOP_CHANGES];
    uint64_t one_side_rows[2];
    struct scoop_row_join *row_join; /* of whole rows, when of rows with one key the last counts */
    struct scoop_hash_join *hash_join; /* otherwise */
    uint64_t taken[2];                 /* rows that these took */
    uint64_t joined;                   /* the number of the last row that the join took */
    struct scoop_compare_facts facts;
};

struct scoop_compare *scoop_compare_new(const struct scoop_compare_options *options,
                                        struct scoop_error *error) {
    struct scoop_compare *compare = scoop_calloc(1, sizeof *compare);
    if (compare == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    compare->options = *options;
    struct scoop_spool *spools[] = {options->changes, options->one_side};
    for (size_t i = 0; i < SCOOP_CHANGES; i++) {
        const struct scoop_change_sort_options changes = {
            .changes = spools[i],
            .scratch = options->scratch,
            .cancelled = options->cancelled,
            .memory_bytes = options->memory_bytes,
        };
        scoop_change_sort_init(&compare->changes[i], &changes);
    }
    scoop_merged_keys_init(&compare->merged_keys, options->scratch);
    return compare;
}

void scoop_compare_facts(const struct scoop_compare *compare, struct scoop_compare_facts *facts) {
    *facts = compare->facts;
    if (compare->row_join != NULL)
        facts->spilled_rows = scoop_row_join_spilled(compare->row_join);
    if (compare->hash_join != NULL)
        facts->spilled_rows = scoop_hash_join_spilled(compare->hash_join);
}

/* What is not needed any more once the changes are there. */
static void let_go(struct scoop_compare *compare) {
    scoop_compare_facts(compare, &compare->facts);
    scoop_merged_keys_free(&compare->merged_keys);
    scoop_row_join_free(compare->row_join);
    scoop_hash_join_free(compare->hash_join);
    compare->row_join = NULL;
    compare->hash_join = NULL;
}

void scoop_compare_free(struct scoop_compare *compare) {
    if (compare == NULL)
        return;
    let_go(compare);
    for (size_t i = 0; i < SCOOP_CHANGES; i++)
        scoop_change_sort_free(&compare->changes[i]);
    scoop_free(compare);
}

static enum scoop_next fill(struct scoop_compare *compare, enum scoop_side side,
                            struct scoop_error *error) {
    struct cursor *cursor = &compare->cursors[side];
    while (!cursor->ended && (cursor->batch == NULL || cursor->next == cursor->batch->count)) {
        if (cursor->batch != NULL && cursor->batch->last) {
            cursor->ended = true;
            break;
        }
        struct scoop_batch *batch;
        enum scoop_next next = compare->options.next(compare->options.user, side, &batch, error);
        if (next != SCOOP_NEXT_BATCH)
            return next;
        if (!SCOOP_INVARIANT(batch != NULL && batch->count <= batch->capacity, error))
            return SCOOP_NEXT_FAILED;
        cursor->batch = batch;
        cursor->next = 0;
        compare->facts.rows[side] += batch->count;
    }
    return SCOOP_NEXT_BATCH;
}

static const struct scoop_row *row_at(const struct cursor *cursor) {
    return &cursor->batch->rows[cursor->next];
}

static struct scoop_row_bytes bytes_of(const struct cursor *cursor, const struct scoop_row *row) {
    return (struct scoop_row_bytes){scoop_row_data(cursor->batch, row), row->length, row->compared};
}

static int add_matched(void *user, const unsigned char *key, size_t length,
                       struct scoop_error *error) {
    return scoop_hash_join_add_matched(user, scoop_key_hash_of(key, length), error);
}

/* Gives what the merge join has found to a hash join, which goes on from there. */
static int fall_over(struct scoop_compare *compare, struct scoop_error *error) {
    SCOOP_TRACE("delta", "the keys are in no order that both exports keep: rows are matched");
    const struct scoop_join_options options = {
        .scratch = compare->options.scratch,
        .changes = compare->changes,
        .counts = compare->options.counts,
        .cancelled = compare->options.cancelled,
        .memory_bytes = compare->options.memory_bytes,
        .keep_last = compare->options.keep_last,
        .on_duplicate = compare->options.on_duplicate,
        .user = compare->options.user,
    };
    struct scoop_spool_reader reader;
    struct scoop_record record;
    compare->phase = JOINING;
    /* A merge needs next to nothing; now files that lie in memory have less. */
    if (scoop_scratch_reserve(options.scratch, options.memory_bytes, error) != 0)
        return -1;
    if (options.keep_last) {
        compare->row_join = scoop_row_join_new(&options, error);
        return compare->row_join == NULL ? -1 : 0;
    }
    compare->hash_join = scoop_hash_join_new(&options, compare->options.plans, error);
    if (compare->hash_join == NULL || scoop_merged_keys_replay(&compare->merged_keys, add_matched,
                                                               compare->hash_join, error) != 0)
        return -1;
    int status;
    scoop_spool_reader_init(&reader, compare->options.one_side);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        enum scoop_side side = record.kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
        if (scoop_hash_join_add_row(compare->hash_join, side, record.hash, &record.row, error) !=
            0) {
            status = -1;
            break;
        }
    }
    scoop_spool_reader_free(&reader);
    scoop_spool_clear(compare->options.one_side);
    scoop_merged_keys_free(&compare->merged_keys);
    return status == 0 ? scoop_hash_join_end_copies(compare->hash_join, error) : -1;
}

static bool in_order(const struct scoop_compare *compare, enum scoop_order order) {
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++) {
        const struct scoop_batch *batch = compare->cursors[side].batch;
        if (batch != NULL && !batch->sorted[order])
            return false;
    }
    return true;
}

static enum scoop_compare_state begin(struct scoop_compare *compare, struct scoop_error *error) {
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++) {
        enum scoop_next next = fill(compare, (enum scoop_side)side, error);
        if (next != SCOOP_NEXT_BATCH)
            return next == SCOOP_NEXT_WAIT ? SCOOP_COMPARE_WAITS : SCOOP_COMPARE_FAILED;
    }
    compare->phase = MERGING;
    if (!compare->options.keep_last && in_order(compare, SCOOP_ORDER_NUMBERS))
        compare->order = SCOOP_ORDER_NUMBERS;
    else if (!compare->options.keep_last && in_order(compare, SCOOP_ORDER_BYTES))
        compare->order = SCOOP_ORDER_BYTES;
    else if (fall_over(compare, error) != 0)
        return SCOOP_COMPARE_FAILED;
    return SCOOP_COMPARE_MOVED;
}

/* The row of one side only, as far as is known. */
static int merge_one(struct scoop_compare *compare, enum scoop_side side,
                     struct scoop_error *error) {
    struct cursor *cursor = &compare->cursors[side];
    const struct scoop_row *row = row_at(cursor);
    struct scoop_record record = {.kind = side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW,
                                  .hash = row->hash,
                                  .row = bytes_of(cursor, row)};
    cursor->next++;
    compare->one_side_rows[side]++;
    return scoop_spool_add(compare->options.one_side, &record, error);
}

static int merge_both(struct scoop_compare *compare, struct scoop_error *error) {
    struct cursor *before = &compare->cursors[SCOOP_OLD], *now = &compare->cursors[SCOOP_NEW];
    const struct scoop_row *row = row_at(now);
    struct scoop_row_bytes before_bytes = bytes_of(before, row_at(before));
    struct scoop_row_bytes now_bytes = bytes_of(now, row);
    if (scoop_emit_both(compare->changes, compare->options.counts, 0, &before_bytes, &now_bytes,
                        error) != 0 ||
        scoop_merged_keys_add(&compare->merged_keys, scoop_row_key(now->batch, row),
                              row->key_length, error) != 0)
        return -1;
    before->next++;
    now->next++;
    return 0;
}

/* Leaves out a row whose key the row before it had. */
static bool skip_repeated(struct scoop_compare *compare, enum scoop_side side) {
    struct cursor *cursor = &compare->cursors[side];
    if (cursor->ended || !row_at(cursor)->repeats)
        return false;
    const struct scoop_row *row = row_at(cursor);
    struct scoop_row_bytes bytes = bytes_of(cursor, row);
    compare->options.counts->duplicates[side]++;
    if (compare->options.on_duplicate != NULL)
        compare->options.on_duplicate(compare->options.user, side, &bytes,
                                      cursor->batch->first_line + row->line);
    cursor->next++;
    return true;
}

static int merge_rows(struct scoop_compare *compare, struct scoop_error *error) {
    const struct cursor *before = &compare->cursors[SCOOP_OLD];
    const struct cursor *now = &compare->cursors[SCOOP_NEW];
    if (skip_repeated(compare, SCOOP_OLD) || skip_repeated(compare, SCOOP_NEW))
        return 0;
    if (before->ended || now->ended)
        return merge_one(compare, before->ended ? SCOOP_NEW : SCOOP_OLD, error);
    const struct scoop_row *a = row_at(before), *b = row_at(now);
    int order = scoop_key_compare(compare->order, scoop_row_key(before->batch, a), a->key_length,
                                  scoop_row_key(now->batch, b), b->key_length);
    return order == 0 ? merge_both(compare, error)
                      : merge_one(compare, order < 0 ? SCOOP_OLD : SCOOP_NEW, error);
}

static bool both_ended(const struct scoop_compare *compare) {
    return compare->cursors[SCOOP_OLD].ended && compare->cursors[SCOOP_NEW].ended;
}

static enum scoop_compare_state merge(struct scoop_compare *compare, struct scoop_error *error) {
    for (int i = 0; i < STEP_ROWS; i++) {
        for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++) {
            enum scoop_next next = fill(compare, (enum scoop_side)side, error);
            if (next != SCOOP_NEXT_BATCH)
                return next == SCOOP_NEXT_WAIT ? SCOOP_COMPARE_WAITS : SCOOP_COMPARE_FAILED;
        }
        if (both_ended(compare)) {
            compare->phase = FINISHING;
            break;
        }
        if (!in_order(compare, compare->order))
            return fall_over(compare, error) == 0 ? SCOOP_COMPARE_MOVED : SCOOP_COMPARE_FAILED;
        if (merge_rows(compare, error) != 0)
            return SCOOP_COMPARE_FAILED;
    }
    return SCOOP_COMPARE_MOVED;
}

/* The side whose batch is next: that of which fewer rows came. So the order of the changes depends
 * on the exports only, not on who was faster. */
static enum scoop_side whose_turn(const struct scoop_compare *compare) {
    const struct cursor *cursors = compare->cursors;
    if (cursors[SCOOP_OLD].ended || cursors[SCOOP_NEW].ended)
        return cursors[SCOOP_OLD].ended ? SCOOP_NEW : SCOOP_OLD;
    return compare->taken[SCOOP_OLD] <= compare->taken[SCOOP_NEW] ? SCOOP_OLD : SCOOP_NEW;
}

/* The rows of a batch that are left. */
static int join_each(struct scoop_compare *compare, enum scoop_side side,
                     struct scoop_error *error) {
    struct cursor *cursor = &compare->cursors[side];
    const struct scoop_batch *batch = cursor->batch;
    for (; cursor->next < batch->count; cursor->next++) {
        const struct scoop_row *row = row_at(cursor);
        const struct scoop_numbered_row numbered = {.side = side,
                                                    .hash = row->hash,
                                                    .number = ++compare->joined,
                                                    .line = batch->first_line + row->line,
                                                    .bytes = bytes_of(cursor, row)};
        if (cursor->next + 2 * PREFETCH_ROWS < batch->count) {
            scoop_row_join_prefetch(compare->row_join, row[2 * PREFETCH_ROWS].hash);
            scoop_row_join_prefetch_row(compare->row_join, row[PREFETCH_ROWS].hash);
        }
        if (scoop_row_join_add(compare->row_join, &numbered, error) != 0)
            return -1;
    }
    return 0;
}

static int join_batch(struct scoop_compare *compare, enum scoop_side side,
                      struct scoop_error *error) {
    struct cursor *cursor = &compare->cursors[side];
    size_t first = cursor->next;
    cursor->next = cursor->batch->count;
    return scoop_hash_join_add(compare->hash_join, side, cursor->batch, first, error);
}

static enum scoop_compare_state join(struct scoop_compare *compare, struct scoop_error *error) {
    enum scoop_side side = whose_turn(compare);
    struct cursor *cursor = &compare->cursors[side];
    enum scoop_next next = fill(compare, side, error);
    if (next != SCOOP_NEXT_BATCH)
        return next == SCOOP_NEXT_WAIT ? SCOOP_COMPARE_WAITS : SCOOP_COMPARE_FAILED;
    if (!cursor->ended) {
        compare->taken[side] += cursor->batch->count - cursor->next;
        int status = compare->hash_join != NULL ? join_batch(compare, side, error)
                                                : join_each(compare, side, error);
        if (status != 0)
            return SCOOP_COMPARE_FAILED;
    }
    if (both_ended(compare)) {
        compare->phase = FINISHING;
        if (compare->row_join != NULL)
            for (size_t i = 0; i < SCOOP_CHANGES; i++)
                scoop_change_sort_expect(&compare->changes[i], compare->joined + 1);
    }
    return SCOOP_COMPARE_MOVED;
}

static enum scoop_compare_state finish(struct scoop_compare *compare, struct scoop_error *error) {
    int status = 0;
    if (!SCOOP_INVARIANT(both_ended(compare), error) ||
        !SCOOP_INVARIANT(compare->row_join == NULL || compare->hash_join == NULL, error))
        return SCOOP_COMPARE_FAILED;
    if (compare->row_join != NULL) {
        status = scoop_row_join_finish(compare->row_join, error);
    } else if (compare->hash_join != NULL) {
        status = scoop_hash_join_finish(compare->hash_join, error);
    } else {
        compare->facts.merged = true;
        compare->options.counts->deleted += compare->one_side_rows[SCOOP_OLD];
        compare->options.counts->inserted += compare->one_side_rows[SCOOP_NEW];
    }
    if (status == 0) {
        let_go(compare);
        compare->phase = ORDERING;
    }
    return status < 0 ? SCOOP_COMPARE_FAILED : SCOOP_COMPARE_MOVED;
}

static enum scoop_compare_state put_in_order(struct scoop_compare *compare,
                                             struct scoop_error *error) {
    int status = 0;
    for (size_t i = 0; i < SCOOP_CHANGES && status == 0; i++)
        status = scoop_change_sort_finish(&compare->changes[i], error);
    if (status == 0)
        compare->phase = DONE;
    return status < 0 ? SCOOP_COMPARE_FAILED : SCOOP_COMPARE_MOVED;
}

enum scoop_compare_state scoop_compare_step(struct scoop_compare *compare,
                                            struct scoop_error *error) {
    switch (compare->phase) {
    case BEGINNING:
        return begin(compare, error);
    case MERGING:
        return merge(compare, error);
    case JOINING:
        return join(compare, error);
    case FINISHING:
        return finish(compare, error);
    case ORDERING:
        return put_in_order(compare, error);
    case DONE:
        break;
    }
    return SCOOP_COMPARE_DONE;
}
