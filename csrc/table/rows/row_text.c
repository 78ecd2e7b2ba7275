#include "table/rows/row_text.h"

#include <string.h>

#include "text/example.h"
#include "text/json_string.h"

enum {
    SHOWN_BYTES = 1024, /* more than any message has room for */
    LEAST_RUN = 64,     /* of NULLs that are one item: rows of most exports stay plain text */
};

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

/* JSON text, but for quotes that are doubled in a row. */
static size_t text_bytes(const unsigned char *data, size_t length, bool doubled) {
    size_t bytes = length;
    for (size_t i = 0; doubled && i < length; i++)
        if (data[i] == '"') {
            bytes--;
            i++;
        }
    return bytes;
}

size_t scoop_value_json_bytes(const struct scoop_value *value, bool json) {
    const unsigned char *data = value->data;
    size_t length = value->length;
    if (value->null)
        return sizeof "null" - 1;
    if (!json || length == 0 || data[0] != SCOOP_JSON_MARK)
        return scoop_json_string_bytes(data, length, value->doubled);
    if (length > 1 && data[1] == SCOOP_JSON_MARK)
        return scoop_json_string_bytes(data + 1, length - 1, value->doubled);
    return text_bytes(data + 1, length - 1, value->doubled);
}

static int append_nulls(size_t from, size_t to, struct scoop_buf *row, struct scoop_error *error) {
    if (from == to)
        return 0;
    if (to - from < LEAST_RUN) {
        size_t commas = to - from - (from == 0);
        if (scoop_buf_reserve(row, commas, error) != 0)
            return -1;
        memset(row->data + row->length, ',', commas);
        row->length += commas;
        return 0;
    }
    return scoop_buf_printf(row, error, "%s%c%zu", from == 0 ? "" : ",", SCOOP_NULLS_MARK,
                            to - from);
}

int scoop_cells_append(const struct scoop_cell **next, size_t *left, size_t from, size_t to,
                       struct scoop_buf *row, struct scoop_error *error) {
    for (; *left > 0 && (*next)->column < to; ++*next, --*left) {
        if (append_nulls(from, (*next)->column, row, error) != 0 ||
            ((*next)->column > 0 && scoop_buf_append(row, ",", 1, error) != 0) ||
            scoop_value_append(&(*next)->value, row, error) != 0)
            return -1;
        from = (*next)->column + 1;
    }
    return append_nulls(from, to, row, error);
}

static const unsigned char *read_quoted(const unsigned char *at, struct scoop_cell_reader *reader,
                                        struct scoop_value *value) {
    const unsigned char *from = ++at, *end = reader->end;
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

static const unsigned char *read_plain(const unsigned char *at,
                                       const struct scoop_cell_reader *reader,
                                       struct scoop_value *value) {
    const unsigned char *comma = memchr(at, ',', (size_t)(reader->end - at));
    value->data = at;
    value->length = (size_t)((comma == NULL ? reader->end : comma) - at);
    return at + value->length + 1;
}

/* Behind a run of NULLs, which is passed over. */
static void pass_nulls(struct scoop_cell_reader *reader) {
    size_t count = 0;
    for (reader->at++; reader->at < reader->end && *reader->at != ','; reader->at++)
        count = count * 10 + (size_t)(*reader->at - '0');
    reader->at++;
    reader->column += count;
}

bool scoop_cells_next(struct scoop_cell_reader *reader, struct scoop_cell *cell) {
    while (reader->at < reader->end) {
        unsigned char first = *reader->at;
        if (first == ',') {
            reader->at++;
            reader->column++;
            continue;
        }
        if (first == SCOOP_NULLS_MARK) {
            pass_nulls(reader);
            continue;
        }
        cell->value = (struct scoop_value){0};
        reader->at = first == '"' ? read_quoted(reader->at, reader, &cell->value)
                                  : read_plain(reader->at, reader, &cell->value);
        cell->column = reader->column++;
        return true;
    }
    return false;
}

struct scoop_value scoop_row_value(const unsigned char *data, size_t length, size_t column) {
    struct scoop_cell_reader reader = scoop_cells_read(data, length);
    struct scoop_cell cell;
    while (scoop_cells_next(&reader, &cell) && cell.column <= column)
        if (cell.column == column)
            return cell.value;
    return (struct scoop_value){.data = data + length, .null = true};
}

static void take(struct scoop_row_pair *pair, int row) {
    pair->has[row] = scoop_cells_next(&pair->readers[row], &pair->cells[row]);
}

struct scoop_row_pair scoop_row_pair_read(const struct scoop_row_bytes *one,
                                          const struct scoop_row_bytes *other) {
    struct scoop_row_pair pair = {.readers = {scoop_cells_read(one->data, one->compared),
                                              scoop_cells_read(other->data, other->compared)}};
    take(&pair, 0);
    take(&pair, 1);
    return pair;
}

/* Canonical values are equal when their bytes are. */
static bool is_equal(const struct scoop_value *a, const struct scoop_value *b) {
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

bool scoop_row_pair_next(struct scoop_row_pair *pair, size_t *column) {
    const struct scoop_cell *cells = pair->cells;
    while (pair->has[0] || pair->has[1]) {
        bool first = pair->has[0] && (!pair->has[1] || cells[0].column <= cells[1].column);
        bool second = pair->has[1] && (!pair->has[0] || cells[1].column <= cells[0].column);
        bool differs = !first || !second || !is_equal(&cells[0].value, &cells[1].value);
        *column = first ? cells[0].column : cells[1].column;
        if (first)
            take(pair, 0);
        if (second)
            take(pair, 1);
        if (differs)
            return true;
    }
    return false;
}
