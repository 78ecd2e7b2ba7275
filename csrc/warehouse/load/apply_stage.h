/* Changes on their way into the temporary table: about a MiB at a time, by COPY on PostgreSQL, by
 * INSERT with bound values on Redshift, which has no COPY from the client. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_STAGE_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_STAGE_H

#include "scoop/session.h"
#include "table/changes/line.h"
#include "warehouse/sql/apply_sql.h"

/* Rows of the stage. A value is an offset into text, where it is closed by a NUL. */
struct scoop_apply_chunk {
    const struct scoop_apply_plan *plan;
    struct scoop_buf text;
    size_t *values; /* rows * column_count; SIZE_MAX: NULL */
    struct scoop_change_place *places;
    char *ops; /* their first letters */
    size_t rows, capacity;
};

void scoop_apply_chunk_init(struct scoop_apply_chunk *chunk, const struct scoop_apply_plan *plan);
void scoop_apply_chunk_free(struct scoop_apply_chunk *chunk);
void scoop_apply_chunk_clear(struct scoop_apply_chunk *chunk);
/* A row all of whose values are NULL. 0 or -1. */
int scoop_apply_chunk_add(struct scoop_apply_chunk *chunk, struct scoop_change_place place, char op,
                          struct scoop_error *error);
/* Sets a value of the last row. 0 or -1. */
int scoop_apply_chunk_set(struct scoop_apply_chunk *chunk, size_t column, const char *value,
                          size_t length, struct scoop_error *error);
/* Of the last row; NULL for NULL. */
const char *scoop_apply_chunk_value(const struct scoop_apply_chunk *chunk, size_t row,
                                    size_t column);
bool scoop_apply_chunk_full(const struct scoop_apply_chunk *chunk);
/* Stores the rows. A value that does not fit its column is BAD_RECORD, which names place, key and
 * column; the transaction is over then. 0 or -1. */
int scoop_apply_chunk_store(const struct scoop_apply_chunk *chunk, struct scoop_session *session,
                            const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
