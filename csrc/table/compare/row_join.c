#include "table/compare/row_join.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "table/compare/row_slab.h"

enum {
    PARTITION_BITS = 8,
    PARTITIONS = 1 << PARTITION_BITS,
    LEVELS = 64 / PARTITION_BITS,
    FIRST_ENTRIES = 12, /* so that 256 tables are less than 64 KiB */
    SPILL_BLOCK_BYTES = 16 * 1024,
    ROWS_BETWEEN_CHECKS = 4096,
    FEW_ROWS = 16,
    LINE_BYTES = 64,    /* of the processor's caches */
    LIKELY_ENTRIES = 6, /* that begin in two lines */
    GIVEN_BYTES = 2 * 1024 * 1024,
    ROOM_FACTOR = 8,
    SMALL_TABLE_BYTES = 4 * 1024 * 1024,
};

#define MATCHED UINT32_MAX

/* 20 bytes: one stays for every key of an export. */
struct entry {
    uint32_t hash[4];
    uint32_t ref; /* 0: free; MATCHED: both sides' rows are emitted; else the row that waits */
};

struct scoop_row_join {
    struct scoop_join_options options;
    unsigned level; /* of the recursion: which bits of the hash choose the partition */
    struct scoop_row_slab slab;
    struct entry *table;            /* of the partitions in memory, one after the other */
    size_t table_bytes, table_room; /* of memory, of addresses */
    uint32_t capacity, most;        /* of each partition; when one has `most` entries all grow */
    unsigned next_spill;            /* the partitions before it are in memory, the others spilled */
    uint32_t counts[PARTITIONS];
    uint64_t spilled_rows;
    unsigned next_finish;
    struct scoop_spool spools[PARTITIONS];
};

static struct scoop_record record_of(const struct scoop_numbered_row *row) {
    return (struct scoop_record){.kind =
                                     row->side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW,
                                 .hash = row->hash,
                                 .number = row->number,
                                 .row = row->bytes};
}

static struct scoop_row_join *new_join(const struct scoop_join_options *options, unsigned level,
                                       struct scoop_error *error) {
    struct scoop_row_join *join = scoop_calloc(1, sizeof *join);
    if (join == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    join->options = *options;
    join->level = level;
    join->next_spill = PARTITIONS;
    scoop_row_slab_init(&join->slab);
    for (unsigned i = 0; i < PARTITIONS; i++)
        scoop_spool_init(&join->spools[i], options->scratch, SPILL_BLOCK_BYTES);
    return join;
}

struct scoop_row_join *scoop_row_join_new(const struct scoop_join_options *options,
                                          struct scoop_error *error) {
    return new_join(options, 0, error);
}

static void free_table(struct scoop_row_join *join) {
    scoop_unmap(join->table, join->table_room);
    join->table = NULL;
    join->table_bytes = join->table_room = 0;
    join->capacity = join->most = 0;
}

void scoop_row_join_free(struct scoop_row_join *join) {
    if (join == NULL)
        return;
    for (unsigned i = 0; i < PARTITIONS; i++)
        scoop_spool_free(&join->spools[i]);
    free_table(join);
    scoop_row_slab_free(&join->slab);
    scoop_free(join);
}

static unsigned partition_of(const struct scoop_row_join *join, struct scoop_key_hash hash) {
    return (unsigned)(hash.high >> (64 - PARTITION_BITS * (join->level + 1))) & (PARTITIONS - 1);
}

static uint32_t place_of(uint64_t low, uint32_t capacity) {
    return (uint32_t)(((low & UINT32_MAX) * capacity) >> 32);
}

/* With keep_last each side's rows have entries of their own, next to each other. Of an entry's hash
 * it is the row's. */
static struct scoop_key_hash entry_hash(const struct scoop_row_join *join, enum scoop_side side,
                                        struct scoop_key_hash hash) {
    if (join->options.keep_last)
        hash.low ^= (uint64_t)side << 63;
    return hash;
}

static struct entry *entries_of(const struct scoop_row_join *join, unsigned partition) {
    return join->table + (size_t)partition * join->capacity;
}

/* The entry of this hash, or the free one where it belongs. */
static struct entry *find(struct entry *entries, uint32_t capacity, struct scoop_key_hash hash) {
    uint32_t place = place_of(hash.low, capacity);
    uint32_t wanted[4];
    memcpy(wanted, &hash, sizeof wanted);
    for (;;) {
        struct entry *entry = &entries[place];
        if (entry->ref == 0 || memcmp(entry->hash, wanted, sizeof wanted) == 0)
            return entry;
        if (++place == capacity)
            place = 0;
    }
}

/* Where the search for a hash begins; NULL: not in memory. */
static const struct entry *first_entry(const struct scoop_row_join *join,
                                       struct scoop_key_hash hash) {
    unsigned partition = partition_of(join, hash);
    if (partition >= join->next_spill || join->capacity == 0)
        return NULL;
    return &entries_of(join, partition)[place_of(hash.low, join->capacity)];
}

/* The search goes on into the next line more often than not. */
void scoop_row_join_prefetch(const struct scoop_row_join *join, struct scoop_key_hash hash) {
    const struct entry *entry = first_entry(join, hash);
    if (entry == NULL)
        return;
    __builtin_prefetch(entry);
    __builtin_prefetch((const char *)entry + LINE_BYTES);
}

void scoop_row_join_prefetch_row(const struct scoop_row_join *join, struct scoop_key_hash hash) {
    const struct entry *entry = first_entry(join, hash), *end = entry + LIKELY_ENTRIES;
    if (entry == NULL || (size_t)(end - join->table) * sizeof *end > join->table_bytes)
        return;
    for (; entry < end && entry->ref != 0; entry++) {
        if (entry->ref == MATCHED || memcmp(entry->hash, &hash, sizeof entry->hash) != 0)
            continue;
        const struct scoop_slab_slot *slot = scoop_row_slab_at(&join->slab, entry->ref);
        __builtin_prefetch(slot);
        __builtin_prefetch((const char *)slot + LINE_BYTES / 2);
        break;
    }
}

static struct scoop_key_hash hash_of(const struct entry *entry) {
    struct scoop_key_hash hash;
    memcpy(&hash, entry->hash, sizeof hash);
    return hash;
}

/* A large table grows by little: it must not take much more than it needs. */
static uint32_t grown_capacity(const struct scoop_row_join *join) {
    uint32_t more = join->table_bytes < SMALL_TABLE_BYTES ? join->capacity : join->capacity / 4;
    return join->capacity == 0 ? FIRST_ENTRIES : join->capacity + more;
}

static size_t grown_bytes(const struct scoop_row_join *join) {
    return (size_t)join->next_spill * grown_capacity(join) * sizeof *join->table;
}

static void move_entries(const struct entry *from, uint32_t count, struct entry *to,
                         uint32_t capacity) {
    for (uint32_t i = 0; i < count; i++)
        if (from[i].ref != 0)
            *find(to, capacity, hash_of(&from[i])) = from[i];
}

/* Where the table stands: from the last partition to the first, each goes up. */
static int grow_in_place(struct scoop_row_join *join, uint32_t capacity,
                         struct scoop_error *error) {
    size_t bytes = join->capacity * sizeof *join->table;
    struct entry *copy = scoop_malloc(bytes);
    if (copy == NULL)
        return scoop_fail_memory(error);
    for (unsigned p = join->next_spill; p-- > 0;) {
        struct entry *to = join->table + (size_t)p * capacity;
        memcpy(copy, entries_of(join, p), bytes);
        memset(to, 0, capacity * sizeof *to);
        move_entries(copy, join->capacity, to, capacity);
    }
    scoop_free(copy);
    return 0;
}

/* What was read of the old table is given back on the way. */
static int grow_elsewhere(struct scoop_row_join *join, uint32_t capacity, size_t room,
                          struct scoop_error *error) {
    struct entry *table = scoop_map_table(room);
    size_t given = 0;
    if (table == NULL)
        return scoop_fail_memory(error);
    for (unsigned p = 0; p < join->next_spill; p++) {
        size_t read = (size_t)(p + 1) * join->capacity * sizeof *table;
        move_entries(entries_of(join, p), join->capacity, table + (size_t)p * capacity, capacity);
        read -= read % GIVEN_BYTES;
        scoop_unmap_part(join->table, given, read);
        given = read;
    }
    scoop_unmap_part(join->table, given, join->table_room);
    join->table = table;
    join->table_room = room;
    return 0;
}

/* Makes all partitions larger. A new table gets addresses, not memory, for growing in place. */
static int grow(struct scoop_row_join *join, struct scoop_error *error) {
    uint32_t capacity = grown_capacity(join);
    size_t bytes = grown_bytes(join);
    int status = bytes <= join->table_room
                     ? grow_in_place(join, capacity, error)
                     : grow_elsewhere(join, capacity, ROOM_FACTOR * bytes, error);
    if (status != 0)
        return -1;
    join->table_bytes = bytes;
    join->capacity = capacity;
    join->most = capacity - capacity / 6;
    return 0;
}

static struct scoop_row_bytes bytes_of(const struct scoop_slab_slot *slot) {
    return (struct scoop_row_bytes){slot->data, slot->length, slot->length - slot->beyond};
}

static enum scoop_side side_of(const struct scoop_slab_slot *slot) {
    return slot->side ? SCOOP_NEW : SCOOP_OLD;
}

/* The row that waits in an entry. */
static struct scoop_numbered_row row_of(const struct scoop_row_join *join,
                                        const struct entry *entry) {
    const struct scoop_slab_slot *slot = scoop_row_slab_at(&join->slab, entry->ref);
    enum scoop_side side = side_of(slot);
    return (struct scoop_numbered_row){.side = side,
                                       .hash = entry_hash(join, side, hash_of(entry)),
                                       .number = slot->number,
                                       .bytes = bytes_of(slot)};
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* What it uses of the memory. */
static size_t used_bytes(const struct scoop_row_join *join) {
    return join->slab.bytes + (size_t)join->next_spill * join->capacity * sizeof *join->table;
}

static bool is_within(const struct scoop_row_join *join, size_t more) {
    size_t beside = join->options.beside_bytes == NULL ? 0 : *join->options.beside_bytes;
    return used_bytes(join) + beside + more <= join->options.memory_bytes;
}

static int spill_entry(struct scoop_row_join *join, struct scoop_spool *spool,
                       const struct entry *entry, struct scoop_error *error) {
    struct scoop_record record = {.kind = SCOOP_RECORD_MATCHED, .hash = hash_of(entry)};
    if (entry->ref == MATCHED)
        return scoop_spool_add(spool, &record, error);
    const struct scoop_numbered_row row = row_of(join, entry);
    record = record_of(&row);
    join->spilled_rows++;
    if (scoop_spool_add(spool, &record, error) != 0)
        return -1;
    scoop_row_slab_drop(&join->slab, entry->ref);
    return 0;
}

/* Writes the last partition in memory to the scratch file; its later rows follow. */
static int spill(struct scoop_row_join *join, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(join->next_spill > 0, error))
        return -1;
    unsigned partition = --join->next_spill;
    const struct entry *entries = entries_of(join, partition);
    for (uint32_t i = 0; i < join->capacity; i++)
        if (entries[i].ref != 0 &&
            spill_entry(join, &join->spools[partition], &entries[i], error) != 0)
            return -1;
    size_t left = (size_t)partition * join->capacity * sizeof *entries;
    scoop_empty_part(join->table, left, join->table_bytes);
    join->table_bytes = left;
    if (partition == 0) {
        free_table(join);
        scoop_row_slab_free(&join->slab);
    }
    return 0;
}

/* What the join wants more: a larger table, or room for a row. */
static size_t wanted_bytes(const struct scoop_row_join *join, size_t row_bytes) {
    return row_bytes > 0 ? scoop_row_slab_needs(&join->slab, row_bytes)
                         : grown_bytes(join) - (used_bytes(join) - join->slab.bytes);
}

/* Spills until what is wanted can be had, or the partition that wants it is spilled itself. */
static int make_room(struct scoop_row_join *join, unsigned wants, size_t row_bytes,
                     struct scoop_error *error) {
    size_t more;
    while (wants < join->next_spill && (more = wanted_bytes(join, row_bytes)) > 0 &&
           !is_within(join, more))
        if (spill(join, error) != 0)
            return -1;
    return 0;
}

static bool is_spilled(const struct scoop_row_join *join, unsigned partition) {
    return partition >= join->next_spill;
}

/* Makes room for one entry more and, in the slab, for the row, or the partition is spilled. */
static int make_ready(struct scoop_row_join *join, unsigned partition, size_t row_bytes,
                      struct scoop_error *error) {
    if (!is_spilled(join, partition) && join->counts[partition] == join->most &&
        (make_room(join, partition, 0, error) != 0 ||
         (!is_spilled(join, partition) && grow(join, error) != 0)))
        return -1;
    if (!is_spilled(join, partition) && row_bytes > 0 &&
        scoop_row_slab_needs(&join->slab, row_bytes) > 0)
        return make_room(join, partition, row_bytes, error);
    return 0;
}

static int put(struct scoop_row_join *join, unsigned partition, struct entry *entry,
               const struct scoop_numbered_row *row, struct scoop_error *error) {
    /* A table without a free entry would be searched for ever. */
    if (!SCOOP_INVARIANT(join->counts[partition] < join->most, error))
        return -1;
    struct scoop_key_hash hash = entry_hash(join, row->side, row->hash);
    uint32_t ref = scoop_row_slab_put(&join->slab, row->side, row->number, &row->bytes, error);
    if (ref == 0)
        return -1;
    memcpy(entry->hash, &hash, sizeof entry->hash);
    entry->ref = ref;
    join->counts[partition]++;
    return 0;
}

static void note_duplicate(struct scoop_row_join *join, const struct scoop_numbered_row *row) {
    join->options.counts->duplicates[row->side]++;
    if (join->options.on_duplicate != NULL)
        join->options.on_duplicate(join->options.user, row->side, &row->bytes, row->line);
}

/* A row whose key has a row already. */
static int meet(struct scoop_row_join *join, struct entry *entry,
                const struct scoop_numbered_row *row, struct scoop_error *error) {
    const struct scoop_slab_slot *slot =
        entry->ref == MATCHED ? NULL : scoop_row_slab_at(&join->slab, entry->ref);
    if (slot == NULL || side_of(slot) == row->side) {
        note_duplicate(join, row);
        return 0;
    }
    const struct scoop_row_bytes bytes = bytes_of(slot), *other = &bytes;
    bool is_new = row->side == SCOOP_NEW;
    if (scoop_emit_both(join->options.changes, join->options.counts,
                        later(row->number, slot->number), is_new ? other : &row->bytes,
                        is_new ? &row->bytes : other, error) != 0)
        return -1;
    scoop_row_slab_drop(&join->slab, entry->ref);
    entry->ref = MATCHED;
    return 0;
}

/* keep_last: the later row takes the place of the one before. */
static int replace(struct scoop_row_join *join, struct entry *entry,
                   const struct scoop_numbered_row *row, struct scoop_error *error) {
    join->options.counts->duplicates[row->side]++;
    uint32_t ref = scoop_row_slab_put(&join->slab, row->side, row->number, &row->bytes, error);
    if (ref == 0)
        return -1;
    scoop_row_slab_drop(&join->slab, entry->ref);
    entry->ref = ref;
    return 0;
}

int scoop_row_join_add(struct scoop_row_join *join, const struct scoop_numbered_row *row,
                       struct scoop_error *error) {
    unsigned partition = partition_of(join, row->hash);
    if (make_ready(join, partition, row->bytes.length, error) != 0)
        return -1;
    if (is_spilled(join, partition)) {
        const struct scoop_record record = record_of(row);
        join->spilled_rows++;
        return scoop_spool_add(&join->spools[partition], &record, error);
    }
    struct scoop_key_hash own = entry_hash(join, row->side, row->hash);
    struct entry *entry = find(entries_of(join, partition), join->capacity, own);
    if (entry->ref == 0)
        return put(join, partition, entry, row, error);
    return join->options.keep_last ? replace(join, entry, row, error)
                                   : meet(join, entry, row, error);
}

/* A key whose rows are matched. */
static int add_matched(struct scoop_row_join *join, struct scoop_key_hash hash,
                       struct scoop_error *error) {
    unsigned partition = partition_of(join, hash);
    struct scoop_record record = {.kind = SCOOP_RECORD_MATCHED, .hash = hash};
    if (make_ready(join, partition, 0, error) != 0)
        return -1;
    if (is_spilled(join, partition))
        return scoop_spool_add(&join->spools[partition], &record, error);
    struct entry *entry = find(entries_of(join, partition), join->capacity, hash);
    memcpy(entry->hash, &hash, sizeof hash);
    entry->ref = MATCHED;
    join->counts[partition]++;
    return 0;
}

/* keep_last: a row and, if there is one, the other side's of the same key. The new row emits
 * both. */
static int emit_pair(struct scoop_row_join *join, unsigned partition, const struct entry *entry,
                     struct scoop_error *error) {
    const struct scoop_numbered_row row = row_of(join, entry);
    enum scoop_side other_side = row.side == SCOOP_OLD ? SCOOP_NEW : SCOOP_OLD;
    const struct entry *other =
        find(entries_of(join, partition), join->capacity, entry_hash(join, other_side, row.hash));
    if (other->ref == 0)
        return scoop_emit_one(join->options.changes, join->options.counts, &row, error);
    if (row.side == SCOOP_OLD)
        return 0;
    const struct scoop_numbered_row before = row_of(join, other);
    return scoop_emit_both(join->options.changes, join->options.counts,
                           later(row.number, before.number), &before.bytes, &row.bytes, error);
}

static int finish_in_memory(struct scoop_row_join *join, unsigned partition,
                            struct scoop_error *error) {
    const struct entry *entries = entries_of(join, partition);
    for (uint32_t i = 0; i < join->capacity; i++) {
        const struct entry *entry = &entries[i];
        int status = 0;
        if (entry->ref == 0 || entry->ref == MATCHED)
            continue;
        if (join->options.keep_last) {
            status = emit_pair(join, partition, entry, error);
        } else {
            const struct scoop_numbered_row row = row_of(join, entry);
            status = scoop_emit_one(join->options.changes, join->options.counts, &row, error);
        }
        if (status != 0)
            return -1;
    }
    return 0;
}

static int replay(struct scoop_row_join *inner, const struct scoop_spool *spool,
                  struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_record record;
    uint64_t rows = 0;
    int status;
    scoop_spool_reader_init(&reader, spool);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        const struct scoop_numbered_row row = {.side = record.kind == SCOOP_RECORD_OLD ? SCOOP_OLD
                                                                                       : SCOOP_NEW,
                                               .hash = record.hash,
                                               .number = record.number,
                                               .bytes = record.row};
        if (++rows % ROWS_BETWEEN_CHECKS == 0 && inner->options.cancelled != NULL &&
            atomic_load(inner->options.cancelled))
            status = scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
        else if (record.kind == SCOOP_RECORD_MATCHED)
            status = add_matched(inner, record.hash, error);
        else
            status = scoop_row_join_add(inner, &row, error);
        if (status < 0)
            break;
    }
    scoop_spool_reader_free(&reader);
    return status;
}

/* A partition in the scratch file is compared as the whole was, by the next bits of its hashes. */
static int finish_spilled(struct scoop_row_join *join, struct scoop_spool *spool,
                          struct scoop_error *error) {
    struct scoop_join_options options = join->options;
    if (!SCOOP_INVARIANT(join->level + 1 < LEVELS, error))
        return -1;
    /* Few rows are not split again, however large they are. */
    if (spool->records <= FEW_ROWS || join->level + 2 == LEVELS)
        options.memory_bytes = SIZE_MAX;
    struct scoop_row_join *inner = new_join(&options, join->level + 1, error);
    int status = inner == NULL ? -1 : replay(inner, spool, error);
    if (status == 0)
        do
            status = scoop_row_join_finish(inner, error);
        while (status > 0);
    if (inner != NULL)
        join->spilled_rows += inner->spilled_rows;
    scoop_row_join_free(inner);
    scoop_spool_free(spool);
    return status;
}

int scoop_row_join_finish(struct scoop_row_join *join, struct scoop_error *error) {
    /* First all that is in memory, which then is free for the others. */
    if (join->next_finish < join->next_spill) {
        if (finish_in_memory(join, join->next_finish++, error) != 0)
            return -1;
    } else if (join->table != NULL) {
        free_table(join);
        scoop_row_slab_free(&join->slab);
    } else if (join->next_finish < PARTITIONS) {
        return finish_spilled(join, &join->spools[join->next_finish++], error) == 0 ? 1 : -1;
    } else {
        return 0;
    }
    return 1;
}

uint64_t scoop_row_join_spilled(const struct scoop_row_join *join) {
    return join->spilled_rows;
}
