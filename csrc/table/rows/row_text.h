/* The canonical form of a row: CSV without its line end, a value quoted only where it must be (it
 * is empty, or holds a comma, a quote or a newline); nothing at all is NULL. So equal rows are
 * equal bytes. A value of JSON that is no string is its JSON text behind a byte 1; a string that
 * begins with that byte has it twice. Many NULLs in a row of JSON, one after the other, are one
 * item: a byte 0, which no value holds, and their number. */
#ifndef SCOOP_TABLE_ROWS_ROW_TEXT_H
#define SCOOP_TABLE_ROWS_ROW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"

enum { SCOOP_JSON_MARK = 1, SCOOP_NULLS_MARK = 0 };

/* A canonical row. Its first `compared` bytes hold the columns that both exports have. */
struct scoop_row_bytes {
    const unsigned char *data;
    uint32_t length, compared;
};

/* One value, as it stands in a source or in a canonical row. */
struct scoop_value {
    const unsigned char *data;
    size_t length;
    bool null;
    bool doubled; /* its quotes are doubled, as inside quotes */
};

/* Appends the canonical form of one value, without a comma. 0, or -1 with NO_MEMORY. */
int scoop_value_append(const struct scoop_value *value, struct scoop_buf *row,
                       struct scoop_error *error);
/* Appends the value itself. */
int scoop_value_unescape(const struct scoop_value *value, struct scoop_buf *out,
                         struct scoop_error *error);
/* The value as a message shows it; json: it may be marked. As scoop_example. */
size_t scoop_value_show(const struct scoop_value *value, bool json, char *to, size_t size);
/* What the value takes as JSON; json: it may be marked. */
size_t scoop_value_json_bytes(const struct scoop_value *value, bool json);

/* A value and its column. */
struct scoop_cell {
    size_t column;
    struct scoop_value value;
};

/* Appends columns `from` to `to` of a row of JSON, behind those before; *next, of *left cells in
 * the order of their columns, goes on to the first one behind, and what is no cell is NULL. 0, or
 * -1 with NO_MEMORY. */
int scoop_cells_append(const struct scoop_cell **next, size_t *left, size_t from, size_t to,
                       struct scoop_buf *row, struct scoop_error *error);

/* Reads a canonical row. */
struct scoop_cell_reader {
    const unsigned char *at, *end; /* at beyond the end: there is no more */
    size_t column;                 /* of what is read next */
};

static inline struct scoop_cell_reader scoop_cells_read(const unsigned char *data, size_t length) {
    return (struct scoop_cell_reader){.at = data, .end = data + length};
}

/* The next value that is not NULL. False: all the others are. */
bool scoop_cells_next(struct scoop_cell_reader *reader, struct scoop_cell *cell);
/* Two rows side by side, by what both exports have of them. */
struct scoop_row_pair {
    struct scoop_cell_reader readers[2];
    struct scoop_cell cells[2];
    bool has[2];
};

struct scoop_row_pair scoop_row_pair_read(const struct scoop_row_bytes *one,
                                          const struct scoop_row_bytes *other);
/* The next column in which they differ. False: there is none. */
bool scoop_row_pair_next(struct scoop_row_pair *pair, size_t *column);
/* The value of one column. */
struct scoop_value scoop_row_value(const unsigned char *data, size_t length, size_t column);

#endif
