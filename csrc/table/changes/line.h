/* One line of a change file, taken apart. */
#ifndef SCOOP_TABLE_CHANGES_LINE_H
#define SCOOP_TABLE_CHANGES_LINE_H

#include "scoop/buffer.h"
#include "scoop/change_source.h"

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
                           uint64_t number, struct scoop_change_record *record,
                           struct scoop_error *error);

#endif
