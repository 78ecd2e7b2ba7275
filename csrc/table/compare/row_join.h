/* The symmetric hash join of whole rows, which come in any order.
 *
 * Rows of both sides are taken as they come. A row waits until the other side's row of the same key
 * arrives; then both are emitted and forgotten, all but the 128 bits that stand for the key. What
 * does not fit the memory is written, by partitions of the keys, to the scratch file. */
#ifndef SCOOP_TABLE_COMPARE_ROW_JOIN_H
#define SCOOP_TABLE_COMPARE_ROW_JOIN_H

#include "table/compare/join.h"

struct scoop_row_join;

/* NULL with NO_MEMORY. */
struct scoop_row_join *scoop_row_join_new(const struct scoop_join_options *options,
                                          struct scoop_error *error);
void scoop_row_join_free(struct scoop_row_join *join);
/* Loads what scoop_row_join_add will look at: first the key, some rows later the row that waits. */
void scoop_row_join_prefetch(const struct scoop_row_join *join, struct scoop_key_hash hash);
void scoop_row_join_prefetch_row(const struct scoop_row_join *join, struct scoop_key_hash hash);
/* Takes a row. 0, or -1 with NO_MEMORY or an error of the scratch file. */
int scoop_row_join_add(struct scoop_row_join *join, const struct scoop_numbered_row *row,
                       struct scoop_error *error);
/* All rows are there: emits the rest, a partition a call. 1: there are more; 0: done; -1. */
int scoop_row_join_finish(struct scoop_row_join *join, struct scoop_error *error);
/* Rows that were written to the scratch file so far. */
uint64_t scoop_row_join_spilled(const struct scoop_row_join *join);

#endif
