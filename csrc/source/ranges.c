/* An S3 object, by one request while that is fast, else in ranges fetched side by side. One stream
 * costs the least; across a real network it gets a fraction of what several get. */
#include <stdio.h>
#include <string.h>

#include "base/error_facts.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "source/range_plan_internal.h"
#include "source/source.h"

enum {
    RING = 64,           /* ranges that are under way, or wait for those before them */
    MOST_IN_ORDER = 8,   /* under way at once */
    MOST_IN_PLACE = 16,  /* the same, when none waits for another */
    WATCH_MS = 300,      /* how long one stream is watched before it is judged */
    LEAST_REST_MS = 300, /* what one stream would bring in so short a time is left to it */
    FAST_BYTES_PER_MS = 400 * 1000, /* what one stream must bring to be left alone */
    SHARES_IN_PLACE = 128,          /* an object is cut into so many, within these bounds: */
    SMALLEST_IN_PLACE = 8 * 1024 * 1024,
    LARGEST_IN_PLACE = 64 * 1024 * 1024,
    SMALLEST_IN_ORDER = 512 * 1024,
};

/* The object from `first` on, up to the next range. */
struct range {
    struct ranges_source *owner;
    struct scoop_source *source; /* NULL: all has arrived */
    uint64_t first, length;      /* length 0: to wherever the stream is left */
    uint64_t taken;
    uint64_t checksum; /* of what is taken */
};

struct ranges_source {
    struct scoop_source base;
    struct scoop_s3_client *client;
    char *bucket, *key;
    size_t memory_bytes;
    struct range ranges[RING];
    unsigned front, count;
    unsigned active; /* those that have not arrived */
    uint64_t asked;  /* where the next range begins; 0: there are none yet */
    uint64_t kept;   /* lengths of the ranges that may lie in memory */
    uint64_t gone;   /* bytes that ranges brought which are dropped */
    uint64_t read;
    uint64_t started_ms; /* when the first bytes were seen; 0: not yet */
    uint64_t taking_ns;  /* the time spent by the taker since then */
    bool judged;         /* whether ranges are needed is decided */
    bool in_place;
    struct scoop_range_plan plan;
    enum scoop_s3_checksum checksum_kind;
    char checksum_wanted[SCOOP_S3_CHECKSUM_SIZE];
    uint64_t checksum;
    const unsigned char *shown;
};

static struct range *range_at(struct ranges_source *source, unsigned index) {
    return &source->ranges[(source->front + index) % RING];
}

static void count_taken(struct range *range, const void *data, size_t length) {
    struct ranges_source *owner = range->owner;
    range->checksum = scoop_s3_checksum_add(owner->checksum_kind, range->checksum, data, length);
    range->taken += length;
    owner->read += length;
}

/* The one stream's bytes. Until it is judged, the time that the taker needs is counted. */
static size_t take_timed(struct ranges_source *owner, const void *data, size_t length) {
    const struct scoop_taker *taker = &owner->base.taker;
    if (owner->judged)
        return taker->take(taker->user, data, length);
    uint64_t start = scoop_now_ns();
    size_t taken = taker->take(taker->user, data, length);
    owner->taking_ns += scoop_now_ns() - start;
    return taken;
}

/* A range's bytes as they arrive: put in place, passed on if their turn has come, or kept. */
static size_t take_range(void *user, const void *data, size_t length) {
    struct range *range = user;
    struct ranges_source *owner = range->owner;
    const struct scoop_taker *taker = &owner->base.taker;
    size_t taken = 0;
    if (owner->in_place)
        taken = taker->put(taker->user, range->first + range->taken, data, length) ? length : 0;
    else if (taker->take != NULL && range == range_at(owner, 0))
        taken = take_timed(owner, data, length);
    count_taken(range, data, taken);
    return taken;
}

static int add(struct ranges_source *source, uint64_t first, uint64_t length,
               struct scoop_error *error) {
    struct range *range = range_at(source, source->count);
    if (!SCOOP_INVARIANT(source->count < RING, error))
        return -1;
    const struct scoop_range_request request = {
        .bucket = source->bucket,
        .key = source->key,
        .validator = source->base.validator,
        .first = first,
        .last = first + length - 1,
        .queue_bytes = source->in_place ? 0 : length,
    };
    *range = (struct range){.owner = source, .first = first, .length = length};
    range->source = length == 0
                        ? scoop_s3_source_new(source->client, source->bucket, source->key, error)
                        : scoop_s3_range_source_new(source->client, &request, error);
    if (range->source == NULL)
        return -1;
    range->source->taker = (struct scoop_taker){.take = take_range, .user = range};
    range->source->kept = length == 0 ? source->base.kept : NULL;
    if (length == 0) /* the ranges have the validator that it brings */
        memcpy(range->source->demanded, source->base.demanded, sizeof source->base.demanded);
    source->count++;
    source->active++;
    source->kept += length;
    return range->source->type->open(range->source, error);
}

/* Larger ranges of larger objects; in order, what memory holds of as many as are wanted. */
static uint64_t next_length(const struct ranges_source *source) {
    uint64_t total = (uint64_t)source->base.total_bytes, left = total - source->asked;
    uint64_t length = source->in_place ? total / SHARES_IN_PLACE
                                       : source->memory_bytes / (source->plan.wanted + 1);
    uint64_t least = source->in_place ? SMALLEST_IN_PLACE : SMALLEST_IN_ORDER;
    length = length < least ? least : length > LARGEST_IN_PLACE ? LARGEST_IN_PLACE : length;
    return length < left ? length : left;
}

static int fill(struct ranges_source *source, struct scoop_error *error) {
    uint64_t total = (uint64_t)source->base.total_bytes;
    while (source->asked > 0 && source->asked < total && source->count < RING &&
           source->active < source->plan.wanted) {
        uint64_t first = source->asked, length = next_length(source);
        if (!source->in_place && source->kept > 0 && source->kept + length > source->memory_bytes)
            return 0;
        source->asked += length;
        if (add(source, first, length, error) != 0)
            return -1;
    }
    return 0;
}

static int ranges_open(struct scoop_source *base, struct scoop_error *error) {
    return add((struct ranges_source *)base, 0, 0, error);
}

/* What the first answer told. */
static void learn(struct ranges_source *source, struct scoop_source *first) {
    source->started_ms = scoop_now_ms();
    source->base.total_bytes = first->total_bytes;
    memcpy(source->base.etag, first->etag, sizeof source->base.etag);
    memcpy(source->base.content_type, first->content_type, sizeof source->base.content_type);
    memcpy(source->base.content_encoding, first->content_encoding,
           sizeof source->base.content_encoding);
    memcpy(source->base.validator, first->validator, sizeof source->base.validator);
    memcpy(source->base.identity, first->identity, sizeof source->base.identity);
    source->base.seekable = first->seekable;
    source->checksum_kind = scoop_s3_source_take_checksum(first, source->checksum_wanted);
}

static uint64_t arrived(struct ranges_source *source) {
    uint64_t bytes = source->gone;
    bool ignored;
    for (unsigned i = 0; i < source->count; i++) {
        struct range *range = range_at(source, i);
        bytes += range->source == NULL ? range->taken
                                       : scoop_s3_source_received(range->source, &ignored);
    }
    return bytes;
}

/* Once: leaves the one stream a little further on and fetches the rest side by side, if the stream
 * is slow, much is left, and it was not the reader who was slow. */
static void judge(struct ranges_source *source, struct scoop_source *first) {
    uint64_t now_ms = scoop_now_ms(), elapsed_ms = now_ms - source->started_ms;
    uint64_t waited_ms = elapsed_ms - source->taking_ns / 1000000;
    if (source->judged || elapsed_ms < WATCH_MS)
        return;
    bool was_paused;
    uint64_t received = scoop_s3_source_received(first, &was_paused);
    uint64_t per_ms = received / (waited_ms > 0 ? waited_ms : 1);
    uint64_t stop = received + per_ms * LEAST_REST_MS;
    source->judged = true;
    if (was_paused || source->base.validator[0] == 0 || per_ms >= FAST_BYTES_PER_MS ||
        source->base.total_bytes < 0 ||
        stop + SMALLEST_IN_ORDER > (uint64_t)source->base.total_bytes)
        return;
    scoop_s3_source_stop_at(first, stop);
    source->asked = stop;
    source->in_place = source->base.taker.put != NULL;
    SCOOP_TRACE("transfer", "one stream brings %llu kB/s: from byte %llu on ranges are read",
                (unsigned long long)per_ms, (unsigned long long)stop);
    scoop_range_plan_begin(&source->plan, source->in_place ? MOST_IN_PLACE : MOST_IN_ORDER, now_ms,
                           received, per_ms * 1000);
}

static void drop_front(struct ranges_source *source) {
    struct range *range = range_at(source, 0);
    source->checksum = scoop_s3_checksum_join(source->checksum_kind, source->checksum,
                                              range->checksum, range->taken);
    source->gone += range->taken;
    source->kept -= range->length;
    source->front = (source->front + 1) % RING;
    source->count--;
}

/* All of a range has arrived, and been taken. */
static int retire(struct ranges_source *source, struct range *range, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(source->active > 0 && source->active <= source->count, error))
        return -1;
    source->base.retries += range->source->retries;
    int64_t total = range->source->total_bytes;
    range->source->type->free(range->source);
    range->source = NULL;
    source->active--;
    if (total == source->base.total_bytes)
        return 0;
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "s3://%s/%s changed while it was read",
                      source->bucket, source->key);
}

static enum scoop_source_state ended(struct ranges_source *source, struct scoop_error *error) {
    char found[SCOOP_S3_CHECKSUM_SIZE];
    if (source->base.total_bytes >= 0 && source->read != (uint64_t)source->base.total_bytes) {
        scoop_fail(error, SCOOP_TRUNCATED, "s3://%s/%s: %llu bytes arrived of %lld", source->bucket,
                   source->key, (unsigned long long)source->read,
                   (long long)source->base.total_bytes);
        scoop_error_counts(error, "bytes", source->base.total_bytes, (int64_t)source->read);
        return SCOOP_SOURCE_FAILED;
    }
    if (scoop_s3_checksum_text(source->checksum_kind, source->checksum, found, error) != 0)
        return SCOOP_SOURCE_FAILED;
    if (source->checksum_kind == SCOOP_S3_CHECKSUM_NONE ||
        strcmp(found, source->checksum_wanted) == 0)
        return SCOOP_SOURCE_ENDED;
    scoop_fail(error, SCOOP_CORRUPT, "s3://%s/%s: the bytes that arrived have the %s %s, not %s",
               source->bucket, source->key,
               scoop_s3_checksum_names(source->checksum_kind)->algorithm, found,
               source->checksum_wanted);
    return SCOOP_SOURCE_FAILED;
}

/* Ranges that are put in place end in any order. 0 or -1. */
static int look_behind(struct ranges_source *source, struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    for (unsigned i = 1; source->in_place && i < source->count; i++) {
        struct range *range = range_at(source, i);
        if (range->source == NULL)
            continue;
        enum scoop_source_state state =
            range->source->type->peek(range->source, &data, &length, error);
        if (state == SCOOP_SOURCE_FAILED ||
            (state == SCOOP_SOURCE_ENDED && retire(source, range, error) != 0))
            return -1;
    }
    return 0;
}

/* Looks at the front range, and drops it when it has ended. */
static enum scoop_source_state look_at_front(struct ranges_source *source,
                                             const unsigned char **data, size_t *length,
                                             struct scoop_error *error) {
    struct range *range = range_at(source, 0);
    enum scoop_source_state state = SCOOP_SOURCE_ENDED;
    if (range->source != NULL)
        state = range->source->type->peek(range->source, data, length, error);
    if (state == SCOOP_SOURCE_FAILED) {
        source->base.restartable = range->length == 0 && range->source->restartable;
        return state;
    }
    if (source->started_ms == 0 && state != SCOOP_SOURCE_WAITING && range->source != NULL)
        learn(source, range->source);
    if (state == SCOOP_SOURCE_ENDED) {
        if (range->source != NULL && retire(source, range, error) != 0)
            return SCOOP_SOURCE_FAILED;
        drop_front(source);
    } else if (source->started_ms > 0) {
        judge(source, range->source);
    }
    return state;
}

static enum scoop_source_state ranges_peek(struct scoop_source *base, const unsigned char **data,
                                           size_t *length, struct scoop_error *error) {
    struct ranges_source *source = (struct ranges_source *)base;
    while (source->count > 0) {
        enum scoop_source_state state = look_at_front(source, data, length, error);
        if (state == SCOOP_SOURCE_FAILED || look_behind(source, error) != 0)
            return SCOOP_SOURCE_FAILED;
        if (source->asked > 0 && !source->plan.settled)
            scoop_range_plan_note(&source->plan, scoop_now_ms(), arrived(source));
        if (fill(source, error) != 0)
            return SCOOP_SOURCE_FAILED;
        /* What could not be put in place is not to be read in order. */
        if (state == SCOOP_SOURCE_READY && source->in_place && range_at(source, 0)->length > 0)
            return SCOOP_SOURCE_WAITING;
        if (state == SCOOP_SOURCE_READY)
            source->shown = *data;
        if (state != SCOOP_SOURCE_ENDED)
            return state;
    }
    return ended(source, error);
}

static void ranges_consume(struct scoop_source *base, size_t length) {
    struct ranges_source *source = (struct ranges_source *)base;
    struct range *range = range_at(source, 0);
    count_taken(range, source->shown, length);
    range->source->type->consume(range->source, length);
}

static void ranges_free(struct scoop_source *base) {
    struct ranges_source *source = (struct ranges_source *)base;
    for (unsigned i = 0; i < source->count; i++) {
        struct scoop_source *range = range_at(source, i)->source;
        if (range != NULL)
            range->type->free(range);
    }
    scoop_free(source->bucket);
    scoop_free(source->key);
    scoop_free(source);
}

static const struct scoop_source_type ranges_type = {
    "ranges", ranges_open, ranges_peek, ranges_consume, ranges_free, NULL,
};

struct scoop_source *scoop_s3_ranges_source_new(struct scoop_s3_client *client, const char *bucket,
                                                const char *key, size_t memory_bytes,
                                                struct scoop_error *error) {
    struct ranges_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    source->base.type = &ranges_type;
    source->base.wait_fd = -1;
    source->base.length_known = true;
    source->base.total_bytes = -1;
    source->client = client;
    source->memory_bytes = memory_bytes;
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    source->bucket = scoop_strdup(bucket);
    source->key = scoop_strdup(key);
    if (source->bucket != NULL && source->key != NULL)
        return &source->base;
    scoop_fail_memory(error);
    ranges_free(&source->base);
    return NULL;
}
