/* The partitions of a hash join. What stands for a row is its fingerprint: a hash of its key, a
 * digest and its number. Fingerprints of both exports lie by partitions of the keys, in chunks of
 * memory or in the scratch file. A key whose rows are matched is kept as its hash alone. */
#ifndef SCOOP_TABLE_COMPARE_HASH_PARTITIONS_H
#define SCOOP_TABLE_COMPARE_HASH_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/rows/batch.h"
#include "table/store/scratch.h"

enum {
    SCOOP_HASH_PARTITION_BITS = 8,
    SCOOP_HASH_PARTITIONS = 1 << SCOOP_HASH_PARTITION_BITS,
    SCOOP_HASH_LEVELS = 64 / SCOOP_HASH_PARTITION_BITS,
};

struct scoop_fingerprint {
    struct scoop_key_hash hash, digest;
    uint64_t number; /* of the row, below 2^61 */
    /* bits of the number */
#define SCOOP_FINGERPRINT_NEW ((uint64_t)1 << 63)     /* a row of the new export */
#define SCOOP_FINGERPRINT_MATCHED ((uint64_t)1 << 62) /* set by a probe, as the next one */
#define SCOOP_FINGERPRINT_DUPLICATE ((uint64_t)1 << 61)
#define SCOOP_FINGERPRINT_NUMBER (SCOOP_FINGERPRINT_DUPLICATE - 1)
};

enum scoop_hash_entry_kind { SCOOP_FINGERPRINTS, SCOOP_MATCHED_KEYS, SCOOP_HASH_ENTRY_KINDS };

/* Its fingerprints or keys follow. */
struct scoop_hash_chunk {
    struct scoop_hash_chunk *next;
    size_t count;
};

static inline struct scoop_fingerprint *
scoop_hash_chunk_fingerprints(struct scoop_hash_chunk *chunk) {
    return (struct scoop_fingerprint *)(void *)(chunk + 1);
}

/* One kind of one partition, in the order of adding; what is in the scratch file comes first. The
 * last chunk's fingerprints are counted by scoop_hash_partitions_count. */
struct scoop_hash_list {
    struct scoop_hash_chunk *first, *last;
    uint64_t count, stored; /* here and there; there */
    struct scoop_hash_extent {
        uint64_t offset;
        size_t count;
    } * extents;
    size_t extent_count, extent_room;
};

struct scoop_hash_partitions {
    struct scoop_scratch *scratch; /* borrowed */
    unsigned level;                /* which bits of the hash choose the partition */
    /* Where the next fingerprint of each partition goes. Together, apart from the chunks: what lies
     * at the same place of many pages has the same few places in the processor's caches. */
    struct scoop_hash_place {
        struct scoop_fingerprint *at, *end;
    } places[SCOOP_HASH_PARTITIONS];
    struct scoop_hash_list lists[SCOOP_HASH_PARTITIONS][SCOOP_HASH_ENTRY_KINDS];
    struct scoop_hash_chunk *free;
    void **blocks; /* that chunks come from */
    size_t block_count, block_room, block_bytes;
    size_t fresh_chunks; /* of the last block, not taken yet */
    size_t chunk_bytes, chunks_used, most_chunks;
    uint64_t spilled; /* fingerprints that were written to the scratch file */
    /* Called when a chunk is wanted and most_chunks are used. 0, or -1. */
    int (*make_room)(void *user, struct scoop_error *error);
    void *user;
};

/* NULL with NO_MEMORY. */
struct scoop_hash_partitions *scoop_hash_partitions_new(struct scoop_scratch *scratch,
                                                        unsigned level, size_t memory_bytes,
                                                        struct scoop_error *error);
void scoop_hash_partitions_free(struct scoop_hash_partitions *partitions);
/* Another chunk for a list whose last one is full. 0, or -1 with *error. */
int scoop_hash_partitions_grow(struct scoop_hash_partitions *partitions, size_t partition,
                               enum scoop_hash_entry_kind kind, struct scoop_error *error);
/* Writes what is in memory of a partition to the scratch file. */
int scoop_hash_partitions_spill(struct scoop_hash_partitions *partitions, size_t partition,
                                struct scoop_error *error);
/* Writes all, and gives the memory back. */
int scoop_hash_partitions_spill_all(struct scoop_hash_partitions *partitions,
                                    struct scoop_error *error);
/* Moves fingerprints of a partition, the first ones in memory, at most so many and at least a
 * chunk's, to `to`. How many. */
size_t scoop_hash_partitions_take(struct scoop_hash_partitions *partitions, size_t partition,
                                  struct scoop_fingerprint *to, size_t most);
/* Copies all of a list, in memory or not, to `to`. 0, or -1 with what scoop_scratch_read says. */
int scoop_hash_partitions_copy(const struct scoop_hash_partitions *partitions,
                               const struct scoop_hash_list *list, enum scoop_hash_entry_kind kind,
                               void *to, struct scoop_error *error);

static inline size_t scoop_hash_partition_of(const struct scoop_hash_partitions *partitions,
                                             struct scoop_key_hash hash) {
    return hash.high >> (64 - SCOOP_HASH_PARTITION_BITS * (partitions->level + 1)) &
           (SCOOP_HASH_PARTITIONS - 1);
}

static inline int scoop_hash_partitions_add(struct scoop_hash_partitions *partitions,
                                            const struct scoop_fingerprint *fingerprint,
                                            struct scoop_error *error) {
    size_t partition = scoop_hash_partition_of(partitions, fingerprint->hash);
    struct scoop_hash_place *place = &partitions->places[partition];
    if (place->at == place->end &&
        scoop_hash_partitions_grow(partitions, partition, SCOOP_FINGERPRINTS, error) != 0)
        return -1;
    *place->at++ = *fingerprint;
    return 0;
}

int scoop_hash_partitions_add_key(struct scoop_hash_partitions *partitions,
                                  struct scoop_key_hash hash, struct scoop_error *error);
/* Counts what was added to the lists of a partition, which are looked at only then. */
void scoop_hash_partitions_count(struct scoop_hash_partitions *partitions, size_t partition);

#endif
