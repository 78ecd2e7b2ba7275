/* One session on Redshift or PostgreSQL. libpq stays behind this header. */
#ifndef SCOOP_SESSION_H
#define SCOOP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"
#include "scoop/interrupt.h"

struct scoop_session;
struct scoop_rows;

/* SCOOP_AUTO: which of the two it is, the server says once it is connected. */
enum scoop_dialect { SCOOP_REDSHIFT, SCOOP_POSTGRES, SCOOP_AUTO };

struct scoop_session_options {
    const char *conninfo;        /* libpq URI or "key=value …"; used when keywords is NULL */
    const char *const *keywords; /* libpq's names, closed by NULL */
    const char *const *values;   /* one per keyword */
    enum scoop_dialect dialect;
    const char *ca_file; /* for sslmode verify-ca and verify-full without sslrootcert */
    /* application_name, unless the settings name one; on Redshift query_group, too. NULL: airscoop
     */
    const char *label;
    /* 0: wait for ever. On PostgreSQL how long any statement waits for a lock (the server's own
     * lock_timeout); on Redshift, which has none, how long a load waits for its turn and its table.
     */
    int64_t lock_timeout_ms;
    int64_t statement_timeout_ms; /* for all but those waits of a load; 0: the server's own */
};

/* A session that is not connected yet; options are copied. Owned by the caller; NULL with *error
 * filled (USAGE for a connection string that cannot be read, NO_MEMORY). Messages never hold the
 * password, nor any other part of a string that could not be read. */
struct scoop_session *scoop_session_new(const struct scoop_session_options *options,
                                        struct scoop_error *error);

/* Connects; a session that is connected is left as it is. At most connect_timeout seconds (30 when
 * the options do not say). Only the look-up of a host name cannot be interrupted.
 * 0, or -1 with CONNECTION, TIMEOUT, TLS, ACCESS_DENIED, NOT_FOUND, USAGE or CANCELLED. */
int scoop_session_connect(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error);

/* Closes and releases. In a forked child the parent's session on the server is left alone. NULL is
 * allowed. */
void scoop_session_free(struct scoop_session *session);

/* Ends the statement under way on the server, and every later call of this session, with CANCELLED.
 * Any thread, and signal handlers. The thread that waits carries it out; it needs no lock. */
void scoop_session_cancel(struct scoop_session *session);

/* Rolls back the transaction that the caller has left open, if there is one, within a few seconds.
 * True when there was one. */
bool scoop_session_take_back(struct scoop_session *session);

/* BEGIN, which scoop_session_commit or scoop_session_abandon ends: until then statements that would
 * end or begin a transaction are refused (USAGE), as are the calls that make transactions of their
 * own. USAGE where one is open. */
int scoop_session_begin(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                        struct scoop_error *error);
/* COMMIT; whatever comes of it, no transaction is open afterwards. USAGE where a statement has
 * failed, or where the rows of a query are unread. error->committed says what stands. */
int scoop_session_commit(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                         struct scoop_error *error);
/* ROLLBACK, within a few seconds; a connection that does not answer is closed. */
void scoop_session_abandon(struct scoop_session *session);

/* Between two calls, while no other thread can cancel: gives back what a session that is not
 * connected, was cancelled or has lost its connection does not need. */
void scoop_session_rest(struct scoop_session *session);

struct scoop_statement {
    const char *sql;
    const char *const *parameters; /* as text for $1, $2, …; a NULL is SQL's NULL */
    size_t parameter_count;        /* 0: sent as a simple query, so that DDL works on Redshift */
};

/* Runs one statement (USAGE for several), connecting first when needed. All rows are held in
 * memory. *rows (owned by the caller; the pointer may be NULL) is set on success only. One thread
 * at a time, the process that connected only. 0, or -1: the server's SQLSTATE is in
 * error->sqlstate. After CONNECTION the session can only be freed. The error's `committed`: YES
 * where a cancel came too late, UNKNOWN where the connection was lost before the answer; NO in a
 * transaction that the statement does not end. */
int scoop_session_execute(struct scoop_session *session, const struct scoop_statement *statement,
                          const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                          struct scoop_error *error);

/* What the statement that was run last has committed. */
enum scoop_committed scoop_session_made(const struct scoop_session *session);

/* What the call under way waits for, and who holds it, as a text for people; "" when it waits for
 * nothing that is known. For the interrupt's check, on the thread of the call. */
const char *scoop_session_waits_for(const struct scoop_session *session);

/* SCOOP_AUTO until it is connected for the first time. */
enum scoop_dialect scoop_session_dialect(const struct scoop_session *session);

/* Rows as text. What the getters return is valid until scoop_rows_free; any thread. */
size_t scoop_rows_count(const struct scoop_rows *rows);
size_t scoop_rows_columns(const struct scoop_rows *rows);
/* NULL for SQL's NULL and for a place outside the rows. */
const char *scoop_rows_value(const struct scoop_rows *rows, size_t row, size_t column);
/* The same as a number; NULL and what is no number are 0. */
int64_t scoop_rows_number(const struct scoop_rows *rows, size_t row, size_t column);
/* Rows inserted, deleted or selected, as the command tag says; 0 when it does not. */
int64_t scoop_rows_affected(const struct scoop_rows *rows);
/* NULL is allowed. */
void scoop_rows_free(struct scoop_rows *rows);

#endif
