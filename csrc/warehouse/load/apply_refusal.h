/* Constraints that refuse changes, on PostgreSQL: what the catalog says of them, and what to do. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_REFUSAL_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_REFUSAL_H

#include "scoop/session.h"
#include "warehouse/sql/apply_sql.h"

/* Notes which columns only the server fills, and whether a foreign key of the target refers to it.
 * 0 or -1. */
int scoop_apply_learn_constraints(struct scoop_session *session, struct scoop_apply_plan *plan,
                                  const struct scoop_interrupt *interrupt,
                                  struct scoop_error *error);
/* Of the columns that the file has. 0, or -1 with SCHEMA_CHANGED: one is the server's to fill. */
int scoop_apply_check_columns(const struct scoop_apply_plan *plan, bool updates,
                              struct scoop_error *error);
/* After a statement was refused, with *error, since the savepoint: where a foreign key or a check
 * did that, *error names it and says what to do. Always -1. */
int scoop_apply_explain(struct scoop_session *session, const struct scoop_apply_plan *plan,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
