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

static const size_t item_bytes[] = {sizeof(struct scoop_stub), sizeof(struct scoop_key_hash)};

static size_t between(size_t value, size_t least, size_t most) {
    return value < least ? least : value > most ? most : value;
}

static size_t items_a_chunk(const struct scoop_stubs *stubs, enum scoop_stub_kind kind) {
    return (stubs->chunk_bytes - sizeof(struct scoop_chunk)) / item_bytes[kind];
}

struct scoop_stubs *scoop_stubs_new(struct scoop_scratch *scratch, unsigned level,
                                    size_t memory_bytes, struct scoop_error *error) {
    struct scoop_stubs *stubs = scoop_calloc(1, sizeof *stubs);
    if (stubs == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stubs->scratch = scratch;
    stubs->level = level;
    stubs->chunk_bytes = between(memory_bytes / (CHUNKS_A_PARTITION * SCOOP_PARTITIONS) & ~7ul,
                                 LEAST_CHUNK_BYTES, MOST_CHUNK_BYTES);
    stubs->most_chunks = memory_bytes / stubs->chunk_bytes;
    stubs->block_bytes = between(memory_bytes, LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES);
    return stubs;
}

static void give_back(struct scoop_stubs *stubs) {
    for (size_t i = 0; i < stubs->block_count; i++)
        scoop_unmap(stubs->blocks[i], stubs->block_bytes);
    stubs->block_count = stubs->fresh_chunks = 0;
    stubs->free = NULL;
}

void scoop_stubs_free(struct scoop_stubs *stubs) {
    if (stubs == NULL)
        return;
    give_back(stubs);
    for (size_t i = 0; i < SCOOP_PARTITIONS; i++)
        for (size_t kind = 0; kind < SCOOP_STUB_KINDS; kind++)
            scoop_free(stubs->lists[i][kind].extents);
    scoop_free(stubs->blocks);
    scoop_free(stubs);
}

static int add_block(struct scoop_stubs *stubs, struct scoop_error *error) {
    if (stubs->block_count == stubs->block_room) {
        size_t room = stubs->block_room == 0 ? 16 : 2 * stubs->block_room;
        void **grown = scoop_realloc(stubs->blocks, room * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(error);
        stubs->blocks = grown;
        stubs->block_room = room;
    }
    void *block = scoop_map_table(stubs->block_bytes);
    if (block == NULL)
        return scoop_fail_memory(error);
    stubs->blocks[stubs->block_count++] = block;
    stubs->fresh_chunks = stubs->block_bytes / stubs->chunk_bytes;
    return 0;
}

static struct scoop_chunk *take_chunk(struct scoop_stubs *stubs, struct scoop_error *error) {
    struct scoop_chunk *chunk = stubs->free;
    if (chunk != NULL) {
        stubs->free = chunk->next;
    } else {
        if (stubs->fresh_chunks == 0 && add_block(stubs, error) != 0)
            return NULL;
        unsigned char *block = stubs->blocks[stubs->block_count - 1];
        chunk = (struct scoop_chunk *)(void *)(block + --stubs->fresh_chunks * stubs->chunk_bytes);
    }
    chunk->next = NULL;
    chunk->count = 0;
    stubs->chunks_used++;
    return chunk;
}

void scoop_stubs_count(struct scoop_stubs *stubs, size_t partition) {
    struct scoop_stub_list *list = &stubs->lists[partition][SCOOP_STUBS];
    if (list->last == NULL)
        return;
    size_t count = (size_t)(stubs->places[partition].at - scoop_chunk_stubs(list->last));
    if (!SCOOP_INVARIANT(count >= list->last->count && count <= items_a_chunk(stubs, SCOOP_STUBS),
                         NULL))
        return;
    list->count += count - list->last->count;
    list->last->count = count;
}

int scoop_stubs_grow(struct scoop_stubs *stubs, size_t partition, enum scoop_stub_kind kind,
                     struct scoop_error *error) {
    struct scoop_stub_list *list = &stubs->lists[partition][kind];
    scoop_stubs_count(stubs, partition);
    if (stubs->chunks_used >= stubs->most_chunks && stubs->chunks_used > 0 &&
        stubs->make_room != NULL && stubs->make_room(stubs->user, error) != 0)
        return -1;
    struct scoop_chunk *chunk = take_chunk(stubs, error);
    if (chunk == NULL)
        return -1;
    if (list->last == NULL)
        list->first = chunk;
    else
        list->last->next = chunk;
    list->last = chunk;
    struct scoop_stub *first = scoop_chunk_stubs(chunk);
    if (kind == SCOOP_STUBS)
        stubs->places[partition] =
            (struct scoop_stub_place){first, first + items_a_chunk(stubs, kind)};
    return 0;
}

int scoop_stubs_add_key(struct scoop_stubs *stubs, struct scoop_key_hash hash,
                        struct scoop_error *error) {
    size_t partition = scoop_stubs_partition(stubs, hash);
    struct scoop_stub_list *list = &stubs->lists[partition][SCOOP_KEYS];
    if ((list->last == NULL || list->last->count == items_a_chunk(stubs, SCOOP_KEYS)) &&
        scoop_stubs_grow(stubs, partition, SCOOP_KEYS, error) != 0)
        return -1;
    struct scoop_key_hash *keys = (struct scoop_key_hash *)(void *)(list->last + 1);
    keys[list->last->count++] = hash;
    list->count++;
    return 0;
}

/* The first chunk goes back; what is counted stays. */
static void release_first(struct scoop_stubs *stubs, struct scoop_stub_list *list) {
    struct scoop_chunk *chunk = list->first;
    list->first = chunk->next;
    chunk->next = stubs->free;
    stubs->free = chunk;
    stubs->chunks_used -= SCOOP_INVARIANT(stubs->chunks_used > 0, NULL);
}

/* Nothing of the list is in memory any more. */
static void end_list(struct scoop_stubs *stubs, size_t partition, enum scoop_stub_kind kind) {
    stubs->lists[partition][kind].last = NULL;
    if (kind == SCOOP_STUBS)
        stubs->places[partition] = (struct scoop_stub_place){NULL, NULL};
}

size_t scoop_stubs_take(struct scoop_stubs *stubs, size_t partition, struct scoop_stub *to,
                        size_t most) {
    struct scoop_stub_list *list = &stubs->lists[partition][SCOOP_STUBS];
    size_t taken = 0;
    scoop_stubs_count(stubs, partition);
    while (list->first != NULL && (taken == 0 || taken + list->first->count <= most)) {
        size_t count = list->first->count;
        if (!SCOOP_INVARIANT(count <= most - taken, NULL))
            break;
        memcpy(to + taken, scoop_chunk_stubs(list->first), count * sizeof *to);
        taken += count;
        release_first(stubs, list);
    }
    list->count -= taken;
    if (list->first == NULL)
        end_list(stubs, partition, SCOOP_STUBS);
    return taken;
}

static struct scoop_stub_extent *new_extent(struct scoop_stub_list *list,
                                            struct scoop_error *error) {
    if (list->extent_count == list->extent_room) {
        size_t room = list->extent_room == 0 ? 4 : 2 * list->extent_room;
        struct scoop_stub_extent *grown = scoop_realloc(list->extents, room * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        list->extents = grown;
        list->extent_room = room;
    }
    return &list->extents[list->extent_count];
}

static int write_chunks(struct scoop_stubs *stubs, struct scoop_chunk *chunk,
                        enum scoop_stub_kind kind, struct scoop_error *error) {
    struct iovec pieces[SCOOP_MOST_PIECES];
    while (chunk != NULL) {
        size_t count = 0;
        for (; chunk != NULL && count < SCOOP_MOST_PIECES; chunk = chunk->next)
            pieces[count++] = (struct iovec){chunk + 1, chunk->count * item_bytes[kind]};
        if (scoop_scratch_write(stubs->scratch, pieces, count, error) != 0)
            return -1;
    }
    return 0;
}

static int spill_list(struct scoop_stubs *stubs, size_t partition, enum scoop_stub_kind kind,
                      struct scoop_error *error) {
    struct scoop_stub_list *list = &stubs->lists[partition][kind];
    struct scoop_stub_extent *extent = new_extent(list, error);
    if (extent == NULL)
        return -1;
    *extent = (struct scoop_stub_extent){.offset = stubs->scratch->length_bytes};
    extent->count = (size_t)(list->count - list->stored);
    if (write_chunks(stubs, list->first, kind, error) != 0)
        return -1;
    if (kind == SCOOP_STUBS)
        stubs->spilled += extent->count;
    list->extent_count++;
    list->stored = list->count;
    while (list->first != NULL)
        release_first(stubs, list);
    end_list(stubs, partition, kind);
    return 0;
}

int scoop_stubs_spill(struct scoop_stubs *stubs, size_t partition, struct scoop_error *error) {
    scoop_stubs_count(stubs, partition);
    for (int kind = 0; kind < SCOOP_STUB_KINDS; kind++)
        if (stubs->lists[partition][kind].first != NULL &&
            spill_list(stubs, partition, (enum scoop_stub_kind)kind, error) != 0)
            return -1;
    return 0;
}

int scoop_stubs_leave(struct scoop_stubs *stubs, struct scoop_error *error) {
    for (size_t i = 0; i < SCOOP_PARTITIONS; i++)
        if (scoop_stubs_spill(stubs, i, error) != 0)
            return -1;
    give_back(stubs);
    return 0;
}

int scoop_stubs_copy(const struct scoop_stubs *stubs, const struct scoop_stub_list *list,
                     enum scoop_stub_kind kind, void *to, struct scoop_error *error) {
    unsigned char *at = to;
    for (size_t i = 0; i < list->extent_count; i++) {
        size_t bytes = list->extents[i].count * item_bytes[kind];
        if (scoop_scratch_read(stubs->scratch, list->extents[i].offset, at, bytes, error) != 0)
            return -1;
        at += bytes;
    }
    for (const struct scoop_chunk *chunk = list->first; chunk != NULL; chunk = chunk->next) {
        memcpy(at, chunk + 1, chunk->count * item_bytes[kind]);
        at += chunk->count * item_bytes[kind];
    }
    return 0;
}
