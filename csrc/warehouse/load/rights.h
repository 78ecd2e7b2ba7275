/* Which rights a load's user lacks, all at once and as SQL. */
#ifndef SCOOP_WAREHOUSE_LOAD_RIGHTS_H
#define SCOOP_WAREHOUSE_LOAD_RIGHTS_H

#include "scoop/session.h"
#include "warehouse/sql/sql_text.h"

/* What a load works on. */
struct scoop_load_objects {
    const struct scoop_table_name *source; /* NULL: none in the warehouse */
    const struct scoop_table_name *target;
    const struct scoop_table_name *lock;
    bool updates, deletes; /* rows of the target */
};

/* After the load has failed and was rolled back: where it was for a right (ACCESS_DENIED), says in
 * *error which ones its user lacks. Returns -1. */
int scoop_rights_explain(struct scoop_session *session, const struct scoop_load_objects *objects,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
