#include "warehouse/load/insert_source.h"

#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"

enum { TABLES = 4, SQL_CEILING_BYTES = 256 * 1024 };

/* How many of the pairs ($5, $6), ($7, $8) … are columns of one type. */
static void count_alike(struct scoop_sql_writer *writer, size_t pairs) {
    char pair[64];
    scoop_sql_text(writer, "SELECT COUNT(*), current_setting('default_transaction_isolation') IN "
                           "('repeatable read', 'serializable') FROM (VALUES ");
    for (size_t i = 0; i < pairs; i++) {
        size_t first = TABLES + 2 * i + 1;
        snprintf(pair, sizeof pair, "%s($%zu::text, $%zu::text)", i == 0 ? "" : ", ", first,
                 first + 1);
        scoop_sql_text(writer, pair);
    }
    scoop_sql_text(writer,
                   ") AS pairs(of_source, of_target) "
                   "JOIN pg_catalog.pg_namespace n ON n.nspname = $1 "
                   "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $2 "
                   "AND c.relkind IN ('r', 'p', 'm') "
                   "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = of_source "
                   "JOIN pg_catalog.pg_namespace o ON o.nspname = $3 "
                   "JOIN pg_catalog.pg_class d ON d.relnamespace = o.oid AND d.relname = $4 "
                   "JOIN pg_catalog.pg_attribute b ON b.attrelid = d.oid AND b.attname = of_target "
                   "WHERE (a.atttypid, a.atttypmod, a.attcollation) = "
                   "(b.atttypid, b.atttypmod, b.attcollation)");
}

static int ask(struct scoop_insert_plan *plan, struct scoop_session *session,
               const char **parameters, const struct scoop_interrupt *interrupt,
               struct scoop_error *error) {
    size_t count = plan->names->column_count;
    struct scoop_rows *rows = NULL;
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    count_alike(&writer, count);
    parameters[0] = plan->source.schema;
    parameters[1] = plan->source.table;
    parameters[2] = plan->target.schema;
    parameters[3] = plan->target.table;
    for (size_t i = 0; i < count; i++) {
        parameters[TABLES + 2 * i] = plan->source_columns[i];
        parameters[TABLES + 2 * i + 1] = plan->names->columns[i];
    }
    const struct scoop_statement statement = {scoop_sql_statement(&writer), parameters,
                                              TABLES + 2 * count};
    int result = statement.sql == NULL
                     ? -1
                     : scoop_session_execute(session, &statement, interrupt, &rows, error);
    if (result == 0) {
        plan->from_source = scoop_rows_number(rows, 0, 0) == (int64_t)count;
        plan->has_snapshot = strcmp(scoop_rows_value(rows, 0, 1), "t") == 0;
    }
    scoop_rows_free(rows);
    scoop_buf_free(&sql);
    return result;
}

int scoop_insert_place_rows(struct scoop_insert_plan *plan, struct scoop_session *session,
                            const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (scoop_session_dialect(session) != SCOOP_POSTGRES)
        return 0;
    const char **parameters =
        scoop_calloc(TABLES + 2 * plan->names->column_count, sizeof *parameters);
    if (parameters == NULL)
        return scoop_fail_memory(error);
    int result = ask(plan, session, parameters, interrupt, error);
    scoop_free(parameters);
    return result;
}
