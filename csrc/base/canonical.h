/* Values of JSON in the one form in which equal ones are equal bytes: nested members in the order
 * of their names, no white space, strings as text/json_string.h writes them. Numbers keep their
 * digits, or, by value, get those of their value: 1.0, 1.00 and 10e-1 are 1. */
#ifndef SCOOP_BASE_CANONICAL_H
#define SCOOP_BASE_CANONICAL_H

#include <stdbool.h>

#include "scoop/buffer.h"

struct scoop_canonical_member;

struct scoop_canonical {
    struct scoop_canonical_member *members; /* of the objects that are open */
    size_t count, capacity;
    struct scoop_buf moved; /* members on their way to their place */
};

void scoop_canonical_init(struct scoop_canonical *canonical);
void scoop_canonical_free(struct scoop_canonical *canonical);
/* Room for the values of a text, whichever of its numbers are written by value. */
size_t scoop_canonical_room(const unsigned char *text, size_t length);
/* The value at `at` of text that was checked (text/json_reader.h), where something follows a value
 * that is no string, object or array; written to *out, which is moved behind it. Returns the byte
 * after the value; NULL with NO_MEMORY. */
const unsigned char *scoop_canonical_write(struct scoop_canonical *canonical,
                                           const unsigned char *at, bool by_value,
                                           unsigned char **out, struct scoop_error *error);

#endif
