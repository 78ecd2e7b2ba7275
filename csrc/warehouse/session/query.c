/* A query in libpq's single-row mode. */
#include "scoop/query.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session_internal.h"

enum { DRAIN_MS = 2000 };

int scoop_session_unread(const struct scoop_session *session, struct scoop_error *error) {
    if (!session->query.open)
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "the rows of a query are being read in this session; read them to the end or "
                      "close them first, or use another session");
}

int scoop_session_several(const struct scoop_session *session, const char *sql,
                          struct scoop_error *error) {
    if (scoop_sql_is_single(sql, session->dialect == SCOOP_REDSHIFT))
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "one statement is run at a time, and this text has several; run each by "
                      "itself, or all from a file by run_script");
}

static bool is_lost(const struct scoop_session *session) {
    return PQstatus(session->connection) == CONNECTION_BAD || PQsocket(session->connection) < 0;
}

/* The next result, NULL at the end of all, or when the connection was lost. */
static enum scoop_wait receive(struct scoop_session *session, const struct scoop_patience *patience,
                               PGresult **result) {
    *result = NULL;
    for (;;) {
        int unsent = PQflush(session->connection);
        if (unsent < 0 || is_lost(session))
            return SCOOP_WAIT_READY;
        if (unsent == 0 && PQisBusy(session->connection) == 0) {
            *result = PQgetResult(session->connection);
            return SCOOP_WAIT_READY;
        }
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        enum scoop_wait end = scoop_session_wait(session, events, patience);
        if (end != SCOOP_WAIT_READY || PQconsumeInput(session->connection) == 0)
            return end;
    }
}

static void drop_row(struct scoop_session *session) {
    PQclear(session->query.row);
    session->query.row = NULL;
    session->query.fresh = false;
}

/* Takes the server's last words; a connection that does not come to an end is dropped. True when
 * the statement was carried out nevertheless. */
static bool drain(struct scoop_session *session) {
    struct scoop_patience patience = {.deaf = true, .deadline_ms = scoop_now_ms() + DRAIN_MS};
    bool done = false;
    PGresult *result = NULL;
    enum scoop_wait end;
    drop_row(session);
    while ((end = receive(session, &patience, &result)) == SCOOP_WAIT_READY && result != NULL) {
        ExecStatusType status = PQresultStatus(result);
        done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        PQclear(result);
    }
    session->query.open = false;
    if (end != SCOOP_WAIT_READY || is_lost(session))
        scoop_session_drop(session);
    return done;
}

/* What became of a statement that has ended. */
static void settle(struct scoop_session *session, bool done) {
    session->succeeded = done;
    session->made = SCOOP_COMMITTED_NO;
    if (done && !session->lost && PQtransactionStatus(session->connection) == PQTRANS_IDLE)
        session->made = SCOOP_COMMITTED_YES;
    else if (session->lost && session->may_commit)
        session->made = SCOOP_COMMITTED_UNKNOWN;
}

static int fail_with(struct scoop_session *session, struct scoop_error *error) {
    struct scoop_made made = {0};
    scoop_made_add(&made, session);
    return scoop_made_tell(&made, made.some, error);
}

static int fail_lost(struct scoop_session *session, struct scoop_error *error) {
    char reason[400];
    scoop_flatten(PQerrorMessage(session->connection), reason, sizeof reason);
    drop_row(session);
    session->query.open = false;
    scoop_session_drop(session);
    settle(session, false);
    scoop_fail(error, SCOOP_CONNECTION, "the connection to the warehouse was lost: %s",
               reason[0] ? reason : "the server closed it");
    return fail_with(session, error);
}

static int fail_stopped(struct scoop_session *session, struct scoop_error *error) {
    scoop_cancel_request(session->connection);
    settle(session, drain(session));
    scoop_fail(error, SCOOP_CANCELLED, "the query was cancelled");
    return fail_with(session, error);
}

static int fail_refused(struct scoop_session *session, PGresult *result,
                        struct scoop_error *error) {
    scoop_fail_result(result, session->timed, error);
    PQclear(result);
    drain(session);
    settle(session, false);
    if (session->lost) {
        error->code = SCOOP_CONNECTION;
        error->retryable = true;
    }
    return fail_with(session, error);
}

static int fail_copying(struct scoop_session *session, PGresult *result,
                        struct scoop_error *error) {
    PQclear(result);
    session->may_commit = false;
    session->query.open = false;
    scoop_session_drop(session);
    settle(session, false);
    return scoop_fail(error, SCOOP_UNSUPPORTED, "COPY from or to the client is no query");
}

/* 1 with a row at hand, 0 at the end. */
static int advance(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                   struct scoop_error *error) {
    struct scoop_patience patience = {.interrupt = interrupt};
    PGresult *result = NULL;
    drop_row(session);
    if (receive(session, &patience, &result) == SCOOP_WAIT_STOP)
        return fail_stopped(session, error);
    if (result == NULL)
        return fail_lost(session, error);
    if (session->query.columns == NULL)
        session->query.columns = PQcopyResult(result, PG_COPYRES_ATTRS);
    if (session->query.columns == NULL) { /* without names and types rows would look empty */
        PQclear(result);
        scoop_cancel_request(session->connection);
        settle(session, drain(session));
        scoop_fail_memory(error);
        return fail_with(session, error);
    }
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        session->query.row = result;
        return 1;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        PQclear(result);
        drain(session);
        settle(session, true);
        return 0;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        return fail_copying(session, result, error);
    default:
        return fail_refused(session, result, error);
    }
}

int scoop_query_open(struct scoop_session *session, const struct scoop_statement *statement,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (scoop_session_connect(session, interrupt, error) != 0)
        return -1;
    if (statement->parameter_count > INT_MAX)
        return scoop_fail(error, SCOOP_USAGE, "a statement has too many parameters");
    if (scoop_session_several(session, statement->sql, error) != 0 ||
        scoop_session_within(session, statement->sql, error) != 0)
        return -1;
    PQclear(session->query.columns);
    session->query.columns = NULL;
    bool within = scoop_session_in_transaction(session);
    session->may_commit = scoop_sql_may_commit(statement->sql, within);
    /* The extended protocol takes one statement only. */
    if (!PQsendQueryParams(session->connection, statement->sql, (int)statement->parameter_count,
                           NULL, statement->parameters, NULL, NULL, 0))
        return fail_lost(session, error);
    PQsetSingleRowMode(session->connection);
    session->query.open = true;
    session->query.number++;
    session->query.within = within;
    int status = advance(session, interrupt, error);
    session->query.fresh = status == 1;
    return status < 0 ? -1 : 0;
}

int scoop_query_next(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    if (session->query.fresh) {
        session->query.fresh = false;
        return 1;
    }
    if (!session->query.open)
        return 0;
    return scoop_session_usable(session, error) == 0 ? advance(session, interrupt, error) : -1;
}

void scoop_query_close(struct scoop_session *session) {
    if (!session->query.open)
        return;
    if (session->connection == NULL || session->pid != getpid()) {
        drop_row(session);
        session->query.open = false;
        return;
    }
    scoop_cancel_request(session->connection);
    settle(session, drain(session));
}

void scoop_query_forget(struct scoop_session *session) {
    scoop_query_close(session);
    drop_row(session);
    PQclear(session->query.columns);
    session->query.columns = NULL;
}

uint64_t scoop_query_number(const struct scoop_session *session) {
    return session->query.number;
}

size_t scoop_query_columns(const struct scoop_session *session) {
    return (size_t)PQnfields(session->query.columns);
}

struct scoop_query_column scoop_query_column(const struct scoop_session *session, size_t column) {
    const PGresult *columns = session->query.columns;
    return (struct scoop_query_column){.name = PQfname(columns, (int)column),
                                       .type = PQftype(columns, (int)column),
                                       .modifier = PQfmod(columns, (int)column)};
}

const char *scoop_query_value(const struct scoop_session *session, size_t column, size_t *length) {
    const PGresult *row = session->query.row;
    *length = 0;
    if (row == NULL || column >= scoop_query_columns(session) || PQgetisnull(row, 0, (int)column))
        return NULL;
    *length = (size_t)PQgetlength(row, 0, (int)column);
    return PQgetvalue(row, 0, (int)column);
}
