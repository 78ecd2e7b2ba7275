/* A session as the verbs of the warehouse use it. */
#ifndef SCOOP_WAREHOUSE_SESSION_SESSION_H
#define SCOOP_WAREHOUSE_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/session.h"
#include "warehouse/sql/sql_text.h"

/* Whether the server has carried out the last statement, even one that was cancelled. */
bool scoop_session_succeeded(const struct scoop_session *session);

/* The name of the constraint, or unique index, that refused the last statement; "" for none. */
const char *scoop_session_constraint(const struct scoop_session *session);
/* Refuses the call while the rows of a query are being read. */
int scoop_session_unread(const struct scoop_session *session, struct scoop_error *error);

/* Refuses the call in another process, after a cancel, and after the connection was lost. */
int scoop_session_usable(struct scoop_session *session, struct scoop_error *error);

/* Connects, and refuses a session in whose open or failed transaction `verb` (of the Python class)
 * would work: its snapshot may be older than our lock, and its rows are not ours to commit. */
int scoop_session_alone(struct scoop_session *session, const char *verb,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Refuses, between begin and commit, a statement that would end their transaction, or begin one. */
int scoop_session_within(const struct scoop_session *session, const char *sql,
                         struct scoop_error *error);

/* Who is logged in; NULL while it is not connected. */
const char *scoop_session_user(const struct scoop_session *session);

/* Whether a table that names a database is in this session's, for which it connects. 0, or -1 with
 * USAGE. */
int scoop_session_holds(struct scoop_session *session, const struct scoop_table_name *name,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Sleeps, ending early with -1 (CANCELLED) when the caller wants to stop. */
int scoop_session_sleep(struct scoop_session *session, uint64_t time_ms,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* scoop_session_execute without parameters and rows. */
int scoop_session_run(struct scoop_session *session, const char *sql,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* The same as scoop_session_run, with rows. */
int scoop_session_query(struct scoop_session *session, const char *sql,
                        const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                        struct scoop_error *error);

/* What a COPY FROM STDIN sends: `next` appends a piece to *piece, nothing at the end. 0, or -1 with
 * *error, which ends the COPY. */
struct scoop_copy_pieces {
    int (*next)(void *user, struct scoop_buf *piece, struct scoop_error *error);
    void *user;
};
/* Runs `sql`, COPY … FROM STDIN; *rows is what the server has stored. 0 or -1. */
int scoop_session_copy(struct scoop_session *session, const char *sql,
                       const struct scoop_copy_pieces *pieces,
                       const struct scoop_interrupt *interrupt, int64_t *rows,
                       struct scoop_error *error);

/* Ends an open transaction, cancelled or not; closes the connection where that does not work within
 * a few seconds. */
void scoop_session_rollback(struct scoop_session *session);

/* A column of rows: its name, valid as long as the rows, and the number of its type in pg_type. */
const char *scoop_rows_name(const struct scoop_rows *rows, size_t column);
uint32_t scoop_rows_type(const struct scoop_rows *rows, size_t column);

/* Puts a text before the message of *error; all else stays. Returns -1. */
int scoop_fail_prefix(struct scoop_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies `from` on one line, cut to fit. */
void scoop_flatten(const char *from, char *to, size_t size);

#endif
