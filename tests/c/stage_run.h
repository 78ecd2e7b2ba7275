/* For tests: runs one stage over a text, cut as asked, and keeps all that comes out of it. */
#ifndef STAGE_RUN_H
#define STAGE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/buffer.h"
#include "scoop/memory.h"
#include "stage/stage.h"

struct stage_run {
    struct scoop_stage sink; /* the chain's end; first, so that a stage * is a stage_run * */
    int result;
    struct scoop_error error;
    struct scoop_counters counters;
    struct scoop_buf out;
    struct scoop_buf rejects; /* "LINE@OFFSET+LENGTH REASON|RECORD\n" each */
    unsigned writes;          /* that reached the sink */
    const unsigned char *last_write;
};

/* Makes the stage under test. */
typedef struct scoop_stage *stage_maker(struct stage_run *run, const void *options);

static inline int stage_run_write(struct scoop_stage *stage, const unsigned char *data,
                                  size_t length, size_t *consumed, struct scoop_error *error) {
    struct stage_run *run = (struct stage_run *)stage;
    *consumed = length;
    run->writes++;
    run->last_write = data;
    return scoop_buf_append(&run->out, data, length, error);
}

static inline int stage_run_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static inline void stage_run_drop(struct scoop_stage *stage) {
    (void)stage;
}

static const struct scoop_stage_type stage_run_sink = {"sink", stage_run_write, stage_run_finish,
                                                       stage_run_drop, NULL};

static inline int stage_run_reject(void *user, const struct scoop_reject *reject,
                                   struct scoop_error *error) {
    struct stage_run *run = user;
    if (scoop_buf_printf(&run->rejects, error, "%llu@%llu+%llu %s|",
                         (unsigned long long)reject->line, (unsigned long long)reject->byte_offset,
                         (unsigned long long)reject->total_length, reject->reason) != 0 ||
        scoop_buf_append(&run->rejects, reject->record, reject->record_length, error) != 0)
        return -1;
    return scoop_buf_append(&run->rejects, "\n", 1, error);
}

/* `chunk` bytes a write; 0: all at once. The caller ends with stage_run_free. */
static inline void stage_run(struct stage_run *run, stage_maker *make, const void *options,
                             const void *text, size_t length, size_t chunk) {
    memset(run, 0, sizeof *run);
    run->sink.type = &stage_run_sink;
    scoop_buf_init(&run->out, (size_t)1 << 30);
    scoop_buf_init(&run->rejects, (size_t)1 << 30);
    run->result = -1;
    struct scoop_stage *stage = make(run, options);
    if (stage == NULL)
        return;
    stage->next = &run->sink;
    const unsigned char *data = text;
    run->result = 0;
    for (size_t at = 0; at < length && run->result == 0;) {
        size_t part = chunk == 0 || chunk > length - at ? length - at : chunk;
        unsigned char *copy = malloc(part); /* so that a sanitizer sees every byte beyond */
        assert_non_null(copy);
        memcpy(copy, data + at, part);
        run->result = scoop_stage_push(stage, copy, part, &run->error);
        free(copy);
        at += part;
    }
    if (run->result == 0)
        run->result = scoop_stage_finish_chain(stage, &run->error);
    scoop_stage_free_chain(stage);
    assert_int_equal(run->counters.records_in,
                     run->counters.records_out + run->counters.records_rejected);
}

static inline void stage_run_free(struct stage_run *run) {
    scoop_buf_free(&run->out);
    scoop_buf_free(&run->rejects);
}

static inline const char *stage_run_text(struct scoop_buf *buf) {
    struct scoop_error error;
    const char *text = scoop_buf_text(buf, &error);
    assert_non_null(text);
    return text;
}

/* Fails every allocation of a run in turn: each gives NO_MEMORY until one run gets through. In
 * builds without SCOOP_TORTURE it runs once. */
static inline void stage_run_torture(stage_maker *make, const void *options, const void *text,
                                     size_t length) {
#ifdef SCOOP_TORTURE
    for (long nth = 1;; nth++) {
        struct stage_run run;
        assert_true(nth < 100000);
        scoop_memory_fail_at(nth);
        stage_run(&run, make, options, text, length, 7);
        scoop_memory_fail_at(0);
        int result = run.result;
        enum scoop_code code = run.error.code;
        stage_run_free(&run);
        if (result == 0) {
            assert_true(nth > 1);
            return;
        }
        assert_int_equal(code, SCOOP_NO_MEMORY);
    }
#else
    struct stage_run run;
    stage_run(&run, make, options, text, length, 7);
    assert_int_equal(run.result, 0);
    stage_run_free(&run);
#endif
}

#endif
