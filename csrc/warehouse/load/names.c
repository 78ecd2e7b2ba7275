#include "warehouse/load/names.h"

#include <stdio.h>
#include <string.h>

#include "text/name_case.h"
#include "warehouse/session/session.h"

enum { SCHEMA, TABLE, COLUMN, MOST_TABLES = 2 };

/* In the order of their fields, so that what is equal is side by side. */
#define COLUMNS_OF                                                                                 \
    "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_attribute a JOIN "                  \
    "pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = "       \
    "c.relnamespace WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN "                   \
    "('r', 'v', 'm', 'f', 'p') AND ("
#define NAMED(schema, table)                                                                       \
    "(lower(n.nspname) = lower(" schema ") AND lower(c.relname) = lower(" table "))"
#define IN_ORDER ") ORDER BY 1, 2, 3"

static const char of_one[] = COLUMNS_OF NAMED("$1", "$2") IN_ORDER;
static const char of_two[] = COLUMNS_OF NAMED("$1", "$2") " OR " NAMED("$3", "$4") IN_ORDER;

/* One field of the rows, where the fields before it are the table's. */
struct part {
    const struct scoop_rows *rows;
    const struct scoop_table_name *table;
    size_t field;
};

static bool is_same(const struct scoop_rows *rows, size_t row, size_t field, const char *text) {
    const char *value = scoop_rows_value(rows, row, field);
    return value != NULL && strcmp(value, text) == 0;
}

/* NULL for rows of others, and for all but the first of the rows of one schema or table. */
static const char *name_at(const void *from, size_t row) {
    const struct part *part = from;
    const char *name = scoop_rows_value(part->rows, row, part->field);
    const char *before[] = {part->table->schema, part->table->table};
    bool again = row > 0 && name != NULL && is_same(part->rows, row - 1, part->field, name);
    for (size_t i = 0; i < part->field; i++) {
        if (!is_same(part->rows, row, i, before[i]))
            return NULL;
        again = again && is_same(part->rows, row - 1, i, before[i]);
    }
    return again ? NULL : name;
}

static const char *find(const struct scoop_rows *rows, const struct scoop_table_name *table,
                        size_t field, const char *name) {
    struct part part = {rows, table, field};
    long row = scoop_find_name(name, name_at, &part, scoop_rows_count(rows));
    return row == SCOOP_NO_NAME ? name : scoop_rows_value(rows, (size_t)row, field);
}

static void correct(const struct scoop_rows *rows, struct scoop_table_name *table) {
    struct scoop_table_name found = *table;
    snprintf(found.schema, sizeof found.schema, "%s", find(rows, table, SCHEMA, table->schema));
    snprintf(found.table, sizeof found.table, "%s", find(rows, &found, TABLE, table->table));
    *table = found;
}

int scoop_names_look_up(struct scoop_session *session, struct scoop_table_name *const *tables,
                        size_t count, const struct scoop_interrupt *interrupt,
                        struct scoop_rows **rows, struct scoop_error *error) {
    const char *names[2 * MOST_TABLES];
    for (size_t i = 0; i < count; i++) {
        names[2 * i] = tables[i]->schema;
        names[2 * i + 1] = tables[i]->table;
    }
    const struct scoop_statement statement = {
        .sql = count == 1 ? of_one : of_two, .parameters = names, .parameter_count = 2 * count};
    if (scoop_session_execute(session, &statement, interrupt, rows, error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        correct(*rows, tables[i]);
    return 0;
}

int scoop_names_correct(struct scoop_session *session, struct scoop_table_name *table,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    int result = scoop_names_look_up(session, &table, 1, interrupt, &rows, error);
    scoop_rows_free(rows);
    return result;
}

const char *scoop_names_column(const struct scoop_rows *rows, const struct scoop_table_name *table,
                               const char *name) {
    return find(rows, table, COLUMN, name);
}

int scoop_names_base(struct scoop_session *session, struct scoop_table_name *table,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    static const char text[] =
        "WITH RECURSIVE shown(id) AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 UNION SELECT d.refobjid FROM shown "
        "JOIN pg_class v ON v.oid = shown.id AND v.relkind = 'v' JOIN pg_rewrite r ON r.ev_class = "
        "v.oid JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND "
        "d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid) SELECT n.nspname, c.relname "
        "FROM shown JOIN pg_class c ON c.oid = shown.id JOIN pg_namespace n ON n.oid = "
        "c.relnamespace WHERE c.relkind <> 'v'";
    const char *const parameters[] = {table->schema, table->table};
    const struct scoop_statement statement = {text, parameters, 2};
    struct scoop_rows *rows = NULL;
    if (scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    if (scoop_rows_count(rows) == 1) {
        snprintf(table->schema, sizeof table->schema, "%s", scoop_rows_value(rows, 0, 0));
        snprintf(table->table, sizeof table->table, "%s", scoop_rows_value(rows, 0, 1));
    }
    scoop_rows_free(rows);
    return 0;
}
