/* Values of JSON lines in the one form in which equal ones are equal bytes: nested members in the
 * order of their names, no white space, strings as text/json_string.h writes them. Numbers keep
 * their digits, or, by value, get those of their value. */
#ifndef SCOOP_TABLE_ROWS_CANONICAL_H
#define SCOOP_TABLE_ROWS_CANONICAL_H

#include "scoop/buffer.h"
#include "table/rows/row_text.h"

struct scoop_canonical_member;

struct scoop_canonical {
    bool by_value;                          /* 1.0, 1.00, 10e-1 are 1 */
    struct scoop_canonical_member *members; /* of the objects that are open */
    size_t count, capacity;
    struct scoop_buf moved; /* members on their way to their place */
};

void scoop_canonical_init(struct scoop_canonical *canonical);
void scoop_canonical_free(struct scoop_canonical *canonical);
/* Room for the values of a line of `length` bytes. */
size_t scoop_canonical_room(const struct scoop_canonical *canonical, size_t length);
/* The value at `at` of a line that was checked (text/json_reader.h), written to *out, which is
 * moved behind it. Returns the byte after the value; NULL with NO_MEMORY. */
const unsigned char *scoop_canonical_take(struct scoop_canonical *canonical,
                                          const unsigned char *at, unsigned char **out,
                                          struct scoop_value *value, struct scoop_error *error);

#endif
