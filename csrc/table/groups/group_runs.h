/* Groups beyond what memory holds: sorted runs in the scratch file, and their merge. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_RUNS_H
#define SCOOP_TABLE_GROUPS_GROUP_RUNS_H

#include "table/groups/group_table.h"
#include "table/store/spool.h"

enum { SCOOP_MERGED_RUNS = 64 /* at most at a time: each takes two blocks */ };

struct scoop_group_runs {
    const struct scoop_group_schema *schema; /* borrowed, as the file */
    struct scoop_scratch *scratch;
    struct scoop_spool *spools;
    size_t count, capacity;
};

void scoop_group_runs_init(struct scoop_group_runs *runs, const struct scoop_group_schema *schema,
                           struct scoop_scratch *scratch);
void scoop_group_runs_free(struct scoop_group_runs *runs);
/* Writes a table as one more run, and clears it. 0, or -1 with what a spool says. */
int scoop_group_runs_spill(struct scoop_group_runs *runs, struct scoop_group_table *table,
                           struct scoop_error *error);

/* The groups of the first runs, in the order of their keys, each once. */
struct scoop_group_merge {
    struct scoop_group_runs *runs;
    struct merged_run {
        struct scoop_spool_reader reader;
        const unsigned char *group;
        size_t bytes;
    } * inputs;
    size_t input_count; /* of the runs, from the first */
    size_t *heap;       /* of inputs that have a group, the least key first */
    size_t heap_count;
    struct scoop_buf group; /* the last one */
};

/* Begins to merge the first `count` runs. 0 or -1; freed by the caller, also then. */
int scoop_group_merge_init(struct scoop_group_merge *merge, struct scoop_group_runs *runs,
                           size_t count, struct scoop_error *error);
/* 1 and the next group in merge->group; 0 at the end; -1. */
int scoop_group_merge_next(struct scoop_group_merge *merge, struct scoop_error *error);
void scoop_group_merge_free(struct scoop_group_merge *merge);
/* Ends a merge into another run: the merged ones are gone, it is the last. */
void scoop_group_runs_replace(struct scoop_group_runs *runs, size_t count);
/* One more run, to be written to; NULL with NO_MEMORY. */
struct scoop_spool *scoop_group_runs_add(struct scoop_group_runs *runs, struct scoop_error *error);

#endif
