/* Keys in order, each without what it has in common with the one before: what a merge must know of
 * settled rows, should the order break later. */
#ifndef SCOOP_TABLE_COMPARE_MERGED_KEYS_H
#define SCOOP_TABLE_COMPARE_MERGED_KEYS_H

#include "table/store/spool.h"

struct scoop_key_log {
    struct scoop_spool spool;
    struct scoop_buf last;
};

void scoop_key_log_init(struct scoop_key_log *log, struct scoop_scratch *scratch);
void scoop_key_log_free(struct scoop_key_log *log);
int scoop_key_log_add(struct scoop_key_log *log, const unsigned char *key, size_t length,
                      struct scoop_error *error);
/* Gives every key to `take`, in order; stops at the first -1. */
int scoop_key_log_replay(const struct scoop_key_log *log,
                         int (*take)(void *user, const unsigned char *key, size_t length,
                                     struct scoop_error *error),
                         void *user, struct scoop_error *error);

#endif
