/* What is committed of a call's statements, whatever the call ends with. */
#ifndef SCOOP_WAREHOUSE_SESSION_MADE_H
#define SCOOP_WAREHOUSE_SESSION_MADE_H

#include <stdbool.h>

#include "scoop/session.h"

/* Whether `sql`, sent while a transaction is open or not, may commit something. Only where it is
 * certain that it cannot: false. Pure. */
bool scoop_sql_may_commit(const char *sql, bool open);

/* Whether `sql`, one statement, begins or ends a transaction; `truncates`: TRUNCATE does. Pure. */
bool scoop_sql_ends_transaction(const char *sql, bool truncates);

/* The statements of one call. */
struct scoop_made {
    bool some;    /* is committed */
    bool unknown; /* whether more is, nobody has answered */
};

/* After each statement of the call, failed or not. */
void scoop_made_add(struct scoop_made *made, const struct scoop_session *session);
/* Says in the error of a failed call what is committed of it; `all`: nothing was left to be made.
 * Returns -1. */
int scoop_made_tell(const struct scoop_made *made, bool all, struct scoop_error *error);

#endif
