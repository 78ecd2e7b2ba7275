/* Where the rows to insert are read. */
#ifndef SCOOP_WAREHOUSE_LOAD_INSERT_SOURCE_H
#define SCOOP_WAREHOUSE_LOAD_INSERT_SOURCE_H

#include "warehouse/session/session.h"
#include "warehouse/sql/insert_sql.h"

/* Sets plan->from_source: whether they may be read where they are, as often as it takes. That is so
 * of a table of PostgreSQL whose columns have the types and collations of the target's: one
 * snapshot shows it unchanged, and its values are compared as the target's are. All else (external
 * and foreign tables, views, other types) is read once, into a temporary table. And has_snapshot. 0
 * or -1. */
int scoop_insert_place_rows(struct scoop_insert_plan *plan, struct scoop_session *session,
                            const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
