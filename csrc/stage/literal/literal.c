/* Python literals, one a line -> JSON lines. A record may go over several lines inside brackets and
 * triple-quoted strings. What is unfinished is parsed again only when it has doubled, so the work
 * stays linear. A bad record ends at the first newline after the fault. */
#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"
#include "stage/literal/parse.h"
#include "stage/records.h"
#include "text/text.h"

struct literal_stage {
    struct scoop_stage stage;
    struct scoop_records records;
    struct scoop_buf pending; /* whole lines of an unfinished record, maybe of more after it */
    uint64_t pending_line;
    uint64_t pending_offset;
    size_t try_at; /* parse pending again when it is as long as this */
    struct scoop_buf out;
    struct scoop_buf scratch;
    struct scoop_buf renamed; /* a record whose keys were equal but for case */
    struct scoop_json_keys keys;
};

/* Whole lines that begin with a record. */
struct span {
    const unsigned char *data;
    size_t length;
    uint64_t line;
    uint64_t offset;
};

static int flush_out(struct literal_stage *stage, struct scoop_error *error) {
    size_t length = stage->out.length;
    stage->out.length = 0;
    return scoop_stage_push(stage->stage.next, stage->out.data, length, error);
}

static void advance(struct span *span, size_t length) {
    const unsigned char *end = span->data + length;
    const unsigned char *p = span->data;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        span->line++;
        p++;
    }
    span->data += length;
    span->length -= length;
    span->offset += length;
}

/* Rejects the span's first `length` bytes, which end with a newline. */
static int reject_span(struct literal_stage *stage, struct span *span, size_t length,
                       const char *reason, struct scoop_error *error) {
    struct scoop_reject reject = {.line = span->line,
                                  .byte_offset = span->offset,
                                  .reason = reason,
                                  .record = span->data,
                                  .record_length = length - 1,
                                  .total_length = length - 1};
    advance(span, length);
    return scoop_records_reject(&stage->records, reject, error);
}

static int reject_too_long(struct literal_stage *stage, struct span *span, size_t length,
                           struct scoop_error *error) {
    char reason[64];
    snprintf(reason, sizeof reason, "longer than max_record_bytes, %zu",
             stage->records.options.max_record_bytes);
    return reject_span(stage, span, length, reason, error);
}

/* Up to and with the first newline at or after `at`. */
static size_t length_through_newline(const struct span *span, size_t at) {
    const unsigned char *newline = memchr(span->data + at, '\n', span->length - at);
    return (size_t)(newline - span->data) + 1;
}

static int reject_bad(struct literal_stage *stage, struct span *span,
                      const struct scoop_literal_parser *parser, struct scoop_error *error) {
    char reason[SCOOP_JSON_REASON_SIZE];
    scoop_text_print(reason, sizeof reason, "%s (byte %zu of the record)", parser->reason,
                     parser->bad_at + 1);
    return reject_span(stage, span, length_through_newline(span, parser->bad_at), reason, error);
}

/* Gives the JSON in `out` from `start` on other keys. 0, -1, or 1 with a reason to reject it. */
static int rename_keys(struct literal_stage *stage, size_t start, const char **reason,
                       struct scoop_error *error) {
    struct scoop_error failed = {0};
    stage->renamed.length = 0;
    int status = scoop_json_rename(stage->out.data + start, stage->out.length - start,
                                   &stage->renamed, &failed);
    *reason = status == 1 ? SCOOP_JSON_MANY_RENAMES : "longer than max_record_bytes as JSON";
    stage->out.length = start;
    if (status > 0 || failed.code == SCOOP_TOO_LARGE)
        return 1;
    if (status < 0) {
        *error = failed;
        return -1;
    }
    stage->records.counters->records_changed++;
    return scoop_buf_append(&stage->out, stage->renamed.data, stage->renamed.length, error);
}

/* A record was parsed; its JSON stands in `out` from `start` on. */
static int take_value(struct literal_stage *stage, struct span *span,
                      const struct scoop_literal_parser *parser, size_t start,
                      struct scoop_error *error) {
    size_t most = stage->records.options.max_record_bytes;
    size_t used = parser->used;
    if (used - 1 > most) {
        stage->out.length = start;
        return reject_too_long(stage, span, used, error);
    }
    if (parser->clashes) {
        const char *reason = NULL;
        int status = rename_keys(stage, start, &reason, error);
        if (status != 0)
            return status < 0 ? -1 : reject_span(stage, span, used, reason, error);
    }
    if (scoop_buf_append(&stage->out, "\n", 1, error) != 0)
        return -1;
    stage->records.counters->records_in++;
    stage->records.counters->records_out++;
    advance(span, used);
    return stage->out.length >= SCOOP_STEP_BYTES ? flush_out(stage, error) : 0;
}

/* Parses the span's first record. *more: it is unfinished, and short enough to wait for the rest.
 */
static int take_record(struct literal_stage *stage, struct span *span, bool *more,
                       struct scoop_error *error) {
    size_t most = stage->records.options.max_record_bytes;
    size_t start = stage->out.length;
    struct scoop_literal_parser parser = {.out = &stage->out,
                                          .scratch = &stage->scratch,
                                          .max_output_bytes = most,
                                          .replace_invalid = stage->records.options.replace_invalid,
                                          .nonfinite_null = stage->records.options.nonfinite_null,
                                          .key_case = stage->records.options.key_case,
                                          .keys = &stage->keys};
    stage->keys.count = 0;
    enum scoop_literal_verdict verdict =
        scoop_literal_parse(&parser, span->data, span->length, error);
    if (verdict == SCOOP_LITERAL_GOOD)
        return take_value(stage, span, &parser, start, error);
    stage->out.length = start;
    switch (verdict) {
    case SCOOP_LITERAL_BLANK:
        stage->records.counters->blank_lines++;
        advance(span, parser.used);
        return 0;
    case SCOOP_LITERAL_BAD:
        return reject_bad(stage, span, &parser, error);
    case SCOOP_LITERAL_INCOMPLETE:
        *more = span->length - 1 <= most;
        return *more ? 0 : reject_too_long(stage, span, length_through_newline(span, most), error);
    case SCOOP_LITERAL_FAILED:
    case SCOOP_LITERAL_GOOD:
        break;
    }
    return -1;
}

/* Parses records until the span is used up or its rest is unfinished. */
static int take_span(struct literal_stage *stage, struct span *span, struct scoop_error *error) {
    bool more = false;
    while (span->length > 0 && !more)
        if (take_record(stage, span, &more, error) != 0)
            return -1;
    return 0;
}

/* Parses what is pending, and keeps only what is still unfinished. */
static int take_pending(struct literal_stage *stage, struct scoop_error *error) {
    struct span span = {stage->pending.data, stage->pending.length, stage->pending_line,
                        stage->pending_offset};
    if (take_span(stage, &span, error) != 0)
        return -1;
    scoop_buf_consume(&stage->pending, stage->pending.length - span.length);
    stage->pending_line = span.line;
    stage->pending_offset = span.offset;
    stage->try_at = 2 * span.length;
    return 0;
}

/* The end of a record whose last line alone is too long. */
static int reject_long_line(struct literal_stage *stage, const struct scoop_line *line,
                            struct scoop_error *error) {
    struct span span = {line->data, line->length, line->number, line->offset};
    uint64_t total = line->total_bytes;
    char reason[64];
    if (stage->pending.length > 0) {
        total += stage->pending.length;
        if (scoop_buf_append(&stage->pending, line->data, line->length, error) != 0)
            return -1;
        span = (struct span){stage->pending.data, stage->pending.length, stage->pending_line,
                             stage->pending_offset};
        stage->pending.length = 0;
    }
    snprintf(reason, sizeof reason, "longer than max_record_bytes, %zu",
             stage->records.options.max_record_bytes);
    struct scoop_reject reject = {.line = span.line,
                                  .byte_offset = span.offset,
                                  .reason = reason,
                                  .record = span.data,
                                  .record_length = span.length,
                                  .total_length = total};
    return scoop_records_reject(&stage->records, reject, error);
}

static int take_line(void *user, const struct scoop_line *line, struct scoop_error *error) {
    struct literal_stage *stage = user;
    if (line->too_long) {
        /* What is pending may end before this line. */
        if (stage->pending.length > 0 && take_pending(stage, error) != 0)
            return -1;
        return reject_long_line(stage, line, error);
    }
    struct span span = {line->data, line->length, line->number, line->offset};
    if (stage->pending.length == 0) {
        if (take_span(stage, &span, error) != 0)
            return -1;
        stage->pending_line = span.line;
        stage->pending_offset = span.offset;
        stage->try_at = 2 * span.length;
        return scoop_buf_append(&stage->pending, span.data, span.length, error);
    }
    if (scoop_buf_append(&stage->pending, line->data, line->length, error) != 0)
        return -1;
    if (stage->pending.length < stage->try_at &&
        stage->pending.length - 1 <= stage->records.options.max_record_bytes)
        return 0;
    return take_pending(stage, error);
}

static int literal_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                         size_t *consumed, struct scoop_error *error) {
    struct literal_stage *stage = (struct literal_stage *)base;
    *consumed = length;
    if (scoop_records_write(&stage->records, data, length, take_line, stage, error) != 0)
        return -1;
    return flush_out(stage, error);
}

static int literal_finish(struct scoop_stage *base, struct scoop_error *error) {
    struct literal_stage *stage = (struct literal_stage *)base;
    if (scoop_records_finish(&stage->records, take_line, stage, error) != 0 ||
        take_pending(stage, error) != 0)
        return -1;
    struct span left = {stage->pending.data, stage->pending.length, stage->pending_line,
                        stage->pending_offset};
    if (left.length > 0 &&
        reject_span(stage, &left, left.length, "the text ends inside a value", error) != 0)
        return -1;
    return flush_out(stage, error);
}

static void literal_free(struct scoop_stage *base) {
    struct literal_stage *stage = (struct literal_stage *)base;
    scoop_records_free(&stage->records);
    scoop_buf_free(&stage->pending);
    scoop_buf_free(&stage->out);
    scoop_buf_free(&stage->scratch);
    scoop_buf_free(&stage->renamed);
    scoop_json_keys_free(&stage->keys);
    scoop_free(stage);
}

static const struct scoop_stage_type literal_type = {"literal", literal_write, literal_finish,
                                                     literal_free, NULL};

struct scoop_stage *scoop_literal_new(const struct scoop_record_options *options,
                                      struct scoop_counters *counters, struct scoop_error *error) {
    struct literal_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stage->stage.type = &literal_type;
    stage->stage.counters = counters;
    scoop_records_init(&stage->records, options, counters);
    size_t most = stage->records.options.max_record_bytes;
    scoop_buf_init(&stage->out, SCOOP_STEP_BYTES + most + 1);
    /* An unfinished record within the limit, and the line that goes beyond it. */
    scoop_buf_init(&stage->pending, 2 * (most + 1));
    scoop_buf_init(&stage->scratch, 2 * (most + 1));
    scoop_buf_init(&stage->renamed, most);
    return &stage->stage;
}
