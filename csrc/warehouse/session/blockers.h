/* What a statement waits for, and who holds it: asked by a second connection after a while. */
#ifndef SCOOP_WAREHOUSE_SESSION_BLOCKERS_H
#define SCOOP_WAREHOUSE_SESSION_BLOCKERS_H

#include "scoop/session.h"

/* scoop_session_run of a statement that may wait for the `kind` ("table") called `name`. When it
 * has waited for a second, or half of lock_timeout, the session says so (scoop_session_waits_for).
 */
int scoop_blockers_run(struct scoop_session *session, const char *sql, const char *kind,
                       const char *name, const struct scoop_interrupt *interrupt,
                       struct scoop_error *error);
/* ", held by …" of what the session waits for, or "". */
const char *scoop_blockers_held_by(const struct scoop_session *session);
/* Nothing is waited for any more. */
/* The holder as a fact of the error. */
void scoop_blockers_note(const struct scoop_session *session, struct scoop_error *error);
void scoop_blockers_forget(struct scoop_session *session);

#endif
