/* Columns that one of two exports has alone. */
#ifndef SCOOP_TABLE_ROWS_SCHEMA_CHANGE_H
#define SCOOP_TABLE_ROWS_SCHEMA_CHANGE_H

#include "table/rows/columns.h"

/* 0, or -1 with SCHEMA_CHANGED: a column that one of them has alone, where that is an error; one
 * that is the other's but for case, in any case for a key, else unless any_case. */
int scoop_schema_change_check(const struct scoop_plan_options *options, struct scoop_error *error);

#endif
