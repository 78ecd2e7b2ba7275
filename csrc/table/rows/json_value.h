/* A value of a JSON line as a row has it. */
#ifndef SCOOP_TABLE_ROWS_JSON_VALUE_H
#define SCOOP_TABLE_ROWS_JSON_VALUE_H

#include "base/canonical.h"
#include "table/rows/row_text.h"

/* The value at `at` of a line that was checked (text/json_reader.h), written to *out, which is
 * moved behind it and needs at most a byte more than the text. Returns the byte after the value. */
const unsigned char *scoop_json_take_value(const unsigned char *at, unsigned char **out,
                                           struct scoop_value *value);
/* The same in the one form that equal values have, in the room that this takes. NULL with
 * NO_MEMORY.
 */
const unsigned char *scoop_json_take_canonical(struct scoop_canonical *canonical,
                                               const unsigned char *at, bool by_value,
                                               unsigned char **out, struct scoop_value *value,
                                               struct scoop_error *error);

#endif
