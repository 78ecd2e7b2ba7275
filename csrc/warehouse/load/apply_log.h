/* airscoop.applied: the change files that were applied. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_LOG_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_LOG_H

#include "scoop/apply.h"
#include "warehouse/load/schema.h"
#include "warehouse/sql/sql_text.h"

extern const struct scoop_kept_table scoop_log_of_applied;

enum { SCOOP_APPLIED_AT_BYTES = 40 };

/* A file that was applied; at is "" where there is none. */
struct scoop_applied_entry {
    char at[SCOOP_APPLIED_AT_BYTES];
    char digest[SCOOP_SHA256_HEX_SIZE], content[SCOOP_SHA256_HEX_SIZE];
    struct scoop_apply_version version; /* without what it followed */
};

/* What the log says of a table, and of a file. */
struct scoop_applied {
    struct scoop_applied_entry last, last_version; /* the latter: of those that have one */
    char before[SCOOP_APPLIED_AT_BYTES];           /* when that file was applied; "": never */
};

int scoop_apply_log_find(struct scoop_session *session, const struct scoop_table_name *target,
                         const struct scoop_change_source_facts *source,
                         const struct scoop_interrupt *interrupt, struct scoop_applied *applied,
                         struct scoop_error *error);
/* Adds a row within the open transaction. 0 or -1. */
int scoop_apply_log_add(struct scoop_session *session, const struct scoop_table_name *target,
                        const struct scoop_apply_options *options,
                        const struct scoop_apply_facts *facts,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
