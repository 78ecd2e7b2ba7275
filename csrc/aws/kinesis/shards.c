#include "aws/kinesis/shards.h"

#include <string.h>

#include "scoop/memory.h"
#include "text/key_hash.h"

enum { FIRST_SHARDS = 16 };

/* The place of that name, or the free one where it would be. */
static size_t find(const struct scoop_shards *shards, const void *name, size_t length) {
    size_t mask = shards->place_count - 1;
    size_t at = (size_t)scoop_key_hash_of(name, length).low & mask;
    for (; shards->places[at] != 0; at = (at + 1) & mask) {
        const char *known = shards->shards[shards->places[at] - 1].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            break;
    }
    return at;
}

static int grow(struct scoop_shards *shards, struct scoop_error *error) {
    size_t capacity = shards->capacity == 0 ? FIRST_SHARDS : 2 * shards->capacity;
    uint32_t *places = scoop_calloc(2 * capacity, sizeof *places);
    struct scoop_shard *grown =
        places == NULL ? NULL : scoop_realloc(shards->shards, capacity * sizeof *grown);
    if (grown == NULL) {
        scoop_free(places);
        return scoop_fail_memory(error);
    }
    scoop_free(shards->places);
    shards->shards = grown;
    shards->capacity = capacity;
    shards->places = places;
    shards->place_count = 2 * capacity;
    for (size_t i = 0; i < shards->count; i++)
        places[find(shards, grown[i].name, strlen(grown[i].name))] = (uint32_t)i + 1;
    return 0;
}

int scoop_shards_count(struct scoop_shards *shards, const unsigned char *name, size_t length,
                       struct scoop_error *error) {
    if (length >= SCOOP_KINESIS_SHARD_SIZE)
        length = SCOOP_KINESIS_SHARD_SIZE - 1;
    if (shards->count == shards->capacity && grow(shards, error) != 0)
        return -1;
    size_t at = find(shards, name, length);
    if (shards->places[at] == 0) {
        struct scoop_shard *shard = &shards->shards[shards->count++];
        memcpy(shard->name, name, length);
        shard->name[length] = 0;
        shard->records = 0;
        shards->places[at] = (uint32_t)shards->count;
    }
    shards->shards[shards->places[at] - 1].records++;
    return 0;
}

void scoop_shards_free(struct scoop_shards *shards) {
    scoop_free(shards->shards);
    scoop_free(shards->places);
    memset(shards, 0, sizeof *shards);
}
