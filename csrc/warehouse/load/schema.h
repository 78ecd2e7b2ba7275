/* The schema airscoop in the warehouse: the logs of loads with the versions of their tables, and
 * for each target a table that its loads lock. */
#ifndef SCOOP_WAREHOUSE_LOAD_SCHEMA_H
#define SCOOP_WAREHOUSE_LOAD_SCHEMA_H

#include "scoop/init.h"
#include "warehouse/sql/sql_text.h"

/* A table whose columns may become more from version to version. New ones are NULL in older rows,
 * so that an older airscoop goes on writing. */
struct scoop_kept_table {
    const char *name;
    const char *create;         /* SQL of the newest version */
    const char *const *forward; /* SQL: forward[i] makes version i + 2 of version i + 1 */
    int version;                /* the newest */
};

extern const struct scoop_kept_table *const scoop_kept_tables[SCOOP_KEPT_TABLES];

#define SCOOP_SCHEMA "\"airscoop\""
#define SCOOP_VERSIONS SCOOP_SCHEMA ".\"versions\""

/* Makes what is missing of all that a load of `target` needs, and brings older tables forward; a
 * concurrent session that does the same is welcome. Of a target that does not exist nothing is
 * made. 0 or -1. */
int scoop_schema_prepare(struct scoop_session *session, const struct scoop_table_name *target,
                         const struct scoop_table_name *lock,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* For a load that is taken back: what is missing is made within a transaction, which is then
 * `begun`, and goes with it. Where nothing is missing there is none. 0 or -1. */
int scoop_schema_rehearse(struct scoop_session *session, const struct scoop_table_name *target,
                          const struct scoop_table_name *lock,
                          const struct scoop_interrupt *interrupt, bool *begun,
                          struct scoop_error *error);

/* Which version each table is of: 0 for none. `lock` and `target` may be NULL. */
struct scoop_schema_state {
    bool schema, versions, lock, target;
    int of_table[SCOOP_KEPT_TABLES];
};
int scoop_schema_look(struct scoop_session *session, const struct scoop_table_name *target,
                      const struct scoop_table_name *lock, const struct scoop_interrupt *interrupt,
                      struct scoop_schema_state *state, struct scoop_error *error);
/* Within a transaction: all but the locks. 0 or -1. */
int scoop_schema_bring_forward(struct scoop_session *session,
                               const struct scoop_schema_state *state,
                               const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* Whoever may use the schema may lock. */
void scoop_schema_share_lock(struct scoop_sql_writer *writer, const struct scoop_table_name *lock);
/* Whether a failure is that of a session beside us that does the same. */
bool scoop_schema_was_raced(const struct scoop_error *error);

#endif
