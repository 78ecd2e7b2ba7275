/* Reads JSON where it lies, value by value, without memory of its own. Pure.
 *
 * Of text that comes from outside nothing is trusted. A line that the JSON stage has checked
 * (scoop_json_check_new) is read by the functions named scoop_json_checked_, to any depth and
 * without a look for its end. */
#ifndef SCOOP_TEXT_JSON_READER_H
#define SCOOP_TEXT_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both borrowed from the caller's text. Nesting deeper than SCOOP_JSON_MOST_DEPTH is refused. */
struct scoop_json_reader {
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
bool scoop_json_string(struct scoop_json_reader *reader, struct scoop_json_span *text);
/* A whole number from 0 to INT64_MAX. */
bool scoop_json_count(struct scoop_json_reader *reader, uint64_t *count);
/* Any value; *value (may be NULL): its text. */
bool scoop_json_skip(struct scoop_json_reader *reader, struct scoop_json_span *value);
/* Begins an object or array: '{' or '['. */
bool scoop_json_begin(struct scoop_json_reader *reader, unsigned char bracket);
/* The next member's name, the reader then being at its value, which is the caller's to take; *first
 * is true before the first. 1; 0: the object has ended; -1. */
int scoop_json_member(struct scoop_json_reader *reader, bool *first, struct scoop_json_span *name);
/* The same for an array's elements. */
int scoop_json_element(struct scoop_json_reader *reader, bool *first);
/* Whether nothing but white space is left. */
bool scoop_json_at_end(struct scoop_json_reader *reader);
/* Whether the next value is a string: the others a reader of AWS's answers may meet are null. */
bool scoop_json_is_string(struct scoop_json_reader *reader);

/* Of a string that was read above: */

/* Whether its text is `name`, which has no escapes. */
bool scoop_json_is(const struct scoop_json_span *text, const char *name);
/* It as UTF-8, cut to fit; "?" for what cannot stand in a C string. */
void scoop_json_decode(const struct scoop_json_span *text, char *out, size_t size);

/* Of a line that was checked: whether it is an object, whose `{` then is at *at. */
bool scoop_json_checked_begin(const unsigned char **at);
/* From `{`, a comma or a value's end to the next member: its decoded name, in no more bytes than
 * its text, and *at where its value begins. False with *at at the object's `}`. */
bool scoop_json_checked_member(const unsigned char **at, unsigned char *name, size_t *length);
/* The string whose opening quote is at `at`, decoded, and a value that is no string, without space:
 * written to *out, which is moved behind it and needs no more than the text takes. Both return the
 * byte after the value. */
const unsigned char *scoop_json_checked_string(const unsigned char *at, unsigned char **out);
const unsigned char *scoop_json_checked_other(const unsigned char *at, unsigned char **out);

#endif
