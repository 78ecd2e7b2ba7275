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

void scoop_slots_init(struct scoop_slots *slots) {
    memset(slots, 0, sizeof *slots);
}

void scoop_slots_free(struct scoop_slots *slots) {
    for (uint32_t i = 0; i < slots->count; i++)
        scoop_unmap(slots->chunks[i],
                    slots->sizes[i] > 0 ? (size_t)slots->sizes[i] * UNIT_BYTES : CHUNK_BYTES);
    scoop_unmap(slots->block_left > 0 ? slots->block : NULL, slots->block_left);
    scoop_free(slots->chunks);
    scoop_free(slots->sizes);
    scoop_slots_init(slots);
}

static uint32_t units_of(size_t row_bytes) {
    return (uint32_t)((sizeof(struct scoop_slot) + row_bytes + UNIT_BYTES - 1) / UNIT_BYTES);
}

size_t scoop_slots_needs(const struct scoop_slots *slots, size_t row_bytes) {
    uint32_t units = units_of(row_bytes);
    if (units >= SCOOP_SLOT_CLASSES)
        return (size_t)units * UNIT_BYTES;
    return slots->free[units] != 0 || slots->bump_end - slots->bump >= units ? 0 : CHUNK_BYTES;
}

static int grow_list(struct scoop_slots *slots, struct scoop_error *error) {
    uint32_t capacity = slots->capacity == 0 ? 64 : slots->capacity * 2;
    unsigned char **chunks = scoop_realloc(slots->chunks, capacity * sizeof *chunks);
    if (chunks == NULL)
        return scoop_fail_memory(error);
    slots->chunks = chunks;
    uint32_t *sizes = scoop_realloc(slots->sizes, capacity * sizeof *sizes);
    if (sizes == NULL)
        return scoop_fail_memory(error);
    slots->sizes = sizes;
    slots->capacity = capacity;
    return 0;
}

/* Chunks but for the first lie together in blocks of the size of huge pages. */
static unsigned char *take_from_block(struct scoop_slots *slots) {
    if (slots->block_left == 0) {
        slots->block = scoop_map_table(BLOCK_BYTES);
        if (slots->block == NULL)
            return NULL;
        slots->block_left = BLOCK_BYTES;
    }
    slots->block_left -= CHUNK_BYTES;
    return slots->block + slots->block_left;
}

/* A chunk of so many units; its number, or -1. */
static int64_t new_chunk(struct scoop_slots *slots, uint32_t units, bool large,
                         struct scoop_error *error) {
    uint32_t number = slots->free_chunk;
    if (number > 0) {
        number--;
    } else {
        number = slots->count;
        if (number == MOST_CHUNKS)
            return scoop_fail(error, SCOOP_NO_MEMORY, "more than 32 GiB of rows in memory");
        if (number == slots->capacity && grow_list(slots, error) != 0)
            return -1;
    }
    size_t bytes = (size_t)units * UNIT_BYTES;
    unsigned char *chunk = large || slots->count == 0 ? scoop_map(bytes) : take_from_block(slots);
    if (chunk == NULL)
        return scoop_fail_memory(error);
    if (slots->free_chunk > 0)
        slots->free_chunk = slots->sizes[number];
    else
        slots->count++;
    slots->chunks[number] = chunk;
    slots->sizes[number] = large ? units : 0;
    slots->bytes += bytes;
    return number;
}

struct scoop_slot *scoop_slots_at(const struct scoop_slots *slots, uint32_t ref) {
    return (struct scoop_slot *)(void *)(slots->chunks[ref >> UNIT_BITS] +
                                         (size_t)(ref & (CHUNK_UNITS - 1)) * UNIT_BYTES);
}

/* The next free slot is kept in the free one. */
static uint32_t take_free(struct scoop_slots *slots, uint32_t units) {
    uint32_t ref = slots->free[units];
    if (ref != 0)
        slots->free[units] = scoop_slots_at(slots, ref)->length;
    return ref;
}

static void give_free(struct scoop_slots *slots, uint32_t ref, uint32_t units) {
    scoop_slots_at(slots, ref)->length = slots->free[units];
    slots->free[units] = ref;
}

static uint32_t take_bump(struct scoop_slots *slots, uint32_t units, struct scoop_error *error) {
    uint32_t left = slots->bump_end - slots->bump;
    if (left < units) {
        if (left > 0)
            give_free(slots, slots->bump, left);
        slots->bump = slots->bump_end = 0;
        int64_t number = new_chunk(slots, CHUNK_UNITS, false, error);
        if (number < 0)
            return 0;
        slots->bump = (uint32_t)number << UNIT_BITS;
        slots->bump_end = slots->bump + (CHUNK_UNITS - 1); /* so that it never wraps */
        if (number == 0)
            slots->bump++; /* 0 is no slot */
    }
    uint32_t ref = slots->bump;
    if (!SCOOP_INVARIANT(units <= slots->bump_end - slots->bump, error))
        return 0;
    slots->bump += units;
    return ref;
}

static uint32_t take(struct scoop_slots *slots, uint32_t units, struct scoop_error *error) {
    if (units >= SCOOP_SLOT_CLASSES) {
        /* Its own chunk; a unit more, so that the place in it need not be 0. */
        int64_t number = new_chunk(slots, units + 1, true, error);
        return number < 0 ? 0 : ((uint32_t)number << UNIT_BITS) + 1;
    }
    uint32_t ref = take_free(slots, units);
    return ref != 0 ? ref : take_bump(slots, units, error);
}

uint32_t scoop_slots_put(struct scoop_slots *slots, enum scoop_side side, uint64_t number,
                         const struct scoop_row_bytes *row, struct scoop_error *error) {
    uint32_t ref = take(slots, units_of(row->length), error);
    if (ref == 0)
        return 0;
    struct scoop_slot *slot = scoop_slots_at(slots, ref);
    slot->number = number;
    slot->length = row->length;
    slot->beyond = (row->length - row->compared) & 0x7fffffffu;
    slot->side = side == SCOOP_NEW;
    memcpy(slot->data, row->data, row->length);
    return ref;
}

static void drop_chunk(struct scoop_slots *slots, uint32_t number) {
    if (!SCOOP_INVARIANT(number < slots->count && slots->chunks[number] != NULL, NULL))
        return;
    scoop_unmap(slots->chunks[number], (size_t)slots->sizes[number] * UNIT_BYTES);
    slots->chunks[number] = NULL;
    slots->bytes -= (size_t)slots->sizes[number] * UNIT_BYTES;
    slots->sizes[number] = slots->free_chunk;
    slots->free_chunk = number + 1;
}

void scoop_slots_drop(struct scoop_slots *slots, uint32_t ref) {
    uint32_t units = units_of(scoop_slots_at(slots, ref)->length);
    if (units >= SCOOP_SLOT_CLASSES)
        drop_chunk(slots, ref >> UNIT_BITS);
    else
        give_free(slots, ref, units);
}
