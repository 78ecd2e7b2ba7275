/* The hash join of two exports whose rows come in any order.
 *
 * Most rows are the same in both. So it joins what stands for rows, which is small
 * (fingerprint_join.h), while the rows themselves go to a log (row_log.h). When all have come, the
 * log is read once, past the rows that both exports have; rows whose counterpart differs are joined
 * as rows (row_join.h). */
#ifndef SCOOP_TABLE_COMPARE_HASH_JOIN_H
#define SCOOP_TABLE_COMPARE_HASH_JOIN_H

#include "table/compare/join.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"

struct scoop_hash_join;

/* As scoop_row_join_new, with the plans of both sides, borrowed; keep_last, which needs all rows,
 * is not for this one. */
struct scoop_hash_join *scoop_hash_join_new(const struct scoop_join_options *options,
                                            const struct scoop_row_plan *plans,
                                            struct scoop_error *error);
void scoop_hash_join_free(struct scoop_hash_join *join);
/* Takes the rows of a batch from `first` on, and its buffers. 0, or -1 with NO_MEMORY or an error
 * of the scratch file. */
int scoop_hash_join_add(struct scoop_hash_join *join, enum scoop_side side,
                        struct scoop_batch *batch, size_t first, struct scoop_error *error);
/* Takes a row of unknown line, which is copied. */
int scoop_hash_join_add_row(struct scoop_hash_join *join, enum scoop_side side,
                            struct scoop_key_hash hash, const struct scoop_row_bytes *row,
                            struct scoop_error *error);
/* After rows that were copied, before batches: gives them their place before these. */
int scoop_hash_join_end_copies(struct scoop_hash_join *join, struct scoop_error *error);
/* Notes a key whose rows the merge join has matched. */
int scoop_hash_join_add_matched(struct scoop_hash_join *join, struct scoop_key_hash hash,
                                struct scoop_error *error);
/* All rows are there: emits the changes, some of it a call. 1: there are more; 0: done; -1. */
int scoop_hash_join_finish(struct scoop_hash_join *join, struct scoop_error *error);
/* Rows of which something was written to the scratch file for want of memory. */
uint64_t scoop_hash_join_spilled(const struct scoop_hash_join *join);

#endif
