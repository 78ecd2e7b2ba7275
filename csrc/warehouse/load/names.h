/* Tables and columns as the server's catalog spells them (text/name_case.h has the rule). A name
 * that the catalog does not show stays as it was given: the server has the word. */
#ifndef SCOOP_WAREHOUSE_LOAD_NAMES_H
#define SCOOP_WAREHOUSE_LOAD_NAMES_H

#include "scoop/session.h"
#include "warehouse/sql/sql_text.h"

/* Looks tables up, and their columns, and corrects the names of the tables. *rows is what the
 * catalog has: for scoop_names_column, and to be freed. 0 or -1. */
int scoop_names_look_up(struct scoop_session *session, struct scoop_table_name *const *tables,
                        size_t count, const struct scoop_interrupt *interrupt,
                        struct scoop_rows **rows, struct scoop_error *error);
/* One table, whose columns nobody asks for. */
int scoop_names_correct(struct scoop_session *session, struct scoop_table_name *table,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* PostgreSQL: where the table is a view of one table, also through other views, that one instead.
 */
int scoop_names_base(struct scoop_session *session, struct scoop_table_name *table,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* The column of a table that was looked up; it is of the rows, or `name` itself. */
const char *scoop_names_column(const struct scoop_rows *rows, const struct scoop_table_name *table,
                               const char *name);

#endif
