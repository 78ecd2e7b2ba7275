#include "table/compare/fingerprint_join.h"

#include "base/thread.h"
#include "scoop/memory.h"

enum {
    WORK_PART = 16,            /* of the memory */
    SAMPLE_PART = 64,          /* of the fingerprints in memory tells of the others */
    VERY_MANY_PART = 16,       /* of them, in one partition */
    STRETCH = 64,              /* partitions a call */
    MANY_FINGERPRINTS = 32768, /* of a call, worth a second thread */
    PIECE_FINGERPRINTS = 1024,
    LEAST_PIECE = 128, /* more than a chunk has */
    SPILLED_AT_ONCE = 16,
    FEW_RECORDS = 256, /* are never split again */
};

_Static_assert(SCOOP_HASH_PARTITIONS % STRETCH == 0, "it divides");
_Static_assert(SCOOP_HASH_PARTITIONS % SPILLED_AT_ONCE == 0, "it divides");

static int make_room(void *user, struct scoop_error *error);

static int init_level(struct scoop_fingerprint_join *join, struct scoop_scratch *scratch,
                      struct scoop_match_flags *flags, unsigned level, size_t fingerprint_bytes,
                      size_t work_bytes, struct scoop_error *error) {
    scoop_probe_init(&join->found, flags);
    join->fingerprint_bytes = fingerprint_bytes;
    join->work_bytes = work_bytes;
    join->partitions = scoop_hash_partitions_new(scratch, level, fingerprint_bytes, error);
    if (join->partitions == NULL)
        return -1;
    join->partitions->make_room = make_room;
    join->partitions->user = join;
    return 0;
}

int scoop_fingerprint_join_init(struct scoop_fingerprint_join *join, struct scoop_scratch *scratch,
                                struct scoop_match_flags *flags, size_t memory_bytes,
                                const atomic_bool *cancelled, struct scoop_error *error) {
    *join = (struct scoop_fingerprint_join){.cancelled = cancelled};
    size_t work = memory_bytes / WORK_PART;
    return init_level(join, scratch, flags, 0, memory_bytes - 2 * work, work, error);
}

void scoop_fingerprint_join_free(struct scoop_fingerprint_join *join) {
    scoop_probe_free(&join->found);
    scoop_hash_partitions_free(join->partitions);
    join->partitions = NULL;
}

void scoop_fingerprint_join_spare(struct scoop_fingerprint_join *join, size_t bytes) {
    size_t left = bytes < join->fingerprint_bytes / 2 ? join->fingerprint_bytes - bytes
                                                      : join->fingerprint_bytes / 2;
    join->partitions->most_chunks = left / join->partitions->chunk_bytes;
}

/* What waits goes back, behind the others. */
static int put_back(struct scoop_hash_partitions *partitions, const struct scoop_probe *probe,
                    struct scoop_error *error) {
    int status = 0;
    for (size_t i = 0; i < probe->fingerprint_count && status == 0; i++) {
        const struct scoop_fingerprint *fingerprint = &probe->fingerprints[i];
        if (!(fingerprint->number & (SCOOP_FINGERPRINT_MATCHED | SCOOP_FINGERPRINT_DUPLICATE)))
            status = scoop_hash_partitions_add(partitions, fingerprint, error);
        else if (fingerprint->number & SCOOP_FINGERPRINT_MATCHED &&
                 fingerprint->number & SCOOP_FINGERPRINT_NEW)
            status = scoop_hash_partitions_add_key(partitions, fingerprint->hash, error);
    }
    return status;
}

static uint64_t in_memory(struct scoop_hash_partitions *partitions, size_t partition) {
    scoop_hash_partitions_count(partitions, partition);
    return partitions->lists[partition][SCOOP_FINGERPRINTS].count -
           partitions->lists[partition][SCOOP_FINGERPRINTS].stored;
}

/* Matches what is in memory of a partition, in pieces if it is much (of one key, for the most
 * part). *before and *after: how many fingerprints there were and are. */
static int match_in_memory(struct scoop_fingerprint_join *join, size_t partition, uint64_t *before,
                           uint64_t *after, struct scoop_error *error) {
    struct scoop_hash_partitions *partitions = join->partitions;
    struct scoop_probe *probe = &join->found;
    uint64_t count = in_memory(partitions, partition);
    size_t most = join->work_bytes / sizeof(struct scoop_fingerprint) / 2 + LEAST_PIECE;
    for (uint64_t done = 0; done < count; done += probe->fingerprint_count) {
        if (scoop_probe_reserve(probe, 0, count < most ? count + LEAST_PIECE : most, error) != 0)
            return -1;
        probe->fingerprint_count =
            scoop_hash_partitions_take(partitions, partition, probe->fingerprints, most);
        scoop_probe_run(probe, false);
        if (put_back(partitions, probe, error) != 0)
            return -1;
    }
    *before += count;
    *after += in_memory(partitions, partition);
    return 0;
}

/* How many there are in all. *from: the partition to begin with, which is the one that has very
 * many, of a key that many rows have, or another one each time. */
static uint64_t count_in_memory(struct scoop_fingerprint_join *join, size_t *from) {
    uint64_t all = 0, most = 0;
    size_t fullest = 0;
    for (size_t i = 0; i < SCOOP_HASH_PARTITIONS; i++) {
        uint64_t count = in_memory(join->partitions, i);
        all += count;
        if (count > most) {
            most = count;
            fullest = i;
        }
    }
    *from = most > all / VERY_MANY_PART ? fullest : join->next_trial;
    return all;
}

/* Partition after partition, unless the first ones tell that it is not worth while. */
static int match_all_in_memory(struct scoop_fingerprint_join *join, bool *much,
                               struct scoop_error *error) {
    size_t from;
    uint64_t before = 0, after = 0, sample = count_in_memory(join, &from) / SAMPLE_PART;
    *much = false;
    for (size_t i = 0; i < SCOOP_HASH_PARTITIONS; i++) {
        size_t partition = (from + i) % SCOOP_HASH_PARTITIONS;
        if (match_in_memory(join, partition, &before, &after, error) != 0)
            return -1;
        join->next_trial = partition + 1;
        if (!*much && before > sample && after > before / 2)
            return 0;
        *much = *much || before > sample;
    }
    return 0;
}

int scoop_fingerprint_join_try(struct scoop_fingerprint_join *join, struct scoop_error *error) {
    bool much;
    join->partitions->make_room = NULL; /* it gets more than it takes, but for some keys */
    int status = match_all_in_memory(join, &much, error);
    join->partitions->make_room = make_room;
    return status == 0 ? much : -1;
}

/* Some partitions at a time: the threads that read would wait for all of them. */
static int spill_some(struct scoop_fingerprint_join *join, struct scoop_error *error) {
    for (size_t i = 0; i < SPILLED_AT_ONCE; i++) {
        size_t partition = join->next_spill++ % SCOOP_HASH_PARTITIONS;
        if (scoop_hash_partitions_spill(join->partitions, partition, error) != 0)
            return -1;
    }
    return 0;
}

/* Tries to match whenever all partitions have been spilled since the last try. */
static int make_room(void *user, struct scoop_error *error) {
    struct scoop_fingerprint_join *join = user;
    const struct scoop_hash_partitions *partitions = join->partitions;
    if (join->next_spill % SCOOP_HASH_PARTITIONS == 0 &&
        scoop_fingerprint_join_try(join, error) < 0)
        return -1;
    size_t enough = partitions->most_chunks - partitions->most_chunks / SPILLED_AT_ONCE;
    while (partitions->chunks_used > 0 && partitions->chunks_used >= enough)
        if (spill_some(join, error) != 0)
            return -1;
    return 0;
}

static bool is_too_large(const struct scoop_fingerprint_join *join, size_t partition) {
    const struct scoop_hash_list *lists = join->partitions->lists[partition];
    uint64_t keys = lists[SCOOP_MATCHED_KEYS].count, fingerprints = lists[SCOOP_FINGERPRINTS].count;
    return keys + fingerprints > FEW_RECORDS &&
           scoop_probe_bytes(keys, fingerprints) > join->work_bytes &&
           join->partitions->level + 1 < SCOOP_HASH_LEVELS;
}

static int probe_partition(const struct scoop_fingerprint_join *join, struct scoop_probe *probe,
                           size_t partition, struct scoop_error *error) {
    const struct scoop_hash_list *lists = join->partitions->lists[partition];
    if (lists[SCOOP_FINGERPRINTS].count + lists[SCOOP_MATCHED_KEYS].count == 0)
        return 0;
    if (scoop_probe_reserve(probe, lists[SCOOP_MATCHED_KEYS].count, lists[SCOOP_FINGERPRINTS].count,
                            error) != 0 ||
        scoop_hash_partitions_copy(join->partitions, &lists[SCOOP_MATCHED_KEYS], SCOOP_MATCHED_KEYS,
                                   probe->keys, error) != 0 ||
        scoop_hash_partitions_copy(join->partitions, &lists[SCOOP_FINGERPRINTS], SCOOP_FINGERPRINTS,
                                   probe->fingerprints, error) != 0)
        return -1;
    scoop_probe_run(probe, true);
    return 0;
}

/* Partitions that two threads take in turn. */
struct stretch {
    const struct scoop_fingerprint_join *join;
    atomic_size_t next;
    size_t end;
};

struct helper {
    struct stretch *stretch;
    struct scoop_probe found;
    int status;
    struct scoop_error error;
};

static int probe_stretch(struct stretch *stretch, struct scoop_probe *probe,
                         struct scoop_error *error) {
    size_t partition;
    while ((partition = atomic_fetch_add(&stretch->next, 1)) < stretch->end)
        if (!is_too_large(stretch->join, partition) &&
            probe_partition(stretch->join, probe, partition, error) != 0)
            return -1;
    return 0;
}

static void *help(void *user) {
    struct helper *helper = user;
    helper->status = probe_stretch(helper->stretch, &helper->found, &helper->error);
    return NULL;
}

static uint64_t count_fingerprints(const struct scoop_fingerprint_join *join, size_t from,
                                   size_t end) {
    uint64_t count = 0;
    for (size_t i = from; i < end; i++)
        count += join->partitions->lists[i][SCOOP_FINGERPRINTS].count;
    return count;
}

static int probe_with_helper(struct scoop_fingerprint_join *join, struct stretch *stretch,
                             struct scoop_error *error) {
    struct helper helper = {.stretch = stretch};
    pthread_t thread;
    scoop_probe_init(&helper.found, join->found.flags);
    if (!scoop_thread_start(&thread, help, &helper))
        return probe_stretch(stretch, &join->found, error); /* it takes longer */
    int status = probe_stretch(stretch, &join->found, error);
    pthread_join(thread, NULL);
    if (status == 0 && helper.status != 0) {
        *error = helper.error;
        status = -1;
    }
    scoop_probe_add(&join->found, &helper.found);
    scoop_probe_free(&helper.found);
    return status;
}

static int add_piece(struct scoop_hash_partitions *inner, enum scoop_hash_entry_kind kind,
                     const void *items, size_t count, struct scoop_error *error) {
    const struct scoop_fingerprint *fingerprints = items;
    const struct scoop_key_hash *keys = items;
    for (size_t i = 0; i < count; i++)
        if ((kind == SCOOP_FINGERPRINTS
                 ? scoop_hash_partitions_add(inner, &fingerprints[i], error)
                 : scoop_hash_partitions_add_key(inner, keys[i], error)) != 0)
            return -1;
    return 0;
}

static int add_list(struct scoop_hash_partitions *inner, const struct scoop_hash_partitions *outer,
                    const struct scoop_hash_list *list, enum scoop_hash_entry_kind kind,
                    struct scoop_error *error) {
    struct scoop_fingerprint piece[PIECE_FINGERPRINTS];
    const size_t item_bytes = kind == SCOOP_FINGERPRINTS ? sizeof(struct scoop_fingerprint)
                                                         : sizeof(struct scoop_key_hash);
    for (size_t i = 0; i < list->extent_count; i++) {
        const struct scoop_hash_extent *extent = &list->extents[i];
        for (size_t at = 0, count; at < extent->count; at += count) {
            count =
                extent->count - at < PIECE_FINGERPRINTS ? extent->count - at : PIECE_FINGERPRINTS;
            if (scoop_scratch_read(outer->scratch, extent->offset + at * item_bytes, piece,
                                   count * item_bytes, error) != 0 ||
                add_piece(inner, kind, piece, count, error) != 0)
                return -1;
        }
    }
    return 0;
}

/* Of many rows of one key most go: they cannot be split. */
static int match_large(struct scoop_fingerprint_join *join, struct scoop_error *error) {
    uint64_t before = 0, after = 0;
    for (size_t i = 0; i < SCOOP_HASH_PARTITIONS; i++) {
        scoop_hash_partitions_count(join->partitions, i);
        if (is_too_large(join, i) && match_in_memory(join, i, &before, &after, error) != 0)
            return -1;
    }
    return 0;
}

/* A partition that takes more than its part of the memory is matched as the whole was, by the next
 * bits of its hashes; the others leave the memory to it. */
static int repartition(struct scoop_fingerprint_join *join, size_t partition,
                       struct scoop_error *error) {
    struct scoop_fingerprint_join inner = {.cancelled = join->cancelled};
    struct scoop_hash_partitions *outer = join->partitions;
    if (scoop_hash_partitions_spill_all(outer, error) != 0)
        return -1;
    scoop_probe_free(&join->found);
    int status = init_level(&inner, outer->scratch, join->found.flags, outer->level + 1,
                            outer->most_chunks * outer->chunk_bytes, join->work_bytes, error);
    for (int kind = 0; kind < SCOOP_HASH_ENTRY_KINDS && status == 0; kind++)
        status = add_list(inner.partitions, outer, &outer->lists[partition][kind],
                          (enum scoop_hash_entry_kind)kind, error);
    if (status == 0)
        status = match_large(&inner, error);
    if (status == 0)
        do
            status = scoop_fingerprint_join_finish(&inner, error);
        while (status > 0);
    scoop_probe_add(&join->found, &inner.found);
    scoop_fingerprint_join_free(&inner);
    return status;
}

int scoop_fingerprint_join_finish(struct scoop_fingerprint_join *join, struct scoop_error *error) {
    size_t from = join->next_finish, end = from + STRETCH;
    struct stretch stretch = {.join = join, .end = end};
    if (from == SCOOP_HASH_PARTITIONS)
        return 0;
    if (join->cancelled != NULL && atomic_load(join->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
    for (size_t i = from; i < end; i++)
        scoop_hash_partitions_count(join->partitions, i);
    atomic_init(&stretch.next, from);
    bool many = count_fingerprints(join, from, end) >= MANY_FINGERPRINTS && scoop_processors() > 1;
    int status = many ? probe_with_helper(join, &stretch, error)
                      : probe_stretch(&stretch, &join->found, error);
    for (size_t i = from; i < end && status == 0; i++)
        if (is_too_large(join, i))
            status = repartition(join, i, error);
    join->next_finish = end;
    return status == 0 ? 1 : -1;
}
