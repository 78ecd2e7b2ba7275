#include "scoop/partition.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "scoop/memory.h"
#include "session_internal.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024 };

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
    int result = -1;
    if (scoop_buf_append_text(&sql, select, error) == 0 &&
        scoop_buf_append_text(&sql, " WHERE schemaname = ", error) == 0 &&
        scoop_sql_literal(&sql, folded.schema, error) == 0 &&
        scoop_buf_append_text(&sql, " AND tablename = ", error) == 0 &&
        scoop_sql_literal(&sql, folded.table, error) == 0 &&
        scoop_buf_append_text(&sql, rest, error) == 0 && scoop_buf_text(&sql, error) != NULL)
        result = scoop_session_query(session, (const char *)sql.data, interrupt, rows, error);
    scoop_buf_free(&sql);
    return result;
}

void scoop_partition_list_free(struct scoop_partition_list *list) {
    for (size_t i = 0; list->values != NULL && i < list->count; i++) {
        for (size_t j = 0; list->values[i] != NULL && j < list->column_count; j++)
            scoop_free(list->values[i][j]);
        scoop_free(list->values[i]);
    }
    for (size_t i = 0; list->locations != NULL && i < list->count; i++)
        scoop_free(list->locations[i]);
    for (size_t i = 0; list->columns != NULL && i < list->column_count; i++)
        scoop_free(list->columns[i]);
    scoop_free(list->values);
    scoop_free(list->locations);
    scoop_free(list->columns);
    memset(list, 0, sizeof *list);
}

static int take_columns(const struct scoop_rows *rows, const struct scoop_table_name *table,
                        struct scoop_partition_list *list, struct scoop_error *error) {
    size_t count = scoop_rows_count(rows);
    list->columns = scoop_calloc(count + 1, sizeof *list->columns);
    if (list->columns == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (scoop_rows_number(rows, i, 1) == 0)
            continue;
        const char *name = scoop_rows_value(rows, i, 0);
        list->columns[list->column_count] = scoop_strdup(name == NULL ? "" : name);
        if (list->columns[list->column_count++] == NULL)
            return scoop_fail_memory(error);
    }
    if (count == 0)
        return scoop_fail(error, SCOOP_NOT_FOUND,
                          "there is no external table %.127s.%.127s that this user may see; create "
                          "it or correct its name",
                          table->schema, table->table);
    if (list->column_count == 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "the external table %.127s.%.127s has no partition column", table->schema,
                          table->table);
    return 0;
}

static int take_partitions(const struct scoop_rows *rows, struct scoop_partition_list *list,
                           struct scoop_error *error) {
    list->count = scoop_rows_count(rows);
    list->values = scoop_calloc(list->count + 1, sizeof *list->values);
    list->locations = scoop_calloc(list->count + 1, sizeof *list->locations);
    if (list->values == NULL || list->locations == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < list->count; i++) {
        const char *values = scoop_rows_value(rows, i, 0);
        const char *location = scoop_rows_value(rows, i, 1);
        list->locations[i] = scoop_strdup(location == NULL ? "" : location);
        if (list->locations[i] == NULL)
            return scoop_fail_memory(error);
        if (scoop_partition_parse(values == NULL ? "" : values, list->column_count,
                                  &list->values[i], error) != 0)
            return -1;
    }
    return 0;
}

static int read_list(struct scoop_session *session, const struct scoop_table_name *table,
                     const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                     struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    if (scoop_session_dialect(session) != SCOOP_REDSHIFT)
        return scoop_fail(error, SCOOP_USAGE,
                          "external partitions exist on Redshift only, not on PostgreSQL");
    if (look_up(session, table, "SELECT columnname, part_key FROM svv_external_columns",
                " ORDER BY part_key, columnnum", interrupt, &rows, error) != 0)
        return -1;
    int result = take_columns(rows, table, list, error);
    scoop_rows_free(rows);
    if (result != 0)
        return -1;
    if (look_up(session, table, "SELECT \"values\", location FROM svv_external_partitions",
                " ORDER BY 1", interrupt, &rows, error) != 0)
        return -1;
    result = take_partitions(rows, list, error);
    scoop_rows_free(rows);
    return result;
}

int scoop_partition_list(struct scoop_session *session, const char *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error) {
    struct scoop_table_name name;
    memset(list, 0, sizeof *list);
    if (scoop_sql_split(table, &name, error) == 0 &&
        read_list(session, &name, interrupt, list, error) == 0)
        return 0;
    scoop_partition_list_free(list);
    return -1;
}

static const char *find_value(const struct scoop_partition *partition, const char *column) {
    for (size_t i = 0; i < partition->count; i++)
        if (strcasecmp(partition->names[i], column) == 0)
            return partition->values[i];
    return NULL;
}

static int check_location(const struct scoop_partition *partition, struct scoop_error *error) {
    const char *location = partition->location;
    if (location == NULL || strncmp(location, "s3://", 5) != 0 || location[5] == 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "the partition's location '%.300s' is not an s3:// address",
                          location == NULL ? "" : location);
    return 0;
}

static int check_name(const struct scoop_partition *partition, size_t at,
                      const struct scoop_table_name *table, const struct scoop_partition_list *list,
                      struct scoop_error *error) {
    const char *name = partition->names[at];
    for (size_t i = 0; i < at; i++)
        if (strcasecmp(name, partition->names[i]) == 0)
            return scoop_fail(error, SCOOP_USAGE, "\"%.127s\" is given twice", name);
    for (size_t i = 0; i < list->column_count; i++)
        if (strcasecmp(name, list->columns[i]) == 0)
            return 0;
    return scoop_fail(error, SCOOP_USAGE, "\"%.127s\" is not a partition column of %.127s.%.127s",
                      name, table->schema, table->table);
}

/* Puts the values in the order of the table's columns. */
static int arrange(const struct scoop_partition *partition, const struct scoop_table_name *table,
                   const struct scoop_partition_list *list, const char **values,
                   struct scoop_error *error) {
    for (size_t i = 0; i < list->column_count; i++) {
        values[i] = find_value(partition, list->columns[i]);
        if (values[i] == NULL)
            return scoop_fail(error, SCOOP_USAGE,
                              "%.127s.%.127s is partitioned by \"%.127s\", which has no value here",
                              table->schema, table->table, list->columns[i]);
    }
    for (size_t i = 0; i < partition->count; i++)
        if (check_name(partition, i, table, list, error) != 0)
            return -1;
    return check_location(partition, error);
}

static bool same_values(const char *const *left, const char *const *right, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (left[i] == NULL || right[i] == NULL || strcmp(left[i], right[i]) != 0)
            return false;
    return true;
}

/* Where the catalog has the partition; list->count when it has not. */
static size_t find_known(const struct scoop_partition_list *list, const char *const *values) {
    size_t i = 0;
    while (i < list->count &&
           !same_values((const char *const *)list->values[i], values, list->column_count))
        i++;
    return i;
}

/* One call of scoop_partition_add. */
struct registration {
    struct scoop_session *session;
    struct scoop_table_name table;
    const struct scoop_interrupt *interrupt;
    struct scoop_partition_list list;
    struct scoop_partition *arranged; /* the caller's, values in the table's order */
    const char **values;              /* [count][column_count], what arranged points to */
    size_t count;
};

static int arrange_all(struct registration *registration, const struct scoop_partition *partitions,
                       struct scoop_error *error) {
    size_t columns = registration->list.column_count;
    /* There is at least one column. */
    if (registration->count > SIZE_MAX / columns - 1)
        return scoop_fail(error, SCOOP_USAGE, "too many partitions in one call");
    registration->arranged = scoop_calloc(registration->count + 1, sizeof *partitions);
    registration->values =
        scoop_calloc((registration->count + 1) * columns, sizeof *registration->values);
    if (registration->arranged == NULL || registration->values == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < registration->count; i++) {
        const char **values = registration->values + i * columns;
        if (arrange(&partitions[i], &registration->table, &registration->list, values, error) != 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (same_values(values, registration->arranged[j].values, columns))
                return scoop_fail(error, SCOOP_USAGE, "the partition %.127s=%.200s is given twice",
                                  registration->list.columns[0], values[0]);
        registration->arranged[i] = (struct scoop_partition){
            .names = (const char *const *)registration->list.columns,
            .values = values,
            .count = columns,
            .location = partitions[i].location,
        };
    }
    return 0;
}

/* Runs what `built` appended to sql, and frees it. */
static int run(struct registration *registration, int built, struct scoop_buf *sql,
               struct scoop_error *error) {
    const char *text = built == 0 ? scoop_buf_text(sql, error) : NULL;
    int result = text == NULL ? -1
                              : scoop_session_run(registration->session, text,
                                                  registration->interrupt, error);
    scoop_buf_free(sql);
    return result;
}

static int add_batch(struct registration *registration, const struct scoop_partition *const *batch,
                     size_t count, struct scoop_error *error) {
    struct scoop_buf sql;
    if (count == 0)
        return 0;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    int built = scoop_partition_sql_add(&registration->table, batch, count, &sql, error);
    return run(registration, built, &sql, error);
}

static int add_new(struct registration *registration, struct scoop_error *error) {
    const struct scoop_partition *batch[SCOOP_PARTITIONS_PER_STATEMENT];
    size_t count = 0;
    for (size_t i = 0; i < registration->count; i++) {
        struct scoop_partition *partition = &registration->arranged[i];
        if (find_known(&registration->list, partition->values) < registration->list.count)
            continue;
        partition->status = SCOOP_ADDED;
        batch[count++] = partition;
        if (count < SCOOP_PARTITIONS_PER_STATEMENT)
            continue;
        if (add_batch(registration, batch, count, error) != 0)
            return -1;
        count = 0;
    }
    return add_batch(registration, batch, count, error);
}

static int set_known(struct registration *registration, struct scoop_error *error) {
    for (size_t i = 0; i < registration->count; i++) {
        struct scoop_partition *partition = &registration->arranged[i];
        size_t known = find_known(&registration->list, partition->values);
        if (known == registration->list.count)
            continue;
        partition->status = SCOOP_UNCHANGED;
        if (scoop_partition_same_location(registration->list.locations[known], partition->location))
            continue;
        struct scoop_buf sql;
        scoop_buf_init(&sql, SQL_CEILING_BYTES);
        int built = scoop_partition_sql_move(&registration->table, partition, &sql, error);
        if (run(registration, built, &sql, error) != 0)
            return -1;
        partition->status = SCOOP_MOVED;
    }
    return 0;
}

int scoop_partition_add(struct scoop_session *session, const char *table,
                        struct scoop_partition *partitions, size_t count,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct registration registration = {.session = session, .interrupt = interrupt, .count = count};
    int result = scoop_sql_split(table, &registration.table, error);
    if (result == 0)
        result = scoop_session_alone(session, "add_partitions", interrupt, error);
    if (result == 0)
        result = scoop_partition_list(session, table, interrupt, &registration.list, error);
    if (result == 0)
        result = arrange_all(&registration, partitions, error);
    if (result == 0)
        result = add_new(&registration, error);
    if (result == 0)
        result = set_known(&registration, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        partitions[i].status = registration.arranged[i].status;
    scoop_free(registration.arranged);
    scoop_free(registration.values);
    scoop_partition_list_free(&registration.list);
    if (result == 0)
        return 0;
    return scoop_fail_prefix(error, "partitions of %.250s: ", table);
}
