/* Groups in memory, found by a hash of their key and told apart by its bytes. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_TABLE_H
#define SCOOP_TABLE_GROUPS_GROUP_TABLE_H

#include "table/groups/group_state.h"

/* What all tables may take together. */
struct scoop_group_pool {
    size_t limit_bytes, used_bytes;
};

union scoop_group_slot {
    struct {
        uint32_t hash, place; /* place 0: the slot is free */
    };
    unsigned char *group; /* once they are sorted */
};

struct scoop_group_table {
    const struct scoop_group_schema *schema; /* borrowed, as the pool */
    struct scoop_group_pool *pool;
    union scoop_group_slot *slots; /* a power of two */
    size_t slot_count, count;
    unsigned char **chunks; /* of groups, one after the other */
    size_t chunk_count, chunk_capacity;
    size_t chunk_bytes, chunk_used; /* of the last one */
    size_t bytes;                   /* taken from the pool */
    bool sorted;                    /* the slots are the groups by key: nothing can be added */
};

void scoop_group_table_init(struct scoop_group_table *table,
                            const struct scoop_group_schema *schema, struct scoop_group_pool *pool);
/* Forgets all groups and gives back the memory; the table may be used again. */
void scoop_group_table_clear(struct scoop_group_table *table);
/* The group of a key, which is new with no record if it was not there. 1; 0: the pool has no room
 * for it (must: takes it nevertheless); -1 with NO_MEMORY. */
int scoop_group_table_find(struct scoop_group_table *table, const unsigned char *key, size_t length,
                           bool must, unsigned char **group, struct scoop_error *error);
/* Puts the groups in the order of their keys: slots[0 … count - 1].group. */
void scoop_group_table_sort(struct scoop_group_table *table);

/* A group in the table: behind its length the bytes that group_state.h describes. */
static inline size_t scoop_group_bytes(const unsigned char *group) {
    uint32_t length;
    memcpy(&length, group - sizeof length, sizeof length);
    return length;
}

/* By the keys; each is behind `before` bytes of state. */
static inline int scoop_group_compare(const unsigned char *a, size_t a_bytes,
                                      const unsigned char *b, size_t b_bytes, size_t before) {
    size_t shorter = a_bytes < b_bytes ? a_bytes : b_bytes;
    int order = memcmp(a + before, b + before, shorter - before);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

#endif
