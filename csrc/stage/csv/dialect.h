/* A dialect, made ready for a text. */
#ifndef SCOOP_STAGE_CSV_DIALECT_H
#define SCOOP_STAGE_CSV_DIALECT_H

#include "scoop/csv_dialect.h"
#include "text/utf8.h"

/* One character. */
struct scoop_csv_mark {
    unsigned char bytes[SCOOP_UTF8_MOST];
    size_t length; /* 0: there is none */
};

struct scoop_csv_marks {
    struct scoop_csv_mark delimiter, quote, escape;
    bool special[256]; /* a mark or a line end can begin with that byte */
};

/* Of a dialect that scoop_csv_dialect_check has passed. */
void scoop_csv_marks_init(struct scoop_csv_marks *marks, const struct scoop_csv_dialect *dialect);

static inline bool scoop_csv_ends_line(unsigned char byte) {
    return byte == '\n' || byte == '\r';
}

/* The bytes of the line end at `at`; 0: it may go on beyond the text. */
static inline size_t scoop_csv_line_end(const unsigned char *text, size_t at, size_t length,
                                        bool last) {
    if (text[at] == '\n')
        return 1;
    if (at + 1 == length)
        return last ? 1 : 0;
    return text[at + 1] == '\n' ? 2 : 1;
}

#endif
