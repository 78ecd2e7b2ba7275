/* Updates that exchange values of a unique constraint: 1,a 2,b to 1,b 2,a. PostgreSQL checks one
 * that is not deferrable row by row, and so refuses the first of them. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_EXCHANGE_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_EXCHANGE_H

#include "scoop/session.h"
#include "warehouse/sql/apply_sql.h"

/* Before the statement of a kind of changes. 0 or -1. */
int scoop_apply_mark(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error);
/* After that statement was refused, with *error: where a constraint's uniqueness refused updates,
 * and nothing would see rows deleted and inserted again, that is done instead. 0 with *updated, or
 * -1 with *error, which names the constraint, both rows and what to do. */
int scoop_apply_exchange(struct scoop_session *session, struct scoop_apply_plan *plan,
                         enum scoop_change_op op, int64_t *updated,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
