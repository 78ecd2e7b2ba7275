/* How a CSV text is written where that is not as RFC 4180 says. Zeros: as it says, in UTF-8. */
#ifndef SCOOP_CSV_DIALECT_H
#define SCOOP_CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scoop_csv_dialect {
    const char *delimiter; /* one character; NULL: a comma */
    const char *quote;     /* one character; "": there are no quotes; NULL: a double quote */
    const char *escape;    /* the character that makes the next one data; NULL: none */
    const char *comment;   /* lines that begin so are none; NULL: there are none */
    const char *encoding;  /* as iconv names it; NULL: UTF-8 */
    /* Texts without quotes that are NULL, each with a newline behind it; NULL: nothing at all is.
     */
    const char *null_values;
    uint64_t skip_rows; /* lines before the header */
    bool no_header;
    const char *columns; /* of a text without a header: the row to put there, as CSV; NULL: none */
    bool for_rows; /* a reader of rows comes next: lines keep their numbers, as blank ones where
                      they are none, and what it refuses passes */
};

static inline bool scoop_csv_dialect_is_default(const struct scoop_csv_dialect *dialect) {
    return dialect->delimiter == NULL && dialect->quote == NULL && dialect->escape == NULL &&
           dialect->comment == NULL && dialect->encoding == NULL && dialect->null_values == NULL &&
           dialect->skip_rows == 0 && !dialect->no_header && dialect->columns == NULL;
}

#endif
