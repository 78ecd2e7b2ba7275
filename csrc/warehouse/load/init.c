#include "scoop/init.h"

#include <stdio.h>
#include <string.h>

#include "warehouse/load/schema.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 64 * 1024, LEFT_CEILING_BYTES = 1 << 20, ATTEMPTS = 5 };

/* One run. */
struct init {
    struct scoop_session *session;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
};

static void grantee(const struct init *init, struct scoop_sql_writer *writer, const char *name) {
    static const char *const kinds[][2] = {{"role:", "ROLE "}, {"group:", "GROUP "}};
    bool redshift = scoop_session_dialect(init->session) == SCOOP_REDSHIFT;
    if (strcmp(name, "PUBLIC") == 0) {
        scoop_sql_text(writer, name);
        return;
    }
    for (size_t i = 0; redshift && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(name, kinds[i][0], strlen(kinds[i][0])) == 0) {
            scoop_sql_text(writer, kinds[i][1]);
            name += strlen(kinds[i][0]);
        }
    scoop_sql_identifier(writer, name);
}

static int grant(const struct init *init, const char *what, const char *name) {
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, init->error, 0};
    scoop_sql_text(&writer, what);
    scoop_sql_text(&writer, " TO ");
    grantee(init, &writer, name);
    const char *text = scoop_sql_statement(&writer);
    int result =
        text == NULL ? -1 : scoop_session_run(init->session, text, init->interrupt, init->error);
    scoop_buf_free(&sql);
    return result;
}

/* docs/how-to/grants.md says the same. */
static int grant_all(const struct init *init, const char *name) {
    static const char *const grants[] = {
        "GRANT USAGE, CREATE ON SCHEMA " SCOOP_SCHEMA,
        "GRANT SELECT, INSERT ON " SCOOP_SCHEMA ".\"loads\", " SCOOP_SCHEMA ".\"applied\"",
        "GRANT SELECT ON " SCOOP_VERSIONS,
    };
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
        if (grant(init, grants[i], name) != 0)
            return -1;
    return 0;
}

static void note(const struct scoop_schema_state *state, struct scoop_init_facts *facts) {
    for (size_t i = 0; i < SCOOP_KEPT_TABLES; i++) {
        const struct scoop_kept_table *table = scoop_kept_tables[i];
        int before = state->of_table[i];
        facts->tables[i] = (struct scoop_kept_facts){
            table->name, before, before > table->version ? before : table->version};
    }
}

static int set_up(const struct init *init, const char *const *grantees, size_t count,
                  struct scoop_init_facts *facts) {
    struct scoop_schema_state state;
    if (scoop_session_run(init->session, "BEGIN", init->interrupt, init->error) != 0 ||
        scoop_schema_look(init->session, NULL, NULL, init->interrupt, &state, init->error) != 0 ||
        scoop_schema_bring_forward(init->session, &state, init->interrupt, init->error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (grant_all(init, grantees[i]) != 0)
            return -1;
    note(&state, facts);
    return scoop_session_run(init->session, "COMMIT", init->interrupt, init->error);
}

/* A lock of another owner stays as it is, and the statement for him is noted. */
static int share(const struct init *init, const char *name, struct scoop_buf *left) {
    struct scoop_table_name lock = {.schema = "airscoop"};
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, init->error, 0};
    snprintf(lock.table, sizeof lock.table, "%s", name);
    scoop_schema_share_lock(&writer, &lock);
    const char *text = scoop_sql_statement(&writer);
    int result =
        text == NULL ? -1 : scoop_session_run(init->session, text, init->interrupt, init->error);
    if (result != 0 && text != NULL && init->error->code == SCOOP_ACCESS_DENIED)
        result = scoop_buf_printf(left, init->error, "%s;\n", text);
    scoop_buf_free(&sql);
    return result;
}

static int share_locks(const struct init *init, struct scoop_buf *left) {
    struct scoop_rows *rows = NULL;
    int result = scoop_session_query(
        init->session,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'airscoop' AND c.relkind = 'r' AND SUBSTRING(c.relname, 1, 5) = 'lock_' "
        "ORDER BY 1",
        init->interrupt, &rows, init->error);
    for (size_t i = 0; result == 0 && i < scoop_rows_count(rows); i++)
        result = share(init, scoop_rows_value(rows, i, 0), left);
    scoop_rows_free(rows);
    return result;
}

int scoop_warehouse_init(struct scoop_session *session, const char *const *grantees, size_t count,
                         const struct scoop_interrupt *interrupt, struct scoop_init_facts *facts,
                         struct scoop_error *error) {
    const struct init init = {session, interrupt, error};
    int result = scoop_session_alone(session, "init", interrupt, error);
    scoop_buf_init(&facts->left, LEFT_CEILING_BYTES);
    for (int attempt = 1; result == 0; attempt++) {
        if (set_up(&init, grantees, count, facts) == 0)
            return share_locks(&init, &facts->left);
        scoop_session_rollback(session);
        if (attempt == ATTEMPTS || !scoop_schema_was_raced(error))
            result = -1;
    }
    return scoop_fail_prefix(error, "setting up the schema airscoop: ");
}
