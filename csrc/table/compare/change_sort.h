/* An external sort: changes in the order of the rows that they come from, whatever order they are
 * found in. That depends on the hashes of keys, which have another seed in each process. */
#ifndef SCOOP_TABLE_COMPARE_CHANGE_SORT_H
#define SCOOP_TABLE_COMPARE_CHANGE_SORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "table/store/spool.h"

struct scoop_change_sort_options {
    struct scoop_spool *changes;   /* borrowed, as all that follows; gets the changes */
    struct scoop_scratch *scratch; /* for those that are found out of order */
    const atomic_bool *cancelled;  /* NULL: never */
    size_t memory_bytes;           /* while they are put in order */
};

struct scoop_change_sort {
    struct scoop_change_sort_options options;
    uint64_t last;            /* number that came in order */
    uint64_t end;             /* all numbers are below */
    struct scoop_spool *late; /* by parts of the numbers; NULL: none came late */
    unsigned next_part;
    bool merging;
    struct scoop_spool merged;        /* what becomes the changes */
    struct scoop_spool_reader reader; /* of those that came in order */
    struct scoop_record ahead;
    bool has_ahead;
};

void scoop_change_sort_init(struct scoop_change_sort *sort,
                            const struct scoop_change_sort_options *options);
void scoop_change_sort_free(struct scoop_change_sort *sort);
/* Before the first number above 0: all are below `end`. */
void scoop_change_sort_expect(struct scoop_change_sort *sort, uint64_t end);
/* Takes a change with its number; those with 0 stay in front, as they come. 0, or -1 with NO_MEMORY
 * or what scoop_scratch_write says. */
int scoop_change_sort_add(struct scoop_change_sort *sort, const struct scoop_record *record,
                          struct scoop_error *error);
/* All are there: puts them in order, some a call. 1: there is more to do; 0: done; -1. */
int scoop_change_sort_finish(struct scoop_change_sort *sort, struct scoop_error *error);

#endif
