/* The SQL text that adds and moves partitions. Pure. */
#include "warehouse/partition/partition_internal.h"

static void begin(struct scoop_sql_writer *writer, const struct scoop_table_name *table) {
    scoop_sql_text(writer, "ALTER TABLE ");
    scoop_sql_table(writer, table);
}

static void clause(struct scoop_sql_writer *writer, const struct scoop_partition *partition) {
    scoop_sql_text(writer, " PARTITION (");
    for (size_t i = 0; i < partition->count; i++) {
        scoop_sql_text(writer, i > 0 ? ", " : "");
        scoop_sql_identifier(writer, partition->names[i]);
        scoop_sql_text(writer, " = ");
        scoop_sql_literal(writer, partition->values[i]);
    }
    scoop_sql_text(writer, ")");
}

int scoop_partition_sql_add(const struct scoop_table_name *table,
                            const struct scoop_partition *const *partitions, size_t count,
                            struct scoop_buf *sql, struct scoop_error *error) {
    struct scoop_sql_writer writer = {sql, error, 0};
    begin(&writer, table);
    scoop_sql_text(&writer, " ADD IF NOT EXISTS");
    for (size_t i = 0; i < count; i++) {
        clause(&writer, partitions[i]);
        scoop_sql_text(&writer, " LOCATION ");
        scoop_sql_literal(&writer, partitions[i]->location);
    }
    return writer.status;
}

int scoop_partition_sql_move(const struct scoop_table_name *table,
                             const struct scoop_partition *partition, struct scoop_buf *sql,
                             struct scoop_error *error) {
    struct scoop_sql_writer writer = {sql, error, 0};
    begin(&writer, table);
    clause(&writer, partition);
    scoop_sql_text(&writer, " SET LOCATION ");
    scoop_sql_literal(&writer, partition->location);
    return writer.status;
}
