/* One grouping of records: counted in a table, spilled as sorted runs when memory is short, merged
 * at the end into a result that never changes again. */
#ifndef SCOOP_TABLE_GROUPS_GROUPS_H
#define SCOOP_TABLE_GROUPS_GROUPS_H

#include "table/groups/group_runs.h"

enum scoop_groups_phase {
    SCOOP_GROUPS_COUNTING,
    SCOOP_GROUPS_MERGING, /* runs into fewer runs */
    SCOOP_GROUPS_WRITING, /* the result */
    SCOOP_GROUPS_RANKING, /* which groups are the first `top` */
    SCOOP_GROUPS_CHOOSING,
    SCOOP_GROUPS_DONE,
};

struct scoop_ranked {
    uint64_t row;
    struct scoop_measured by;
};

struct scoop_groups {
    const struct scoop_group_schema *schema; /* borrowed, as the pool and the files */
    const struct scoop_schema_grouping *grouping;
    struct scoop_scratch *scratch; /* of the runs */
    size_t top;                    /* 0: all */
    struct scoop_group_table table;
    struct scoop_group_runs runs;
    struct scoop_buf key; /* of the record under way, if it has several parts */
    enum scoop_groups_phase phase;
    struct scoop_group_merge merge;
    bool merges;     /* it is set up */
    size_t next_row; /* of the table that is written */
    struct scoop_spool result;
    struct scoop_spool chosen; /* takes the result's place */
    struct scoop_spool_reader reader;
    bool reads; /* it is set up */
    uint64_t row;
    struct scoop_ranked *ranks; /* a heap, the least first; then by row */
    size_t rank_count, next_rank;
    struct scoop_buf other; /* the state of the rest */
    uint64_t groups, records, other_groups, other_records;
};

/* kept: the file of the result. */
void scoop_groups_init(struct scoop_groups *groups, const struct scoop_group_schema *schema,
                       size_t grouping, size_t top, struct scoop_group_pool *pool,
                       struct scoop_scratch *scratch, struct scoop_scratch *kept);
void scoop_groups_free(struct scoop_groups *groups);
/* Counts a record. 1; 0: the pool is full, something must be spilled (must: it is taken
 * nevertheless); -1. */
int scoop_groups_count(struct scoop_groups *groups, const struct scoop_group_fields *fields,
                       bool must, struct scoop_error *error);
int scoop_groups_spill(struct scoop_groups *groups, struct scoop_error *error);
/* No record follows: some thousand groups on the way to the result. 1: call again, 0: done, -1 with
 * TOO_LARGE (a sum), or what a spool says. */
int scoop_groups_step(struct scoop_groups *groups, struct scoop_error *error);

/* Reads the result. */
struct scoop_groups_cursor {
    const struct scoop_groups *groups; /* borrowed */
    struct scoop_spool_reader reader;
    const unsigned char *group; /* its state, then its key */
    bool other;                 /* it is the rest beyond `top`, without a key */
};

void scoop_groups_cursor_init(struct scoop_groups_cursor *cursor,
                              const struct scoop_groups *groups);
void scoop_groups_cursor_free(struct scoop_groups_cursor *cursor);
/* 1, 0 at the end, -1. */
int scoop_groups_cursor_next(struct scoop_groups_cursor *cursor, struct scoop_error *error);
static inline const unsigned char *
scoop_groups_cursor_key(const struct scoop_groups_cursor *cursor) {
    return cursor->group + scoop_group_state_bytes(cursor->groups->schema);
}

/* What stands in the first column of texts of the rest, all other columns being NULL. */
#define SCOOP_GROUPS_OTHER "(other)"
/* The column of the rest that has it. */
size_t scoop_groups_other_column(const struct scoop_groups *groups);

#endif
