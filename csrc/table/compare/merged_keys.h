/* The keys whose rows a merge join has matched, front-coded: each without what it has in common
 * with the one before. A hash join must know them, should the order break later. */
#ifndef SCOOP_TABLE_COMPARE_MERGED_KEYS_H
#define SCOOP_TABLE_COMPARE_MERGED_KEYS_H

#include "table/store/spool.h"

struct scoop_merged_keys {
    struct scoop_spool spool;
    struct scoop_buf last;
};

void scoop_merged_keys_init(struct scoop_merged_keys *keys, struct scoop_scratch *scratch);
void scoop_merged_keys_free(struct scoop_merged_keys *keys);
int scoop_merged_keys_add(struct scoop_merged_keys *keys, const unsigned char *key, size_t length,
                          struct scoop_error *error);
/* Gives every key to `take`, in order; stops at the first -1. */
int scoop_merged_keys_replay(const struct scoop_merged_keys *keys,
                             int (*take)(void *user, const unsigned char *key, size_t length,
                                         struct scoop_error *error),
                             void *user, struct scoop_error *error);

#endif
