/* The pure parts: SQL text, and reading the catalog's text. */
#include <string.h>

#include "scoop/memory.h"
#include "warehouse/partition/partition_internal.h"

static int append_clause(const struct scoop_partition *partition, struct scoop_buf *sql,
                         struct scoop_error *error) {
    if (scoop_buf_append_text(sql, " PARTITION (", error) != 0)
        return -1;
    for (size_t i = 0; i < partition->count; i++) {
        if (i > 0 && scoop_buf_append_text(sql, ", ", error) != 0)
            return -1;
        if (scoop_sql_identifier(sql, partition->names[i], error) != 0 ||
            scoop_buf_append_text(sql, " = ", error) != 0 ||
            scoop_sql_literal(sql, partition->values[i], error) != 0)
            return -1;
    }
    return scoop_buf_append_text(sql, ")", error);
}

static int append_table(const struct scoop_table_name *table, struct scoop_buf *sql,
                        struct scoop_error *error) {
    if (scoop_buf_append_text(sql, "ALTER TABLE ", error) != 0)
        return -1;
    return scoop_sql_table(sql, table, error);
}

static int append_location(const struct scoop_partition *partition, const char *before,
                           struct scoop_buf *sql, struct scoop_error *error) {
    if (scoop_buf_append_text(sql, before, error) != 0)
        return -1;
    return scoop_sql_literal(sql, partition->location, error);
}

int scoop_partition_sql_add(const struct scoop_table_name *table,
                            const struct scoop_partition *const *partitions, size_t count,
                            struct scoop_buf *sql, struct scoop_error *error) {
    if (append_table(table, sql, error) != 0 ||
        scoop_buf_append_text(sql, " ADD IF NOT EXISTS", error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (append_clause(partitions[i], sql, error) != 0 ||
            append_location(partitions[i], " LOCATION ", sql, error) != 0)
            return -1;
    return 0;
}

int scoop_partition_sql_move(const struct scoop_table_name *table,
                             const struct scoop_partition *partition, struct scoop_buf *sql,
                             struct scoop_error *error) {
    if (append_table(table, sql, error) != 0 || append_clause(partition, sql, error) != 0)
        return -1;
    return append_location(partition, " SET LOCATION ", sql, error);
}
