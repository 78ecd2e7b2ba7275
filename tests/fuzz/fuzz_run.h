/* For fuzz targets: what must hold, and one stage run over a text. */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scoop/buffer.h"
#include "stage/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, which libFuzzer then reports with the input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct fuzz_run {
    struct scoop_stage sink; /* the chain's end; first, so that a stage * is a fuzz_run * */
    struct scoop_error error;
    struct scoop_counters counters;
    struct scoop_buf out;
    struct scoop_buf rejects; /* "LINE OFFSET LENGTH REASON RECORD" each */
    int result;
};

static inline int fuzz_sink_write(struct scoop_stage *stage, const unsigned char *data,
                                  size_t length, size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    return scoop_buf_append(&((struct fuzz_run *)stage)->out, data, length, error);
}

static inline int fuzz_sink_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static inline void fuzz_sink_free(struct scoop_stage *stage) {
    (void)stage;
}

static const struct scoop_stage_type fuzz_sink_type = {"sink", fuzz_sink_write, fuzz_sink_finish,
                                                       fuzz_sink_free, NULL};

static inline int fuzz_reject(void *user, const struct scoop_reject *reject,
                              struct scoop_error *error) {
    struct scoop_buf *rejects = &((struct fuzz_run *)user)->rejects;
    if (scoop_buf_printf(rejects, error, "%llu %llu %llu %s ", (unsigned long long)reject->line,
                         (unsigned long long)reject->byte_offset,
                         (unsigned long long)reject->total_length, reject->reason) != 0)
        return -1;
    return scoop_buf_append(rejects, reject->record, reject->record_length, error);
}

static inline void fuzz_run_init(struct fuzz_run *run) {
    memset(run, 0, sizeof *run);
    run->sink.type = &fuzz_sink_type;
    scoop_buf_init(&run->out, (size_t)1 << 30);
    scoop_buf_init(&run->rejects, (size_t)1 << 30);
}

/* Takes the stage over. chunk: bytes a write; 0: all at once. */
static inline void fuzz_run_stage(struct fuzz_run *run, struct scoop_stage *stage,
                                  const uint8_t *data, size_t length, size_t chunk) {
    MUST(stage != NULL);
    stage->next = &run->sink;
    for (size_t at = 0; at < length && run->result == 0;) {
        size_t part = chunk == 0 || chunk > length - at ? length - at : chunk;
        unsigned char *copy = malloc(part); /* so that ASan sees every byte beyond */
        MUST(copy != NULL);
        memcpy(copy, data + at, part);
        run->result = scoop_stage_push(stage, copy, part, &run->error);
        free(copy);
        at += part;
    }
    if (run->result == 0)
        run->result = scoop_stage_finish_chain(stage, &run->error);
    scoop_stage_free_chain(stage);
    MUST((run->result == 0) == (run->error.code == SCOOP_OK));
}

static inline void fuzz_run_free(struct fuzz_run *run) {
    scoop_buf_free(&run->out);
    scoop_buf_free(&run->rejects);
}

static inline bool fuzz_same_bytes(const struct scoop_buf *one, const struct scoop_buf *other) {
    return one->length == other->length &&
           (one->length == 0 || memcmp(one->data, other->data, one->length) == 0);
}

/* What records came to never depends on how the text was cut. */
static inline void fuzz_same_records(const struct fuzz_run *one, const struct fuzz_run *other) {
    MUST(one->error.code == other->error.code);
    MUST(fuzz_same_bytes(&one->out, &other->out));
    MUST(fuzz_same_bytes(&one->rejects, &other->rejects));
    MUST(one->counters.records_in == other->counters.records_in);
    MUST(one->counters.records_changed == other->counters.records_changed);
    MUST(one->counters.blank_lines == other->counters.blank_lines);
    MUST(one->counters.records_in == one->counters.records_out + one->counters.records_rejected);
}

/* The first byte of an input chooses the options; the next how it is cut. */
enum { FUZZ_REPLACE = 1, FUZZ_NULL = 2, FUZZ_SHORT_RECORDS = 4, FUZZ_SHORT_BYTES = 40 };

static inline struct scoop_record_options fuzz_record_options(struct fuzz_run *run,
                                                              unsigned flags) {
    return (struct scoop_record_options){
        .max_record_bytes = flags & FUZZ_SHORT_RECORDS ? FUZZ_SHORT_BYTES : 0,
        .replace_invalid = flags & FUZZ_REPLACE,
        .nonfinite_null = flags & FUZZ_NULL,
        .policy = {fuzz_reject, run},
    };
}

/* Text that has come out of a record stage is only good records, and passes as it is. */
static inline void fuzz_is_good_json(struct scoop_buf *text, unsigned flags) {
    struct fuzz_run run;
    fuzz_run_init(&run);
    struct scoop_record_options options = fuzz_record_options(&run, flags);
    fuzz_run_stage(&run, scoop_json_check_new(&options, &run.counters, &run.error), text->data,
                   text->length, 0);
    MUST(run.result == 0);
    MUST(run.counters.records_rejected == 0);
    MUST(!scoop_counters_edited(&run.counters));
    MUST(fuzz_same_bytes(&run.out, text));
    fuzz_run_free(&run);
}

typedef struct scoop_stage *fuzz_record_stage(const struct scoop_record_options *options,
                                              struct scoop_counters *counters,
                                              struct scoop_error *error);

static inline void fuzz_run_records(struct fuzz_run *run, fuzz_record_stage *make, unsigned flags,
                                    const uint8_t *data, size_t size, size_t chunk) {
    fuzz_run_init(run);
    struct scoop_record_options options = fuzz_record_options(run, flags);
    fuzz_run_stage(run, make(&options, &run->counters, &run->error), data, size, chunk);
}

/* One input of a target that turns text into JSON lines. */
static inline int fuzz_records(fuzz_record_stage *make, const uint8_t *data, size_t size) {
    struct fuzz_run whole, cut;
    if (size < 2)
        return 0;
    fuzz_run_records(&whole, make, data[0], data + 2, size - 2, 0);
    fuzz_run_records(&cut, make, data[0], data + 2, size - 2, 1 + data[1] % 32u);
    fuzz_same_records(&whole, &cut);
    fuzz_is_good_json(&whole.out, data[0]);
    fuzz_run_free(&whole);
    fuzz_run_free(&cut);
    return 0;
}

#endif
