#include "scoop/refresh.h"

#include <string.h>

#include "warehouse/load/names.h"
#include "warehouse/session/blockers.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/sql_text.h"

enum { SQL_CEILING_BYTES = 64 * 1024 };

static int run_on_view(struct scoop_session *session, const struct scoop_table_name *view,
                       const struct scoop_interrupt *interrupt, struct scoop_made *made,
                       struct scoop_error *error) {
    static const char refresh[] = "REFRESH MATERIALIZED VIEW ";
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    scoop_sql_text(&writer, refresh);
    scoop_sql_table(&writer, view);
    const char *text = scoop_sql_statement(&writer);
    int result = -1;
    if (text != NULL) {
        result =
            scoop_blockers_run(session, text, "view", text + strlen(refresh), interrupt, error);
        scoop_made_add(made, session);
    }
    scoop_buf_free(&sql);
    return result;
}

/* Both servers show a materialized view in pg_class. 0, or -1 when the owner cannot be found. */
static int find_owner(struct scoop_session *session, const struct scoop_table_name *view,
                      const struct scoop_interrupt *interrupt, struct scoop_rows **rows) {
    struct scoop_buf sql;
    struct scoop_error ignored = {0};
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, &ignored, 0};
    scoop_sql_text(&writer, "SELECT pg_get_userbyid(c.relowner), current_user FROM pg_class c "
                            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ");
    scoop_sql_literal(&writer, view->schema);
    scoop_sql_text(&writer, " AND c.relname = ");
    scoop_sql_literal(&writer, view->table);
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_query(session, text, interrupt, rows, &ignored);
    scoop_buf_free(&sql);
    if (result == 0 && scoop_rows_value(*rows, 0, 0) != NULL &&
        scoop_rows_value(*rows, 0, 1) != NULL)
        return 0;
    if (result == 0)
        scoop_rows_free(*rows);
    return -1;
}

static int explain_owner(struct scoop_session *session, const struct scoop_table_name *view,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    struct scoop_buf sql;
    char reason[200], state[sizeof error->sqlstate];
    scoop_flatten(error->message, reason, sizeof reason);
    memcpy(state, error->sqlstate, sizeof state);
    if (find_owner(session, view, interrupt, &rows) != 0)
        return -1;
    const char *owner = scoop_rows_value(rows, 0, 0), *user = scoop_rows_value(rows, 0, 1);
    struct scoop_error ignored = {0};
    scoop_buf_init(&sql, sizeof error->message);
    /* Redshift changes the owner of a view of either kind by ALTER TABLE. */
    bool redshift = scoop_session_dialect(session) == SCOOP_REDSHIFT;
    struct scoop_sql_writer writer = {&sql, &ignored, 0};
    scoop_sql_text(&writer, redshift ? "ALTER TABLE " : "ALTER MATERIALIZED VIEW ");
    scoop_sql_table(&writer, view);
    scoop_sql_text(&writer, " OWNER TO ");
    scoop_sql_identifier(&writer, user);
    const char *text = scoop_sql_statement(&writer);
    if (text != NULL)
        scoop_fail(error, SCOOP_ACCESS_DENIED,
                   "%.127s.%.127s belongs to \"%.127s\", and only its owner may refresh it; this "
                   "session's user is \"%.127s\". The owner or a superuser can run: %.400s; (%s)",
                   view->schema, view->table, owner, user, text, reason);
    memcpy(error->sqlstate, state, sizeof state);
    scoop_buf_free(&sql);
    scoop_rows_free(rows);
    return -1;
}

int scoop_refresh(struct scoop_session *session, const char *view,
                  const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_table_name name;
    if (scoop_sql_split(view, &name, error) != 0)
        return -1;
    if (scoop_session_holds(session, &name, interrupt, error) != 0 ||
        scoop_session_alone(session, "refresh", interrupt, error) != 0 ||
        scoop_names_correct(session, &name, interrupt, error) != 0)
        return scoop_fail_prefix(error, "refreshing %.250s: ", view);
    struct scoop_made made = {0};
    int result = run_on_view(session, &name, interrupt, &made, error);
    const char *held_by = scoop_blockers_held_by(session);
    if (result != 0 && error->code == SCOOP_LOCK_TIMEOUT && held_by[0] != 0) {
        scoop_fail_prefix(error, "%.300s: ", held_by + strlen(", "));
        scoop_blockers_note(session, error);
    }
    scoop_blockers_forget(session);
    if (result == 0)
        return 0;
    if (strcmp(error->sqlstate, "42501") == 0 || strstr(error->message, "must be owner") != NULL)
        return explain_owner(session, &name, interrupt, error);
    scoop_made_tell(&made, made.some, error);
    return scoop_fail_prefix(error, "refreshing %.250s: ", view);
}
