/* What the catalog says of an external table's partitions. */
#include <string.h>

#include "scoop/memory.h"
#include "warehouse/partition/partition_internal.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024, VALUE_CEILING_BYTES = 64 * 1024 };

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts != NULL && i < count; i++)
        scoop_free(texts[i]);
    scoop_free(texts);
}

/* The catalog holds names in lower case, as Redshift folds even quoted ones. */
static void fold(char *name) {
    for (; *name != 0; name++)
        if (*name >= 'A' && *name <= 'Z')
            *name = (char)(*name + 'a' - 'A');
}

/* SELECT <what> FROM <view> WHERE schemaname = … AND tablename = … <rest> */
static int look_up(struct scoop_session *session, const struct scoop_table_name *table,
                   const char *select, const char *rest, const struct scoop_interrupt *interrupt,
                   struct scoop_rows **rows, struct scoop_error *error) {
    struct scoop_table_name folded = *table;
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    fold(folded.schema);
    fold(folded.table);
    struct scoop_sql_writer writer = {&sql, error, 0};
    scoop_sql_text(&writer, select);
    scoop_sql_text(&writer, " WHERE schemaname = ");
    scoop_sql_literal(&writer, folded.schema);
    scoop_sql_text(&writer, " AND tablename = ");
    scoop_sql_literal(&writer, folded.table);
    scoop_sql_text(&writer, rest);
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : scoop_session_query(session, text, interrupt, rows, error);
    scoop_buf_free(&sql);
    return result;
}

void scoop_partition_list_free(struct scoop_partition_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->values != NULL)
            free_texts(list->values[i], list->column_count);
        if (list->normals != NULL)
            free_texts(list->normals[i], list->column_count);
    }
    scoop_free(list->values);
    scoop_free(list->normals);
    free_texts(list->locations, list->count);
    free_texts(list->columns, list->column_count);
    free_texts(list->types, list->column_count);
    memset(list, 0, sizeof *list);
}

static int take_columns(const struct scoop_rows *rows, struct scoop_partition_list *list,
                        struct scoop_error *error) {
    size_t count = scoop_rows_count(rows);
    list->columns = scoop_calloc(count + 1, sizeof *list->columns);
    list->types = scoop_calloc(count + 1, sizeof *list->types);
    if (list->columns == NULL || list->types == NULL)
        return scoop_fail_memory(error);
    list->external = count > 0;
    for (size_t i = 0; i < count; i++) {
        if (scoop_rows_number(rows, i, 1) == 0)
            continue;
        size_t at = list->column_count++;
        const char *name = scoop_rows_value(rows, i, 0), *type = scoop_rows_value(rows, i, 2);
        list->columns[at] = scoop_strdup(name == NULL ? "" : name);
        list->types[at] = scoop_strdup(type == NULL ? "" : type);
        if (list->columns[at] == NULL || list->types[at] == NULL)
            return scoop_fail_memory(error);
    }
    return 0;
}

/* The catalog's values in their one spelling; what does not fit its column stays as it is. */
static int normalise(struct scoop_partition_list *list, size_t at, struct scoop_error *error) {
    struct scoop_buf normal;
    int result = 0;
    list->normals[at] = scoop_calloc(list->column_count + 1, sizeof **list->normals);
    if (list->normals[at] == NULL)
        return scoop_fail_memory(error);
    scoop_buf_init(&normal, SQL_CEILING_BYTES);
    for (size_t i = 0; result == 0 && i < list->column_count; i++) {
        const char *value = list->values[at][i], *text = value;
        struct scoop_error unfit = {0};
        if (value == NULL)
            continue;
        normal.length = 0;
        if (scoop_partition_normal(list->types[i], value, &normal, &unfit) == 0)
            text = scoop_buf_text(&normal, &unfit);
        else if (unfit.code != SCOOP_USAGE)
            text = NULL;
        list->normals[at][i] = text == NULL ? NULL : scoop_strdup(text);
        if (list->normals[at][i] == NULL)
            result = scoop_fail_memory(error);
    }
    scoop_buf_free(&normal);
    return result;
}

static int take_partitions(const struct scoop_rows *rows, struct scoop_partition_list *list,
                           struct scoop_error *error) {
    list->count = scoop_rows_count(rows);
    list->values = scoop_calloc(list->count + 1, sizeof *list->values);
    list->normals = scoop_calloc(list->count + 1, sizeof *list->normals);
    list->locations = scoop_calloc(list->count + 1, sizeof *list->locations);
    if (list->values == NULL || list->normals == NULL || list->locations == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < list->count; i++) {
        const char *values = scoop_rows_value(rows, i, 0);
        const char *location = scoop_rows_value(rows, i, 1);
        list->locations[i] = scoop_strdup(location == NULL ? "" : location);
        if (list->locations[i] == NULL)
            return scoop_fail_memory(error);
        if (scoop_partition_parse(values == NULL ? "" : values, list->column_count,
                                  &list->values[i], error) != 0 ||
            normalise(list, i, error) != 0)
            return -1;
    }
    return 0;
}

char *scoop_partition_normal_copy(const struct scoop_partition_list *list, size_t column,
                                  const char *value, struct scoop_error *error) {
    struct scoop_buf normal;
    char *copy = NULL;
    scoop_buf_init(&normal, VALUE_CEILING_BYTES);
    if (scoop_partition_normal(list->types[column], value, &normal, error) != 0) {
        scoop_fail_prefix(error, "the value '%.200s' of the partition column \"%.100s\": ", value,
                          list->columns[column]);
    } else if (scoop_buf_text(&normal, error) != NULL) {
        copy = scoop_strdup((const char *)normal.data);
        if (copy == NULL)
            scoop_fail_memory(error);
    }
    scoop_buf_free(&normal);
    return copy;
}

int scoop_partition_read(struct scoop_session *session, const struct scoop_table_name *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    memset(list, 0, sizeof *list);
    int result = look_up(session, table,
                         "SELECT columnname, part_key, external_type FROM svv_external_columns",
                         " ORDER BY part_key, columnnum", interrupt, &rows, error);
    if (result == 0)
        result = take_columns(rows, list, error);
    scoop_rows_free(rows);
    rows = NULL;
    if (result == 0 && list->column_count > 0)
        result = look_up(session, table, "SELECT \"values\", location FROM svv_external_partitions",
                         " ORDER BY 1", interrupt, &rows, error);
    if (result == 0 && list->column_count > 0)
        result = take_partitions(rows, list, error);
    scoop_rows_free(rows);
    if (result != 0)
        scoop_partition_list_free(list);
    return result;
}

int scoop_partition_list(struct scoop_session *session, const char *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error) {
    struct scoop_table_name name;
    memset(list, 0, sizeof *list);
    if (scoop_sql_split(table, &name, error) != 0 ||
        scoop_session_holds(session, &name, interrupt, error) != 0 ||
        scoop_session_connect(session, interrupt, error) != 0)
        return -1;
    if (scoop_session_dialect(session) != SCOOP_REDSHIFT)
        return scoop_fail(error, SCOOP_USAGE,
                          "external partitions exist on Redshift only, not on PostgreSQL");
    if (scoop_partition_read(session, &name, interrupt, list, error) != 0)
        return -1;
    if (list->column_count > 0)
        return 0;
    bool external = list->external;
    scoop_partition_list_free(list);
    if (!external)
        return scoop_fail(error, SCOOP_NOT_FOUND,
                          "there is no external table %.127s.%.127s that this user may see; create "
                          "it or correct its name",
                          name.schema, name.table);
    return scoop_fail(error, SCOOP_USAGE,
                      "the external table %.127s.%.127s has no partition column", name.schema,
                      name.table);
}
