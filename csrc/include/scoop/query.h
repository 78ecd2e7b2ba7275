/* The rows of one statement, one after the other: a row at a time is in memory. */
#ifndef SCOOP_QUERY_H
#define SCOOP_QUERY_H

#include "scoop/arrow.h"
#include "scoop/session.h"

struct scoop_query_column {
    const char *name; /* valid until the next query */
    uint32_t type;    /* its number in pg_type */
    int modifier;     /* the type's; -1: none */
};

/* Sends a statement and waits for its columns. Until its last row was read, or it is closed, other
 * calls of the session are refused (USAGE). Errors as of scoop_session_execute. */
int scoop_query_open(struct scoop_session *session, const struct scoop_statement *statement,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* The next row. 1, or 0 when there are no more, or -1, which ends it. */
int scoop_query_next(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error);
/* Ends it before its last row, on the server too, within a few seconds. */
void scoop_query_close(struct scoop_session *session);

/* Which query of the session this is; another one has another number. */
uint64_t scoop_query_number(const struct scoop_session *session);
size_t scoop_query_columns(const struct scoop_session *session);
struct scoop_query_column scoop_query_column(const struct scoop_session *session, size_t column);
/* Of the row that was read last; NULL for SQL's NULL. */
const char *scoop_query_value(const struct scoop_session *session, size_t column, size_t *length);

/* The columns as an Arrow schema; `most` rows at most as an array, of no rows when there are no
 * more. UNSUPPORTED for a value that the column's Arrow type cannot hold. */
int scoop_query_schema(const struct scoop_session *session, struct ArrowSchema *schema,
                       struct scoop_error *error);
int scoop_query_batch(struct scoop_session *session, int64_t most,
                      const struct scoop_interrupt *interrupt, struct ArrowArray *array,
                      struct scoop_error *error);

#endif
