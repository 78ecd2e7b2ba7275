#include "warehouse/load/schema.h"

#include <stdio.h>
#include <string.h>

#include "warehouse/load/apply_log.h"
#include "warehouse/load/load_log.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 64 * 1024, MOST_STEPS = 8 };

const struct scoop_kept_table *const scoop_kept_tables[SCOOP_KEPT_TABLES] = {&scoop_log_of_loads,
                                                                             &scoop_log_of_applied};

static const char create_versions[] =
    "CREATE TABLE IF NOT EXISTS " SCOOP_VERSIONS
    " (\"table_name\" VARCHAR(127) NOT NULL, \"version\" INTEGER NOT NULL)";

bool scoop_schema_was_raced(const struct scoop_error *error) {
    static const char *const states[] = {"23505", "42701", "42P06", "42P07", "42710"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(error->sqlstate, states[i]) == 0)
            return true;
    return error->code == SCOOP_SERIALIZATION;
}

static bool same(const char *left, const char *right) {
    return left != NULL && strcmp(left, right) == 0;
}

/* A table that is there is of version 1 unless the table of versions says more. */
static void note(const struct scoop_table_name *target, const struct scoop_table_name *lock,
                 const char *schema, const char *table, struct scoop_schema_state *state) {
    if (target != NULL && same(schema, target->schema) && same(table, target->table))
        state->target = true;
    if (!same(schema, "airscoop"))
        return;
    state->schema = true;
    state->versions |= same(table, "versions");
    state->lock |= lock != NULL && same(table, lock->table);
    for (size_t i = 0; i < SCOOP_KEPT_TABLES; i++)
        if (same(table, scoop_kept_tables[i]->name))
            state->of_table[i] = 1;
}

static int look_for_tables(struct scoop_session *session, const struct scoop_table_name *target,
                           const struct scoop_table_name *lock,
                           const struct scoop_interrupt *interrupt,
                           struct scoop_schema_state *state, struct scoop_error *error) {
    static const char text[] =
        "SELECT n.nspname, c.relname FROM pg_namespace n LEFT JOIN pg_class c "
        "ON c.relnamespace = n.oid WHERE n.nspname = $1 OR (n.nspname = $2 AND c.relname = $3)";
    const char *const parameters[] = {"airscoop", target == NULL ? NULL : target->schema,
                                      target == NULL ? NULL : target->table};
    const struct scoop_statement statement = {text, parameters, 3};
    struct scoop_rows *rows = NULL;
    if (scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    for (size_t i = 0; i < scoop_rows_count(rows); i++)
        note(target, lock, scoop_rows_value(rows, i, 0), scoop_rows_value(rows, i, 1), state);
    scoop_rows_free(rows);
    return 0;
}

static int read_versions(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                         struct scoop_schema_state *state, struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    if (scoop_session_query(
            session, "SELECT \"table_name\", MAX(\"version\") FROM " SCOOP_VERSIONS " GROUP BY 1",
            interrupt, &rows, error) != 0)
        return -1;
    for (size_t i = 0; i < scoop_rows_count(rows); i++)
        for (size_t table = 0; table < SCOOP_KEPT_TABLES; table++)
            if (state->of_table[table] > 0 &&
                same(scoop_rows_value(rows, i, 0), scoop_kept_tables[table]->name))
                state->of_table[table] = (int)scoop_rows_number(rows, i, 1);
    scoop_rows_free(rows);
    return 0;
}

int scoop_schema_look(struct scoop_session *session, const struct scoop_table_name *target,
                      const struct scoop_table_name *lock, const struct scoop_interrupt *interrupt,
                      struct scoop_schema_state *state, struct scoop_error *error) {
    memset(state, 0, sizeof *state);
    if (look_for_tables(session, target, lock, interrupt, state, error) != 0)
        return -1;
    return state->versions ? read_versions(session, interrupt, state, error) : 0;
}

static bool is_current(const struct scoop_schema_state *state) {
    bool current = state->schema && state->versions;
    for (size_t i = 0; i < SCOOP_KEPT_TABLES; i++)
        current = current && state->of_table[i] >= scoop_kept_tables[i]->version;
    return current;
}

static int note_version(struct scoop_session *session, const struct scoop_kept_table *table,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    char version[16];
    const char *const parameters[] = {table->name, version};
    const struct scoop_statement statement = {"INSERT INTO " SCOOP_VERSIONS
                                              " (\"table_name\", \"version\") VALUES ($1, $2)",
                                              parameters, 2};
    snprintf(version, sizeof version, "%d", table->version);
    return scoop_session_execute(session, &statement, interrupt, NULL, error);
}

static int forward_table(struct scoop_session *session, const struct scoop_kept_table *table,
                         int version, const struct scoop_interrupt *interrupt,
                         struct scoop_error *error) {
    if (version >= table->version)
        return 0;
    if (version == 0 && scoop_session_run(session, table->create, interrupt, error) != 0)
        return -1;
    for (; version > 0 && version < table->version; version++)
        if (scoop_session_run(session, table->forward[version - 1], interrupt, error) != 0)
            return error->code != SCOOP_ACCESS_DENIED
                       ? -1
                       : scoop_fail_prefix(error,
                                           "airscoop.%s is of version %d, and this airscoop "
                                           "writes version %d; its owner must run airscoop "
                                           "warehouse init: ",
                                           table->name, version, table->version);
    return note_version(session, table, interrupt, error);
}

static int make_schema(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                       struct scoop_error *error) {
    if (scoop_session_run(session, "CREATE SCHEMA IF NOT EXISTS " SCOOP_SCHEMA, interrupt, error) ==
        0)
        return 0;
    return error->code != SCOOP_ACCESS_DENIED
               ? -1
               : scoop_fail_prefix(error,
                                   "airscoop keeps locks and logs in the schema airscoop, which is "
                                   "not there; whoever may create schemas must run airscoop "
                                   "warehouse init --grant-to \"%.63s\": ",
                                   scoop_session_user(session));
}

int scoop_schema_bring_forward(struct scoop_session *session,
                               const struct scoop_schema_state *state,
                               const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (!state->schema && make_schema(session, interrupt, error) != 0)
        return -1;
    if (!state->versions && scoop_session_run(session, create_versions, interrupt, error) != 0)
        return -1;
    for (size_t i = 0; i < SCOOP_KEPT_TABLES; i++)
        if (forward_table(session, scoop_kept_tables[i], state->of_table[i], interrupt, error) != 0)
            return -1;
    return 0;
}

void scoop_schema_share_lock(struct scoop_sql_writer *writer, const struct scoop_table_name *lock) {
    scoop_sql_text(writer, "GRANT UPDATE, DELETE ON ");
    scoop_sql_table(writer, lock);
    scoop_sql_text(writer, " TO PUBLIC");
}

static int run_on(struct scoop_session *session, const struct scoop_table_name *table, bool sharing,
                  const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    if (sharing) {
        scoop_schema_share_lock(&writer, table);
    } else {
        scoop_sql_text(&writer, "CREATE TABLE IF NOT EXISTS ");
        scoop_sql_table(&writer, table);
        scoop_sql_text(&writer, " (\"nothing\" INTEGER)");
    }
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_run(session, text, interrupt, error);
    scoop_buf_free(&sql);
    return result;
}

/* The server's own words for a target that is not there, or not by that name. */
static int check_target(struct scoop_session *session, const struct scoop_table_name *target,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    scoop_sql_text(&writer, "SELECT 1 FROM ");
    scoop_sql_table(&writer, target);
    scoop_sql_text(&writer, " WHERE 1 = 0");
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_run(session, text, interrupt, error);
    scoop_buf_free(&sql);
    return result;
}

static int make_lock(struct scoop_session *session, const struct scoop_table_name *lock,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    return run_on(session, lock, false, interrupt, error) == 0
               ? run_on(session, lock, true, interrupt, error)
               : -1;
}

/* One transaction: the schema and its tables first, then the lock. */
static int take_step(struct scoop_session *session, const struct scoop_schema_state *state,
                     const struct scoop_table_name *lock, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    bool locking = is_current(state);
    int result = scoop_session_run(session, "BEGIN", interrupt, error);
    if (result == 0 && !locking)
        result = scoop_schema_bring_forward(session, state, interrupt, error);
    if (result == 0 && locking)
        result = make_lock(session, lock, interrupt, error);
    if (result == 0)
        result = scoop_session_run(session, "COMMIT", interrupt, error);
    if (result != 0)
        scoop_session_rollback(session);
    return result;
}

/* After each step all is looked at again: what failed may be there by another session. */
int scoop_schema_prepare(struct scoop_session *session, const struct scoop_table_name *target,
                         const struct scoop_table_name *lock,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    bool failed = false;
    for (int step = 0; step < MOST_STEPS; step++) {
        struct scoop_schema_state state;
        struct scoop_error ignored = {0};
        if (scoop_schema_look(session, target, lock, interrupt, &state,
                              failed ? &ignored : error) != 0)
            return -1;
        if (is_current(&state) && state.lock)
            return 0;
        if (failed && !scoop_schema_was_raced(error))
            return -1;
        if (!state.target && check_target(session, target, interrupt, error) != 0)
            return -1;
        failed = take_step(session, &state, lock, interrupt, error) != 0;
    }
    return failed ? -1
                  : scoop_fail(error, SCOOP_INTERNAL, "the schema airscoop could not be set up");
}

int scoop_schema_rehearse(struct scoop_session *session, const struct scoop_table_name *target,
                          const struct scoop_table_name *lock,
                          const struct scoop_interrupt *interrupt, bool *begun,
                          struct scoop_error *error) {
    struct scoop_schema_state state;
    *begun = false;
    if (scoop_schema_look(session, target, lock, interrupt, &state, error) != 0)
        return -1;
    if (is_current(&state) && state.lock)
        return 0;
    if (!state.target && check_target(session, target, interrupt, error) != 0)
        return -1;
    *begun = true;
    /* What is made takes a snapshot, behind which an insert could not ask for this level. */
    const char *begin = scoop_session_dialect(session) == SCOOP_POSTGRES
                            ? "BEGIN ISOLATION LEVEL REPEATABLE READ"
                            : "BEGIN";
    if (scoop_session_run(session, begin, interrupt, error) != 0 ||
        (!is_current(&state) && scoop_schema_bring_forward(session, &state, interrupt, error) != 0))
        return -1;
    return make_lock(session, lock, interrupt, error);
}
