/* Reads JSON where it lies, value by value, without memory of its own. Pure; nothing is trusted. */
#ifndef SCOOP_TEXT_JSON_CURSOR_H
#define SCOOP_TEXT_JSON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both borrowed from the caller's text. Nesting deeper than SCOOP_JSON_MOST_DEPTH is refused. */
struct scoop_json_cursor {
    const unsigned char *at, *end;
};
struct scoop_json_span {
    const unsigned char *data;
    size_t length;
};

enum { SCOOP_JSON_MOST_DEPTH = 64 };

/* Each takes what it names, white space before it included; false (1, 0, -1 below): it is not
 * there, or broken, and nothing more is to be read. */

/* A string; *text: what is between its quotes, as written. */
bool scoop_json_string(struct scoop_json_cursor *cursor, struct scoop_json_span *text);
/* A whole number from 0 to INT64_MAX. */
bool scoop_json_count(struct scoop_json_cursor *cursor, uint64_t *count);
/* Any value; *value (may be NULL): its text. */
bool scoop_json_skip(struct scoop_json_cursor *cursor, struct scoop_json_span *value);
/* Begins an object or array: '{' or '['. */
bool scoop_json_begin(struct scoop_json_cursor *cursor, unsigned char bracket);
/* The next member's name, the cursor then being at its value, which is the caller's to take; *first
 * is true before the first. 1; 0: the object has ended; -1. */
int scoop_json_member(struct scoop_json_cursor *cursor, bool *first, struct scoop_json_span *name);
/* The same for an array's elements. */
int scoop_json_element(struct scoop_json_cursor *cursor, bool *first);
/* Whether nothing but white space is left. */
bool scoop_json_at_end(struct scoop_json_cursor *cursor);
/* Whether the next value is a string: the others a reader of AWS's answers may meet are null. */
bool scoop_json_is_string(struct scoop_json_cursor *cursor);

/* Whether a string's text is `name`, which has no escapes. */
bool scoop_json_is(const struct scoop_json_span *text, const char *name);
/* The string as UTF-8, cut to fit; "?" for what cannot stand in a C string. */
void scoop_json_decode(const struct scoop_json_span *text, char *out, size_t size);

#endif
