/* Finds rows of two exports that have the same key, by what stands for them (stubs.h). Rows are
 * added as they come; most are matched at the end, partition by partition. When memory is short
 * what can be matched by then is, if that is much; otherwise all goes to the scratch file. */
#ifndef SCOOP_TABLE_COMPARE_FINGERPRINT_JOIN_H
#define SCOOP_TABLE_COMPARE_FINGERPRINT_JOIN_H

#include <stdatomic.h>

#include "table/compare/probe.h"
#include "table/compare/hash_partitions.h"

struct scoop_matching {
    struct scoop_stubs *stubs;
    struct scoop_matcher found;    /* in all partitions */
    size_t stub_bytes, work_bytes; /* what stubs may take, and matching one partition */
    const atomic_bool *cancelled;  /* NULL: never */
    size_t next_trial, next_spill, next_finish;
};

/* Of the memory work_bytes are taken twice for work, the rest is for stubs. 0, or -1 with
 * NO_MEMORY. */
int scoop_matching_init(struct scoop_matching *matching, struct scoop_scratch *scratch,
                        struct scoop_verdicts *verdicts, size_t memory_bytes,
                        const atomic_bool *cancelled, struct scoop_error *error);
void scoop_matching_free(struct scoop_matching *matching);
/* So many bytes of the memory are used by others, by now. */
void scoop_matching_spare(struct scoop_matching *matching, size_t bytes);
/* Matches what is in memory if a sample of it says that at least half would go. 1: it did; 0; -1
 * with *error. */
int scoop_matching_try(struct scoop_matching *matching, struct scoop_error *error);
/* All rows are there: matches some more partitions. 1: there are more; 0: done; -1. */
int scoop_matching_finish(struct scoop_matching *matching, struct scoop_error *error);

#endif
