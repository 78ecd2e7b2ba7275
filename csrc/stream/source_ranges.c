/* An S3 object, by one request while that is fast, else in ranges fetched side by side. One stream
 * costs the least; across a real network it gets a fraction of what several get. */
#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"
#include "source.h"

enum {
    MOST_RANGES = 8,
    WATCH_MS = 300,                 /* how long one stream is watched before it is judged */
    FAST_BYTES_PER_MS = 400 * 1000, /* what one stream must bring to be left alone */
};

struct ranges_source {
    struct scoop_source base;
    struct scoop_s3_client *client;
    char *bucket, *key;
    size_t range_bytes;
    unsigned wanted;                          /* ranges under way at once */
    struct scoop_source *ranges[MOST_RANGES]; /* a ring */
    unsigned front, count;
    uint64_t asked; /* where the next range begins, once there are ranges */
    uint64_t read;
    uint64_t started_ms; /* when the first bytes were seen; 0: not yet */
    bool judged;         /* whether ranges are needed is decided */
    enum scoop_s3_checksum checksum_kind;
    char checksum_wanted[SCOOP_S3_CHECKSUM_SIZE];
    uint64_t checksum;
    const unsigned char *shown;
};

static int add(struct ranges_source *source, struct scoop_source *range,
               struct scoop_error *error) {
    if (range == NULL)
        return -1;
    source->ranges[(source->front + source->count) % MOST_RANGES] = range;
    source->count++;
    return range->type->open(range, error);
}

static int fill(struct ranges_source *source, struct scoop_error *error) {
    uint64_t total = (uint64_t)source->base.total_bytes;
    while (source->asked > 0 && source->count < source->wanted && source->asked < total) {
        uint64_t last = source->asked + source->range_bytes - 1;
        if (last >= total)
            last = total - 1;
        struct scoop_source *range =
            scoop_s3_range_source_new(source->client, source->bucket, source->key, source->asked,
                                      last, source->base.etag, error);
        source->asked = last + 1;
        if (add(source, range, error) != 0)
            return -1;
    }
    return 0;
}

static int ranges_open(struct scoop_source *base, struct scoop_error *error) {
    struct ranges_source *source = (struct ranges_source *)base;
    return add(source, scoop_s3_source_new(source->client, source->bucket, source->key, error),
               error);
}

/* What the first answer told. */
static void learn(struct ranges_source *source, struct scoop_source *first) {
    source->started_ms = scoop_now_ms();
    source->base.total_bytes = first->total_bytes;
    memcpy(source->base.etag, first->etag, sizeof source->base.etag);
    source->checksum_kind = scoop_s3_source_take_checksum(first, source->checksum_wanted);
}

/* Once: leaves the one stream after another range's length and fetches the rest side by side, if
 * the stream is slow, much is left, and it was not the reader who was slow. */
static void judge(struct ranges_source *source, struct scoop_source *first) {
    uint64_t elapsed_ms = scoop_now_ms() - source->started_ms;
    if (source->judged || elapsed_ms < WATCH_MS)
        return;
    bool was_paused;
    uint64_t received = scoop_s3_source_received(first, &was_paused);
    uint64_t stop = received + source->range_bytes;
    source->judged = true;
    if (was_paused || source->base.etag[0] != '"' || received / elapsed_ms >= FAST_BYTES_PER_MS ||
        source->base.total_bytes < 0 ||
        stop + 2 * source->range_bytes > (uint64_t)source->base.total_bytes)
        return;
    scoop_s3_source_stop_at(first, stop);
    source->asked = stop;
}

static void drop_front(struct ranges_source *source) {
    struct scoop_source *range = source->ranges[source->front];
    source->base.retries += range->retries;
    range->type->free(range);
    source->front = (source->front + 1) % MOST_RANGES;
    source->count--;
}

static enum scoop_source_state ended(struct ranges_source *source, struct scoop_error *error) {
    char found[SCOOP_S3_CHECKSUM_SIZE];
    if (source->base.total_bytes >= 0 && source->read != (uint64_t)source->base.total_bytes) {
        scoop_fail(error, SCOOP_TRUNCATED, "s3://%s/%s: %llu bytes arrived of %lld", source->bucket,
                   source->key, (unsigned long long)source->read,
                   (long long)source->base.total_bytes);
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

static enum scoop_source_state ranges_peek(struct scoop_source *base, const unsigned char **data,
                                           size_t *length, struct scoop_error *error) {
    struct ranges_source *source = (struct ranges_source *)base;
    while (source->count > 0) {
        struct scoop_source *range = source->ranges[source->front];
        enum scoop_source_state state = range->type->peek(range, data, length, error);
        if (state == SCOOP_SOURCE_WAITING || state == SCOOP_SOURCE_FAILED)
            return state;
        if (source->started_ms == 0)
            learn(source, range);
        if (state == SCOOP_SOURCE_ENDED)
            drop_front(source);
        else
            judge(source, range);
        if (fill(source, error) != 0)
            return SCOOP_SOURCE_FAILED;
        if (state == SCOOP_SOURCE_READY) {
            source->shown = *data;
            return state;
        }
    }
    return ended(source, error);
}

static void ranges_consume(struct scoop_source *base, size_t length) {
    struct ranges_source *source = (struct ranges_source *)base;
    struct scoop_source *range = source->ranges[source->front];
    source->checksum =
        scoop_s3_checksum_add(source->checksum_kind, source->checksum, source->shown, length);
    source->read += length;
    range->type->consume(range, length);
}

static void ranges_free(struct scoop_source *base) {
    struct ranges_source *source = (struct ranges_source *)base;
    while (source->count > 0)
        drop_front(source);
    scoop_free(source->bucket);
    scoop_free(source->key);
    scoop_free(source);
}

static const struct scoop_source_type ranges_type = {"ranges", ranges_open, ranges_peek,
                                                     ranges_consume, ranges_free};

struct scoop_source *scoop_s3_ranges_source_new(struct scoop_s3_client *client, const char *bucket,
                                                const char *key, size_t range_bytes,
                                                unsigned buffers, struct scoop_error *error) {
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
    source->range_bytes = range_bytes;
    source->wanted = buffers < MOST_RANGES ? buffers : MOST_RANGES;
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    source->bucket = scoop_strdup(bucket);
    source->key = scoop_strdup(key);
    if (source->bucket != NULL && source->key != NULL)
        return &source->base;
    scoop_fail_memory(error);
    ranges_free(&source->base);
    return NULL;
}
