/* Headers that a caller adds to a request: lines "Name: value" with a line feed after each. Pure,
 * any thread. */
#ifndef SCOOP_TEXT_REQUEST_HEADERS_H
#define SCOOP_TEXT_REQUEST_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct scoop_header_line {
    const char *name, *value; /* within the lines */
    size_t name_length, value_length;
};

/* Takes the next line from *at, values trimmed; false: there is none. A line without a colon is a
 * name without a value. */
bool scoop_header_line_next(const char **at, struct scoop_header_line *line);
bool scoop_header_line_is(const struct scoop_header_line *line, const char *name);

/* Why the header cannot be added, or NULL: it is no header, or one that says how this request and
 * its answer are read, which is the engine's alone to say. */
const char *scoop_header_line_refused(const struct scoop_header_line *line);

#endif
