/* The schema airscoop in the warehouse: the companion tables that loads lock, and the log of loads.
 */
#ifndef SCOOP_WAREHOUSE_LOAD_LOAD_LOG_H
#define SCOOP_WAREHOUSE_LOAD_LOAD_LOG_H

#include "scoop/insert.h"
#include "warehouse/sql/insert_sql.h"
#include "warehouse/sql/sql_text.h"

/* A log table in the schema airscoop. */
struct scoop_log_table {
    const char *name;
    const char *create; /* SQL */
};

extern const struct scoop_log_table scoop_log_of_loads;

/* Creates what is missing of schema, log and lock, each in a transaction of its own; a concurrent
 * creator is welcome. 0 or -1. */
int scoop_load_log_prepare(struct scoop_session *session, const struct scoop_log_table *log,
                           const struct scoop_table_name *lock,
                           const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Adds a row within the open transaction. 0 or -1. */
int scoop_load_log_add(struct scoop_session *session, const struct scoop_insert_options *options,
                       const struct scoop_insert_counts *counts,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Writes that many random lower-case hex digits, an even number of 64 at most, and a NUL. 0 or -1.
 */
int scoop_random_hex(char *text, size_t digits, struct scoop_error *error);

#endif
