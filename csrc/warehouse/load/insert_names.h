/* The names that an insert was given, as the catalog and each other spell them. */
#ifndef SCOOP_WAREHOUSE_LOAD_INSERT_NAMES_H
#define SCOOP_WAREHOUSE_LOAD_INSERT_NAMES_H

#include "scoop/insert.h"
#include "warehouse/sql/insert_sql.h"

/* Zero-initialise. */
struct scoop_insert_spelling {
    struct scoop_insert_names names; /* whose arrays are those below */
    const char **columns, **source_columns, **keys, **order_by, **partition_columns;
    struct scoop_rows *rows; /* that names point to */
};

/* Keys and order_by as the columns are spelled. 0 or -1; to be freed in both cases. */
int scoop_insert_spell(struct scoop_insert_spelling *spelling,
                       const struct scoop_insert_names *given, struct scoop_error *error);
/* All of them as the tables' own, and the plan's tables, too. 0 or -1. */
int scoop_insert_spell_as_tables(struct scoop_insert_spelling *spelling,
                                 struct scoop_insert_plan *plan, struct scoop_session *session,
                                 const struct scoop_interrupt *interrupt,
                                 struct scoop_error *error);
void scoop_insert_spelling_free(struct scoop_insert_spelling *spelling);

/* Refuses a word such as "today" for a partition column of dates or times: each run would read
 * another moment in it. 0 or -1. */
int scoop_insert_check_moments(const struct scoop_insert_plan *plan, struct scoop_session *session,
                               const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
