/* From the values of a row to its key and its canonical form, in a batch. */
#ifndef SCOOP_TABLE_ROWS_ROW_BUILD_H
#define SCOOP_TABLE_ROWS_ROW_BUILD_H

#include "base/record_place.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"
#include "table/rows/row_text.h"

/* Sets the row's key; values are those of all columns, in the export's order. 0, or -1 with
 * BAD_RECORD (an empty key) or NO_MEMORY. */
int scoop_row_set_key(const struct scoop_row_plan *plan, struct scoop_batch *batch,
                      struct scoop_row *row, const struct scoop_value *values,
                      struct scoop_record_place place, struct scoop_error *error);
/* Appends the canonical row of JSON that has these values, none of them NULL, in canonical order;
 * *compared: its first bytes, of what both exports have. 0, or -1 with NO_MEMORY. */
int scoop_row_write_cells(const struct scoop_row_plan *plan, const struct scoop_cell *cells,
                          size_t count, struct scoop_buf *row, uint32_t *compared,
                          struct scoop_error *error);
/* Writes the canonical row of all values, which are in the export's order, to batch->extra. */
int scoop_row_encode(const struct scoop_row_plan *plan, struct scoop_batch *batch,
                     struct scoop_row *row, const struct scoop_value *values,
                     struct scoop_error *error);
int scoop_row_fail_key(const struct scoop_row_plan *plan, size_t key,
                       struct scoop_record_place place, struct scoop_error *error);
/* A hash of the key of a canonical row, in whichever export it is; not that of scoop_row_set_key.
 * *room is to build the key in. 0, or -1 with NO_MEMORY. */
int scoop_row_hash_key(const struct scoop_row_plan *plan, const struct scoop_row_bytes *row,
                       struct scoop_buf *room, struct scoop_key_hash *hash,
                       struct scoop_error *error);

#endif
