/* airscoop.loads: the inserts that were made. */
#ifndef SCOOP_WAREHOUSE_LOAD_LOAD_LOG_H
#define SCOOP_WAREHOUSE_LOAD_LOAD_LOG_H

#include "scoop/insert.h"
#include "warehouse/load/schema.h"

extern const struct scoop_kept_table scoop_log_of_loads;

/* Adds a row within the open transaction. 0 or -1. */
int scoop_load_log_add(struct scoop_session *session, const struct scoop_insert_options *options,
                       const struct scoop_insert_counts *counts,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Writes that many random lower-case hex digits, an even number of 64 at most, and a NUL. 0 or -1.
 */
int scoop_random_hex(char *text, size_t digits, struct scoop_error *error);

#endif
