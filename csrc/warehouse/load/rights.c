#include "warehouse/load/rights.h"

#include <stdio.h>
#include <string.h>

#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 64 * 1024, MOST_RIGHTS = 20, SHOWN_BYTES = 800 };

/* One right on a table; without a table on a schema, without both on the database. */
struct right {
    const char *name;
    const char *schema;
    const char *table;
};

struct rights {
    struct right all[MOST_RIGHTS];
    size_t count;
};

static void add(struct rights *rights, const char *schema, const char *table, const char *name) {
    if (rights->count < MOST_RIGHTS)
        rights->all[rights->count++] = (struct right){name, schema, table};
}

static void list(const struct scoop_load_objects *objects, struct rights *rights) {
    static const char *const logs[] = {"loads", "applied"};
    const struct scoop_table_name *source = objects->source, *target = objects->target;
    add(rights, "airscoop", NULL, "USAGE");
    add(rights, "airscoop", NULL, "CREATE");
    for (size_t i = 0; i < 2; i++) {
        add(rights, "airscoop", logs[i], "SELECT");
        add(rights, "airscoop", logs[i], "INSERT");
    }
    add(rights, "airscoop", "versions", "SELECT");
    add(rights, "airscoop", objects->lock->table, "UPDATE");
    add(rights, "airscoop", objects->lock->table, "DELETE");
    if (source != NULL) {
        add(rights, source->schema, NULL, "USAGE");
        add(rights, source->schema, source->table, "SELECT");
    }
    if (source == NULL || strcmp(source->schema, target->schema) != 0)
        add(rights, target->schema, NULL, "USAGE");
    add(rights, target->schema, target->table, "SELECT");
    add(rights, target->schema, target->table, "INSERT");
    if (objects->updates)
        add(rights, target->schema, target->table, "UPDATE");
    if (objects->deletes)
        add(rights, target->schema, target->table, "DELETE");
    add(rights, NULL, NULL, "TEMP");
}

/* Redshift's catalog has names in lower case. */
static void name_is(struct scoop_sql_writer *writer, bool redshift, const char *column,
                    const char *name) {
    char text[SCOOP_NAME_BYTES + 1];
    snprintf(text, sizeof text, "%s", name);
    for (char *at = text; redshift && *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 'a' - 'A');
    scoop_sql_text(writer, column);
    scoop_sql_text(writer, " = ");
    scoop_sql_literal(writer, text);
}

/* SELECT <its number>, current_user, the database … of a right that the user lacks. */
static void ask(struct scoop_sql_writer *writer, bool redshift, const struct right *right,
                size_t number) {
    scoop_sql_text(writer, number == 0 ? "SELECT " : " UNION ALL SELECT ");
    scoop_sql_number(writer, number);
    scoop_sql_text(writer, " AS number, current_user, current_database()");
    if (right->schema == NULL) {
        scoop_sql_text(writer, " WHERE NOT has_database_privilege(current_database(), ");
    } else {
        scoop_sql_text(writer, " FROM pg_namespace n");
        if (right->table != NULL)
            scoop_sql_text(writer, " JOIN pg_class c ON c.relnamespace = n.oid");
        scoop_sql_text(writer, " WHERE ");
        name_is(writer, redshift, "n.nspname", right->schema);
        if (right->table != NULL)
            name_is(writer, redshift, " AND c.relname", right->table);
        scoop_sql_text(writer, right->table == NULL ? " AND NOT has_schema_privilege(n.oid, "
                                                    : " AND NOT has_table_privilege(c.oid, ");
    }
    scoop_sql_literal(writer, right->name);
    scoop_sql_text(writer, ")");
}

static int find_lacking(struct scoop_session *session, const struct rights *rights,
                        const struct scoop_interrupt *interrupt, struct scoop_rows **rows,
                        struct scoop_error *error) {
    bool redshift = scoop_session_dialect(session) == SCOOP_REDSHIFT;
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    for (size_t i = 0; i < rights->count; i++)
        ask(&writer, redshift, &rights->all[i], i);
    scoop_sql_text(&writer, " ORDER BY 1");
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_query(session, text, interrupt, rows, error);
    scoop_buf_free(&sql);
    return result;
}

static bool same_object(const struct right *left, const struct right *right) {
    if (left->schema == NULL || right->schema == NULL)
        return left->schema == right->schema;
    if (left->table == NULL || right->table == NULL)
        return left->table == right->table && strcmp(left->schema, right->schema) == 0;
    return strcmp(left->schema, right->schema) == 0 && strcmp(left->table, right->table) == 0;
}

static void name_object(struct scoop_sql_writer *writer, const struct right *right,
                        const char *database) {
    scoop_sql_text(writer, right->schema == NULL  ? " ON DATABASE "
                           : right->table == NULL ? " ON SCHEMA "
                                                  : " ON ");
    scoop_sql_identifier(writer, right->schema == NULL ? database : right->schema);
    if (right->table == NULL)
        return;
    scoop_sql_text(writer, ".");
    scoop_sql_identifier(writer, right->table);
}

/* GRANT SELECT, INSERT ON "s"."t" TO "user"; GRANT … */
static void write_grants(struct scoop_sql_writer *writer, const struct rights *rights,
                         const struct scoop_rows *rows) {
    const struct right *before = NULL;
    size_t count = scoop_rows_count(rows);
    for (size_t i = 0; i < count; i++) {
        const struct right *right = &rights->all[scoop_rows_number(rows, i, 0)];
        bool follows = before != NULL && same_object(before, right);
        scoop_sql_text(writer, follows ? ", " : before == NULL ? "GRANT " : "; GRANT ");
        scoop_sql_text(writer, right->name);
        before = right;
        if (i + 1 < count && same_object(right, &rights->all[scoop_rows_number(rows, i + 1, 0)]))
            continue;
        name_object(writer, right, scoop_rows_value(rows, i, 2));
        scoop_sql_text(writer, " TO ");
        scoop_sql_identifier(writer, scoop_rows_value(rows, i, 1));
    }
}

int scoop_rights_explain(struct scoop_session *session, const struct scoop_load_objects *objects,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct rights rights = {0};
    struct scoop_rows *rows = NULL;
    struct scoop_error ignored = {0};
    struct scoop_buf grants;
    if (error->code != SCOOP_ACCESS_DENIED || strcmp(error->sqlstate, "42501") != 0)
        return -1;
    list(objects, &rights);
    if (find_lacking(session, &rights, interrupt, &rows, &ignored) != 0)
        return -1;
    scoop_buf_init(&grants, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&grants, &ignored, 0};
    write_grants(&writer, &rights, rows);
    const char *text = scoop_sql_statement(&writer);
    if (text != NULL && scoop_rows_count(rows) > 0)
        scoop_error_say(error,
                        "the user \"%.63s\" lacks rights; their owner can run: %.*s; (airscoop "
                        "warehouse init --grant-to does those on the schema airscoop): %s",
                        scoop_rows_value(rows, 0, 1), SHOWN_BYTES, text, error->message);
    scoop_buf_free(&grants);
    scoop_rows_free(rows);
    return -1;
}
