#include "table/compare/probe.h"

#include <string.h>

#include "scoop/memory.h"

#define KEY_BIT ((uint32_t)1 << 31)

void scoop_matcher_init(struct scoop_matcher *matcher, struct scoop_verdicts *verdicts) {
    *matcher = (struct scoop_matcher){.verdicts = verdicts};
}

void scoop_matcher_free(struct scoop_matcher *matcher) {
    scoop_free(matcher->keys);
    scoop_free(matcher->stubs);
    scoop_free(matcher->table);
    matcher->keys = NULL;
    matcher->stubs = NULL;
    matcher->table = NULL;
    matcher->key_count = matcher->key_room = matcher->stub_count = matcher->stub_room = 0;
    matcher->table_room = 0;
}

/* At most half full. */
static size_t places_for(uint64_t records) {
    size_t places = 64;
    while (places < 2 * records)
        places *= 2;
    return places;
}

size_t scoop_matcher_bytes(uint64_t keys, uint64_t stubs) {
    return (size_t)(keys * sizeof(struct scoop_key_hash) + stubs * sizeof(struct scoop_stub)) +
           places_for(keys + stubs) * sizeof(uint32_t);
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

int scoop_matcher_reserve(struct scoop_matcher *matcher, uint64_t keys, uint64_t stubs,
                          struct scoop_error *error) {
    void *key_items = matcher->keys, *stub_items = matcher->stubs, *table = matcher->table;
    if (keys >= KEY_BIT - 1 || stubs >= KEY_BIT - 1)
        return scoop_fail(error, SCOOP_NO_MEMORY, "too many rows have one key");
    int status = reserve(&key_items, &matcher->key_room, keys, sizeof *matcher->keys, error);
    if (status == 0)
        status = reserve(&stub_items, &matcher->stub_room, stubs, sizeof *matcher->stubs, error);
    if (status == 0)
        status = reserve(&table, &matcher->table_room, places_for(keys + stubs),
                         sizeof *matcher->table, error);
    matcher->keys = key_items;
    matcher->stubs = stub_items;
    matcher->table = table;
    matcher->key_count = keys;
    matcher->stub_count = stubs;
    return status;
}

static enum scoop_side side_of(const struct scoop_stub *stub) {
    return stub->number & SCOOP_STUB_NEW ? SCOOP_NEW : SCOOP_OLD;
}

static uint64_t number_of(const struct scoop_stub *stub) {
    return stub->number & SCOOP_STUB_NUMBER;
}

static bool is_equal(struct scoop_key_hash a, struct scoop_key_hash b) {
    return a.low == b.low && a.high == b.high;
}

/* The place of this hash, or the free one where it belongs. */
static uint32_t *find(const struct scoop_matcher *matcher, size_t mask,
                      struct scoop_key_hash hash) {
    for (size_t place = hash.low & mask;; place = (place + 1) & mask) {
        uint32_t *entry = &matcher->table[place];
        if (*entry == 0)
            return entry;
        const struct scoop_key_hash *known = *entry & KEY_BIT
                                                 ? &matcher->keys[(*entry & ~KEY_BIT) - 1]
                                                 : &matcher->stubs[*entry - 1].hash;
        if (is_equal(*known, hash))
            return entry;
    }
}

/* Keeps the lowest numbers: which rows are told must not depend on which partition came first. */
static void note_extra(struct scoop_matcher *matcher, uint64_t number) {
    size_t at = matcher->extra_count;
    while (at > 0 && matcher->extras[at - 1] > number)
        at--;
    if (at == SCOOP_MOST_EXTRAS)
        return;
    size_t end =
        matcher->extra_count < SCOOP_MOST_EXTRAS ? ++matcher->extra_count : SCOOP_MOST_EXTRAS;
    memmove(&matcher->extras[at + 1], &matcher->extras[at], (end - at - 1) * sizeof(uint64_t));
    matcher->extras[at] = number;
}

static void meet(struct scoop_matcher *matcher, uint32_t entry, struct scoop_stub *stub, bool all) {
    struct scoop_stub *other = entry & KEY_BIT ? NULL : &matcher->stubs[entry - 1];
    if (other == NULL || other->number & SCOOP_STUB_PAIRED || side_of(other) == side_of(stub)) {
        matcher->extra[side_of(stub)]++;
        note_extra(matcher, number_of(stub));
        stub->number |= SCOOP_STUB_EXTRA;
        return;
    }
    bool same = is_equal(other->digest, stub->digest);
    matcher->same += same;
    if (!same || !all) {
        enum scoop_verdict verdict = same ? SCOOP_SAME : SCOOP_PAIR;
        scoop_verdict_set(matcher->verdicts, number_of(other), verdict);
        scoop_verdict_set(matcher->verdicts, number_of(stub), verdict);
    }
    other->number |= SCOOP_STUB_PAIRED;
    stub->number |= SCOOP_STUB_PAIRED;
}

/* A key that was settled twice was there twice in each export. */
static void put_keys(struct scoop_matcher *matcher, size_t mask) {
    for (size_t i = 0; i < matcher->key_count; i++) {
        uint32_t *entry = find(matcher, mask, matcher->keys[i]);
        if (*entry == 0) {
            *entry = KEY_BIT | (uint32_t)(i + 1);
        } else {
            matcher->extra[SCOOP_OLD]++;
            matcher->extra[SCOOP_NEW]++;
        }
    }
}

void scoop_matcher_run(struct scoop_matcher *matcher, bool all) {
    size_t places = places_for(matcher->key_count + matcher->stub_count), mask = places - 1;
    memset(matcher->table, 0, places * sizeof *matcher->table);
    put_keys(matcher, mask);
    for (size_t i = 0; i < matcher->stub_count; i++) {
        uint32_t *entry = find(matcher, mask, matcher->stubs[i].hash);
        if (*entry == 0)
            *entry = (uint32_t)(i + 1);
        else
            meet(matcher, *entry, &matcher->stubs[i], all);
    }
    for (size_t i = 0; all && i < matcher->stub_count; i++)
        if (!(matcher->stubs[i].number & (SCOOP_STUB_PAIRED | SCOOP_STUB_EXTRA)))
            scoop_verdict_set(matcher->verdicts, number_of(&matcher->stubs[i]), SCOOP_ALONE);
}

void scoop_matcher_add(struct scoop_matcher *matcher, const struct scoop_matcher *other) {
    matcher->same += other->same;
    for (size_t side = 0; side < 2; side++)
        matcher->extra[side] += other->extra[side];
    for (size_t i = 0; i < other->extra_count; i++)
        note_extra(matcher, other->extras[i]);
}
