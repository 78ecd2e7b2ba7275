/* Joins the fingerprints of two exports' rows (hash_partitions.h) by key. They are added as rows
 * come; most are matched at the end, partition by partition (probe.h). When memory is short what
 * can be matched by then is, if that is much; otherwise all goes to the scratch file. */
#ifndef SCOOP_TABLE_COMPARE_FINGERPRINT_JOIN_H
#define SCOOP_TABLE_COMPARE_FINGERPRINT_JOIN_H

#include <stdatomic.h>

#include "table/compare/hash_partitions.h"
#include "table/compare/probe.h"

struct scoop_fingerprint_join {
    struct scoop_hash_partitions *partitions;
    struct scoop_probe found; /* in all partitions */
    size_t fingerprint_bytes,
        work_bytes;               /* what fingerprints may take, and matching one partition */
    const atomic_bool *cancelled; /* NULL: never */
    size_t next_trial, next_spill, next_finish;
};

/* Of the memory work_bytes are taken twice for work, the rest is for fingerprints. 0, or -1 with
 * NO_MEMORY. */
int scoop_fingerprint_join_init(struct scoop_fingerprint_join *join, struct scoop_scratch *scratch,
                                struct scoop_match_flags *flags, size_t memory_bytes,
                                const atomic_bool *cancelled, struct scoop_error *error);
void scoop_fingerprint_join_free(struct scoop_fingerprint_join *join);
/* So many bytes of the memory are used by others, by now. */
void scoop_fingerprint_join_spare(struct scoop_fingerprint_join *join, size_t bytes);
/* Matches what is in memory if a sample of it says that at least half would go. 1: it did; 0; -1
 * with *error. */
int scoop_fingerprint_join_try(struct scoop_fingerprint_join *join, struct scoop_error *error);
/* All rows are there: matches some more partitions. 1: there are more; 0: done; -1. */
int scoop_fingerprint_join_finish(struct scoop_fingerprint_join *join, struct scoop_error *error);

#endif
