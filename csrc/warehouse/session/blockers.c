#include "warehouse/session/blockers.h"

#include <stdio.h>
#include <string.h>

#include "base/error_facts.h"
#include "warehouse/session/session_internal.h"

enum { LOOK_AFTER_MS = 1000, LOOK_MS = 3000, MOST_SETTINGS = 64 };

#define HELD_BY ", held by session "

static const char on_postgres[] =
    "SELECT a.pid, a.usename, a.application_name, a.xact_start FROM pg_stat_activity a"
    " WHERE a.pid = ANY (pg_blocking_pids($1)) ORDER BY 4, 1 LIMIT 3";

/* A user who is no superuser sees own sessions only. */
static const char on_redshift[] =
    "SELECT DISTINCT h.pid, h.txn_owner, NULL, h.txn_start FROM svv_transactions w"
    " JOIN svv_transactions h ON h.relation = w.relation AND h.pid <> w.pid"
    " WHERE w.pid = $1 AND NOT w.granted AND h.granted ORDER BY 4, 1 LIMIT 3";

/* What ends a look: the caller, or a cancel of the session that waits. */
struct look {
    struct scoop_session *waiting;
    const struct scoop_interrupt *interrupt;
};

static int check(void *user) {
    const struct look *look = user;
    const struct scoop_interrupt *outer = look->interrupt;
    if (atomic_load(&look->waiting->cancelled))
        return 1;
    return outer != NULL && outer->check != NULL && outer->check(outer->user) != 0;
}

/* A session to the same server; NULL when there can be none. */
static struct scoop_session *sibling(const struct scoop_session *session) {
    const char *keywords[MOST_SETTINGS + 2], *values[MOST_SETTINGS + 2];
    struct scoop_error ignored = {0};
    size_t count = 0;
    PQconninfoOption *settings = PQconninfo(session->connection);
    for (PQconninfoOption *each = settings; each != NULL && each->keyword != NULL; each++)
        if (each->val != NULL && count < MOST_SETTINGS)
            keywords[count] = each->keyword, values[count++] = each->val;
    keywords[count] = "connect_timeout", values[count++] = "3";
    keywords[count] = NULL;
    struct scoop_session_options options = {.keywords = keywords,
                                            .values = values,
                                            .dialect = session->dialect,
                                            .label = session->label,
                                            .statement_timeout_ms = LOOK_MS};
    struct scoop_session *made = settings == NULL ? NULL : scoop_session_new(&options, &ignored);
    scoop_session_free_settings(settings);
    return made;
}

static const char *shown(const struct scoop_rows *rows, size_t row, size_t column) {
    const char *value = scoop_rows_value(rows, row, column);
    return value == NULL ? "" : value;
}

/* 4711 (user etl, psql, since 2026-11-21 07:00:00) */
static void describe(struct scoop_session *session, const struct scoop_rows *rows) {
    size_t used = 0, size = sizeof session->held_by;
    for (size_t i = 0; i < scoop_rows_count(rows) && used < size; i++) {
        const char *name = shown(rows, i, 2), *since = shown(rows, i, 3);
        used += (size_t)snprintf(session->held_by + used, size - used,
                                 "%s%.20s (user %.63s%s%.63s%s%.19s)", i == 0 ? HELD_BY : ", ",
                                 shown(rows, i, 0), shown(rows, i, 1), name[0] ? ", " : "", name,
                                 since[0] ? ", since " : "", since);
    }
}

static void look(struct scoop_session *session, const struct scoop_interrupt *interrupt) {
    struct look user = {session, interrupt};
    const struct scoop_interrupt own = {check, &user};
    struct scoop_error ignored = {0};
    struct scoop_rows *rows = NULL;
    char pid[16];
    const char *const parameters[] = {pid};
    const struct scoop_statement statement = {
        session->dialect == SCOOP_REDSHIFT ? on_redshift : on_postgres, parameters, 1};
    struct scoop_session *other = sibling(session);
    snprintf(pid, sizeof pid, "%d", PQbackendPID(session->connection));
    if (other != NULL && scoop_session_execute(other, &statement, &own, &rows, &ignored) == 0)
        describe(session, rows);
    scoop_rows_free(rows);
    scoop_session_free(other);
}

/* The one who waits. */
struct waiter {
    struct scoop_session *session;
    const struct scoop_interrupt *interrupt;
    const char *kind, *name;
};

static void late(void *user) {
    const struct waiter *waiter = user;
    struct scoop_session *session = waiter->session;
    look(session, waiter->interrupt);
    snprintf(session->waits_for, sizeof session->waits_for, "the %s %.300s%s", waiter->kind,
             waiter->name, session->held_by);
}

int scoop_blockers_run(struct scoop_session *session, const char *sql, const char *kind,
                       const char *name, const struct scoop_interrupt *interrupt,
                       struct scoop_error *error) {
    struct waiter waiter = {session, interrupt, kind, name};
    int64_t limit_ms = session->lock_timeout_ms;
    uint64_t after_ms = LOOK_AFTER_MS;
    if (limit_ms > 0 && limit_ms / 2 < LOOK_AFTER_MS)
        after_ms = (uint64_t)limit_ms / 2;
    const struct scoop_late watch = {after_ms, late, &waiter};
    return scoop_session_run_watched(session, sql, &watch, interrupt, error);
}

const char *scoop_blockers_held_by(const struct scoop_session *session) {
    return session->held_by;
}

void scoop_blockers_note(const struct scoop_session *session, struct scoop_error *error) {
    if (session->held_by[0] != 0)
        scoop_error_text(error, SCOOP_FACT_HOLDER, session->held_by + strlen(HELD_BY));
}

void scoop_blockers_forget(struct scoop_session *session) {
    session->waits_for[0] = session->held_by[0] = 0;
}

const char *scoop_session_waits_for(const struct scoop_session *session) {
    return session->waits_for;
}
