/* A transaction that begins with waiting for its turn, and for its target. */
#ifndef SCOOP_WAREHOUSE_SESSION_LOCK_H
#define SCOOP_WAREHOUSE_SESSION_LOCK_H

#include "scoop/session.h"
#include "warehouse/sql/sql_text.h"

/* BEGIN, then LOCK TABLE `lock` as the first statement; then the target: in `mode`, which lets
 * readers be, on PostgreSQL, and on Redshift by a statement that returns no row. Waits for each at
 * most the session's lock_timeout, and says for what. 0, or -1 with LOCK_TIMEOUT, ACCESS_DENIED and
 * the session's. */
int scoop_lock_begin(struct scoop_session *session, const struct scoop_table_name *lock,
                     const struct scoop_table_name *target, const char *mode,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* After a failure: the transaction and what was set in it are taken back. */
void scoop_lock_rollback(struct scoop_session *session);

#endif
