#include "table/compare/probe.h"

#include <string.h>

#include "scoop/memory.h"

#define KEY_BIT ((uint32_t)1 << 31)

void scoop_probe_init(struct scoop_probe *probe, struct scoop_match_flags *flags) {
    *probe = (struct scoop_probe){.flags = flags};
}

void scoop_probe_free(struct scoop_probe *probe) {
    scoop_free(probe->keys);
    scoop_free(probe->fingerprints);
    scoop_free(probe->table);
    probe->keys = NULL;
    probe->fingerprints = NULL;
    probe->table = NULL;
    probe->key_count = probe->key_room = probe->fingerprint_count = probe->fingerprint_room = 0;
    probe->table_room = 0;
}

/* At most half full. */
static size_t places_for(uint64_t records) {
    size_t places = 64;
    while (places < 2 * records)
        places *= 2;
    return places;
}

size_t scoop_probe_bytes(uint64_t keys, uint64_t fingerprints) {
    return (size_t)(keys * sizeof(struct scoop_key_hash) +
                    fingerprints * sizeof(struct scoop_fingerprint)) +
           places_for(keys + fingerprints) * sizeof(uint32_t);
}

static int reserve(void **items, size_t *room, uint64_t count, size_t item_bytes,
                   struct scoop_error *error) {
    if (count <= *room)
        return 0;
    scoop_free(*items);
    *room = 0;
    *items = scoop_malloc(count * item_bytes);
    if (*items == NULL)
        return scoop_fail_memory(error);
    *room = count;
    return 0;
}

int scoop_probe_reserve(struct scoop_probe *probe, uint64_t keys, uint64_t fingerprints,
                        struct scoop_error *error) {
    void *key_items = probe->keys, *fingerprint_items = probe->fingerprints, *table = probe->table;
    if (keys >= KEY_BIT - 1 || fingerprints >= KEY_BIT - 1)
        return scoop_fail(error, SCOOP_NO_MEMORY, "too many rows have one key");
    int status = reserve(&key_items, &probe->key_room, keys, sizeof *probe->keys, error);
    if (status == 0)
        status = reserve(&fingerprint_items, &probe->fingerprint_room, fingerprints,
                         sizeof *probe->fingerprints, error);
    if (status == 0)
        status = reserve(&table, &probe->table_room, places_for(keys + fingerprints),
                         sizeof *probe->table, error);
    probe->keys = key_items;
    probe->fingerprints = fingerprint_items;
    probe->table = table;
    probe->key_count = keys;
    probe->fingerprint_count = fingerprints;
    return status;
}

static enum scoop_side side_of(const struct scoop_fingerprint *fingerprint) {
    return fingerprint->number & SCOOP_FINGERPRINT_NEW ? SCOOP_NEW : SCOOP_OLD;
}

static uint64_t number_of(const struct scoop_fingerprint *fingerprint) {
    return fingerprint->number & SCOOP_FINGERPRINT_NUMBER;
}

static bool is_equal(struct scoop_key_hash a, struct scoop_key_hash b) {
    return a.low == b.low && a.high == b.high;
}

/* The place of this hash, or the free one where it belongs. */
static uint32_t *find(const struct scoop_probe *probe, size_t mask, struct scoop_key_hash hash) {
    for (size_t place = hash.low & mask;; place = (place + 1) & mask) {
        uint32_t *entry = &probe->table[place];
        if (*entry == 0)
            return entry;
        const struct scoop_key_hash *known = *entry & KEY_BIT
                                                 ? &probe->keys[(*entry & ~KEY_BIT) - 1]
                                                 : &probe->fingerprints[*entry - 1].hash;
        if (is_equal(*known, hash))
            return entry;
    }
}

/* Keeps the lowest numbers: which rows are told must not depend on which partition came first. */
static void note_duplicate(struct scoop_probe *probe, uint64_t number) {
    size_t at = probe->shown_count;
    while (at > 0 && probe->shown[at - 1] > number)
        at--;
    if (at == SCOOP_DUPLICATES_SHOWN)
        return;
    size_t end =
        probe->shown_count < SCOOP_DUPLICATES_SHOWN ? ++probe->shown_count : SCOOP_DUPLICATES_SHOWN;
    memmove(&probe->shown[at + 1], &probe->shown[at], (end - at - 1) * sizeof(uint64_t));
    probe->shown[at] = number;
}

static void meet(struct scoop_probe *probe, uint32_t entry, struct scoop_fingerprint *fingerprint,
                 bool all) {
    struct scoop_fingerprint *other = entry & KEY_BIT ? NULL : &probe->fingerprints[entry - 1];
    if (other == NULL || other->number & SCOOP_FINGERPRINT_MATCHED ||
        side_of(other) == side_of(fingerprint)) {
        probe->duplicates[side_of(fingerprint)]++;
        note_duplicate(probe, number_of(fingerprint));
        fingerprint->number |= SCOOP_FINGERPRINT_DUPLICATE;
        return;
    }
    bool same = is_equal(other->digest, fingerprint->digest);
    probe->same += same;
    if (!same || !all) {
        enum scoop_match match = same ? SCOOP_MATCH_EQUAL : SCOOP_MATCH_DIFFERENT;
        scoop_match_set(probe->flags, number_of(other), match);
        scoop_match_set(probe->flags, number_of(fingerprint), match);
    }
    other->number |= SCOOP_FINGERPRINT_MATCHED;
    fingerprint->number |= SCOOP_FINGERPRINT_MATCHED;
}

/* A key that was matched twice was there twice in each export. */
static void put_keys(struct scoop_probe *probe, size_t mask) {
    for (size_t i = 0; i < probe->key_count; i++) {
        uint32_t *entry = find(probe, mask, probe->keys[i]);
        if (*entry == 0) {
            *entry = KEY_BIT | (uint32_t)(i + 1);
        } else {
            probe->duplicates[SCOOP_OLD]++;
            probe->duplicates[SCOOP_NEW]++;
        }
    }
}

void scoop_probe_run(struct scoop_probe *probe, bool all) {
    size_t places = places_for(probe->key_count + probe->fingerprint_count), mask = places - 1;
    memset(probe->table, 0, places * sizeof *probe->table);
    put_keys(probe, mask);
    for (size_t i = 0; i < probe->fingerprint_count; i++) {
        uint32_t *entry = find(probe, mask, probe->fingerprints[i].hash);
        if (*entry == 0)
            *entry = (uint32_t)(i + 1);
        else
            meet(probe, *entry, &probe->fingerprints[i], all);
    }
    for (size_t i = 0; all && i < probe->fingerprint_count; i++)
        if (!(probe->fingerprints[i].number &
              (SCOOP_FINGERPRINT_MATCHED | SCOOP_FINGERPRINT_DUPLICATE)))
            scoop_match_set(probe->flags, number_of(&probe->fingerprints[i]), SCOOP_MATCH_NONE);
}

void scoop_probe_add(struct scoop_probe *probe, const struct scoop_probe *other) {
    probe->same += other->same;
    for (size_t side = 0; side < 2; side++)
        probe->duplicates[side] += other->duplicates[side];
    for (size_t i = 0; i < other->shown_count; i++)
        note_duplicate(probe, other->shown[i]);
}
