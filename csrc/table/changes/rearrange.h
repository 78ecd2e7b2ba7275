/* Changes whose rows have the columns of an open plan (table/rows/open_plan.h) -> changes whose
 * rows are as the closed plans have them. */
#ifndef SCOOP_TABLE_CHANGES_REARRANGE_H
#define SCOOP_TABLE_CHANGES_REARRANGE_H

#include "table/changes/changes.h"

struct scoop_rearrange;

/* changes->plans are closed already; columns: of the open plan. Borrowed. NULL with NO_MEMORY. */
struct scoop_rearrange *scoop_rearrange_new(struct scoop_changes *changes, size_t columns,
                                            struct scoop_error *error);
/* Goes on for some thousand changes. 1: all is done; *same: so many updates, which differed in no
 * column that both exports have, are left out. 0: there is more; -1 with *error. */
int scoop_rearrange_step(struct scoop_rearrange *rearrange, uint64_t *same,
                         struct scoop_error *error);
/* NULL is allowed. */
void scoop_rearrange_free(struct scoop_rearrange *rearrange);

#endif
