/* The SQL text of a deduplicating insert. Pure: no server is needed. Every statement is valid on
 * Redshift and on PostgreSQL, and no join condition holds an OR or anything but equalities. */
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

/* The names checked and split, and the temporary tables' suffix. */
struct scoop_insert_plan {
    const struct scoop_insert_names *names;
    struct scoop_table_name source;
    struct scoop_table_name target;
    const char *const *source_columns; /* names->columns as the source spells them; NULL: alike */
    char suffix[SCOOP_SUFFIX_BYTES + 1];
    bool replace;      /* greater rows take the place of rows in the target */
    bool has_repeated; /* some key occurs twice in the batch, so winners are a table of their own */
};

/* Checks the names: columns, keys and (for replace) an order beside the keys are there, none twice,
 * keys and order_by among the columns. `names` must outlive the plan. 0, or -1 with USAGE. */
int scoop_insert_plan(const struct scoop_insert_names *names, bool replace, const char *suffix,
                      struct scoop_insert_plan *plan, struct scoop_error *error);

/* Which keys are NULL: bit i for key i. */
typedef uint32_t scoop_nulls;

/* Each appends one statement. `nulls` is the pattern of NULL keys it is for. 0 or -1. */
#define SCOOP_INSERT_SQL(name, ...)                                                                \
    int scoop_insert_sql_##name(const struct scoop_insert_plan *plan, ##__VA_ARGS__,               \
                                struct scoop_buf *sql, struct scoop_error *error)

/* Temporary tables with the target's types: the batch as read, and one winner for each key. */
SCOOP_INSERT_SQL(create_batch);
SCOOP_INSERT_SQL(fill_batch);
SCOOP_INSERT_SQL(create_winners);
/* One row for each pattern of NULL keys: key_count columns of 0 or 1, then the number of rows. */
SCOOP_INSERT_SQL(count_patterns);
/* Keys that occur more than once; then one row for each pattern: the 0 and 1, keys, their rows. */
SCOOP_INSERT_SQL(create_repeated);
SCOOP_INSERT_SQL(count_repeated);
/* Winners: rows whose key occurs once (`any_repeated`: some other key of the pattern does not), and
 * the greatest row of each repeated key. */
SCOOP_INSERT_SQL(add_singles, scoop_nulls nulls, bool any_repeated);
SCOOP_INSERT_SQL(add_greatest, scoop_nulls nulls);
SCOOP_INSERT_SQL(count_winners);
/* Winners whose key is in the target. */
SCOOP_INSERT_SQL(count_matched, scoop_nulls nulls);
/* For replace: the keys of winners that are greater than every row of that key in the target. */
SCOOP_INSERT_SQL(create_greater);
SCOOP_INSERT_SQL(fill_greater, scoop_nulls nulls);
SCOOP_INSERT_SQL(delete_greater, scoop_nulls nulls);
/* Winners whose key is not in the target. */
SCOOP_INSERT_SQL(insert_missing, scoop_nulls nulls);
/* One temporary table, by its role: "batch", "repeated", "winners", "greater". */
int scoop_insert_sql_drop(const struct scoop_insert_plan *plan, const char *role,
                          struct scoop_buf *sql, struct scoop_error *error);

/* The companion table that loads of one target lock: "airscoop"."lock_<schema>_<table>", in lower
 * case, cut with a hash of the whole where it would be longer than PostgreSQL's 63 bytes. */
void scoop_insert_lock_name(const struct scoop_table_name *target, struct scoop_table_name *lock);

#endif
