#include "table/compare/row_slab.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

/* A reference is the number of a chunk and a place in it, in units of 8 bytes. */
enum {
    UNIT_BYTES = 8,
    UNIT_BITS = 15,
    CHUNK_UNITS = 1 << UNIT_BITS,
    CHUNK_BYTES = CHUNK_UNITS * UNIT_BYTES,
    BLOCK_BYTES = 8 * CHUNK_BYTES,
    MOST_CHUNKS = 1 << (32 - UNIT_BITS),
};

void scoop_row_slab_init(struct scoop_row_slab *slab) {
    memset(slab, 0, sizeof *slab);
}

void scoop_row_slab_free(struct scoop_row_slab *slab) {
    for (uint32_t i = 0; i < slab->count; i++)
        scoop_unmap(slab->chunks[i],
                    slab->sizes[i] > 0 ? (size_t)slab->sizes[i] * UNIT_BYTES : CHUNK_BYTES);
    scoop_unmap(slab->block_left > 0 ? slab->block : NULL, slab->block_left);
    scoop_free(slab->chunks);
    scoop_free(slab->sizes);
    scoop_row_slab_init(slab);
}

static uint32_t units_of(size_t row_bytes) {
    return (uint32_t)((sizeof(struct scoop_slab_slot) + row_bytes + UNIT_BYTES - 1) / UNIT_BYTES);
}

size_t scoop_row_slab_needs(const struct scoop_row_slab *slab, size_t row_bytes) {
    uint32_t units = units_of(row_bytes);
    if (units >= SCOOP_SLAB_CLASSES)
        return (size_t)units * UNIT_BYTES;
    return slab->free[units] != 0 || slab->bump_end - slab->bump >= units ? 0 : CHUNK_BYTES;
}

static int grow_list(struct scoop_row_slab *slab, struct scoop_error *error) {
    uint32_t capacity = slab->capacity == 0 ? 64 : slab->capacity * 2;
    unsigned char **chunks = scoop_realloc(slab->chunks, capacity * sizeof *chunks);
    if (chunks == NULL)
        return scoop_fail_memory(error);
    slab->chunks = chunks;
    uint32_t *sizes = scoop_realloc(slab->sizes, capacity * sizeof *sizes);
    if (sizes == NULL)
        return scoop_fail_memory(error);
    slab->sizes = sizes;
    slab->capacity = capacity;
    return 0;
}

/* Chunks but for the first lie together in blocks of the size of huge pages. */
static unsigned char *take_from_block(struct scoop_row_slab *slab) {
    if (slab->block_left == 0) {
        slab->block = scoop_map_table(BLOCK_BYTES);
        if (slab->block == NULL)
            return NULL;
        slab->block_left = BLOCK_BYTES;
    }
    slab->block_left -= CHUNK_BYTES;
    return slab->block + slab->block_left;
}

/* A chunk of so many units; its number, or -1. */
static int64_t new_chunk(struct scoop_row_slab *slab, uint32_t units, bool large,
                         struct scoop_error *error) {
    uint32_t number = slab->free_chunk;
    if (number > 0) {
        number--;
    } else {
        number = slab->count;
        if (number == MOST_CHUNKS)
            return scoop_fail(error, SCOOP_NO_MEMORY, "more than 32 GiB of rows in memory");
        if (number == slab->capacity && grow_list(slab, error) != 0)
            return -1;
    }
    size_t bytes = (size_t)units * UNIT_BYTES;
    unsigned char *chunk = large || slab->count == 0 ? scoop_map(bytes) : take_from_block(slab);
    if (chunk == NULL)
        return scoop_fail_memory(error);
    if (slab->free_chunk > 0)
        slab->free_chunk = slab->sizes[number];
    else
        slab->count++;
    slab->chunks[number] = chunk;
    slab->sizes[number] = large ? units : 0;
    slab->bytes += bytes;
    return number;
}

struct scoop_slab_slot *scoop_row_slab_at(const struct scoop_row_slab *slab, uint32_t ref) {
    return (struct scoop_slab_slot *)(void *)(slab->chunks[ref >> UNIT_BITS] +
                                              (size_t)(ref & (CHUNK_UNITS - 1)) * UNIT_BYTES);
}

/* The next free slot is kept in the free one. */
static uint32_t take_free(struct scoop_row_slab *slab, uint32_t units) {
    uint32_t ref = slab->free[units];
    if (ref != 0)
        slab->free[units] = scoop_row_slab_at(slab, ref)->length;
    return ref;
}

static void give_free(struct scoop_row_slab *slab, uint32_t ref, uint32_t units) {
    scoop_row_slab_at(slab, ref)->length = slab->free[units];
    slab->free[units] = ref;
}

static uint32_t take_bump(struct scoop_row_slab *slab, uint32_t units, struct scoop_error *error) {
    uint32_t left = slab->bump_end - slab->bump;
    if (left < units) {
        if (left > 0)
            give_free(slab, slab->bump, left);
        slab->bump = slab->bump_end = 0;
        int64_t number = new_chunk(slab, CHUNK_UNITS, false, error);
        if (number < 0)
            return 0;
        slab->bump = (uint32_t)number << UNIT_BITS;
        slab->bump_end = slab->bump + (CHUNK_UNITS - 1); /* so that it never wraps */
        if (number == 0)
            slab->bump++; /* 0 is no slot */
    }
    uint32_t ref = slab->bump;
    if (!SCOOP_INVARIANT(units <= slab->bump_end - slab->bump, error))
        return 0;
    slab->bump += units;
    return ref;
}

static uint32_t take(struct scoop_row_slab *slab, uint32_t units, struct scoop_error *error) {
    if (units >= SCOOP_SLAB_CLASSES) {
        /* Its own chunk; a unit more, so that the place in it need not be 0. */
        int64_t number = new_chunk(slab, units + 1, true, error);
        return number < 0 ? 0 : ((uint32_t)number << UNIT_BITS) + 1;
    }
    uint32_t ref = take_free(slab, units);
    return ref != 0 ? ref : take_bump(slab, units, error);
}

uint32_t scoop_row_slab_put(struct scoop_row_slab *slab, enum scoop_side side, uint64_t number,
                            const struct scoop_row_bytes *row, struct scoop_error *error) {
    uint32_t ref = take(slab, units_of(row->length), error);
    if (ref == 0)
        return 0;
    struct scoop_slab_slot *slot = scoop_row_slab_at(slab, ref);
    slot->number = number;
    slot->length = row->length;
    slot->beyond = (row->length - row->compared) & 0x7fffffffu;
    slot->side = side == SCOOP_NEW;
    memcpy(slot->data, row->data, row->length);
    return ref;
}

static void drop_chunk(struct scoop_row_slab *slab, uint32_t number) {
    if (!SCOOP_INVARIANT(number < slab->count && slab->chunks[number] != NULL, NULL))
        return;
    scoop_unmap(slab->chunks[number], (size_t)slab->sizes[number] * UNIT_BYTES);
    slab->chunks[number] = NULL;
    slab->bytes -= (size_t)slab->sizes[number] * UNIT_BYTES;
    slab->sizes[number] = slab->free_chunk;
    slab->free_chunk = number + 1;
}

void scoop_row_slab_drop(struct scoop_row_slab *slab, uint32_t ref) {
    uint32_t units = units_of(scoop_row_slab_at(slab, ref)->length);
    if (units >= SCOOP_SLAB_CLASSES)
        drop_chunk(slab, ref >> UNIT_BITS);
    else
        give_free(slab, ref, units);
}
