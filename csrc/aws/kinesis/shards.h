/* How many records each shard has taken. Pure. */
#ifndef SCOOP_AWS_KINESIS_SHARDS_H
#define SCOOP_AWS_KINESIS_SHARDS_H

#include <stddef.h>
#include <stdint.h>

#include "aws/kinesis/message.h"

struct scoop_shard {
    char name[SCOOP_KINESIS_SHARD_SIZE];
    uint64_t records;
};

/* Zero-initialise. */
struct scoop_shards {
    struct scoop_shard *shards; /* in the order in which they were first met */
    size_t count, capacity;
    uint32_t *places; /* by the name's hash: its number and 1; 0: free */
    size_t place_count;
};

/* Counts one record. 0 or -1 (NO_MEMORY). */
int scoop_shards_count(struct scoop_shards *shards, const unsigned char *name, size_t length,
                       struct scoop_error *error);
void scoop_shards_free(struct scoop_shards *shards);

#endif
