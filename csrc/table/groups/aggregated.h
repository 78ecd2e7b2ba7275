/* The result of all groupings, which outlives the counting and is given back by references. */
#ifndef SCOOP_TABLE_GROUPS_AGGREGATED_H
#define SCOOP_TABLE_GROUPS_AGGREGATED_H

#include <stdatomic.h>

#include "table/groups/groups.h"
#include "table/store/scratch.h"

struct scoop_aggregated {
    atomic_int references;
    struct scoop_group_schema schema;
    struct scoop_group_pool pool;
    struct scoop_scratch scratch; /* of runs, given back when the result is there */
    struct scoop_scratch kept;    /* of results */
    struct scoop_scratch_room room;
    struct scoop_groups *groups; /* of each grouping */
    size_t count;                /* of those that are set up */
};

/* With one reference. NULL with *error. */
struct scoop_aggregated *scoop_aggregated_new(const struct scoop_aggregate_options *options,
                                              size_t pool_bytes, struct scoop_error *error);

/* The values of the cursor's group, in the order of the columns. */
struct scoop_groups_values {
    const struct scoop_groups_cursor *cursor;
    const unsigned char *at; /* in the key */
    size_t column;
};

/* The next column of the group; of the rest, which has no key, its text or NULL. */
void scoop_groups_values_next(struct scoop_groups_values *values, struct scoop_key_part *part);

#endif
