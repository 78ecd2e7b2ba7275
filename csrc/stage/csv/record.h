/* One record of a CSV text, taken apart and written as RFC 4180 says. */
#ifndef SCOOP_STAGE_CSV_RECORD_H
#define SCOOP_STAGE_CSV_RECORD_H

#include "scoop/buffer.h"
#include "stage/csv/dialect.h"

struct scoop_csv_field {
    size_t at, length; /* of what is inside the quotes */
    bool quoted;
    bool plain; /* without escapes and doubled quotes */
};

struct scoop_csv_record {
    struct scoop_csv_field *fields;
    size_t count, capacity;
    size_t content_end; /* its line end begins there */
    size_t end;         /* what comes next */
    size_t fault_at;    /* of a bad one */
    const char *reason; /* static */
};

enum scoop_csv_verdict {
    SCOOP_CSV_WHOLE,
    SCOOP_CSV_MORE, /* the text ends before the record does */
    SCOOP_CSV_BAD,
    SCOOP_CSV_FAILED, /* NO_MEMORY */
};

/* Reads the record that begins at `from`, which is before length; last: the text ends there. */
enum scoop_csv_verdict scoop_csv_record_read(struct scoop_csv_record *record,
                                             const struct scoop_csv_marks *marks,
                                             const unsigned char *text, size_t from, size_t length,
                                             bool last, struct scoop_error *error);
void scoop_csv_record_free(struct scoop_csv_record *record);

/* Whether NULL is all that the record has: written, it would be a blank line, which is none. */
bool scoop_csv_record_is_null(const struct scoop_csv_record *record, const char *null_values,
                              const unsigned char *text);

struct scoop_csv_writing {
    const struct scoop_csv_marks *marks;
    const char *null_values; /* as in the dialect */
    bool replace_nul;        /* by U+FFFD */
};

/* Appends it, with a newline. 0, or -1 with NO_MEMORY or TOO_LARGE. */
int scoop_csv_record_write(const struct scoop_csv_record *record,
                           const struct scoop_csv_writing *writing, const unsigned char *text,
                           struct scoop_buf *out, struct scoop_error *error);

#endif
