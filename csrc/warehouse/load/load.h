/* What every load of a table does: one at a time by a lock (session/lock.h), one transaction, tried
 * again when a concurrent one won. */
#ifndef SCOOP_WAREHOUSE_LOAD_LOAD_H
#define SCOOP_WAREHOUSE_LOAD_LOAD_H

#include "scoop/session.h"
#include "warehouse/sql/sql_text.h"

/* What a load waits for, and how it begins. */
struct scoop_load_turn {
    const struct scoop_table_name *lock, *target;
    const char *mode; /* of the target's lock on PostgreSQL */
    bool dry_run;     /* it is taken back: nothing is made for it beforehand */
};

/* Makes what is missing of the schema airscoop; nothing in a dry run. 0 or -1. */
int scoop_load_prepare(struct scoop_session *session, const struct scoop_load_turn *turn,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* BEGIN, by `scoop_lock_begin`; a dry run makes in its transaction what is missing. 0 or -1. */
int scoop_load_begin(struct scoop_session *session, const struct scoop_load_turn *turn,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* COMMIT. A failure whose outcome is a commit, or unknown, says so, and that running again is safe
 * because of `why`. 0 or -1. */
int scoop_load_commit(struct scoop_session *session, const char *why,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* Calls attempt, which fills *error, up to 5 times as long as it fails with SERIALIZATION. Its
 * result. */
int scoop_load_try(struct scoop_session *session, int (*attempt)(void *user), void *user,
                   const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
