/* Plans of two exports whose columns are known only at their end, as those of JSON are.
 *
 * The columns of both are numbered in the order in which they were met, and all are compared. A row
 * ends with its last value that is not NULL: so it is the same before and after a column was met.
 * What the exports have in common is known, and looked at, when both have ended. */
#ifndef SCOOP_TABLE_ROWS_OPEN_PLAN_H
#define SCOOP_TABLE_ROWS_OPEN_PLAN_H

#include "table/rows/batch.h"
#include "table/rows/columns.h"

struct scoop_open_plan {
    struct scoop_plan_options options; /* columns: of each side, none as long as it has no row */
    size_t most_bytes;                 /* of the names of all columns */
    size_t bytes;                      /* of those so far */
    struct scoop_columns all;          /* of both exports */
    struct scoop_columns own[2];       /* of each */
    size_t shown[2];                   /* of those, in the plan */
};

/* Options without columns. */
void scoop_open_plan_init(struct scoop_open_plan *open, const struct scoop_plan_options *options,
                          size_t most_bytes);
void scoop_open_plan_free(struct scoop_open_plan *open);
/* These columns are in a side's next rows. 0, or -1 with BAD_RECORD (too many) or NO_MEMORY. */
int scoop_open_plan_meet(struct scoop_open_plan *open, enum scoop_side side,
                         const struct scoop_columns *columns, struct scoop_error *error);
/* Brings a side's plan up to date, or begins it. 0, or -1 with USAGE (a key that is no column of a
 * side that has rows) or NO_MEMORY. */
int scoop_open_plan_show(struct scoop_open_plan *open, enum scoop_side side,
                         struct scoop_row_plan *plan, struct scoop_error *error);
/* The options with the columns of both that are known, one without rows having the other's. */
struct scoop_plan_options scoop_open_plan_options(const struct scoop_open_plan *open);
/* Both exports have ended. 0, or -1 with SCHEMA_CHANGED or NO_MEMORY. */
int scoop_open_plan_check(const struct scoop_open_plan *open, struct scoop_error *error);
/* After that: the plans that scoop_row_plans makes of all columns, where `order` says which of the
 * open plan's columns each one is, and as_it_is that rows need not be brought into order. */
int scoop_open_plan_close(const struct scoop_open_plan *open, struct scoop_row_plan plans[2],
                          struct scoop_error *error);

#endif
