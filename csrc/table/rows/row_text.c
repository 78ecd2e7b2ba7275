#include "table/rows/row_text.h"

#include <string.h>

#include "text/example.h"

enum { SHOWN_BYTES = 1024 /* more than any message has room for */ };

static bool needs_quotes(const struct scoop_value *value) {
    return value->length == 0 || value->doubled ||
           memchr(value->data, ',', value->length) != NULL ||
           memchr(value->data, '\n', value->length) != NULL ||
           memchr(value->data, '"', value->length) != NULL;
}

/* The value with its quotes doubled. */
static int append_doubling(const struct scoop_value *value, struct scoop_buf *row,
                           struct scoop_error *error) {
    const unsigned char *at = value->data, *end = at + value->length, *quote;
    while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
        if (scoop_buf_append(row, at, (size_t)(quote - at) + 1, error) != 0 ||
            scoop_buf_append(row, "\"", 1, error) != 0)
            return -1;
        at = quote + 1;
    }
    return scoop_buf_append(row, at, (size_t)(end - at), error);
}

int scoop_value_append(const struct scoop_value *value, struct scoop_buf *row,
                       struct scoop_error *error) {
    if (value->null)
        return 0;
    if (!needs_quotes(value))
        return scoop_buf_append(row, value->data, value->length, error);
    if (scoop_buf_append(row, "\"", 1, error) != 0)
        return -1;
    int status = value->doubled || value->length == 0
                     ? scoop_buf_append(row, value->data, value->length, error)
                     : append_doubling(value, row, error);
    return status == 0 ? scoop_buf_append(row, "\"", 1, error) : -1;
}

int scoop_value_unescape(const struct scoop_value *value, struct scoop_buf *out,
                         struct scoop_error *error) {
    const unsigned char *at = value->data, *end = at + value->length, *quote;
    if (value->null || value->length == 0)
        return 0;
    while (value->doubled && (quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
        if (scoop_buf_append(out, at, (size_t)(quote - at) + 1, error) != 0)
            return -1;
        at = quote + 2;
    }
    return scoop_buf_append(out, at, (size_t)(end - at), error);
}

size_t scoop_value_show(const struct scoop_value *value, bool json, char *to, size_t size) {
    const unsigned char *data = value->data;
    unsigned char plain[SHOWN_BYTES];
    size_t length = 0, at = json && value->length > 0 && data[0] == SCOOP_JSON_MARK;
    while (at < value->length && length < sizeof plain) {
        plain[length++] = data[at];
        at += value->doubled && data[at] == '"' ? 2 : 1;
    }
    return scoop_example(to, size, plain, length);
}

static const unsigned char *read_quoted(const unsigned char *at, const unsigned char *end,
                                        struct scoop_value *value) {
    const unsigned char *from = ++at;
    for (;;) {
        at = memchr(at, '"', (size_t)(end - at));
        if (at + 1 >= end || at[1] != '"')
            break;
        value->doubled = true;
        at += 2;
    }
    value->data = from;
    value->length = (size_t)(at - from);
    return at + 2;
}

const unsigned char *scoop_row_next(const unsigned char *at, const unsigned char *end,
                                    struct scoop_value *value) {
    *value = (struct scoop_value){.data = end, .null = at >= end};
    if (at > end)
        return at;
    if (at < end && *at == '"')
        return read_quoted(at, end, value);
    const unsigned char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
    value->data = at;
    value->length = (size_t)((comma == NULL ? end : comma) - at);
    value->null = value->length == 0;
    return at + value->length + 1;
}
