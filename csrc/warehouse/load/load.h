/* What every load of a table does: one at a time by a lock, one transaction, tried again when a
 * concurrent one won. */
#ifndef SCOOP_WAREHOUSE_LOAD_LOAD_H
#define SCOOP_WAREHOUSE_LOAD_LOAD_H

#include "scoop/session.h"
#include "scoop/sql_text.h"

/* BEGIN, then LOCK TABLE `lock` as the first statement; then the target: in `mode`, which lets
 * readers be, on PostgreSQL, and on Redshift by a statement that returns no row. Waits for each at
 * most the session's lock_timeout, and says for what. 0, or -1 with LOCK_TIMEOUT, ACCESS_DENIED and
 * the session's. */
int scoop_load_begin(struct scoop_session *session, const struct scoop_table_name *lock,
                     const struct scoop_table_name *target, const char *mode,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* COMMIT. A failure whose outcome is a commit, or unknown, says so, and that running again is safe
 * because of `why`. 0 or -1. */
int scoop_load_commit(struct scoop_session *session, const char *why,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* After a failure: the transaction and what was set in it are taken back. */
void scoop_load_rollback(struct scoop_session *session);
/* Calls attempt, which fills *error, up to 5 times as long as it fails with SERIALIZATION. Its
 * result. */
int scoop_load_try(struct scoop_session *session, int (*attempt)(void *user), void *user,
                   const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
