#include "table/groups/group_table.h"

#include <stdlib.h>

#include "scoop/memory.h"
#include "text/key_hash.h"

enum {
    FIRST_SLOTS = 256,
    FIRST_CHUNK = 32 * 1024,
    CHUNK_BITS = 20,
    CHUNK_BYTES = 1 << CHUNK_BITS,
    ALIGNED = 8, /* a place counts groups' addresses in these */
    PLACE_BITS = CHUNK_BITS - 3,
};

void scoop_group_table_init(struct scoop_group_table *table,
                            const struct scoop_group_schema *schema,
                            struct scoop_group_pool *pool) {
    memset(table, 0, sizeof *table);
    table->schema = schema;
    table->pool = pool;
}

static void take(struct scoop_group_table *table, size_t bytes) {
    table->bytes += bytes;
    table->pool->used_bytes += bytes;
}

static void give(struct scoop_group_table *table, size_t bytes) {
    table->bytes -= bytes;
    table->pool->used_bytes -= bytes;
}

void scoop_group_table_clear(struct scoop_group_table *table) {
    for (size_t i = 0; i < table->chunk_count; i++)
        scoop_free(table->chunks[i]);
    scoop_free(table->chunks);
    scoop_free(table->slots);
    give(table, table->bytes);
    scoop_group_table_init(table, table->schema, table->pool);
}

static bool has_room(const struct scoop_group_table *table, size_t bytes) {
    return table->pool->used_bytes + bytes <= table->pool->limit_bytes;
}

static unsigned char *group_at(const struct scoop_group_table *table, uint32_t place) {
    place--;
    return table->chunks[place >> PLACE_BITS] +
           (size_t)(place & ((1u << PLACE_BITS) - 1)) * ALIGNED + sizeof(uint32_t);
}

static void put_slot(union scoop_group_slot *slots, size_t mask, uint32_t hash, uint32_t place) {
    size_t at = hash & mask;
    while (slots[at].place != 0)
        at = (at + 1) & mask;
    slots[at].hash = hash;
    slots[at].place = place;
}

/* 1, 0: no room, -1. */
static int grow(struct scoop_group_table *table, bool must, struct scoop_error *error) {
    size_t count = table->slot_count == 0 ? FIRST_SLOTS : 2 * table->slot_count;
    size_t bytes = count * sizeof *table->slots;
    if (!must && !has_room(table, bytes)) /* the old ones are there until the new ones are */
        return 0;
    union scoop_group_slot *slots = scoop_calloc(count, sizeof *slots);
    if (slots == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].place != 0)
            put_slot(slots, count - 1, table->slots[i].hash, table->slots[i].place);
    scoop_free(table->slots);
    take(table, bytes);
    give(table, table->slot_count * sizeof *slots);
    table->slots = slots;
    table->slot_count = count;
    return 1;
}

/* 1, 0: no room, -1. */
static int add_chunk(struct scoop_group_table *table, size_t least, bool must,
                     struct scoop_error *error) {
    size_t bytes = table->chunk_count == 0 ? FIRST_CHUNK : CHUNK_BYTES;
    if (bytes < least)
        bytes = least;
    if (!must && !has_room(table, bytes))
        return 0;
    if (table->chunk_count == table->chunk_capacity) {
        size_t capacity = table->chunk_capacity == 0 ? 16 : 2 * table->chunk_capacity;
        unsigned char **grown = scoop_realloc(table->chunks, capacity * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(error);
        table->chunks = grown;
        table->chunk_capacity = capacity;
    }
    unsigned char *chunk = scoop_malloc(bytes);
    if (chunk == NULL)
        return scoop_fail_memory(error);
    table->chunks[table->chunk_count++] = chunk;
    table->chunk_bytes = bytes;
    table->chunk_used = 0;
    take(table, bytes);
    return 1;
}

/* A new group at the end of the last chunk. 1, 0: no room, -1. */
static int add_group(struct scoop_group_table *table, const unsigned char *key, size_t length,
                     bool must, uint32_t *place, struct scoop_error *error) {
    size_t state = scoop_group_state_bytes(table->schema);
    uint32_t bytes = (uint32_t)(state + length);
    size_t whole = (sizeof bytes + bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
    /* What lies beyond CHUNK_BYTES of a chunk has no place: only a group that is longer does. */
    if (table->chunk_count == 0 || table->chunk_used + whole > table->chunk_bytes ||
        table->chunk_used >= CHUNK_BYTES) {
        int status = add_chunk(table, whole, must, error);
        if (status <= 0)
            return status;
    }
    unsigned char *to = table->chunks[table->chunk_count - 1] + table->chunk_used;
    memcpy(to, &bytes, sizeof bytes);
    memset(to + sizeof bytes, 0, state);
    memcpy(to + sizeof bytes + state, key, length);
    *place = (uint32_t)((table->chunk_count - 1) << PLACE_BITS | table->chunk_used / ALIGNED) + 1;
    table->chunk_used += whole;
    return 1;
}

int scoop_group_table_find(struct scoop_group_table *table, const unsigned char *key, size_t length,
                           bool must, unsigned char **group, struct scoop_error *error) {
    uint32_t hash = (uint32_t)scoop_key_hash_of(key, length).low;
    size_t mask = table->slot_count - 1, state = scoop_group_state_bytes(table->schema);
    if (table->slot_count > 0) {
        for (size_t at = hash & mask; table->slots[at].place != 0; at = (at + 1) & mask) {
            if (table->slots[at].hash != hash)
                continue;
            *group = group_at(table, table->slots[at].place);
            if (scoop_group_bytes(*group) == state + length &&
                memcmp(*group + state, key, length) == 0)
                return 1;
        }
    }
    int status = 1;
    uint32_t place;
    if (2 * (table->count + 1) > table->slot_count)
        status = grow(table, must, error);
    if (status > 0)
        status = add_group(table, key, length, must, &place, error);
    if (status <= 0)
        return status;
    put_slot(table->slots, table->slot_count - 1, hash, place);
    table->count++;
    *group = group_at(table, place);
    return 1;
}

/* The groups of one table have states of one length, which stands before the first of them. */
static int by_key(const void *a, const void *b, void *before) {
    const unsigned char *one = ((const union scoop_group_slot *)a)->group;
    const unsigned char *other = ((const union scoop_group_slot *)b)->group;
    return scoop_group_compare(one, scoop_group_bytes(one), other, scoop_group_bytes(other),
                               *(const size_t *)before);
}

void scoop_group_table_sort(struct scoop_group_table *table) {
    size_t count = 0, before = scoop_group_state_bytes(table->schema);
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].place != 0)
            table->slots[count++].group = group_at(table, table->slots[i].place);
    if (count > 0)
        qsort_r(table->slots, count, sizeof *table->slots, by_key, &before);
    table->sorted = true;
}
