/* The SQL text of updates that exchange values of a unique constraint. Pure. PostgreSQL's alone:
 * Redshift enforces no such constraint. */
#ifndef SCOOP_WAREHOUSE_SQL_EXCHANGE_SQL_H
#define SCOOP_WAREHOUSE_SQL_EXCHANGE_SQL_H

#include "warehouse/sql/apply_sql.h"

/* Each column's name, whether the server computes it, whether it is of the unique index `name`,
 * which has columns only. */
SCOOP_APPLY_SQL(unique_columns, const char *name);
/* What would see rows deleted and inserted again: a text for people, or no row. */
SCOOP_APPLY_SQL(obstacle);
/* A temporary table of the rows to update, as they are. */
SCOOP_APPLY_SQL(save_rows);
SCOOP_APPLY_SQL(delete_saved);
/* The saved rows with what the changes give; of columns that the file lacks what they had. */
SCOOP_APPLY_SQL(insert_saved);
SCOOP_APPLY_SQL(drop_saved);
/* A change of `op` whose unique values another row of the table has, before the change: its number,
 * the number of the other row's own change or NULL, its key, the other row's key. */
SCOOP_APPLY_SQL(same_as_row, enum scoop_change_op op);
/* Two changes of one kind with equal unique values: the numbers, the keys. */
SCOOP_APPLY_SQL(same_as_change, enum scoop_change_op op);

#endif
