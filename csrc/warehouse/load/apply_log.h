/* airscoop.applied: the change files that were applied. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_LOG_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_LOG_H

#include "scoop/apply.h"
#include "warehouse/load/schema.h"
#include "warehouse/sql/sql_text.h"

extern const struct scoop_kept_table scoop_log_of_applied;

enum { SCOOP_APPLIED_AT_BYTES = 40 };

/* When the file with that digest was last applied to the table; "" when it was not. 0 or -1. */
int scoop_apply_log_find(struct scoop_session *session, const struct scoop_table_name *target,
                         const char *digest, const struct scoop_interrupt *interrupt,
                         char at[SCOOP_APPLIED_AT_BYTES], struct scoop_error *error);
/* Adds a row within the open transaction. 0 or -1. */
int scoop_apply_log_add(struct scoop_session *session, const struct scoop_table_name *target,
                        const struct scoop_apply_options *options,
                        const struct scoop_apply_facts *facts,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
