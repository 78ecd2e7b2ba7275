/* A CSV header: every column gets a name of its own. */
#ifndef SCOOP_TABLE_ROWS_HEADER_NAMES_H
#define SCOOP_TABLE_ROWS_HEADER_NAMES_H

#include "table/rows/columns.h"
#include "table/rows/row_text.h"

/* Adds the names, which hold no NUL. An empty one becomes column_N, by its place; one that came
 * before becomes name_2, name_3 and so on: the first that no column has. 0, or -1 with NO_MEMORY.
 */
int scoop_header_names(const struct scoop_value *values, size_t fields,
                       struct scoop_columns *columns, struct scoop_error *error);

#endif
