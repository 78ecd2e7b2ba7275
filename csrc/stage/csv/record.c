#include "stage/csv/record.h"

#include <string.h>

#include "scoop/memory.h"

struct reader {
    struct scoop_csv_record *record;
    const struct scoop_csv_marks *marks;
    const unsigned char *text;
    size_t length;
    bool last;
};

static bool is_mark(const struct reader *reader, const struct scoop_csv_mark *mark, size_t at) {
    return mark->length > 0 && reader->length - at >= mark->length &&
           memcmp(reader->text + at, mark->bytes, mark->length) == 0;
}

static enum scoop_csv_verdict bad(const struct reader *reader, size_t at, const char *reason) {
    reader->record->fault_at = at;
    reader->record->reason = reason;
    return SCOOP_CSV_BAD;
}

/* Passes an escape and what it makes data: a character, or a line end of two. */
static enum scoop_csv_verdict pass_escaped(const struct reader *reader, size_t *at) {
    size_t next = *at + reader->marks->escape.length, left = reader->length - next;
    unsigned char low, high;
    if (left == 0)
        return reader->last ? bad(reader, *at, "the text ends behind an escape") : SCOOP_CSV_MORE;
    size_t taken = scoop_utf8_wanted(reader->text[next], &low, &high);
    if (reader->text[next] == '\r')
        taken = scoop_csv_line_end(reader->text, next, reader->length, reader->last);
    if (taken == 0 && reader->text[next] != '\r')
        taken = 1; /* no UTF-8, as will be told */
    if (!reader->last && (taken == 0 || taken > left))
        return SCOOP_CSV_MORE;
    *at = next + (taken < left ? taken : left);
    return SCOOP_CSV_WHOLE;
}

/* Behind the opening quote; *at becomes what is behind the closing one. */
static enum scoop_csv_verdict read_quoted(const struct reader *reader, size_t *at,
                                          struct scoop_csv_field *field) {
    const struct scoop_csv_mark *quote = &reader->marks->quote;
    size_t here = *at;
    *field = (struct scoop_csv_field){.at = here, .quoted = true, .plain = true};
    while (here < reader->length) {
        if (!reader->marks->special[reader->text[here]]) {
            here++;
        } else if (is_mark(reader, &reader->marks->escape, here)) {
            field->plain = false;
            enum scoop_csv_verdict verdict = pass_escaped(reader, &here);
            if (verdict != SCOOP_CSV_WHOLE)
                return verdict;
        } else if (!is_mark(reader, quote, here)) {
            here++;
        } else if (!reader->last && reader->length - here < 2 * quote->length) {
            return SCOOP_CSV_MORE;
        } else if (is_mark(reader, quote, here + quote->length)) {
            field->plain = false;
            here += 2 * quote->length;
        } else {
            field->length = here - field->at;
            *at = here + quote->length;
            return SCOOP_CSV_WHOLE;
        }
    }
    return reader->last ? bad(reader, *at - quote->length, "a quoted value is not closed")
                        : SCOOP_CSV_MORE;
}

static enum scoop_csv_verdict read_unquoted(const struct reader *reader, size_t *at,
                                            struct scoop_csv_field *field) {
    size_t here = *at;
    *field = (struct scoop_csv_field){.at = here, .plain = true};
    while (here < reader->length) {
        if (!reader->marks->special[reader->text[here]]) {
            here++;
        } else if (is_mark(reader, &reader->marks->escape, here)) {
            field->plain = false;
            enum scoop_csv_verdict verdict = pass_escaped(reader, &here);
            if (verdict != SCOOP_CSV_WHOLE)
                return verdict;
        } else if (is_mark(reader, &reader->marks->quote, here)) {
            return bad(reader, here, "a quote inside a value that does not begin with one");
        } else if (is_mark(reader, &reader->marks->delimiter, here) ||
                   scoop_csv_ends_line(reader->text[here])) {
            break;
        } else {
            here++;
        }
    }
    field->length = here - field->at;
    *at = here;
    return here == reader->length && !reader->last ? SCOOP_CSV_MORE : SCOOP_CSV_WHOLE;
}

static int add_field(struct scoop_csv_record *record, const struct scoop_csv_field *field,
                     struct scoop_error *error) {
    if (record->count == record->capacity) {
        size_t capacity = record->capacity == 0 ? 32 : record->capacity * 2;
        struct scoop_csv_field *grown =
            scoop_realloc(record->fields, capacity * sizeof *record->fields);
        if (grown == NULL)
            return scoop_fail_memory(error);
        record->fields = grown;
        record->capacity = capacity;
    }
    record->fields[record->count++] = *field;
    return 0;
}

/* Behind a value: a delimiter (then *more), or the end of the record. */
static enum scoop_csv_verdict end_field(const struct reader *reader, size_t *at, bool *more) {
    reader->record->content_end = *at;
    *more = *at < reader->length && is_mark(reader, &reader->marks->delimiter, *at);
    if (*more) {
        *at += reader->marks->delimiter.length;
    } else if (*at == reader->length) {
        return reader->last ? SCOOP_CSV_WHOLE : SCOOP_CSV_MORE;
    } else if (scoop_csv_ends_line(reader->text[*at])) {
        size_t bytes = scoop_csv_line_end(reader->text, *at, reader->length, reader->last);
        *at += bytes;
        return bytes > 0 ? SCOOP_CSV_WHOLE : SCOOP_CSV_MORE;
    } else if (!reader->last && reader->length - *at < reader->marks->delimiter.length) {
        return SCOOP_CSV_MORE;
    } else {
        return bad(reader, *at, "text follows the closing quote of a value");
    }
    return SCOOP_CSV_WHOLE;
}

enum scoop_csv_verdict scoop_csv_record_read(struct scoop_csv_record *record,
                                             const struct scoop_csv_marks *marks,
                                             const unsigned char *text, size_t from, size_t length,
                                             bool last, struct scoop_error *error) {
    const struct reader reader = {record, marks, text, length, last};
    size_t at = from;
    bool more = true;
    record->count = 0;
    while (more) {
        struct scoop_csv_field field;
        enum scoop_csv_verdict verdict;
        if (at < length && is_mark(&reader, &marks->quote, at)) {
            at += marks->quote.length;
            verdict = read_quoted(&reader, &at, &field);
        } else {
            verdict = read_unquoted(&reader, &at, &field);
        }
        if (verdict == SCOOP_CSV_WHOLE)
            verdict = end_field(&reader, &at, &more);
        if (verdict != SCOOP_CSV_WHOLE)
            return verdict;
        if (add_field(record, &field, error) != 0)
            return SCOOP_CSV_FAILED;
    }
    record->end = at;
    return SCOOP_CSV_WHOLE;
}

void scoop_csv_record_free(struct scoop_csv_record *record) {
    scoop_free(record->fields);
    memset(record, 0, sizeof *record);
}

/* --- writing --- */

static bool is_null(const char *null_values, const unsigned char *data, size_t length) {
    if (null_values == NULL)
        return length == 0;
    for (const char *at = null_values; *at != 0;) {
        const char *end = strchr(at, '\n');
        if (end == NULL)
            return false;
        if ((size_t)(end - at) == length && memcmp(at, data, length) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* What stands between quotes only. */
static bool needs_quotes(const unsigned char *data, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (data[i] == ',' || data[i] == '"' || data[i] == '\n' || data[i] == '\r')
            return true;
    return length == 0;
}

static int append_byte(const struct scoop_csv_writing *writing, unsigned char byte,
                       struct scoop_buf *out, struct scoop_error *error) {
    if (byte == 0 && writing->replace_nul)
        return scoop_buf_append(out, "\xef\xbf\xbd", 3, error);
    if (byte == '"' && scoop_buf_append(out, "\"", 1, error) != 0)
        return -1;
    return scoop_buf_append(out, &byte, 1, error);
}

/* The mark at the front, which was looked for from there on. */
static bool begins(const unsigned char *data, size_t length, const struct scoop_csv_mark *mark) {
    return mark->length > 0 && length >= mark->length &&
           memcmp(data, mark->bytes, mark->length) == 0;
}

/* Between quotes: without escapes, each quote twice. */
static int append_quoted(const struct scoop_csv_field *field,
                         const struct scoop_csv_writing *writing, const unsigned char *data,
                         struct scoop_buf *out, struct scoop_error *error) {
    const struct scoop_csv_marks *marks = writing->marks;
    if (scoop_buf_append(out, "\"", 1, error) != 0)
        return -1;
    for (size_t i = 0; i < field->length; i++) {
        if (!field->plain && begins(data + i, field->length - i, &marks->escape))
            i += marks->escape.length;
        else if (!field->plain && field->quoted &&
                 begins(data + i, field->length - i, &marks->quote))
            i += marks->quote.length;
        if (i < field->length && append_byte(writing, data[i], out, error) != 0)
            return -1;
    }
    return scoop_buf_append(out, "\"", 1, error);
}

bool scoop_csv_record_is_null(const struct scoop_csv_record *record, const char *null_values,
                              const unsigned char *text) {
    const struct scoop_csv_field *only = record->fields;
    return record->count == 1 && !only->quoted &&
           is_null(null_values, text + only->at, only->length);
}

static int append_field(const struct scoop_csv_field *field,
                        const struct scoop_csv_writing *writing, const unsigned char *text,
                        struct scoop_buf *out, struct scoop_error *error) {
    const unsigned char *data = text + field->at;
    if (!field->quoted && is_null(writing->null_values, data, field->length))
        return 0;
    bool as_it_is = field->plain && !needs_quotes(data, field->length) &&
                    !(writing->replace_nul && memchr(data, 0, field->length) != NULL);
    return as_it_is ? scoop_buf_append(out, data, field->length, error)
                    : append_quoted(field, writing, data, out, error);
}

int scoop_csv_record_write(const struct scoop_csv_record *record,
                           const struct scoop_csv_writing *writing, const unsigned char *text,
                           struct scoop_buf *out, struct scoop_error *error) {
    size_t from = out->length;
    for (size_t i = 0; i < record->count; i++)
        if ((i > 0 && scoop_buf_append(out, ",", 1, error) != 0) ||
            append_field(&record->fields[i], writing, text, out, error) != 0)
            return -1;
    /* For the rows of a delta, which tell that the key is empty. */
    if (out->length == from && scoop_buf_append(out, "\"\"", 2, error) != 0)
        return -1;
    return scoop_buf_append(out, "\n", 1, error);
}
