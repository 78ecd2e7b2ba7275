/* The canonical form of a row: CSV without its line end, a value quoted only where it must be (it
 * is empty, or holds a comma, a quote or a newline); nothing at all is NULL. So equal rows are
 * equal bytes. A value of JSON that is no string is its JSON text behind a byte 1; a string that
 * begins with that byte has it twice. */
#ifndef SCOOP_TABLE_ROWS_ROW_TEXT_H
#define SCOOP_TABLE_ROWS_ROW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"

enum { SCOOP_JSON_MARK = 1 };

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
/* Reads the value at `at` of a canonical row; returns where the next one begins, beyond `end` when
 * it was the last: those that follow are NULL. */
const unsigned char *scoop_row_next(const unsigned char *at, const unsigned char *end,
                                    struct scoop_value *value);

#endif
