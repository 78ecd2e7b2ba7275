/* CSV in a dialect -> CSV as RFC 4180 says, a record at a time: commas, double quotes where they
 * are needed, newlines. */
#include <string.h>

#include "base/record_place.h"
#include "scoop/memory.h"
#include "stage/csv/record.h"
#include "stage/records.h"
#include "text/bom.h"
#include "text/delimiter.h"
#include "text/example.h"
#include "text/text.h"

enum { REASON_BYTES = 200, NAME_SIZE = 64 };

struct csv_clean {
    struct scoop_stage stage;
    struct scoop_records records; /* its options, and how bad ones are told */
    struct scoop_csv_dialect dialect;
    struct scoop_csv_marks marks;
    struct scoop_csv_record record;
    struct scoop_buf waits; /* a record of which more is to come */
    size_t try_at_bytes;    /* of those that wait: looked at again when they are so many */
    struct scoop_buf out;
    uint64_t line, offset; /* of what comes next */
    uint64_t rows_to_skip;
    size_t columns;   /* 0: not known yet */
    bool begun;       /* the place where a byte order mark may stand is past */
    bool passes_line; /* what is left of the line is none, or a bad record's */
};

static int flush(struct csv_clean *csv, struct scoop_error *error) {
    int status = scoop_stage_push(csv->stage.next, csv->out.data, csv->out.length, error);
    csv->out.length = 0;
    return status;
}

static uint64_t count_lines(const unsigned char *text, size_t length) {
    uint64_t lines = length > 0 && scoop_csv_ends_line(text[0]);
    for (size_t i = 1; i < length; i++)
        lines += text[i] == '\r' || (text[i] == '\n' && text[i - 1] != '\r');
    return lines;
}

static void advance(struct csv_clean *csv, const unsigned char *text, size_t length) {
    csv->line += count_lines(text, length);
    csv->offset += length;
}

/* --- what is no record --- */

/* In place of a line that is none, so that those behind it keep their numbers. */
static int put_blank(struct csv_clean *csv, struct scoop_error *error) {
    return csv->dialect.for_rows ? scoop_buf_append(&csv->out, "\n", 1, error) : 0;
}

/* Drops what is there of the line; *at: behind it. False: more of it comes. */
static bool pass_line(struct csv_clean *csv, const unsigned char *text, size_t *at, size_t length,
                      bool last) {
    size_t end = *at, bytes = 0;
    while (end < length && !scoop_csv_ends_line(text[end]))
        end++;
    if (end < length)
        bytes = scoop_csv_line_end(text, end, length, last);
    advance(csv, text + *at, end + bytes - *at);
    *at = end + bytes;
    csv->passes_line = bytes == 0;
    return bytes > 0;
}

static bool is_comment(const struct csv_clean *csv, const unsigned char *text, size_t length) {
    const char *comment = csv->dialect.comment;
    return comment != NULL && length >= strlen(comment) &&
           memcmp(text, comment, strlen(comment)) == 0;
}

/* --- bad records --- */

/* What comes next is the header. Without it no record can be told from others. */
static bool needs_header(const struct csv_clean *csv) {
    return csv->columns == 0 && !csv->dialect.no_header;
}

/* Of the source: what was decoded before has other bytes. */
static uint64_t source_offset(const struct csv_clean *csv) {
    return csv->dialect.encoding == NULL ? csv->offset : SCOOP_NO_OFFSET;
}

static int fail_header(const struct csv_clean *csv, const char *reason, struct scoop_error *error) {
    const struct scoop_record_place place = {csv->line, source_offset(csv)};
    return scoop_fail_record(error, place, "%s", reason);
}

/* The record that begins at `at` and ends before `end`, where its line goes on or ends. */
static int reject(struct csv_clean *csv, const unsigned char *text, size_t *at, size_t end,
                  const char *reason, struct scoop_error *error) {
    if (needs_header(csv))
        return fail_header(csv, reason, error);
    const struct scoop_reject bad = {.line = csv->line,
                                     .byte_offset = source_offset(csv),
                                     .reason = reason,
                                     .record = text + *at,
                                     .record_length = end - *at,
                                     .total_length = end - *at};
    advance(csv, text + *at, end - *at);
    *at = end;
    csv->passes_line = true;
    return flush(csv, error) == 0 ? scoop_records_reject(&csv->records, bad, error) : -1;
}

static void say_where(const struct csv_clean *csv, size_t byte, const char *fault, char *reason,
                      size_t size) {
    scoop_text_print(reason, size, "%s (byte %zu of the record%s)", fault, byte + 1,
                     csv->dialect.encoding == NULL ? "" : ", as UTF-8");
}

static int reject_long(struct csv_clean *csv, const unsigned char *text, size_t *at,
                       struct scoop_error *error) {
    size_t most = csv->records.options.max_record_bytes;
    char reason[REASON_BYTES];
    scoop_text_print(reason, sizeof reason,
                     "longer than max_record_bytes, %zu; perhaps a quote in it is not closed",
                     most);
    return reject(csv, text, at, *at + most, reason, error) == 0 ? 1 : -1;
}

/* What follows its fault goes with it, up to the end of the line. 1, 0: more of it comes, -1. */
static int reject_broken(struct csv_clean *csv, const unsigned char *text, size_t *at,
                         size_t length, bool last, struct scoop_error *error) {
    size_t end = csv->record.fault_at;
    char reason[REASON_BYTES];
    while (end < length && !scoop_csv_ends_line(text[end]))
        end++;
    if (end - *at > csv->records.options.max_record_bytes)
        return reject_long(csv, text, at, error);
    if (end == length && !last)
        return 0;
    say_where(csv, csv->record.fault_at - *at, csv->record.reason, reason, sizeof reason);
    return reject(csv, text, at, end, reason, error) == 0 ? 1 : -1;
}

/* --- records --- */

/* What parts values elsewhere, in a header that is one name; NULL: nothing does. */
static const char *likely_delimiter(const struct csv_clean *csv, const unsigned char *text,
                                    size_t length) {
    if (csv->dialect.delimiter != NULL || csv->dialect.for_rows || csv->record.count != 1)
        return NULL;
    return scoop_likely_delimiter(text, length);
}

/* Whether the record that was read cannot pass, and why. */
static bool is_refused(const struct csv_clean *csv, const unsigned char *text, size_t at,
                       bool header, char *reason, size_t size) {
    size_t length = csv->record.content_end - at, good = scoop_utf8_valid(text + at, length);
    const unsigned char *nul = memchr(text + at, 0, length);
    char shown[NAME_SIZE];
    const char *likely = header ? likely_delimiter(csv, text + at, length) : NULL;
    if (good < length)
        say_where(csv, good, "the text is not UTF-8; perhaps its encoding is another, as cp1252",
                  reason, size);
    else if (nul != NULL && !csv->records.options.replace_invalid && !csv->dialect.for_rows)
        say_where(csv, (size_t)(nul - text) - at, "a NUL character", reason, size);
    else if (likely != NULL && scoop_example(shown, sizeof shown, text + at, length) > 0)
        scoop_text_print(reason, size, "the header is one column, %s: is the delimiter %s?", shown,
                         likely);
    else if (csv->columns != 0 && csv->record.count != csv->columns)
        scoop_text_print(reason, size, "the row has %zu values, the header names %zu",
                         csv->record.count, csv->columns);
    else if (!header && !csv->dialect.for_rows &&
             scoop_csv_record_is_null(&csv->record, csv->dialect.null_values, text))
        scoop_text_print(reason, size,
                         "NULL is its only value: CSV of one column would have a blank line there, "
                         "which is no row; without that text in null_values it stays as it is");
    else
        return false;
    return true;
}

static int count(struct csv_clean *csv, const unsigned char *text, size_t length, size_t from,
                 struct scoop_error *error) {
    struct scoop_counters *counters = csv->stage.counters;
    struct scoop_record_places *places = csv->records.options.places;
    const struct scoop_record_place place = {csv->line, source_offset(csv)};
    size_t made = csv->out.length - from;
    if (places != NULL && scoop_record_places_tell(places, place, 1, made, error) != 0)
        return -1;
    counters->records_in++;
    counters->records_out++;
    if (made != length || memcmp(csv->out.data + from, text, length) != 0)
        counters->records_changed++;
    return 0;
}

/* The record that was read. The header is counted as none. */
static int take_record(struct csv_clean *csv, const unsigned char *text, size_t *at,
                       struct scoop_error *error) {
    bool header = needs_header(csv);
    size_t length = csv->record.end - *at, from = csv->out.length;
    char reason[REASON_BYTES];
    if (is_refused(csv, text, *at, header, reason, sizeof reason))
        return reject(csv, text, at, csv->record.content_end, reason, error);
    const struct scoop_csv_writing writing = {
        .marks = &csv->marks,
        .null_values = header ? NULL : csv->dialect.null_values,
        .replace_nul = csv->records.options.replace_invalid,
    };
    if (scoop_csv_record_write(&csv->record, &writing, text, &csv->out, error) != 0)
        return -1;
    csv->columns = csv->record.count;
    if (!header && count(csv, text + *at, length, from, error) != 0)
        return -1;
    advance(csv, text + *at, length);
    *at += length;
    return csv->out.length < SCOOP_STEP_BYTES ? 0 : flush(csv, error);
}

/* 1: taken, 0: more is needed, -1. */
static int read_record(struct csv_clean *csv, const unsigned char *text, size_t *at, size_t length,
                       bool last, struct scoop_error *error) {
    size_t most = csv->records.options.max_record_bytes;
    switch (scoop_csv_record_read(&csv->record, &csv->marks, text, *at, length, last, error)) {
    case SCOOP_CSV_WHOLE:
        if (csv->record.content_end - *at > most)
            return reject_long(csv, text, at, error);
        return take_record(csv, text, at, error) == 0 ? 1 : -1;
    case SCOOP_CSV_BAD:
        return reject_broken(csv, text, at, length, last, error);
    case SCOOP_CSV_MORE:
        return length - *at > most ? reject_long(csv, text, at, error) : 0;
    case SCOOP_CSV_FAILED:
        break;
    }
    return -1;
}

/* --- the text --- */

/* Before a record. 1: something was taken, 0: more is needed, -1. */
static int take_next(struct csv_clean *csv, const unsigned char *text, size_t *at, size_t length,
                     bool last, struct scoop_error *error) {
    size_t known = length - *at;
    if (csv->passes_line)
        return pass_line(csv, text, at, length, last) ? 1 : 0;
    if (csv->rows_to_skip > 0) {
        csv->rows_to_skip--;
        csv->passes_line = true;
        return put_blank(csv, error) == 0 ? 1 : -1;
    }
    if (scoop_csv_ends_line(text[*at])) {
        csv->stage.counters->blank_lines++;
        csv->passes_line = true;
        return put_blank(csv, error) == 0 ? 1 : -1;
    }
    if (!last && csv->dialect.comment != NULL && known < strlen(csv->dialect.comment))
        return 0;
    if (is_comment(csv, text + *at, known)) {
        csv->passes_line = true;
        return put_blank(csv, error) == 0 ? 1 : -1;
    }
    return read_record(csv, text, at, length, last, error);
}

/* The mark, and the header where it is not in the text. 1, 0: more is needed, -1. */
static int begin(struct csv_clean *csv, const unsigned char *text, size_t *at, size_t length,
                 bool last, struct scoop_error *error) {
    const char *columns = csv->dialect.columns;
    if (!last && length < SCOOP_BOM_BYTES && scoop_bom_match(0, text, length) == length)
        return 0;
    csv->begun = true;
    csv->offset = *at = scoop_bom_length(text, length);
    csv->stage.counters->bom_stripped = *at > 0;
    if (columns == NULL)
        return 1;
    const struct scoop_csv_dialect plain = {0};
    struct scoop_csv_marks marks;
    scoop_csv_marks_init(&marks, &plain);
    if (scoop_csv_record_read(&csv->record, &marks, (const unsigned char *)columns, 0,
                              strlen(columns), true, error) == SCOOP_CSV_FAILED ||
        scoop_buf_append_text(&csv->out, columns, error) != 0 ||
        scoop_buf_append(&csv->out, "\n", 1, error) != 0)
        return -1;
    csv->columns = csv->record.count;
    return 1;
}

/* Takes what is whole; *used: its bytes. */
static int take_all(struct csv_clean *csv, const unsigned char *text, size_t length, bool last,
                    size_t *used, struct scoop_error *error) {
    size_t at = 0;
    int status = csv->begun ? 1 : begin(csv, text, &at, length, last, error);
    while (status > 0 && at < length)
        status = take_next(csv, text, &at, length, last, error);
    *used = at;
    return status < 0 ? -1 : flush(csv, error);
}

/* What is left waits. A long record is looked at seldom, as each look begins at its start. */
static int take_piece(struct csv_clean *csv, const unsigned char *data, size_t length,
                      struct scoop_error *error) {
    struct scoop_buf *waits = &csv->waits;
    size_t used = 0;
    if (waits->length == 0) {
        if (take_all(csv, data, length, false, &used, error) != 0 ||
            scoop_buf_append(waits, data + used, length - used, error) != 0)
            return -1;
    } else {
        if (scoop_buf_append(waits, data, length, error) != 0)
            return -1;
        if (waits->length < csv->try_at_bytes)
            return 0;
        if (take_all(csv, waits->data, waits->length, false, &used, error) != 0)
            return -1;
        scoop_buf_consume(waits, used);
    }
    csv->try_at_bytes = waits->length < SCOOP_STEP_BYTES ? 0 : waits->length + waits->length / 2;
    return 0;
}

static int clean_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                       size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    for (size_t at = 0, piece; at < length; at += piece) {
        piece = length - at < SCOOP_STEP_BYTES ? length - at : SCOOP_STEP_BYTES;
        if (take_piece((struct csv_clean *)stage, data + at, piece, error) != 0)
            return -1;
    }
    return 0;
}

static int clean_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct csv_clean *csv = (struct csv_clean *)stage;
    size_t used = 0;
    if (take_all(csv, csv->waits.data, csv->waits.length, true, &used, error) != 0)
        return -1;
    return needs_header(csv) && !csv->dialect.for_rows
               ? fail_header(csv, "there is no header row", error)
               : 0;
}

static void clean_free(struct scoop_stage *stage) {
    struct csv_clean *csv = (struct csv_clean *)stage;
    scoop_records_free(&csv->records);
    scoop_csv_record_free(&csv->record);
    scoop_buf_free(&csv->waits);
    scoop_buf_free(&csv->out);
    scoop_free(csv);
}

static const struct scoop_stage_type clean_type = {"csv_clean", clean_write, clean_finish,
                                                   clean_free, NULL};

struct scoop_stage *scoop_csv_clean_new(const struct scoop_csv_dialect *dialect,
                                        const struct scoop_record_options *options,
                                        struct scoop_counters *counters,
                                        struct scoop_error *error) {
    struct csv_clean *csv = scoop_calloc(1, sizeof *csv);
    if (csv == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    csv->stage.type = &clean_type;
    csv->stage.counters = counters;
    csv->dialect = *dialect;
    csv->rows_to_skip = dialect->skip_rows;
    csv->line = 1;
    scoop_records_init(&csv->records, options, counters);
    scoop_csv_marks_init(&csv->marks, dialect);
    size_t most = csv->records.options.max_record_bytes;
    scoop_buf_init(&csv->waits, 2 * most + 2 * SCOOP_STEP_BYTES);
    /* Of each byte three can become. */
    scoop_buf_init(&csv->out, 3 * most + 2 * SCOOP_STEP_BYTES);
    return &csv->stage;
}
