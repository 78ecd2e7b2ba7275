/* A text as a string of JSON, in the one form that we write: only what must be escaped is. Pure. */
#ifndef SCOOP_TEXT_JSON_STRING_H
#define SCOOP_TEXT_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* Room is the caller's to make: SCOOP_ESCAPE_MOST times the length, and 2. doubled: each quote of
 * the text stands twice and is one. Returns the end. */
unsigned char *scoop_json_string_write(unsigned char *at, const unsigned char *data, size_t length,
                                       bool doubled);
/* The bytes that it writes. */
size_t scoop_json_string_bytes(const unsigned char *data, size_t length, bool doubled);

#endif
