/* For tests: compares two CSV texts with everything in one process and one thread, cut into batches
 * as asked. */
#ifndef DELTA_RUN_H
#define DELTA_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "table/changes/changes.h"
#include "table/compare/compare.h"
#include "table/compare/key_order.h"
#include "table/rows/csv.h"

struct delta_options {
    size_t memory_bytes; /* of the join; 0: plenty */
    size_t batch_bytes;  /* 0: all at once */
    bool keep_last;
    const char *temp_dir;
};

struct delta_side {
    const char *text;
    size_t length, at;
    struct scoop_csv csv;
    struct scoop_key_order key_order;
    struct scoop_batch batch;
    struct scoop_columns columns;
};

struct delta_run {
    struct delta_options options;
    struct delta_side sides[2];
    struct scoop_changes *changes;
    struct scoop_delta_counts counts;
    struct scoop_compare_facts facts;
    struct scoop_buf json;
    int result;
    struct scoop_error error;
};

/* The next rows: more text is taken until at least one row is whole. */
static inline int delta_fill(struct delta_side *side, size_t step, struct scoop_error *error) {
    size_t length = 0, used = 0;
    bool last = false;
    while (used == 0 && !last) {
        length = length + step < side->length - side->at ? length + step : side->length - side->at;
        last = length == side->length - side->at;
        scoop_batch_clear(&side->batch);
        if (scoop_buf_append(&side->batch.text, side->text + side->at, length, error) != 0 ||
            scoop_buf_reserve(&side->batch.text, SCOOP_CSV_PADDING, error) != 0)
            return -1;
        memset(side->batch.text.data + length, 0, SCOOP_CSV_PADDING);
        if (scoop_csv_scan(&side->csv, &side->batch, last, &used, error) != 0)
            return -1;
    }
    side->at += used;
    side->batch.last = last;
    return scoop_key_order_check(&side->key_order, &side->batch, error);
}

static inline enum scoop_next delta_next(void *user, enum scoop_side side,
                                         struct scoop_batch **batch, struct scoop_error *error) {
    struct delta_run *run = user;
    size_t step =
        run->options.batch_bytes == 0 ? run->sides[side].length + 1 : run->options.batch_bytes;
    if (delta_fill(&run->sides[side], step, error) != 0)
        return SCOOP_NEXT_FAILED;
    *batch = &run->sides[side].batch;
    return SCOOP_NEXT_BATCH;
}

static inline int delta_read_header(struct delta_side *side, const char *text,
                                    struct scoop_error *error) {
    side->text = text;
    side->length = strlen(text);
    scoop_csv_init(&side->csv);
    scoop_key_order_init(&side->key_order);
    scoop_batch_init(&side->batch);
    return scoop_csv_header(&side->csv, (const unsigned char *)text, side->length, true,
                            &side->columns, &side->at, error);
}

static inline int delta_compare(struct delta_run *run, struct scoop_error *error) {
    const struct scoop_compare_options options = {
        .scratch = &run->changes->scratch,
        .counts = &run->counts,
        .plans = run->changes->plans,
        .changes = &run->changes->spools[0],
        .one_side = &run->changes->spools[1],
        .memory_bytes =
            run->options.memory_bytes == 0 ? (size_t)1 << 30 : run->options.memory_bytes,
        .keep_last = run->options.keep_last,
        .next = delta_next,
        .user = run,
    };
    struct scoop_compare *compare = scoop_compare_new(&options, error);
    if (compare == NULL)
        return -1;
    enum scoop_compare_state state;
    do
        state = scoop_compare_step(compare, error);
    while (state == SCOOP_COMPARE_MOVED);
    scoop_compare_facts(compare, &run->facts);
    scoop_compare_free(compare);
    return state == SCOOP_COMPARE_DONE ? 0 : -1;
}

static inline int delta_print(struct delta_run *run, struct scoop_error *error) {
    struct scoop_changes_reader *reader = scoop_changes_reader_new(run->changes, error);
    if (reader == NULL)
        return -1;
    int status = scoop_changes_read_json(reader, SIZE_MAX, &run->json, error);
    scoop_changes_reader_free(reader);
    if (status == 0 && scoop_buf_text(&run->json, error) == NULL)
        return -1;
    return status;
}

static inline int delta_try(struct delta_run *run, const char *old_text, const char *new_text,
                            const char *key, struct scoop_error *error) {
    if (delta_read_header(&run->sides[0], old_text, error) != 0 ||
        delta_read_header(&run->sides[1], new_text, error) != 0)
        return -1;
    run->changes = scoop_changes_new(run->options.temp_dir, "", "", error);
    if (run->changes == NULL)
        return -1;
    const struct scoop_plan_options plan = {.old_columns = &run->sides[0].columns,
                                            .new_columns = &run->sides[1].columns,
                                            .keys = &key,
                                            .key_count = 1,
                                            .old_name = "old",
                                            .new_name = "new"};
    if (scoop_row_plans(&plan, run->changes->plans, error) != 0 ||
        scoop_changes_prepare(run->changes, error) != 0)
        return -1;
    run->sides[0].csv.plan = &run->changes->plans[0];
    run->sides[1].csv.plan = &run->changes->plans[1];
    return delta_compare(run, error) == 0 ? delta_print(run, error) : -1;
}

/* The caller ends with delta_run_free. */
static inline void delta_run(struct delta_run *run, const char *old_text, const char *new_text,
                             const struct delta_options *options) {
    memset(run, 0, sizeof *run);
    if (options != NULL)
        run->options = *options;
    scoop_buf_init(&run->json, (size_t)1 << 30);
    run->result = delta_try(run, old_text, new_text, "k", &run->error);
}

static inline void delta_run_free(struct delta_run *run) {
    for (int i = 0; i < 2; i++) {
        scoop_csv_free(&run->sides[i].csv);
        scoop_key_order_free(&run->sides[i].key_order);
        scoop_batch_free(&run->sides[i].batch);
        scoop_columns_free(&run->sides[i].columns);
    }
    scoop_changes_give(run->changes);
    scoop_buf_free(&run->json);
}

#endif
