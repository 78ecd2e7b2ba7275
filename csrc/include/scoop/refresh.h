/* Materialized views. */
#ifndef SCOOP_REFRESH_H
#define SCOOP_REFRESH_H

#include "scoop/session.h"

/* Refreshes the view "schema.view", in a transaction of its own. 0, or -1: ACCESS_DENIED names the
 * owner, the current user and the statement that mends it; `committed` as of
 * scoop_session_execute. */
int scoop_refresh(struct scoop_session *session, const char *view,
                  const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
