/* Compares two exports whose rows come in any order. Private to csrc/table and csrc/stream.
 *
 * Most rows are the same in both. So first keys and digests of rows are joined (join.h), which are
 * small, while the rows themselves stay in memory, the recent ones, or go to a log in the scratch
 * file, past those that both exports have by then. When all have come, the log is read once. */
#ifndef SCOOP_TABLE_SIEVE_H
#define SCOOP_TABLE_SIEVE_H

#include "batch.h"
#include "join.h"

struct scoop_sieve;

/* As scoop_join_new; keep_last, which needs all rows, is not for a sieve. */
struct scoop_sieve *scoop_sieve_new(const struct scoop_join_options *options,
                                    struct scoop_error *error);
void scoop_sieve_free(struct scoop_sieve *sieve);
/* The join of keys, for its prefetch functions and scoop_join_add_matched. */
struct scoop_join *scoop_sieve_keys(struct scoop_sieve *sieve);
/* Takes a row; line 0: not known. 0, or -1 with NO_MEMORY or an error of the scratch file. */
int scoop_sieve_add(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_key_hash hash,
                    struct scoop_key_hash digest, const struct scoop_row_bytes *row, uint64_t line,
                    struct scoop_error *error);
/* All rows are there: settles the rest, some of it a call. 1: there are more; 0: done; -1. */
int scoop_sieve_finish(struct scoop_sieve *sieve, struct scoop_error *error);
/* Rows of which something was written to the scratch file for want of memory. */
uint64_t scoop_sieve_spilled(const struct scoop_sieve *sieve);

#endif
