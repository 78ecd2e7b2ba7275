/* What stands for the rows of two exports: of each a hash of its key, a digest and its number, by
 * partitions of the keys, in chunks of memory or in the scratch file. A key that both exports have
 * and that is settled is kept as its hash alone. */
#ifndef SCOOP_TABLE_COMPARE_HASH_PARTITIONS_H
#define SCOOP_TABLE_COMPARE_HASH_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/rows/batch.h"
#include "table/store/scratch.h"

enum {
    SCOOP_PARTITION_BITS = 8,
    SCOOP_PARTITIONS = 1 << SCOOP_PARTITION_BITS,
    SCOOP_STUB_LEVELS = 64 / SCOOP_PARTITION_BITS,
};

struct scoop_stub {
    struct scoop_key_hash hash, digest;
    uint64_t number; /* of the row, below 2^61 */
    /* bits of the number */
#define SCOOP_STUB_NEW ((uint64_t)1 << 63)    /* a row of the new export */
#define SCOOP_STUB_PAIRED ((uint64_t)1 << 62) /* set by a matcher, as the next one */
#define SCOOP_STUB_EXTRA ((uint64_t)1 << 61)
#define SCOOP_STUB_NUMBER (SCOOP_STUB_EXTRA - 1)
};

enum scoop_stub_kind { SCOOP_STUBS, SCOOP_KEYS, SCOOP_STUB_KINDS };

/* Its stubs or keys follow. */
struct scoop_chunk {
    struct scoop_chunk *next;
    size_t count;
};

static inline struct scoop_stub *scoop_chunk_stubs(struct scoop_chunk *chunk) {
    return (struct scoop_stub *)(void *)(chunk + 1);
}

/* One kind of one partition, in the order of adding; what is in the scratch file comes first. The
 * last chunk's stubs are counted by scoop_stubs_count. */
struct scoop_stub_list {
    struct scoop_chunk *first, *last;
    uint64_t count, stored; /* here and there; there */
    struct scoop_stub_extent {
        uint64_t offset;
        size_t count;
    } * extents;
    size_t extent_count, extent_room;
};

struct scoop_stubs {
    struct scoop_scratch *scratch; /* borrowed */
    unsigned level;                /* which bits of the hash choose the partition */
    /* Where the next stub of each partition goes. Together, apart from the chunks: what lies at the
     * same place of many pages has the same few places in the processor's caches. */
    struct scoop_stub_place {
        struct scoop_stub *at, *end;
    } places[SCOOP_PARTITIONS];
    struct scoop_stub_list lists[SCOOP_PARTITIONS][SCOOP_STUB_KINDS];
    struct scoop_chunk *free;
    void **blocks; /* that chunks come from */
    size_t block_count, block_room, block_bytes;
    size_t fresh_chunks; /* of the last block, not taken yet */
    size_t chunk_bytes, chunks_used, most_chunks;
    uint64_t spilled; /* stubs that were written to the scratch file */
    /* Called when a chunk is wanted and most_chunks are used. 0, or -1. */
    int (*make_room)(void *user, struct scoop_error *error);
    void *user;
};

/* NULL with NO_MEMORY. */
struct scoop_stubs *scoop_stubs_new(struct scoop_scratch *scratch, unsigned level,
                                    size_t memory_bytes, struct scoop_error *error);
void scoop_stubs_free(struct scoop_stubs *stubs);
/* Another chunk for a list whose last one is full. 0, or -1 with *error. */
int scoop_stubs_grow(struct scoop_stubs *stubs, size_t partition, enum scoop_stub_kind kind,
                     struct scoop_error *error);
/* Writes what is in memory of a partition to the scratch file. */
int scoop_stubs_spill(struct scoop_stubs *stubs, size_t partition, struct scoop_error *error);
/* Writes all, and gives the memory back. */
int scoop_stubs_leave(struct scoop_stubs *stubs, struct scoop_error *error);
/* Moves stubs of a partition, the first ones in memory, at most so many and at least a chunk's, to
 * `to`. How many. */
size_t scoop_stubs_take(struct scoop_stubs *stubs, size_t partition, struct scoop_stub *to,
                        size_t most);
/* Copies all of a list, in memory or not, to `to`. 0, or -1 with what scoop_scratch_read says. */
int scoop_stubs_copy(const struct scoop_stubs *stubs, const struct scoop_stub_list *list,
                     enum scoop_stub_kind kind, void *to, struct scoop_error *error);

static inline size_t scoop_stubs_partition(const struct scoop_stubs *stubs,
                                           struct scoop_key_hash hash) {
    return hash.high >> (64 - SCOOP_PARTITION_BITS * (stubs->level + 1)) & (SCOOP_PARTITIONS - 1);
}

static inline int scoop_stubs_add(struct scoop_stubs *stubs, const struct scoop_stub *stub,
                                  struct scoop_error *error) {
    size_t partition = scoop_stubs_partition(stubs, stub->hash);
    struct scoop_stub_place *place = &stubs->places[partition];
    if (place->at == place->end && scoop_stubs_grow(stubs, partition, SCOOP_STUBS, error) != 0)
        return -1;
    *place->at++ = *stub;
    return 0;
}

int scoop_stubs_add_key(struct scoop_stubs *stubs, struct scoop_key_hash hash,
                        struct scoop_error *error);
/* Counts what was added to the lists of a partition, which are looked at only then. */
void scoop_stubs_count(struct scoop_stubs *stubs, size_t partition);

#endif
