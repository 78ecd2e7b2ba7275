#include "table/compare/fingerprint_join.h"

#include "scoop/memory.h"
#include "scoop/thread.h"

enum {
    WORK_PART = 16,      /* of the memory */
    SAMPLE_PART = 64,    /* of the stubs in memory tells of the others */
    VERY_MANY_PART = 16, /* of them, in one partition */
    STRETCH = 64,        /* partitions a call */
    MANY_STUBS = 32768,  /* of a call, worth a second thread */
    PIECE_STUBS = 1024,
    LEAST_PIECE = 128, /* more than a chunk has */
    SPILLED_AT_ONCE = 16,
    FEW_RECORDS = 256, /* are never split again */
};

_Static_assert(SCOOP_PARTITIONS % STRETCH == 0, "it divides");
_Static_assert(SCOOP_PARTITIONS % SPILLED_AT_ONCE == 0, "it divides");

static int make_room(void *user, struct scoop_error *error);

static int init_level(struct scoop_matching *matching, struct scoop_scratch *scratch,
                      struct scoop_verdicts *verdicts, unsigned level, size_t stub_bytes,
                      size_t work_bytes, struct scoop_error *error) {
    scoop_matcher_init(&matching->found, verdicts);
    matching->stub_bytes = stub_bytes;
    matching->work_bytes = work_bytes;
    matching->stubs = scoop_stubs_new(scratch, level, stub_bytes, error);
    if (matching->stubs == NULL)
        return -1;
    matching->stubs->make_room = make_room;
    matching->stubs->user = matching;
    return 0;
}

int scoop_matching_init(struct scoop_matching *matching, struct scoop_scratch *scratch,
                        struct scoop_verdicts *verdicts, size_t memory_bytes,
                        const atomic_bool *cancelled, struct scoop_error *error) {
    *matching = (struct scoop_matching){.cancelled = cancelled};
    size_t work = memory_bytes / WORK_PART;
    return init_level(matching, scratch, verdicts, 0, memory_bytes - 2 * work, work, error);
}

void scoop_matching_free(struct scoop_matching *matching) {
    scoop_matcher_free(&matching->found);
    scoop_stubs_free(matching->stubs);
    matching->stubs = NULL;
}

void scoop_matching_spare(struct scoop_matching *matching, size_t bytes) {
    size_t left =
        bytes < matching->stub_bytes / 2 ? matching->stub_bytes - bytes : matching->stub_bytes / 2;
    matching->stubs->most_chunks = left / matching->stubs->chunk_bytes;
}

/* What waits goes back, behind the others. */
static int put_back(struct scoop_stubs *stubs, const struct scoop_matcher *matcher,
                    struct scoop_error *error) {
    int status = 0;
    for (size_t i = 0; i < matcher->stub_count && status == 0; i++) {
        const struct scoop_stub *stub = &matcher->stubs[i];
        if (!(stub->number & (SCOOP_STUB_PAIRED | SCOOP_STUB_EXTRA)))
            status = scoop_stubs_add(stubs, stub, error);
        else if (stub->number & SCOOP_STUB_PAIRED && stub->number & SCOOP_STUB_NEW)
            status = scoop_stubs_add_key(stubs, stub->hash, error);
    }
    return status;
}

static uint64_t in_memory(struct scoop_stubs *stubs, size_t partition) {
    scoop_stubs_count(stubs, partition);
    return stubs->lists[partition][SCOOP_STUBS].count - stubs->lists[partition][SCOOP_STUBS].stored;
}

/* Matches what is in memory of a partition, in pieces if it is much (of one key, for the most
 * part). *before and *after: how many stubs there were and are. */
static int settle_partition(struct scoop_matching *matching, size_t partition, uint64_t *before,
                            uint64_t *after, struct scoop_error *error) {
    struct scoop_stubs *stubs = matching->stubs;
    struct scoop_matcher *matcher = &matching->found;
    uint64_t count = in_memory(stubs, partition);
    size_t most = matching->work_bytes / sizeof(struct scoop_stub) / 2 + LEAST_PIECE;
    for (uint64_t done = 0; done < count; done += matcher->stub_count) {
        if (scoop_matcher_reserve(matcher, 0, count < most ? count + LEAST_PIECE : most, error) !=
            0)
            return -1;
        matcher->stub_count = scoop_stubs_take(stubs, partition, matcher->stubs, most);
        scoop_matcher_run(matcher, false);
        if (put_back(stubs, matcher, error) != 0)
            return -1;
    }
    *before += count;
    *after += in_memory(stubs, partition);
    return 0;
}

/* How many there are in all. *from: the partition to begin with, which is the one that has very
 * many, of a key that many rows have, or another one each time. */
static uint64_t count_in_memory(struct scoop_matching *matching, size_t *from) {
    uint64_t all = 0, most = 0;
    size_t fullest = 0;
    for (size_t i = 0; i < SCOOP_PARTITIONS; i++) {
        uint64_t count = in_memory(matching->stubs, i);
        all += count;
        if (count > most) {
            most = count;
            fullest = i;
        }
    }
    *from = most > all / VERY_MANY_PART ? fullest : matching->next_trial;
    return all;
}

/* Partition after partition, unless the first ones tell that it is not worth while. */
static int settle(struct scoop_matching *matching, bool *much, struct scoop_error *error) {
    size_t from;
    uint64_t before = 0, after = 0, sample = count_in_memory(matching, &from) / SAMPLE_PART;
    *much = false;
    for (size_t i = 0; i < SCOOP_PARTITIONS; i++) {
        size_t partition = (from + i) % SCOOP_PARTITIONS;
        if (settle_partition(matching, partition, &before, &after, error) != 0)
            return -1;
        matching->next_trial = partition + 1;
        if (!*much && before > sample && after > before / 2)
            return 0;
        *much = *much || before > sample;
    }
    return 0;
}

int scoop_matching_try(struct scoop_matching *matching, struct scoop_error *error) {
    bool much;
    matching->stubs->make_room = NULL; /* it gets more than it takes, but for some keys */
    int status = settle(matching, &much, error);
    matching->stubs->make_room = make_room;
    return status == 0 ? much : -1;
}

/* Some partitions at a time: the threads that read would wait for all of them. */
static int spill_some(struct scoop_matching *matching, struct scoop_error *error) {
    for (size_t i = 0; i < SPILLED_AT_ONCE; i++) {
        size_t partition = matching->next_spill++ % SCOOP_PARTITIONS;
        if (scoop_stubs_spill(matching->stubs, partition, error) != 0)
            return -1;
    }
    return 0;
}

/* Tries to match whenever all partitions have been spilled since the last try. */
static int make_room(void *user, struct scoop_error *error) {
    struct scoop_matching *matching = user;
    const struct scoop_stubs *stubs = matching->stubs;
    if (matching->next_spill % SCOOP_PARTITIONS == 0 && scoop_matching_try(matching, error) < 0)
        return -1;
    size_t enough = stubs->most_chunks - stubs->most_chunks / SPILLED_AT_ONCE;
    while (stubs->chunks_used > 0 && stubs->chunks_used >= enough)
        if (spill_some(matching, error) != 0)
            return -1;
    return 0;
}

static bool is_too_large(const struct scoop_matching *matching, size_t partition) {
    const struct scoop_stub_list *lists = matching->stubs->lists[partition];
    uint64_t keys = lists[SCOOP_KEYS].count, stubs = lists[SCOOP_STUBS].count;
    return keys + stubs > FEW_RECORDS && scoop_matcher_bytes(keys, stubs) > matching->work_bytes &&
           matching->stubs->level + 1 < SCOOP_STUB_LEVELS;
}

static int match_partition(const struct scoop_matching *matching, struct scoop_matcher *matcher,
                           size_t partition, struct scoop_error *error) {
    const struct scoop_stub_list *lists = matching->stubs->lists[partition];
    if (lists[SCOOP_STUBS].count + lists[SCOOP_KEYS].count == 0)
        return 0;
    if (scoop_matcher_reserve(matcher, lists[SCOOP_KEYS].count, lists[SCOOP_STUBS].count, error) !=
            0 ||
        scoop_stubs_copy(matching->stubs, &lists[SCOOP_KEYS], SCOOP_KEYS, matcher->keys, error) !=
            0 ||
        scoop_stubs_copy(matching->stubs, &lists[SCOOP_STUBS], SCOOP_STUBS, matcher->stubs,
                         error) != 0)
        return -1;
    scoop_matcher_run(matcher, true);
    return 0;
}

/* Partitions that two threads take in turn. */
struct stretch {
    const struct scoop_matching *matching;
    atomic_size_t next;
    size_t end;
};

struct helper {
    struct stretch *stretch;
    struct scoop_matcher found;
    int status;
    struct scoop_error error;
};

static int match_stretch(struct stretch *stretch, struct scoop_matcher *matcher,
                         struct scoop_error *error) {
    size_t partition;
    while ((partition = atomic_fetch_add(&stretch->next, 1)) < stretch->end)
        if (!is_too_large(stretch->matching, partition) &&
            match_partition(stretch->matching, matcher, partition, error) != 0)
            return -1;
    return 0;
}

static void *help(void *user) {
    struct helper *helper = user;
    helper->status = match_stretch(helper->stretch, &helper->found, &helper->error);
    return NULL;
}

static uint64_t count_stubs(const struct scoop_matching *matching, size_t from, size_t end) {
    uint64_t count = 0;
    for (size_t i = from; i < end; i++)
        count += matching->stubs->lists[i][SCOOP_STUBS].count;
    return count;
}

static int match_with_helper(struct scoop_matching *matching, struct stretch *stretch,
                             struct scoop_error *error) {
    struct helper helper = {.stretch = stretch};
    pthread_t thread;
    scoop_matcher_init(&helper.found, matching->found.verdicts);
    if (!scoop_thread_start(&thread, help, &helper))
        return match_stretch(stretch, &matching->found, error); /* it takes longer */
    int status = match_stretch(stretch, &matching->found, error);
    pthread_join(thread, NULL);
    if (status == 0 && helper.status != 0) {
        *error = helper.error;
        status = -1;
    }
    scoop_matcher_add(&matching->found, &helper.found);
    scoop_matcher_free(&helper.found);
    return status;
}

static int add_piece(struct scoop_stubs *inner, enum scoop_stub_kind kind, const void *items,
                     size_t count, struct scoop_error *error) {
    const struct scoop_stub *stubs = items;
    const struct scoop_key_hash *keys = items;
    for (size_t i = 0; i < count; i++)
        if ((kind == SCOOP_STUBS ? scoop_stubs_add(inner, &stubs[i], error)
                                 : scoop_stubs_add_key(inner, keys[i], error)) != 0)
            return -1;
    return 0;
}

static int add_list(struct scoop_stubs *inner, const struct scoop_stubs *outer,
                    const struct scoop_stub_list *list, enum scoop_stub_kind kind,
                    struct scoop_error *error) {
    struct scoop_stub piece[PIECE_STUBS];
    const size_t item_bytes =
        kind == SCOOP_STUBS ? sizeof(struct scoop_stub) : sizeof(struct scoop_key_hash);
    for (size_t i = 0; i < list->extent_count; i++) {
        const struct scoop_stub_extent *extent = &list->extents[i];
        for (size_t at = 0, count; at < extent->count; at += count) {
            count = extent->count - at < PIECE_STUBS ? extent->count - at : PIECE_STUBS;
            if (scoop_scratch_read(outer->scratch, extent->offset + at * item_bytes, piece,
                                   count * item_bytes, error) != 0 ||
                add_piece(inner, kind, piece, count, error) != 0)
                return -1;
        }
    }
    return 0;
}

/* Of many rows of one key most go: they cannot be split. */
static int settle_large(struct scoop_matching *matching, struct scoop_error *error) {
    uint64_t before = 0, after = 0;
    for (size_t i = 0; i < SCOOP_PARTITIONS; i++) {
        scoop_stubs_count(matching->stubs, i);
        if (is_too_large(matching, i) && settle_partition(matching, i, &before, &after, error) != 0)
            return -1;
    }
    return 0;
}

/* A partition that takes more than its part of the memory is matched as the whole was, by the next
 * bits of its hashes; the others leave the memory to it. */
static int split_partition(struct scoop_matching *matching, size_t partition,
                           struct scoop_error *error) {
    struct scoop_matching inner = {.cancelled = matching->cancelled};
    struct scoop_stubs *outer = matching->stubs;
    if (scoop_stubs_leave(outer, error) != 0)
        return -1;
    scoop_matcher_free(&matching->found);
    int status = init_level(&inner, outer->scratch, matching->found.verdicts, outer->level + 1,
                            outer->most_chunks * outer->chunk_bytes, matching->work_bytes, error);
    for (int kind = 0; kind < SCOOP_STUB_KINDS && status == 0; kind++)
        status = add_list(inner.stubs, outer, &outer->lists[partition][kind],
                          (enum scoop_stub_kind)kind, error);
    if (status == 0)
        status = settle_large(&inner, error);
    if (status == 0)
        do
            status = scoop_matching_finish(&inner, error);
        while (status > 0);
    scoop_matcher_add(&matching->found, &inner.found);
    scoop_matching_free(&inner);
    return status;
}

int scoop_matching_finish(struct scoop_matching *matching, struct scoop_error *error) {
    size_t from = matching->next_finish, end = from + STRETCH;
    struct stretch stretch = {.matching = matching, .end = end};
    if (from == SCOOP_PARTITIONS)
        return 0;
    if (matching->cancelled != NULL && atomic_load(matching->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
    for (size_t i = from; i < end; i++)
        scoop_stubs_count(matching->stubs, i);
    atomic_init(&stretch.next, from);
    bool many = count_stubs(matching, from, end) >= MANY_STUBS && scoop_processors() > 1;
    int status = many ? match_with_helper(matching, &stretch, error)
                      : match_stretch(&stretch, &matching->found, error);
    for (size_t i = from; i < end && status == 0; i++)
        if (is_too_large(matching, i))
            status = split_partition(matching, i, error);
    matching->next_finish = end;
    return status == 0 ? 1 : -1;
}
