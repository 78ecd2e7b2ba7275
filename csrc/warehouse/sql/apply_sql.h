/* The SQL text of applying changes. Pure: no server is needed. Every statement but
 * copy_stage and analyze, which are PostgreSQL's, is valid on Redshift and on PostgreSQL. */
#ifndef SCOOP_WAREHOUSE_SQL_APPLY_SQL_H
#define SCOOP_WAREHOUSE_SQL_APPLY_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/buffer.h"
#include "scoop/changes.h"
#include "warehouse/sql/sql_text.h"

/* A column of the target. */
struct scoop_apply_column {
    char *name;
    bool key;
    bool given;     /* the file's rows have it */
    bool moment;    /* its type is of dates or times */
    bool generated; /* the server computes it */
    bool identity;  /* the server numbers it, GENERATED ALWAYS */
    bool unique;    /* of the constraint that refused a change; known after that only */
    bool is_text;   /* of characters */
    bool is_json;   /* json, jsonb, SUPER */
    bool is_super;  /* Redshift's, which takes a text as one string: it is staged as a text */
};

struct scoop_apply_plan {
    struct scoop_table_name target;
    char stage[64]; /* the temporary table */
    struct scoop_apply_column *columns;
    size_t column_count;
    bool postgres; /* else Redshift */
    bool refers_to_itself;
};

enum { SCOOP_APPLY_EXAMPLES = 3, SCOOP_APPLY_FIXED = 2 /* columns: the change's number, its op */ };

/* Each appends one statement. 0 or -1. */
#define SCOOP_APPLY_SQL(name, ...)                                                                 \
    int scoop_apply_sql_##name(const struct scoop_apply_plan *plan, ##__VA_ARGS__,                 \
                               struct scoop_buf *sql, struct scoop_error *error)

SCOOP_APPLY_SQL(describe); /* no rows, all columns */
/* A temporary table with the target's types: number, op (its first letter), columns c1, c2, … */
SCOOP_APPLY_SQL(create_stage);
SCOOP_APPLY_SQL(copy_stage);
SCOOP_APPLY_SQL(fill_stage, size_t rows); /* with parameters, a row after the other */
SCOOP_APPLY_SQL(analyze);
/* op, number of changes. */
SCOOP_APPLY_SQL(count_staged);
/* Keys of several changes: how many, the number of the first and of the last, the key. */
SCOOP_APPLY_SQL(repeated);
/* op, pairs of a change and its row in the target or none, of them those without a row. */
SCOOP_APPLY_SQL(count_matched);
/* Inserts and updates whose row in the target is as the change wants it: its text is. A type's
 * equality is another one, as of citext, numeric, interval, jsonb and other collations. */
SCOOP_APPLY_SQL(count_equal);
/* Changes of `op` whose key is not in the target, is there, is there in several rows: the number,
 * the key. */
enum scoop_apply_fault { SCOOP_APPLY_MISSING, SCOOP_APPLY_THERE, SCOOP_APPLY_SEVERAL };
SCOOP_APPLY_SQL(examples, enum scoop_change_op op, enum scoop_apply_fault fault);
SCOOP_APPLY_SQL(apply, enum scoop_change_op op);
/* PostgreSQL: those that there are in one statement, at whose end references are checked, one after
 * the other: deletes, updates, inserts. One row: how many rows each touched, by enum. */
SCOOP_APPLY_SQL(apply_at_once, const int64_t changes[SCOOP_CHANGE_OPS]);
SCOOP_APPLY_SQL(drop_stage);

#endif
