#include "warehouse/load/insert_names.h"

#include <string.h>

#include "scoop/memory.h"
#include "text/name_case.h"
#include "warehouse/load/names.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/moment.h"

enum { SQL_CEILING_BYTES = 64 * 1024 };

static const char **copy(const char *const *names, size_t count, struct scoop_error *error) {
    const char **copied = scoop_calloc(count + 1, sizeof *copied);
    if (copied == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        copied[i] = names[i];
    return copied;
}

/* Each name as it stands among the columns; one that does not stays, and is refused later. */
static const char **spelled_as(const char *const *names, size_t count, const char *const *columns,
                               size_t column_count, struct scoop_error *error) {
    const char **copied = copy(names, count, error);
    for (size_t i = 0; copied != NULL && i < count; i++) {
        long at = scoop_find_name_in(names[i], columns, column_count);
        copied[i] = at == SCOOP_NO_NAME ? names[i] : columns[at];
    }
    return copied;
}

int scoop_insert_spell(struct scoop_insert_spelling *spelling,
                       const struct scoop_insert_names *given, struct scoop_error *error) {
    size_t count = given->column_count;
    spelling->columns = copy(given->columns, count, error);
    spelling->source_columns = copy(given->columns, count, error);
    spelling->keys = spelled_as(given->keys, given->key_count, given->columns, count, error);
    spelling->order_by =
        spelled_as(given->order_by, given->order_count, given->columns, count, error);
    spelling->partition_columns = copy(given->partition_columns, given->partition_count, error);
    if (spelling->columns == NULL || spelling->source_columns == NULL || spelling->keys == NULL ||
        spelling->order_by == NULL || spelling->partition_columns == NULL)
        return -1;
    spelling->names = *given;
    spelling->names.columns = spelling->columns;
    spelling->names.keys = spelling->keys;
    spelling->names.order_by = spelling->order_by;
    spelling->names.partition_columns = spelling->partition_columns;
    return 0;
}

static void spell(const char **names, size_t count, const struct scoop_rows *rows,
                  const struct scoop_table_name *table) {
    for (size_t i = 0; i < count; i++)
        names[i] = scoop_names_column(rows, table, names[i]);
}

int scoop_insert_spell_as_tables(struct scoop_insert_spelling *spelling,
                                 struct scoop_insert_plan *plan, struct scoop_session *session,
                                 const struct scoop_interrupt *interrupt,
                                 struct scoop_error *error) {
    struct scoop_table_name *const tables[] = {&plan->source, &plan->target};
    const struct scoop_insert_names *names = &spelling->names;
    if (scoop_names_look_up(session, tables, 2, interrupt, &spelling->rows, error) != 0)
        return -1;
    spell(spelling->source_columns, names->column_count, spelling->rows, &plan->source);
    plan->source_columns = spelling->source_columns;
    spell(spelling->partition_columns, names->partition_count, spelling->rows, &plan->source);
    spell(spelling->columns, names->column_count, spelling->rows, &plan->target);
    spell(spelling->keys, names->key_count, spelling->rows, &plan->target);
    spell(spelling->order_by, names->order_count, spelling->rows, &plan->target);
    return 0;
}

void scoop_insert_spelling_free(struct scoop_insert_spelling *spelling) {
    scoop_free(spelling->columns);
    scoop_free(spelling->source_columns);
    scoop_free(spelling->keys);
    scoop_free(spelling->order_by);
    scoop_free(spelling->partition_columns);
    scoop_rows_free(spelling->rows);
    memset(spelling, 0, sizeof *spelling);
}

static int refuse_moment(const char *column, const char *value, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_USAGE,
                      "the value '%.100s' of the partition column \"%.100s\" is a word that each "
                      "run would read as a moment of its own; write the date or the time",
                      value, column);
}

/* Which type the column has is asked only where a value has such a word. */
static int check_moment(const struct scoop_insert_plan *plan, size_t at,
                        struct scoop_session *session, const struct scoop_interrupt *interrupt,
                        struct scoop_error *error) {
    const char *column = plan->names->partition_columns[at];
    const char *value = plan->names->partition_values[at];
    struct scoop_rows *rows = NULL;
    struct scoop_buf sql;
    if (scoop_moment_word(value) == NULL)
        return 0;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    scoop_sql_text(&writer, "SELECT ");
    scoop_sql_identifier(&writer, column);
    scoop_sql_text(&writer, " FROM ");
    scoop_sql_table(&writer, &plan->source);
    scoop_sql_text(&writer, " WHERE 1 = 0");
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_query(session, text, interrupt, &rows, error);
    if (result == 0 && scoop_is_moment(scoop_rows_type(rows, 0)))
        result = refuse_moment(column, value, error);
    scoop_rows_free(rows);
    scoop_buf_free(&sql);
    return result;
}

int scoop_insert_check_moments(const struct scoop_insert_plan *plan, struct scoop_session *session,
                               const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    for (size_t i = 0; i < plan->names->partition_count; i++)
        if (check_moment(plan, i, session, interrupt, error) != 0)
            return -1;
    return 0;
}
