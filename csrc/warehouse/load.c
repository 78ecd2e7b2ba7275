#include "load.h"

#include <stdio.h>
#include <string.h>

#include "scoop/crypto.h"
#include "scoop/retry.h"
#include "session_internal.h"

enum { ATTEMPTS = 5, NAME_CEILING_BYTES = 1024 };

/* Redshift knows no lock_timeout, so the limit of a statement serves for the LOCK alone. It is set
 * before BEGIN, since the LOCK must come first in the transaction. */
static int limit_statements(struct scoop_session *session, int64_t limit_ms,
                            const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    char sql[64];
    snprintf(sql, sizeof sql, "SET statement_timeout TO %lld", (long long)limit_ms);
    session->timed = limit_ms > 0;
    return scoop_session_run(session, limit_ms > 0 ? sql : "SET statement_timeout TO DEFAULT",
                             interrupt, error);
}

static int explain_lock(const struct scoop_session *session, const char *lock,
                        struct scoop_error *error) {
    if (error->code == SCOOP_ACCESS_DENIED)
        return scoop_fail_prefix(error,
                                 "loads of one table lock %s, whose owner must first run "
                                 "GRANT ALL ON %s TO \"%s\": ",
                                 lock, lock, PQuser(session->connection));
    if (error->code != SCOOP_TIMEOUT && error->code != SCOOP_LOCK_TIMEOUT)
        return -1;
    char state[sizeof error->sqlstate];
    memcpy(state, error->sqlstate, sizeof state);
    scoop_fail(
        error, SCOOP_LOCK_TIMEOUT,
        "another session holds the lock %s, and it was not granted within %lld ms; run it again "
        "later or raise lock_timeout",
        lock, (long long)session->lock_timeout_ms);
    memcpy(error->sqlstate, state, sizeof state);
    return -1;
}

/* mode: "" or " IN … MODE". */
static int take_lock(struct scoop_session *session, const struct scoop_table_name *lock,
                     const char *mode, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    static const char statement[] = "LOCK TABLE ";
    struct scoop_buf sql;
    scoop_buf_init(&sql, NAME_CEILING_BYTES);
    int result = -1;
    if (scoop_buf_append_text(&sql, statement, error) == 0 &&
        scoop_sql_table(&sql, lock, error) == 0 && scoop_buf_append_text(&sql, mode, error) == 0 &&
        scoop_buf_text(&sql, error) != NULL) {
        result = scoop_session_run(session, (const char *)sql.data, interrupt, error);
        char *name = (char *)sql.data + strlen(statement);
        sql.data[sql.length - strlen(mode)] = 0;
        if (result != 0)
            explain_lock(session, name, error);
    }
    scoop_buf_free(&sql);
    return result;
}

int scoop_load_begin(struct scoop_session *session, const struct scoop_table_name *lock,
                     const struct scoop_table_name *target, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    bool limited = session->lock_timeout_ms > 0;
    if (limited && limit_statements(session, session->lock_timeout_ms, interrupt, error) != 0)
        return -1;
    if (scoop_session_run(session, "BEGIN", interrupt, error) != 0 ||
        take_lock(session, lock, "", interrupt, error) != 0)
        return -1;
    if (target != NULL &&
        take_lock(session, target, " IN SHARE ROW EXCLUSIVE MODE", interrupt, error) != 0)
        return -1;
    return limited ? limit_statements(session, session->statement_timeout_ms, interrupt, error) : 0;
}

int scoop_load_commit(struct scoop_session *session, const char *why,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    session->succeeded = false;
    if (scoop_session_run(session, "COMMIT", interrupt, error) == 0)
        return 0;
    if (session->succeeded) {
        scoop_fail(error, SCOOP_CANCELLED,
                   "cancelled when the rows were committed already; running again is safe, %s",
                   why);
        error->committed = SCOOP_COMMITTED_YES;
        return -1;
    }
    if (session->lost) {
        error->retryable = true;
        error->committed = SCOOP_COMMITTED_UNKNOWN;
        return scoop_fail_prefix(
            error, "whether the rows were committed is unknown; running again is safe, %s: ", why);
    }
    return -1;
}

/* A rolled back transaction takes back what was set within it, but not what was set before. */
void scoop_load_rollback(struct scoop_session *session) {
    struct scoop_error ignored = {0};
    scoop_session_rollback(session);
    if (session->lock_timeout_ms > 0 && session->connection != NULL)
        limit_statements(session, session->statement_timeout_ms, NULL, &ignored);
}

int scoop_load_try(struct scoop_session *session, int (*attempt)(void *user), void *user,
                   const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    for (uint32_t done = 1;; done++) {
        if (attempt(user) == 0)
            return 0;
        if (error->code != SCOOP_SERIALIZATION || done >= ATTEMPTS)
            return -1;
        uint32_t delay_ms = scoop_retry_delay_ms(done, false, scoop_random01());
        if (scoop_session_sleep(session, delay_ms, interrupt, error) != 0)
            return -1;
    }
}
