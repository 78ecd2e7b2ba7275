/* Rows from one table into another without duplicates, in one transaction. */
#ifndef SCOOP_INSERT_H
#define SCOOP_INSERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/session.h"

enum { SCOOP_MAX_KEYS = 30 };

/* The names an insert works on; all borrowed. */
struct scoop_insert_names {
    const char *source; /* schema.table */
    const char *target;
    const char *const *columns;
    size_t column_count;
    const char *const *keys; /* compared for equality, NULL equal to NULL; among columns */
    size_t key_count;
    const char *const *order_by; /* greatest first, NULL lowest; among columns */
    size_t order_count;
    const char *const *partition_columns; /* which rows of the source; none: all */
    const char *const *partition_values;
    size_t partition_count;
};

/* Where the rows came from, for airscoop.loads. Any may be NULL; texts are cut to their column. */
struct scoop_load_facts {
    const char *source;
    const char *etag;
    const char *s3_key;
    const char *dag_id;
    const char *run_id;
    const char *task_id;
    const char *try_number;
};

struct scoop_insert_options {
    struct scoop_insert_names names;
    bool replace;               /* false: rows of the target are kept */
    int64_t expected_records;   /* what the source must give; negative: not known */
    int64_t min_records;        /* the least that it may give; 0: any */
    const char *const *objects; /* s3://…, which the source's partition must read (Redshift) */
    size_t object_count;
    struct scoop_load_facts load;
    bool dry_run; /* all is done but the COMMIT, and taken back */
};

/* scanned = duplicates + already_there + inserted + replaced, each measured on its own. */
struct scoop_insert_counts {
    int64_t scanned;       /* rows of the source's partition */
    int64_t duplicates;    /* of them, rows that lost against another one with an equal key */
    int64_t already_there; /* winners whose key the target had, and kept */
    int64_t inserted;
    int64_t replaced; /* keys whose row in the target gave way to a greater one */
    int attempts;     /* 1 when no concurrent transaction got in the way */
};

/* Inserts the source's rows: of rows with equal keys the greatest by order_by, then by the other
 * columns. Loads of one target wait for each other at a companion table that is made on first use,
 * as is airscoop.loads, which gets a row for each run. The transaction is tried again, up to 5
 * times, when a concurrent one gets in the way. 0, or -1: then nothing was inserted, unless the
 * connection was lost or the run cancelled during COMMIT; the message says so, and that running
 * again is safe. Errors beside the session's: PARTITION_CONFLICT (of `objects`), COUNT_MISMATCH,
 * TOO_FEW_RECORDS, LOCK_TIMEOUT, SERIALIZATION, USAGE.
 */
int scoop_insert_distinct(struct scoop_session *session, const struct scoop_insert_options *options,
                          const struct scoop_interrupt *interrupt,
                          struct scoop_insert_counts *counts, struct scoop_error *error);

#endif
