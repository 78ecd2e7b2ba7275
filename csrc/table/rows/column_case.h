/* Columns whose names are equal but for case (ASCII's): warehouses, and readers of JSON, fold them.
 */
#ifndef SCOOP_TABLE_ROWS_COLUMN_CASE_H
#define SCOOP_TABLE_ROWS_COLUMN_CASE_H

#include "table/rows/columns.h"

/* 0, or -1 with BAD_RECORD, which names the first such pair and the export, or NO_MEMORY. */
int scoop_columns_check_case(const struct scoop_columns *columns, const char *export_name,
                             struct scoop_error *error);
/* Numbers the later ones, as a copy does: Name, name_2, passing over names that are there. 0, or -1
 * with NO_MEMORY. */
int scoop_columns_rename(struct scoop_columns *columns, struct scoop_error *error);

/* The first pair of names that are equal but for case, *two behind *one; *found: there is one. 0,
 * or -1 with NO_MEMORY. */
int scoop_columns_find_case(const struct scoop_columns *columns, bool *found, size_t *one,
                            size_t *two, struct scoop_error *error);

#endif
