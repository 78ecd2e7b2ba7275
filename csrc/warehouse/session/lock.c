/* How a load waits for its turn, and for its target, and no longer than lock_timeout. */
#include <stdio.h>
#include <string.h>

#include "warehouse/session/blockers.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session_internal.h"

enum { NAME_CEILING_BYTES = 1024 };

/* One statement that waits. */
struct turn {
    struct scoop_session *session;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    const char *before; /* the table's name stands between these */
    const char *after;
    const char *kind; /* what is waited for, to people */
};

static bool is_redshift(const struct scoop_session *session) {
    return session->dialect == SCOOP_REDSHIFT;
}

/* What the caller has set is set again afterwards, so it is asked for. */
static int note_usual(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                      struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    if (scoop_session_query(session, "SHOW statement_timeout", interrupt, &rows, error) != 0)
        return -1;
    const char *value = scoop_rows_value(rows, 0, 0);
    snprintf(session->usual_timeout, sizeof session->usual_timeout, "%s",
             value == NULL || strchr(value, '\'') != NULL ? "0" : value);
    scoop_rows_free(rows);
    return 0;
}

static int set_usual(struct scoop_session *session, const char *set,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    char sql[100];
    snprintf(sql, sizeof sql, "%s statement_timeout TO '%s'", set, session->usual_timeout);
    session->timed = session->statement_timeout_ms > 0;
    return scoop_session_run(session, sql, interrupt, error);
}

/* Redshift knows no lock_timeout, so the limit of a statement serves for those that wait. It is set
 * before BEGIN, since the LOCK must come first in the transaction. */
static int limit_redshift(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error) {
    char sql[64];
    snprintf(sql, sizeof sql, "SET statement_timeout TO %lld", (long long)session->lock_timeout_ms);
    session->timed = true;
    return scoop_session_run(session, sql, interrupt, error);
}

/* Within the transaction, whose end takes it back. Neither takes the transaction's snapshot. */
static int limit_postgres(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error) {
    char sql[128];
    snprintf(sql, sizeof sql, "SET LOCAL lock_timeout TO %lld; SET LOCAL statement_timeout TO 0",
             (long long)session->lock_timeout_ms);
    session->timed = false;
    return scoop_session_run(session, sql, interrupt, error);
}

static int explain(const struct turn *turn, const char *name) {
    const struct scoop_session *session = turn->session;
    struct scoop_error *error = turn->error;
    if (error->code != SCOOP_TIMEOUT && error->code != SCOOP_LOCK_TIMEOUT)
        return -1;
    char state[sizeof error->sqlstate], limit[64] = "statement_timeout_seconds";
    memcpy(state, error->sqlstate, sizeof state);
    if (session->lock_timeout_ms > 0)
        snprintf(limit, sizeof limit, "%lld ms", (long long)session->lock_timeout_ms);
    scoop_fail(error, SCOOP_LOCK_TIMEOUT,
               "another session holds the %s %s%.400s, and it was not granted within %s; run it "
               "again later or raise %s",
               turn->kind, name, scoop_blockers_held_by(session), limit,
               session->lock_timeout_ms > 0 ? "lock_timeout_seconds" : limit);
    memcpy(error->sqlstate, state, sizeof state);
    scoop_blockers_note(session, error);
    return -1;
}

static int wait_for(const struct turn *turn, const struct scoop_table_name *table) {
    struct scoop_buf sql, name;
    int result = -1;
    scoop_buf_init(&sql, NAME_CEILING_BYTES);
    scoop_buf_init(&name, NAME_CEILING_BYTES);
    struct scoop_sql_writer of_name = {&name, turn->error, 0}, of_all = {&sql, turn->error, 0};
    scoop_sql_table(&of_name, table);
    const char *quoted = scoop_sql_statement(&of_name);
    scoop_sql_text(&of_all, turn->before);
    scoop_sql_text(&of_all, quoted == NULL ? "" : quoted);
    scoop_sql_text(&of_all, turn->after);
    const char *text = quoted == NULL ? NULL : scoop_sql_statement(&of_all);
    if (text != NULL) {
        result = scoop_blockers_run(turn->session, text, turn->kind, quoted, turn->interrupt,
                                    turn->error);
        if (result != 0)
            explain(turn, quoted);
        scoop_blockers_forget(turn->session);
    }
    scoop_buf_free(&sql);
    scoop_buf_free(&name);
    return result;
}

/* The target itself may be held by others, who know nothing of our lock. On PostgreSQL it is
 * locked, before there is a snapshot: one from before another session's ALTER would find it empty.
 * A lock of Redshift's would keep readers out, so there it is touched. */
static int wait_for_target(struct turn *turn, const struct scoop_table_name *target,
                           const char *mode) {
    turn->kind = "table";
    if (is_redshift(turn->session)) {
        turn->before = "SELECT 1 FROM ";
        turn->after = " WHERE 1 = 0";
        return wait_for(turn, target);
    }
    char in_mode[64];
    snprintf(in_mode, sizeof in_mode, " IN %s MODE", mode);
    turn->after = in_mode;
    return wait_for(turn, target);
}

int scoop_lock_begin(struct scoop_session *session, const struct scoop_table_name *lock,
                     const struct scoop_table_name *target, const char *mode,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    bool limited = session->lock_timeout_ms > 0, redshift = is_redshift(session);
    struct turn turn = {.session = session,
                        .interrupt = interrupt,
                        .error = error,
                        .before = "LOCK TABLE ",
                        /* pg_dump, which holds every table to read it, is not in the way. */
                        .after = redshift ? "" : " IN EXCLUSIVE MODE",
                        .kind = "lock"};
    session->usual_timeout[0] = 0;
    if (limited && note_usual(session, interrupt, error) != 0)
        return -1;
    if (limited && redshift && limit_redshift(session, interrupt, error) != 0)
        return -1;
    if (scoop_session_run(session, "BEGIN", interrupt, error) != 0)
        return -1;
    if (limited && !redshift && limit_postgres(session, interrupt, error) != 0)
        return -1;
    if (wait_for(&turn, lock) != 0 || wait_for_target(&turn, target, mode) != 0)
        return -1;
    return limited ? set_usual(session, redshift ? "SET" : "SET LOCAL", interrupt, error) : 0;
}

/* A rolled back transaction takes back what was set within it, but not what was set before. */
void scoop_lock_rollback(struct scoop_session *session) {
    struct scoop_error ignored = {0};
    scoop_session_rollback(session);
    session->timed = session->statement_timeout_ms > 0;
    if (session->connection != NULL && is_redshift(session) && session->usual_timeout[0] != 0)
        set_usual(session, "SET", NULL, &ignored);
    session->usual_timeout[0] = 0;
}
