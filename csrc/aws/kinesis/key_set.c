#include "aws/kinesis/key_set.h"

#include "scoop/memory.h"

int scoop_key_set_init(struct scoop_key_set *set, size_t most, struct scoop_error *error) {
    size_t capacity = 16;
    while (capacity < 2 * most)
        capacity *= 2;
    set->slots = scoop_calloc(capacity, sizeof *set->slots);
    set->mask = capacity - 1;
    return set->slots == NULL ? scoop_fail_memory(error) : 0;
}

void scoop_key_set_free(struct scoop_key_set *set) {
    scoop_free(set->slots);
    set->slots = NULL;
}

/* 0 stands for a free slot. */
static uint64_t member(uint64_t hash) {
    return hash == 0 ? 1 : hash;
}

/* Its slot, or the free one where it would be. */
static size_t find(const struct scoop_key_set *set, uint64_t hash) {
    size_t at = (size_t)hash & set->mask;
    while (set->slots[at] != 0 && set->slots[at] != hash)
        at = (at + 1) & set->mask;
    return at;
}

bool scoop_key_set_has(const struct scoop_key_set *set, uint64_t hash) {
    return set->slots[find(set, member(hash))] != 0;
}

bool scoop_key_set_add(struct scoop_key_set *set, uint64_t hash) {
    size_t at = find(set, member(hash));
    if (set->slots[at] != 0)
        return false;
    set->slots[at] = member(hash);
    return true;
}

/* Those behind it that would not be found any more are moved up. */
void scoop_key_set_remove(struct scoop_key_set *set, uint64_t hash) {
    size_t hole = find(set, member(hash)), at = hole;
    if (set->slots[hole] == 0)
        return;
    while (set->slots[at = (at + 1) & set->mask] != 0) {
        size_t home = (size_t)set->slots[at] & set->mask;
        if (((at - home) & set->mask) >= ((at - hole) & set->mask)) {
            set->slots[hole] = set->slots[at];
            hole = at;
        }
    }
    set->slots[hole] = 0;
}
