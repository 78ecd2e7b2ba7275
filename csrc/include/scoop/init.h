/* What airscoop keeps in a warehouse, set up for several database users. */
#ifndef SCOOP_INIT_H
#define SCOOP_INIT_H

#include "scoop/buffer.h"
#include "scoop/session.h"

enum { SCOOP_KEPT_TABLES = 2 };

/* A table that airscoop keeps: its versions before and after; 0 before: it was not there. */
struct scoop_kept_facts {
    const char *name;
    int before;
    int after;
};

struct scoop_init_facts {
    struct scoop_kept_facts tables[SCOOP_KEPT_TABLES];
    struct scoop_buf left; /* SQL for owners of older locks, a statement a line; to be freed */
};

/* Makes the schema airscoop and its tables, or brings them forward, and grants those who load what
 * they need of it, in one transaction; then shares the locks that were made before they were
 * shared. A grantee is a user's or role's name, or PUBLIC; on Redshift also role:NAME and
 * group:NAME. 0, or -1 with the session's errors. */
int scoop_warehouse_init(struct scoop_session *session, const char *const *grantees, size_t count,
                         const struct scoop_interrupt *interrupt, struct scoop_init_facts *facts,
                         struct scoop_error *error);

#endif
