#include "join.h"

#include <string.h>

#include "scoop/memory.h"

enum {
    PARTITION_BITS = 8,
    PARTITIONS = 1 << PARTITION_BITS,
    LEVELS = 64 / PARTITION_BITS,
    FIRST_ENTRIES = 16,
    SPILL_BLOCK_BYTES = 16 * 1024,
    ROWS_BETWEEN_CHECKS = 4096,
    FEW_ROWS = 16,
    MAPPED_BYTES = 32 * 1024,
};

#define MATCHED UINT32_MAX

/* 20 bytes: one stays for every key of an export. */
struct entry {
    uint32_t hash[4];
    uint32_t ref; /* 0: free; MATCHED: both sides' rows are settled; else the row that waits */
};

struct partition {
    struct entry *entries;
    uint32_t capacity, count, most; /* at `most` entries it grows */
    bool spilled;
    struct scoop_spool spool;
};

struct scoop_join {
    struct scoop_join_options options;
    unsigned level; /* of the recursion: which bits of the hash choose the partition */
    struct scoop_slots slots;
    size_t entry_bytes;
    unsigned next_spill; /* the partitions before it are in memory */
    uint64_t spilled_rows;
    unsigned next_finish;
    struct partition partitions[PARTITIONS];
};

static bool is_same(const struct scoop_row_bytes *before, const struct scoop_row_bytes *now) {
    return before->compared == now->compared && memcmp(before->data, now->data, now->compared) == 0;
}

int scoop_settle_both(struct scoop_spool *changes, struct scoop_delta_counts *counts,
                      const struct scoop_row_bytes *before, const struct scoop_row_bytes *now,
                      struct scoop_error *error) {
    if (is_same(before, now)) {
        counts->unchanged++;
        return 0;
    }
    struct scoop_record record = {.kind = SCOOP_RECORD_UPDATED, .row = *before, .row_now = *now};
    counts->updated++;
    return scoop_spool_add(changes, &record, error);
}

static int add_row(struct scoop_spool *spool, enum scoop_side side, struct scoop_key_hash hash,
                   const struct scoop_row_bytes *row, struct scoop_error *error) {
    struct scoop_record record = {
        .kind = side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW, .hash = hash, .row = *row};
    return scoop_spool_add(spool, &record, error);
}

int scoop_settle_one(struct scoop_spool *changes, struct scoop_delta_counts *counts,
                     enum scoop_side side, struct scoop_key_hash hash,
                     const struct scoop_row_bytes *row, struct scoop_error *error) {
    if (side == SCOOP_OLD)
        counts->deleted++;
    else
        counts->inserted++;
    return add_row(changes, side, hash, row, error);
}

static struct scoop_join *new_join(const struct scoop_join_options *options, unsigned level,
                                   struct scoop_error *error) {
    struct scoop_join *join = scoop_calloc(1, sizeof *join);
    if (join == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    join->options = *options;
    join->level = level;
    join->next_spill = PARTITIONS;
    scoop_slots_init(&join->slots);
    for (unsigned i = 0; i < PARTITIONS; i++)
        scoop_spool_init(&join->partitions[i].spool, options->scratch, SPILL_BLOCK_BYTES);
    return join;
}

struct scoop_join *scoop_join_new(const struct scoop_join_options *options,
                                  struct scoop_error *error) {
    return new_join(options, 0, error);
}

/* Large tables come straight from the system: what is freed is to be had for rows. */
static struct entry *new_entries(uint32_t capacity) {
    size_t bytes = capacity * sizeof(struct entry);
    return bytes < MAPPED_BYTES ? scoop_calloc(1, bytes) : scoop_map(bytes);
}

static void release_entries(struct entry *entries, uint32_t capacity) {
    size_t bytes = capacity * sizeof(struct entry);
    if (bytes < MAPPED_BYTES)
        scoop_free(entries);
    else
        scoop_unmap(entries, bytes);
}

static void free_entries(struct scoop_join *join, struct partition *partition) {
    join->entry_bytes -= partition->capacity * sizeof *partition->entries;
    release_entries(partition->entries, partition->capacity);
    partition->entries = NULL;
    partition->capacity = partition->count = partition->most = 0;
}

void scoop_join_free(struct scoop_join *join) {
    if (join == NULL)
        return;
    for (unsigned i = 0; i < PARTITIONS; i++) {
        free_entries(join, &join->partitions[i]);
        scoop_spool_free(&join->partitions[i].spool);
    }
    scoop_slots_free(&join->slots);
    scoop_free(join);
}

static unsigned partition_of(const struct scoop_join *join, struct scoop_key_hash hash) {
    return (unsigned)(hash.high >> (64 - PARTITION_BITS * (join->level + 1))) & (PARTITIONS - 1);
}

static uint32_t place_of(uint64_t low, uint32_t capacity) {
    return (uint32_t)(((low & UINT32_MAX) * capacity) >> 32);
}

/* With keep_last each side's rows have entries of their own, next to each other. */
static struct scoop_key_hash entry_hash(const struct scoop_join *join, enum scoop_side side,
                                        struct scoop_key_hash hash) {
    if (join->options.keep_last)
        hash.low ^= (uint64_t)side << 63;
    return hash;
}

/* The entry of this hash, or the free one where it belongs. */
static struct entry *find(const struct partition *partition, struct scoop_key_hash hash) {
    uint32_t place = place_of(hash.low, partition->capacity);
    uint32_t wanted[4];
    memcpy(wanted, &hash, sizeof wanted);
    for (;;) {
        struct entry *entry = &partition->entries[place];
        if (entry->ref == 0 || memcmp(entry->hash, wanted, sizeof wanted) == 0)
            return entry;
        if (++place == partition->capacity)
            place = 0;
    }
}

void scoop_join_prefetch(const struct scoop_join *join, struct scoop_key_hash hash) {
    const struct partition *partition = &join->partitions[partition_of(join, hash)];
    if (partition->capacity > 0)
        __builtin_prefetch(&partition->entries[place_of(hash.low, partition->capacity)]);
}

void scoop_join_prefetch_row(const struct scoop_join *join, struct scoop_key_hash hash) {
    const struct partition *partition = &join->partitions[partition_of(join, hash)];
    if (partition->capacity == 0)
        return;
    const struct entry *entry = &partition->entries[place_of(hash.low, partition->capacity)];
    if (entry->ref == 0 || entry->ref == MATCHED ||
        memcmp(entry->hash, &hash, sizeof entry->hash) != 0)
        return;
    const char *slot = (const char *)scoop_slots_at(&join->slots, entry->ref);
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + 64);
}

static struct scoop_key_hash hash_of(const struct entry *entry) {
    struct scoop_key_hash hash;
    memcpy(&hash, entry->hash, sizeof hash);
    return hash;
}

static uint32_t grown_capacity(const struct partition *partition) {
    return partition->capacity == 0 ? FIRST_ENTRIES : partition->capacity + partition->capacity / 2;
}

static int grow(struct scoop_join *join, struct partition *partition, struct scoop_error *error) {
    struct partition grown = {.capacity = grown_capacity(partition)};
    grown.entries = new_entries(grown.capacity);
    if (grown.entries == NULL)
        return scoop_fail_memory(error);
    for (uint32_t i = 0; i < partition->capacity; i++)
        if (partition->entries[i].ref != 0)
            *find(&grown, hash_of(&partition->entries[i])) = partition->entries[i];
    join->entry_bytes += (grown.capacity - partition->capacity) * sizeof *grown.entries;
    release_entries(partition->entries, partition->capacity);
    partition->entries = grown.entries;
    partition->capacity = grown.capacity;
    partition->most = grown.capacity - grown.capacity / 6;
    return 0;
}

static struct scoop_row_bytes row_of(const struct scoop_slot *slot) {
    return (struct scoop_row_bytes){slot->data, slot->length, slot->length - slot->beyond};
}

static enum scoop_side side_of(const struct scoop_slot *slot) {
    return slot->side ? SCOOP_NEW : SCOOP_OLD;
}

size_t scoop_join_bytes(const struct scoop_join *join) {
    return join->slots.bytes + join->entry_bytes;
}

static bool is_within(const struct scoop_join *join, size_t more) {
    size_t beside = join->options.beside_bytes == NULL ? 0 : *join->options.beside_bytes;
    return scoop_join_bytes(join) + beside + more <= join->options.memory_bytes;
}

/* Writes one partition to the scratch file; its later rows follow. */
static int spill(struct scoop_join *join, struct partition *partition, struct scoop_error *error) {
    partition->spilled = true;
    for (uint32_t i = 0; i < partition->capacity; i++) {
        const struct entry *entry = &partition->entries[i];
        struct scoop_record record = {.kind = SCOOP_RECORD_MATCHED, .hash = hash_of(entry)};
        int status = 0;
        if (entry->ref == MATCHED) {
            status = scoop_spool_add(&partition->spool, &record, error);
        } else if (entry->ref != 0) {
            const struct scoop_slot *slot = scoop_slots_at(&join->slots, entry->ref);
            struct scoop_row_bytes row = row_of(slot);
            record.hash = entry_hash(join, side_of(slot), record.hash); /* takes it back */
            join->spilled_rows++;
            status = add_row(&partition->spool, side_of(slot), record.hash, &row, error);
            scoop_slots_drop(&join->slots, entry->ref);
        }
        if (status != 0)
            return -1;
    }
    free_entries(join, partition);
    return 0;
}

/* Spills until `more` bytes can be had, or the partition that wants them is spilled itself. */
static int make_room(struct scoop_join *join, size_t more, const struct partition *wants,
                     size_t row_bytes, struct scoop_error *error) {
    if (!is_within(join, more) && join->options.give_room != NULL &&
        join->options.give_room(join->options.user, error) < 0)
        return -1;
    while (join->next_spill > 0 && !wants->spilled) {
        if (is_within(join, more))
            return 0;
        if (spill(join, &join->partitions[--join->next_spill], error) != 0)
            return -1;
        if (join->next_spill == 0)
            scoop_slots_free(&join->slots);
        if (row_bytes > 0)
            more = scoop_slots_needs(&join->slots, row_bytes);
        if (more == 0)
            return 0;
    }
    return 0;
}

/* The partition of a hash, with room for one entry more and, in the slots, for the row; or
 * spilled. */
static struct partition *ready_partition(struct scoop_join *join, struct scoop_key_hash hash,
                                         size_t row_bytes, struct scoop_error *error) {
    struct partition *partition = &join->partitions[partition_of(join, hash)];
    if (!partition->spilled && partition->count == partition->most) {
        size_t more = (grown_capacity(partition)) * sizeof *partition->entries;
        if (make_room(join, more, partition, 0, error) != 0 ||
            (!partition->spilled && grow(join, partition, error) != 0))
            return NULL;
    }
    if (!partition->spilled && row_bytes > 0) {
        size_t more = scoop_slots_needs(&join->slots, row_bytes);
        if (more > 0 && make_room(join, more, partition, row_bytes, error) != 0)
            return NULL;
    }
    return partition;
}

static int put(struct scoop_join *join, struct partition *partition, struct entry *entry,
               enum scoop_side side, struct scoop_key_hash hash, const struct scoop_row_bytes *row,
               struct scoop_error *error) {
    uint32_t ref = scoop_slots_put(&join->slots, side, row, error);
    if (ref == 0)
        return -1;
    memcpy(entry->hash, &hash, sizeof entry->hash);
    entry->ref = ref;
    partition->count++;
    return 0;
}

static void note_duplicate(struct scoop_join *join, enum scoop_side side,
                           const struct scoop_row_bytes *row, uint64_t line) {
    join->options.counts->duplicates[side]++;
    if (join->options.on_duplicate != NULL)
        join->options.on_duplicate(join->options.user, side, row, line);
}

static int settle_both(struct scoop_join *join, const struct scoop_row_bytes *before,
                       const struct scoop_row_bytes *now, struct scoop_error *error) {
    const struct scoop_join_options *options = &join->options;
    if (options->on_pair == NULL)
        return scoop_settle_both(options->changes, options->counts, before, now, error);
    options->on_pair(options->user, before, now, is_same(before, now));
    return 0;
}

/* A row whose key has a row already. */
static int meet(struct scoop_join *join, struct entry *entry, enum scoop_side side,
                const struct scoop_row_bytes *row, uint64_t line, struct scoop_error *error) {
    const struct scoop_slot *slot =
        entry->ref == MATCHED ? NULL : scoop_slots_at(&join->slots, entry->ref);
    if (slot == NULL || side_of(slot) == side) {
        note_duplicate(join, side, row, line);
        return 0;
    }
    struct scoop_row_bytes other = row_of(slot);
    if (settle_both(join, side == SCOOP_NEW ? &other : row, side == SCOOP_NEW ? row : &other,
                    error) != 0)
        return -1;
    scoop_slots_drop(&join->slots, entry->ref);
    entry->ref = MATCHED;
    return 0;
}

/* keep_last: the later row takes the place of the one before. */
static int replace(struct scoop_join *join, struct entry *entry, enum scoop_side side,
                   const struct scoop_row_bytes *row, struct scoop_error *error) {
    join->options.counts->duplicates[side]++;
    uint32_t ref = scoop_slots_put(&join->slots, side, row, error);
    if (ref == 0)
        return -1;
    scoop_slots_drop(&join->slots, entry->ref);
    entry->ref = ref;
    return 0;
}

int scoop_join_add(struct scoop_join *join, enum scoop_side side, struct scoop_key_hash hash,
                   const struct scoop_row_bytes *row, uint64_t line, struct scoop_error *error) {
    struct partition *partition = ready_partition(join, hash, row->length, error);
    if (partition == NULL)
        return -1;
    if (partition->spilled) {
        join->spilled_rows++;
        return add_row(&partition->spool, side, hash, row, error);
    }
    struct scoop_key_hash own = entry_hash(join, side, hash);
    struct entry *entry = find(partition, own);
    if (entry->ref == 0)
        return put(join, partition, entry, side, own, row, error);
    return join->options.keep_last ? replace(join, entry, side, row, error)
                                   : meet(join, entry, side, row, line, error);
}

int scoop_join_add_matched(struct scoop_join *join, struct scoop_key_hash hash,
                           struct scoop_error *error) {
    struct partition *partition = ready_partition(join, hash, 0, error);
    struct scoop_record record = {.kind = SCOOP_RECORD_MATCHED, .hash = hash};
    if (partition == NULL)
        return -1;
    if (partition->spilled)
        return scoop_spool_add(&partition->spool, &record, error);
    struct entry *entry = find(partition, hash);
    memcpy(entry->hash, &hash, sizeof hash);
    entry->ref = MATCHED;
    partition->count++;
    return 0;
}

/* keep_last: a row and, if there is one, the other side's of the same key. The new row settles
 * both. */
static int settle_pair(struct scoop_join *join, struct partition *partition,
                       const struct entry *entry, struct scoop_error *error) {
    const struct scoop_slot *slot = scoop_slots_at(&join->slots, entry->ref);
    struct scoop_row_bytes row = row_of(slot);
    struct scoop_key_hash hash = entry_hash(join, side_of(slot), hash_of(entry));
    enum scoop_side other_side = side_of(slot) == SCOOP_OLD ? SCOOP_NEW : SCOOP_OLD;
    const struct entry *other = find(partition, entry_hash(join, other_side, hash));
    if (other->ref == 0)
        return scoop_settle_one(join->options.changes, join->options.counts, side_of(slot), hash,
                                &row, error);
    if (side_of(slot) == SCOOP_OLD)
        return 0;
    struct scoop_row_bytes before = row_of(scoop_slots_at(&join->slots, other->ref));
    return scoop_settle_both(join->options.changes, join->options.counts, &before, &row, error);
}

static int finish_in_memory(struct scoop_join *join, struct partition *partition,
                            struct scoop_error *error) {
    uint32_t places = join->options.on_pair == NULL ? partition->capacity : 0;
    for (uint32_t i = 0; i < places; i++) {
        const struct entry *entry = &partition->entries[i];
        int status = 0;
        if (entry->ref == 0 || entry->ref == MATCHED)
            continue;
        if (join->options.keep_last) {
            status = settle_pair(join, partition, entry, error);
        } else {
            const struct scoop_slot *slot = scoop_slots_at(&join->slots, entry->ref);
            struct scoop_row_bytes row = row_of(slot);
            status = scoop_settle_one(join->options.changes, join->options.counts, side_of(slot),
                                      hash_of(entry), &row, error);
        }
        if (status != 0)
            return -1;
    }
    free_entries(join, partition);
    return 0;
}

static int replay(struct scoop_join *inner, const struct scoop_spool *spool,
                  struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_record record;
    uint64_t rows = 0;
    int status;
    scoop_spool_reader_init(&reader, spool);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        enum scoop_side side = record.kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
        if (++rows % ROWS_BETWEEN_CHECKS == 0 && inner->options.cancelled != NULL &&
            atomic_load(inner->options.cancelled))
            status = scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
        else if (record.kind == SCOOP_RECORD_MATCHED)
            status = scoop_join_add_matched(inner, record.hash, error);
        else
            status = scoop_join_add(inner, side, record.hash, &record.row, 0, error);
        if (status < 0)
            break;
    }
    scoop_spool_reader_free(&reader);
    return status;
}

/* A partition in the scratch file is compared as the whole was, by the next bits of its hashes. */
static int finish_spilled(struct scoop_join *join, struct partition *partition,
                          struct scoop_error *error) {
    struct scoop_join_options options = join->options;
    /* Few rows are not split again, however large they are. */
    if (partition->spool.records <= FEW_ROWS || join->level + 2 == LEVELS)
        options.memory_bytes = SIZE_MAX;
    struct scoop_join *inner = new_join(&options, join->level + 1, error);
    int status = inner == NULL ? -1 : replay(inner, &partition->spool, error);
    if (status == 0)
        do
            status = scoop_join_finish(inner, error);
        while (status > 0);
    if (inner != NULL)
        join->spilled_rows += inner->spilled_rows;
    scoop_join_free(inner);
    scoop_spool_free(&partition->spool);
    return status;
}

int scoop_join_finish(struct scoop_join *join, struct scoop_error *error) {
    /* First all that is in memory, which then is free for the others. */
    if (join->next_finish < PARTITIONS) {
        struct partition *partition = &join->partitions[join->next_finish++];
        if (!partition->spilled && finish_in_memory(join, partition, error) != 0)
            return -1;
        if (join->next_finish == PARTITIONS)
            scoop_slots_free(&join->slots);
        return 1;
    }
    for (; join->next_finish < 2 * PARTITIONS; join->next_finish++) {
        struct partition *partition = &join->partitions[join->next_finish - PARTITIONS];
        if (!partition->spilled)
            continue;
        join->next_finish++;
        return finish_spilled(join, partition, error) == 0 ? 1 : -1;
    }
    return 0;
}

uint64_t scoop_join_spilled(const struct scoop_join *join) {
    return join->spilled_rows;
}
