/* Objects of a JSON text that was checked (scoop_json_check_new), so that nothing here looks for an
 * end. */
#ifndef SCOOP_TEXT_JSON_TEXT_H
#define SCOOP_TEXT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "table/rows/row_text.h"

const unsigned char *scoop_json_skip_space(const unsigned char *at);
/* From `{`, a comma or a value's end to the next member: its decoded name, in no more bytes than
 * its text, and *at where its value begins. False with *at at the object's `}`. */
bool scoop_json_next_member(const unsigned char **at, unsigned char *name, size_t *length);
/* The value at `at`, as row_text.h has it, written to *out, which is moved behind it and needs at
 * most a byte more than the text. Returns the byte after the value. */
const unsigned char *scoop_json_take_value(const unsigned char *at, unsigned char **out,
                                           struct scoop_value *value);

#endif
