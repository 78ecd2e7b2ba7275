#include "table/compare/hash_partitions.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum {
    MOST_BLOCK_BYTES = 2 * 1024 * 1024, /* a huge page */
    LEAST_BLOCK_BYTES = 64 * 1024,
    MOST_CHUNK_BYTES = 4096,
    LEAST_CHUNK_BYTES = 256,
    CHUNKS_A_PARTITION = 2, /* at least, if chunks can be so small */
};

static const size_t item_bytes[] = {sizeof(struct scoop_fingerprint),
                                    sizeof(struct scoop_key_hash)};

static size_t between(size_t value, size_t least, size_t most) {
    return value < least ? least : value > most ? most : value;
}

static size_t items_a_chunk(const struct scoop_hash_partitions *partitions,
                            enum scoop_hash_entry_kind kind) {
    return (partitions->chunk_bytes - sizeof(struct scoop_hash_chunk)) / item_bytes[kind];
}

struct scoop_hash_partitions *scoop_hash_partitions_new(struct scoop_scratch *scratch,
                                                        unsigned level, size_t memory_bytes,
                                                        struct scoop_error *error) {
    struct scoop_hash_partitions *partitions = scoop_calloc(1, sizeof *partitions);
    if (partitions == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    partitions->scratch = scratch;
    partitions->level = level;
    partitions->chunk_bytes =
        between(memory_bytes / (CHUNKS_A_PARTITION * SCOOP_HASH_PARTITIONS) & ~7ul,
                LEAST_CHUNK_BYTES, MOST_CHUNK_BYTES);
    partitions->most_chunks = memory_bytes / partitions->chunk_bytes;
    partitions->block_bytes = between(memory_bytes, LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES);
    return partitions;
}

static void give_back(struct scoop_hash_partitions *partitions) {
    for (size_t i = 0; i < partitions->block_count; i++)
        scoop_unmap(partitions->blocks[i], partitions->block_bytes);
    partitions->block_count = partitions->fresh_chunks = 0;
    partitions->free = NULL;
}

void scoop_hash_partitions_free(struct scoop_hash_partitions *partitions) {
    if (partitions == NULL)
        return;
    give_back(partitions);
    for (size_t i = 0; i < SCOOP_HASH_PARTITIONS; i++)
        for (size_t kind = 0; kind < SCOOP_HASH_ENTRY_KINDS; kind++)
            scoop_free(partitions->lists[i][kind].extents);
    scoop_free(partitions->blocks);
    scoop_free(partitions);
}

static int add_block(struct scoop_hash_partitions *partitions, struct scoop_error *error) {
    if (partitions->block_count == partitions->block_room) {
        size_t room = partitions->block_room == 0 ? 16 : 2 * partitions->block_room;
        void **grown = scoop_realloc(partitions->blocks, room * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(error);
        partitions->blocks = grown;
        partitions->block_room = room;
    }
    void *block = scoop_map_table(partitions->block_bytes);
    if (block == NULL)
        return scoop_fail_memory(error);
    partitions->blocks[partitions->block_count++] = block;
    partitions->fresh_chunks = partitions->block_bytes / partitions->chunk_bytes;
    return 0;
}

static struct scoop_hash_chunk *take_chunk(struct scoop_hash_partitions *partitions,
                                           struct scoop_error *error) {
    struct scoop_hash_chunk *chunk = partitions->free;
    if (chunk != NULL) {
        partitions->free = chunk->next;
    } else {
        if (partitions->fresh_chunks == 0 && add_block(partitions, error) != 0)
            return NULL;
        unsigned char *block = partitions->blocks[partitions->block_count - 1];
        chunk = (struct scoop_hash_chunk *)(void *)(block + --partitions->fresh_chunks *
                                                                partitions->chunk_bytes);
    }
    chunk->next = NULL;
    chunk->count = 0;
    partitions->chunks_used++;
    return chunk;
}

void scoop_hash_partitions_count(struct scoop_hash_partitions *partitions, size_t partition) {
    struct scoop_hash_list *list = &partitions->lists[partition][SCOOP_FINGERPRINTS];
    if (list->last == NULL)
        return;
    size_t count =
        (size_t)(partitions->places[partition].at - scoop_hash_chunk_fingerprints(list->last));
    if (!SCOOP_INVARIANT(count >= list->last->count &&
                             count <= items_a_chunk(partitions, SCOOP_FINGERPRINTS),
                         NULL))
        return;
    list->count += count - list->last->count;
    list->last->count = count;
}

int scoop_hash_partitions_grow(struct scoop_hash_partitions *partitions, size_t partition,
                               enum scoop_hash_entry_kind kind, struct scoop_error *error) {
    struct scoop_hash_list *list = &partitions->lists[partition][kind];
    scoop_hash_partitions_count(partitions, partition);
    if (partitions->chunks_used >= partitions->most_chunks && partitions->chunks_used > 0 &&
        partitions->make_room != NULL && partitions->make_room(partitions->user, error) != 0)
        return -1;
    struct scoop_hash_chunk *chunk = take_chunk(partitions, error);
    if (chunk == NULL)
        return -1;
    if (list->last == NULL)
        list->first = chunk;
    else
        list->last->next = chunk;
    list->last = chunk;
    struct scoop_fingerprint *first = scoop_hash_chunk_fingerprints(chunk);
    if (kind == SCOOP_FINGERPRINTS)
        partitions->places[partition] =
            (struct scoop_hash_place){first, first + items_a_chunk(partitions, kind)};
    return 0;
}

int scoop_hash_partitions_add_key(struct scoop_hash_partitions *partitions,
                                  struct scoop_key_hash hash, struct scoop_error *error) {
    size_t partition = scoop_hash_partition_of(partitions, hash);
    struct scoop_hash_list *list = &partitions->lists[partition][SCOOP_MATCHED_KEYS];
    if ((list->last == NULL ||
         list->last->count == items_a_chunk(partitions, SCOOP_MATCHED_KEYS)) &&
        scoop_hash_partitions_grow(partitions, partition, SCOOP_MATCHED_KEYS, error) != 0)
        return -1;
    struct scoop_key_hash *keys = (struct scoop_key_hash *)(void *)(list->last + 1);
    keys[list->last->count++] = hash;
    list->count++;
    return 0;
}

/* The first chunk goes back; what is counted stays. */
static void release_first(struct scoop_hash_partitions *partitions, struct scoop_hash_list *list) {
    struct scoop_hash_chunk *chunk = list->first;
    list->first = chunk->next;
    chunk->next = partitions->free;
    partitions->free = chunk;
    partitions->chunks_used -= SCOOP_INVARIANT(partitions->chunks_used > 0, NULL);
}

/* Nothing of the list is in memory any more. */
static void end_list(struct scoop_hash_partitions *partitions, size_t partition,
                     enum scoop_hash_entry_kind kind) {
    partitions->lists[partition][kind].last = NULL;
    if (kind == SCOOP_FINGERPRINTS)
        partitions->places[partition] = (struct scoop_hash_place){NULL, NULL};
}

size_t scoop_hash_partitions_take(struct scoop_hash_partitions *partitions, size_t partition,
                                  struct scoop_fingerprint *to, size_t most) {
    struct scoop_hash_list *list = &partitions->lists[partition][SCOOP_FINGERPRINTS];
    size_t taken = 0;
    scoop_hash_partitions_count(partitions, partition);
    while (list->first != NULL && (taken == 0 || taken + list->first->count <= most)) {
        size_t count = list->first->count;
        if (!SCOOP_INVARIANT(count <= most - taken, NULL))
            break;
        memcpy(to + taken, scoop_hash_chunk_fingerprints(list->first), count * sizeof *to);
        taken += count;
        release_first(partitions, list);
    }
    list->count -= taken;
    if (list->first == NULL)
        end_list(partitions, partition, SCOOP_FINGERPRINTS);
    return taken;
}

static struct scoop_hash_extent *new_extent(struct scoop_hash_list *list,
                                            struct scoop_error *error) {
    if (list->extent_count == list->extent_room) {
        size_t room = list->extent_room == 0 ? 4 : 2 * list->extent_room;
        struct scoop_hash_extent *grown = scoop_realloc(list->extents, room * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        list->extents = grown;
        list->extent_room = room;
    }
    return &list->extents[list->extent_count];
}

static int write_chunks(struct scoop_hash_partitions *partitions, struct scoop_hash_chunk *chunk,
                        enum scoop_hash_entry_kind kind, struct scoop_error *error) {
    struct iovec pieces[SCOOP_MOST_PIECES];
    while (chunk != NULL) {
        size_t count = 0;
        for (; chunk != NULL && count < SCOOP_MOST_PIECES; chunk = chunk->next)
            pieces[count++] = (struct iovec){chunk + 1, chunk->count * item_bytes[kind]};
        if (scoop_scratch_write(partitions->scratch, pieces, count, error) != 0)
            return -1;
    }
    return 0;
}

static int spill_list(struct scoop_hash_partitions *partitions, size_t partition,
                      enum scoop_hash_entry_kind kind, struct scoop_error *error) {
    struct scoop_hash_list *list = &partitions->lists[partition][kind];
    struct scoop_hash_extent *extent = new_extent(list, error);
    if (extent == NULL)
        return -1;
    *extent = (struct scoop_hash_extent){.offset = partitions->scratch->length_bytes};
    extent->count = (size_t)(list->count - list->stored);
    if (write_chunks(partitions, list->first, kind, error) != 0)
        return -1;
    if (kind == SCOOP_FINGERPRINTS)
        partitions->spilled += extent->count;
    list->extent_count++;
    list->stored = list->count;
    while (list->first != NULL)
        release_first(partitions, list);
    end_list(partitions, partition, kind);
    return 0;
}

int scoop_hash_partitions_spill(struct scoop_hash_partitions *partitions, size_t partition,
                                struct scoop_error *error) {
    scoop_hash_partitions_count(partitions, partition);
    for (int kind = 0; kind < SCOOP_HASH_ENTRY_KINDS; kind++)
        if (partitions->lists[partition][kind].first != NULL &&
            spill_list(partitions, partition, (enum scoop_hash_entry_kind)kind, error) != 0)
            return -1;
    return 0;
}

int scoop_hash_partitions_spill_all(struct scoop_hash_partitions *partitions,
                                    struct scoop_error *error) {
    for (size_t i = 0; i < SCOOP_HASH_PARTITIONS; i++)
        if (scoop_hash_partitions_spill(partitions, i, error) != 0)
            return -1;
    give_back(partitions);
    return 0;
}

int scoop_hash_partitions_copy(const struct scoop_hash_partitions *partitions,
                               const struct scoop_hash_list *list, enum scoop_hash_entry_kind kind,
                               void *to, struct scoop_error *error) {
    unsigned char *at = to;
    for (size_t i = 0; i < list->extent_count; i++) {
        size_t bytes = list->extents[i].count * item_bytes[kind];
        if (scoop_scratch_read(partitions->scratch, list->extents[i].offset, at, bytes, error) != 0)
            return -1;
        at += bytes;
    }
    for (const struct scoop_hash_chunk *chunk = list->first; chunk != NULL; chunk = chunk->next) {
        memcpy(at, chunk + 1, chunk->count * item_bytes[kind]);
        at += chunk->count * item_bytes[kind];
    }
    return 0;
}
