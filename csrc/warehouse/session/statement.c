/* One statement: sent, waited for in slices, cancelled on the server when the caller wants to stop.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "text/text.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session_internal.h"
#include "warehouse/sql/sql_text.h"

enum { DRAIN_MS = 2000, ROLLBACK_MS = 3000, CHECK_MS = 50 };
enum { COPY_CEILING_BYTES = 1 << 30 };

static bool wants_stop(struct scoop_session *session, const struct scoop_patience *patience) {
    const struct scoop_interrupt *interrupt = patience->interrupt;
    if (patience->deaf)
        return false;
    if (atomic_load(&session->cancelled))
        return true;
    session->checked_ms = scoop_now_ms();
    return interrupt != NULL && interrupt->check != NULL && interrupt->check(interrupt->user) != 0;
}

static int slice_ms(uint64_t deadline_ms) {
    uint64_t now = scoop_now_ms();
    if (deadline_ms == 0 || deadline_ms > now + SCOOP_SLICE_MS)
        return SCOOP_SLICE_MS;
    return deadline_ms > now ? (int)(deadline_ms - now) : 0;
}

enum scoop_wait scoop_session_wait(struct scoop_session *session, short events,
                                   const struct scoop_patience *patience) {
    for (;;) {
        struct pollfd waited[2] = {
            {.fd = session->connection == NULL ? -1 : PQsocket(session->connection),
             .events = events},
            {.fd = patience->deaf ? -1 : session->wake_fd, .events = POLLIN},
        };
        int count = poll(waited, 2, slice_ms(patience->deadline_ms));
        uint64_t now = scoop_now_ms();
        bool ready = count > 0 && waited[0].revents != 0;
        bool due = now - session->checked_ms >= CHECK_MS;
        if ((!ready || due) && wants_stop(session, patience))
            return SCOOP_WAIT_STOP;
        if (ready)
            return SCOOP_WAIT_READY;
        if (patience->deadline_ms != 0 && now >= patience->deadline_ms)
            return SCOOP_WAIT_LATE;
    }
}

int scoop_session_sleep(struct scoop_session *session, uint64_t time_ms,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_patience patience = {.interrupt = interrupt};
    uint64_t until = scoop_now_ms() + time_ms;
    for (int left; (left = slice_ms(until)) > 0;) {
        struct pollfd wake = {.fd = session->wake_fd, .events = POLLIN};
        poll(&wake, 1, left);
        if (wants_stop(session, &patience))
            return scoop_fail(error, SCOOP_CANCELLED, "cancelled between two tries");
    }
    return 0;
}

/* What the server sent in answer to one message: the first failure, or else the last result. */
struct answer {
    PGresult *result;
    bool commits; /* a COMMIT was carried out, perhaps with more after it */
    bool copying; /* it wants to exchange COPY data, which a session does not do */
};

static bool failed(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

static void keep(struct answer *answer, PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
        answer->copying = true;
    answer->commits = answer->commits || strncmp(PQcmdStatus(result), "COMMIT", 6) == 0;
    if (answer->result != NULL && failed(answer->result)) {
        PQclear(result);
        return;
    }
    PQclear(answer->result);
    answer->result = result;
}

/* Reads until the answer is complete. READY also when the connection was lost. */
static enum scoop_wait receive(struct scoop_session *session, const struct scoop_patience *patience,
                               struct answer *answer) {
    PGconn *connection = session->connection;
    for (;;) {
        int unsent = PQflush(connection);
        if (unsent < 0)
            return SCOOP_WAIT_READY;
        while (unsent == 0 && PQisBusy(connection) == 0) {
            PGresult *result = PQgetResult(connection);
            if (result == NULL)
                return SCOOP_WAIT_READY;
            keep(answer, result);
            if (answer->copying)
                return SCOOP_WAIT_READY;
        }
        if (PQsocket(connection) < 0)
            return SCOOP_WAIT_READY;
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        enum scoop_wait end = scoop_session_wait(session, events, patience);
        if (end != SCOOP_WAIT_READY)
            return end;
        if (PQconsumeInput(connection) == 0)
            return SCOOP_WAIT_READY;
    }
}

static int fail_lost(struct scoop_session *session, struct scoop_error *error) {
    char reason[400];
    scoop_flatten(PQerrorMessage(session->connection), reason, sizeof reason);
    scoop_session_drop(session);
    return scoop_fail(error, SCOOP_CONNECTION, "the connection to the warehouse was lost: %s",
                      reason[0] ? reason : "the server closed it");
}

/* Stops the statement on the server and takes its last words. */
static int stop(struct scoop_session *session, struct answer *answer, struct scoop_error *error) {
    struct scoop_patience patience = {.deaf = true};
    scoop_cancel_request(session->connection);
    patience.deadline_ms = scoop_now_ms() + DRAIN_MS;
    enum scoop_wait end = receive(session, &patience, answer);
    session->succeeded = end == SCOOP_WAIT_READY && answer->result != NULL &&
                         !failed(answer->result) && PQstatus(session->connection) == CONNECTION_OK;
    const char *state =
        answer->result == NULL ? NULL : PQresultErrorField(answer->result, PG_DIAG_SQLSTATE);
    scoop_fail(error, SCOOP_CANCELLED, "the statement was cancelled");
    if (state != NULL && strlen(state) < sizeof error->sqlstate)
        memcpy(error->sqlstate, state, strlen(state));
    if (end != SCOOP_WAIT_READY || PQstatus(session->connection) == CONNECTION_BAD)
        scoop_session_drop(session);
    return -1;
}

static void note_constraint(struct scoop_session *session, const PGresult *result) {
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    scoop_text_print(session->constraint, sizeof session->constraint, "%s",
                     name == NULL ? "" : name);
}

const char *scoop_session_constraint(const struct scoop_session *session) {
    return session->constraint;
}

static int conclude(struct scoop_session *session, enum scoop_wait end, struct answer *answer,
                    struct scoop_error *error) {
    if (end == SCOOP_WAIT_STOP)
        return stop(session, answer, error);
    if (end == SCOOP_WAIT_LATE) {
        scoop_session_drop(session);
        return scoop_fail(error, SCOOP_TIMEOUT, "the warehouse did not answer in time");
    }
    if (answer->copying) {
        session->may_commit = false; /* the server still waits for data, or for us to read */
        scoop_session_drop(session);
        return scoop_fail(error, SCOOP_UNSUPPORTED,
                          "COPY from or to the client is not supported in a session; load files "
                          "from object storage instead");
    }
    if (answer->result == NULL)
        return fail_lost(session, error);
    session->succeeded = !failed(answer->result);
    note_constraint(session, answer->result);
    if (session->succeeded)
        return 0;
    scoop_fail_result(answer->result, session->timed, error);
    if (PQstatus(session->connection) != CONNECTION_BAD)
        return -1;
    if (error->sqlstate[0] == 0)
        return fail_lost(session, error);
    scoop_session_drop(session);
    error->code = SCOOP_CONNECTION;
    error->retryable = true;
    return -1;
}

/* A COMMIT of a failed transaction is answered as the ROLLBACK that it is. */
static enum scoop_committed made_by(const struct scoop_session *session,
                                    const struct answer *answer) {
    if (!session->succeeded)
        return answer->commits || (session->lost && session->may_commit) ? SCOOP_COMMITTED_UNKNOWN
                                                                         : SCOOP_COMMITTED_NO;
    bool stands = PQtransactionStatus(session->connection) == PQTRANS_IDLE &&
                  strncmp(PQcmdStatus(answer->result), "ROLLBACK", 8) != 0;
    return answer->commits || stands ? SCOOP_COMMITTED_YES : SCOOP_COMMITTED_NO;
}

static int settle(struct scoop_session *session, enum scoop_wait end, struct answer *answer,
                  struct scoop_error *error) {
    session->succeeded = false;
    int outcome = conclude(session, end, answer, error);
    session->made = made_by(session, answer);
    return outcome;
}

static void trace_statement(const struct scoop_session *session, const char *sql) {
    char text[240];
    if (!scoop_trace_is_on())
        return;
    scoop_sql_display(sql, text, sizeof text);
    SCOOP_TRACE("warehouse", "[%d] %s", PQbackendPID(session->connection), text);
}

/* `connection` may be gone: the backend's number is that of before. */
static void trace_end(int backend, uint64_t begun_ms, const PGresult *result,
                      const struct scoop_error *error, int outcome) {
    if (outcome == 0)
        SCOOP_TRACE("warehouse", "[%d] %s after %lld ms", backend,
                    result == NULL ? "done" : PQcmdStatus((PGresult *)result),
                    (long long)(scoop_now_ms() - begun_ms));
    else
        SCOOP_TRACE("warehouse", "[%d] %s%s%s after %lld ms", backend, scoop_code_name(error->code),
                    error->sqlstate[0] != 0 ? " " : "", error->sqlstate,
                    (long long)(scoop_now_ms() - begun_ms));
}

static int send_statement(struct scoop_session *session, const struct scoop_statement *statement,
                          struct scoop_error *error) {
    if (statement->parameter_count > INT_MAX)
        return scoop_fail(error, SCOOP_USAGE, "a statement has too many parameters");
    session->may_commit =
        scoop_sql_may_commit(statement->sql, scoop_session_in_transaction(session));
    trace_statement(session, statement->sql);
    int sent = statement->parameter_count == 0
                   ? PQsendQuery(session->connection, statement->sql)
                   : PQsendQueryParams(session->connection, statement->sql,
                                       (int)statement->parameter_count, NULL, statement->parameters,
                                       NULL, NULL, 0);
    return sent ? 0 : fail_lost(session, error);
}

static int exchange(struct scoop_session *session, const struct scoop_statement *statement,
                    const struct scoop_patience *patience, PGresult **result,
                    struct scoop_error *error) {
    struct answer answer = {0};
    uint64_t begun = scoop_now_ms();
    int backend = PQbackendPID(session->connection);
    if (send_statement(session, statement, error) != 0)
        return -1;
    enum scoop_wait end = receive(session, patience, &answer);
    int outcome = settle(session, end, &answer, error);
    trace_end(backend, begun, answer.result, error, outcome);
    if (outcome == 0 && !SCOOP_INVARIANT(answer.result != NULL, error))
        return -1;
    if (outcome == 0)
        *result = answer.result;
    else
        PQclear(answer.result);
    return outcome;
}

/* Within connect the connection is there already. */
static int make_ready(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                      struct scoop_error *error) {
    int result = scoop_session_usable(session, error);
    if (result == 0)
        result = scoop_session_unread(session, error);
    if (result == 0 && session->connection == NULL)
        result = scoop_session_connect(session, interrupt, error);
    session->succeeded = false;
    session->made = SCOOP_COMMITTED_NO;
    return result;
}

static int execute(struct scoop_session *session, const struct scoop_statement *statement,
                   const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                   struct scoop_error *error) {
    struct scoop_patience patience = {.interrupt = interrupt};
    PGresult *result = NULL;
    if (make_ready(session, interrupt, error) != 0)
        return -1;
    if (exchange(session, statement, &patience, &result, error) != 0)
        return -1;
    struct scoop_rows *taken = rows == NULL ? NULL : scoop_malloc(sizeof *taken);
    if (taken == NULL)
        PQclear(result);
    if (rows == NULL)
        return 0;
    if (taken == NULL)
        return scoop_fail_memory(error);
    taken->result = result;
    *rows = taken;
    return 0;
}

int scoop_session_execute(struct scoop_session *session, const struct scoop_statement *statement,
                          const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                          struct scoop_error *error) {
    struct scoop_made made = {0};
    if (scoop_session_connect(session, interrupt, error) != 0 ||
        scoop_session_several(session, statement->sql, error) != 0 ||
        scoop_session_within(session, statement->sql, error) != 0)
        return -1;
    if (execute(session, statement, interrupt, rows, error) == 0)
        return 0;
    scoop_made_add(&made, session);
    return scoop_made_tell(&made, made.some, error);
}

enum scoop_committed scoop_session_made(const struct scoop_session *session) {
    return session->made;
}

int scoop_session_run_watched(struct scoop_session *session, const char *sql,
                              const struct scoop_late *late,
                              const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_statement statement = {.sql = sql};
    struct scoop_patience patience = {.interrupt = interrupt};
    struct answer answer = {0};
    uint64_t begun = scoop_now_ms();
    if (make_ready(session, interrupt, error) != 0 ||
        send_statement(session, &statement, error) != 0)
        return -1;
    int backend = PQbackendPID(session->connection);
    patience.deadline_ms = scoop_now_ms() + late->after_ms;
    enum scoop_wait end = receive(session, &patience, &answer);
    if (end == SCOOP_WAIT_LATE) {
        late->call(late->user);
        patience.deadline_ms = 0;
        end = receive(session, &patience, &answer);
    }
    int outcome = settle(session, end, &answer, error);
    trace_end(backend, begun, answer.result, error, outcome);
    PQclear(answer.result);
    return outcome;
}

/* Waits until all that was given to libpq is on its way. READY also when the connection was lost,
 * which the answer tells. */
static enum scoop_wait flush(struct scoop_session *session, const struct scoop_patience *patience) {
    while (PQflush(session->connection) > 0) {
        enum scoop_wait end = scoop_session_wait(session, POLLIN | POLLOUT, patience);
        if (end != SCOOP_WAIT_READY || PQconsumeInput(session->connection) == 0)
            return end;
    }
    return SCOOP_WAIT_READY;
}

/* Sends the pieces and what ends them. A piece that cannot be made ends the COPY with a failure,
 * and -1 with *error. */
static int send_pieces(struct scoop_session *session, const struct scoop_copy_pieces *pieces,
                       const struct scoop_patience *patience, enum scoop_wait *end,
                       struct scoop_error *error) {
    const char *reason = NULL;
    struct scoop_buf piece;
    int result = 0;
    scoop_buf_init(&piece, COPY_CEILING_BYTES);
    do {
        piece.length = 0;
        result = pieces->next(pieces->user, &piece, error);
        bool good = result == 0 && piece.length <= INT_MAX;
        if (good && piece.length > 0)
            good = PQputCopyData(session->connection, (char *)piece.data, (int)piece.length) == 1;
        if (good)
            *end = flush(session, patience);
        else
            reason = "the client could not go on";
    } while (reason == NULL && piece.length > 0 && *end == SCOOP_WAIT_READY &&
             PQstatus(session->connection) == CONNECTION_OK);
    if (*end != SCOOP_WAIT_READY)
        reason = "cancelled";
    scoop_buf_free(&piece);
    PQputCopyEnd(session->connection, reason);
    return result;
}

int scoop_session_copy(struct scoop_session *session, const char *sql,
                       const struct scoop_copy_pieces *pieces,
                       const struct scoop_interrupt *interrupt, int64_t *rows,
                       struct scoop_error *error) {
    struct scoop_patience patience = {.interrupt = interrupt};
    struct scoop_statement statement = {.sql = sql};
    struct scoop_error ignored = {0};
    struct answer answer = {0};
    int made = 0;
    uint64_t begun = scoop_now_ms();
    if (make_ready(session, interrupt, error) != 0 ||
        send_statement(session, &statement, error) != 0)
        return -1;
    int backend = PQbackendPID(session->connection);
    enum scoop_wait end = receive(session, &patience, &answer);
    if (end == SCOOP_WAIT_READY && answer.copying) {
        PQclear(answer.result);
        answer = (struct answer){0};
        made = send_pieces(session, pieces, &patience, &end, error);
        if (end == SCOOP_WAIT_READY)
            end = receive(session, &patience, &answer);
    }
    int outcome = settle(session, end, &answer, made == 0 ? error : &ignored);
    trace_end(backend, begun, answer.result, made == 0 ? error : &ignored, outcome);
    if (outcome == 0)
        *rows = strtoll(PQcmdTuples(answer.result), NULL, 10);
    PQclear(answer.result);
    return made == 0 ? outcome : -1;
}

int scoop_session_query(struct scoop_session *session, const char *sql,
                        const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                        struct scoop_error *error) {
    struct scoop_statement statement = {.sql = sql};
    return execute(session, &statement, interrupt, rows, error);
}

int scoop_session_run(struct scoop_session *session, const char *sql,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    return scoop_session_query(session, sql, interrupt, NULL, error);
}

void scoop_session_rollback(struct scoop_session *session) {
    struct scoop_statement statement = {.sql = "ROLLBACK"};
    struct scoop_patience patience = {.deaf = true};
    struct scoop_error ignored = {0};
    PGresult *result = NULL;
    if (session->connection == NULL || session->pid != getpid() ||
        PQtransactionStatus(session->connection) == PQTRANS_IDLE)
        return;
    patience.deadline_ms = scoop_now_ms() + ROLLBACK_MS;
    if (exchange(session, &statement, &patience, &result, &ignored) == 0)
        PQclear(result);
    else
        scoop_session_drop(session);
}
