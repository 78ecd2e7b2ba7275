/* How long the change of a row can be: whoever reads changes is told of none that it refuses. */
#ifndef SCOOP_TABLE_ROWS_ROW_LIMIT_H
#define SCOOP_TABLE_ROWS_ROW_LIMIT_H

#include "table/rows/batch.h"
#include "table/rows/columns.h"

struct scoop_row_limit {
    const struct scoop_row_plan *plan;
    bool json;          /* values may be marked as JSON (row_text.h) */
    size_t most_bytes;  /* of a change, as a line of JSON */
    size_t stamp_bytes; /* of that, the members that each change has beside its row */
};

/* 0, or -1 with BAD_RECORD: a change of a row would be longer. */
int scoop_row_limit_check(const struct scoop_row_limit *limit, const struct scoop_batch *batch,
                          struct scoop_error *error);
/* Whether that has looked at all that a change can have. Where there are many names, those of the
 * columns that an UPDATE changes, and of columns that came later, have not been counted. */
bool scoop_row_limit_is_proof(const struct scoop_row_limit *limit);

#endif
