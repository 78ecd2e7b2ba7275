/* The SQL text of a deduplicating insert. Pure: no server is needed. Every statement but
 * keep_snapshot, raise_memory and analyze is valid on Redshift and on PostgreSQL, and no join
 * condition holds an OR or anything but equalities. */
#ifndef SCOOP_WAREHOUSE_SQL_INSERT_SQL_H
#define SCOOP_WAREHOUSE_SQL_INSERT_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/error.h"
#include "scoop/insert.h"
#include "warehouse/sql/sql_text.h"

enum { SCOOP_SUFFIX_BYTES = 16 };

/* In which rows of the batch a key is NULL. */
enum scoop_key_nulls { SCOOP_NULLS_NONE, SCOOP_NULLS_SOME, SCOOP_NULLS_ALL };

/* The names checked and split, and the temporary tables' suffix. */
struct scoop_insert_plan {
    const struct scoop_insert_names *names;
    struct scoop_table_name source;
    struct scoop_table_name target;
    const char *const *source_columns; /* names->columns as the source spells them; NULL: alike */
    char suffix[SCOOP_SUFFIX_BYTES + 1];
    bool
        has_snapshot; /* each transaction of the session has one, or more, as the caller wants it */
    bool from_source; /* its rows are read where they are, by one snapshot: there is no batch */
    bool replace;     /* greater rows take the place of rows in the target */
    bool has_repeated; /* some key occurs twice in the batch, so its greatest row is chosen */
    enum scoop_key_nulls nulls[SCOOP_MAX_KEYS]; /* of each key, as count_batch found */
};

/* Checks the names: columns, keys and (for replace) an order beside the keys are there, none twice,
 * keys and order_by among the columns. `names` must outlive the plan. 0, or -1 with USAGE. */
int scoop_insert_plan(const struct scoop_insert_names *names, bool replace, const char *suffix,
                      struct scoop_insert_plan *plan, struct scoop_error *error);

/* Each appends one statement. Those after count_batch need the plan's `nulls`. 0 or -1. */
#define SCOOP_INSERT_SQL(name, ...)                                                                \
    int scoop_insert_sql_##name(const struct scoop_insert_plan *plan, ##__VA_ARGS__,               \
                                struct scoop_buf *sql, struct scoop_error *error)

/* With from_source: all statements that follow see the tables as they are now. The first one after
 * the locks. */
SCOOP_INSERT_SQL(keep_snapshot);
/* PostgreSQL only: the load's joins and sorts may use what an index may be made with. With the
 * usual work_mem of 4 MB the batch and the target would go through temporary files. ANALYZE looks
 * at a tenth of the usual rows: which table is the smaller one is all that is asked of it. */
SCOOP_INSERT_SQL(raise_memory);
/* The batch as read, with the target's types; not with from_source, as those two and analyze. */
SCOOP_INSERT_SQL(create_batch);
SCOOP_INSERT_SQL(fill_batch);
/* PostgreSQL only: without it the planner puts the whole target into a hash table, not the batch.
 */
SCOOP_INSERT_SQL(analyze);
/* One row: rows of the batch, its different keys, and of each key column the rows that have it. */
SCOOP_INSERT_SQL(count_batch);
/* One row: for each key that is NULL in some rows a value that it has in others. */
SCOOP_INSERT_SQL(create_filler);
/* The batch's keys that the target has, by the one scan of it; with 1 where, for replace, a
 * row of the key is greater than every one there, else 0. */
SCOOP_INSERT_SQL(create_matched);
/* Matched keys, and those whose row is greater. */
SCOOP_INSERT_SQL(count_matched);
SCOOP_INSERT_SQL(delete_greater);
/* Of each key that is not matched, or whose rows in the target gave way, the greatest row. */
SCOOP_INSERT_SQL(insert_missing, bool any_matched);
/* All temporary tables of the load. */
SCOOP_INSERT_SQL(drop);

/* The companion table that loads of one target lock: "airscoop"."lock_<schema>_<table>", in lower
 * case, cut with a hash of the whole where it would be longer than PostgreSQL's 63 bytes. */
void scoop_insert_lock_name(const struct scoop_table_name *target, struct scoop_table_name *lock);

#endif
