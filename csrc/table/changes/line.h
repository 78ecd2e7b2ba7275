/* One line of a change file, taken apart. */
#ifndef SCOOP_TABLE_CHANGES_LINE_H
#define SCOOP_TABLE_CHANGES_LINE_H

#include "base/record_place.h"
#include "scoop/buffer.h"
#include "scoop/changes.h"

/* "INSERT" and so on; static. */
const char *scoop_change_op_name(enum scoop_change_op op);

/* A column and its value: a string's text, other JSON as it is written, without spaces. */
struct scoop_change_member {
    const char *name;
    const char *value; /* NULL: null */
    size_t value_length;
    bool is_text; /* a string, not other JSON */
};

/* Where a change is. */
struct scoop_change_place {
    uint64_t number; /* of the line in its file, from 1 */
    struct scoop_record_place record;
};

/* Which version of which table a change is of, as its line says; all NULL where it does not say so.
 */
struct scoop_change_stamp {
    const char *dataset, *version;
    const char *previous; /* the version before; NULL: there is none */
};

struct scoop_change_record {
    struct scoop_change_place place;
    enum scoop_change_op op; /* SCOOP_CHANGE_OPS: it is no change, but says the stamp of none */
    struct scoop_change_stamp stamp;
    const struct scoop_change_member *key; /* at least one */
    size_t key_count;
    const struct scoop_change_member *row; /* of a DELETE perhaps none */
    size_t row_count;
    bool of_csv; /* it says that its export was CSV, where all values are texts */
};

struct scoop_change_line {
    struct scoop_buf text; /* names and values, each closed by a NUL */
    struct scoop_change_member *members;
    size_t count, capacity;
};

void scoop_change_line_init(struct scoop_change_line *line);
void scoop_change_line_free(struct scoop_change_line *line);
/* Reads checked JSON of `length` bytes, a newline behind it, into *record, which is valid until the
 * next call. 0, or -1 with BAD_RECORD or NO_MEMORY. */
int scoop_change_line_read(struct scoop_change_line *line, const unsigned char *json, size_t length,
                           struct scoop_change_place place, struct scoop_change_record *record,
                           struct scoop_error *error);
/* BAD_RECORD: "line 3 (byte 17): change 2", and what is said. Always -1. */
int scoop_change_fail(struct scoop_error *error, struct scoop_change_place place,
                      const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
