/* An HTTP body or an S3 object as a source: a bounded queue between libcurl and the stages. A
 * connection that breaks is taken up again where it stopped, if the source is provably the same. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error_facts.h"
#include "base/crypto.h"
#include "base/invariant.h"
#include "scoop/url_display.h"
#include "scoop/memory.h"
#include "source/net_internal.h"
#include "text/text.h"

enum { QUEUE_BYTES = 1024 * 1024 };

/* 0, or -1 when what arrived is not what S3 keeps. */
static int check_checksum(const struct net_source *source, struct scoop_error *error) {
    char found[SCOOP_S3_CHECKSUM_SIZE];
    if (source->checksum_kind == SCOOP_S3_CHECKSUM_NONE)
        return 0;
    if (scoop_s3_checksum_text(source->checksum_kind, source->checksum, found, error) != 0)
        return -1;
    if (strcmp(found, source->checksum_wanted) == 0)
        return 0;
    return scoop_fail(error, SCOOP_CORRUPT, "%s: the bytes that arrived have the %s %s, not %s",
                      source->where, scoop_s3_checksum_names(source->checksum_kind)->algorithm,
                      found, source->checksum_wanted);
}

static enum scoop_http_take fail_too_long(struct net_source *source, struct scoop_error *error) {
    source->final = true; /* there is no rest to ask for */
    scoop_fail(error, SCOOP_PROTOCOL,
               "%s: asked for the bytes from %" PRIu64 " to %" PRIu64 ", the server sent more",
               source->where, source->first, source->last);
    return SCOOP_HTTP_STOP;
}

enum scoop_http_take scoop_net_on_data(void *user, const void *data, size_t length,
                                       struct scoop_error *error) {
    struct net_source *source = user;
    const struct scoop_taker *taker = &source->base.taker;
    if (!SCOOP_INVARIANT(source->taken <= source->queue.length, error))
        return SCOOP_HTTP_STOP;
    bool enough = source->stop_at > 0 && source->received + length >= source->stop_at;
    if (enough)
        length = (size_t)(source->stop_at - source->received);
    if (source->ranged && source->received + length > source->last - source->first + 1)
        return fail_too_long(source, error);
    if (source->queue.length + length > source->queue_bytes) {
        scoop_buf_consume(&source->queue, source->taken);
        source->taken = 0;
    }
    if (source->queue.length + length > source->queue_bytes) {
        source->paused = source->was_paused = true;
        return SCOOP_HTTP_PAUSE;
    }
    bool direct = source->queue.length == 0 && taker->take != NULL;
    size_t gone = direct ? taker->take(taker->user, data, length) : 0;
    bool kept = gone == length || scoop_buf_append(&source->queue, (const char *)data + gone,
                                                   length - gone, error) == 0;
    if (!kept)
        length = gone; /* is not asked for again */
    source->received += length;
    source->checksum = scoop_s3_checksum_add(source->checksum_kind, source->checksum, data, length);
    return enough || !kept ? SCOOP_HTTP_STOP : SCOOP_HTTP_TAKEN;
}

/* How much of the whole has arrived, in whose words ever that is told. */
static void count_short(struct net_source *source) {
    if (source->error.code == SCOOP_TRUNCATED && !source->ranged && source->base.total_bytes >= 0)
        scoop_error_counts(&source->error, "bytes", source->base.total_bytes,
                           (int64_t)source->received);
}

void scoop_net_end(struct net_source *source, const struct scoop_error *error) {
    source->ended = true;
    source->error = *error;
    if (error->code != SCOOP_OK) {
        count_short(source);
        return;
    }
    if (source->ranged && source->received == source->last - source->first + 1) {
        check_checksum(source, &source->error);
        return;
    }
    if (source->stop_at > 0 && source->received == source->stop_at)
        return;
    if (!source->ranged &&
        (source->base.total_bytes < 0 || source->received == (uint64_t)source->base.total_bytes))
        check_checksum(source, &source->error);
    else {
        scoop_fail(&source->error, SCOOP_TRUNCATED, "%s: %llu bytes arrived of %lld announced",
                   source->where, (unsigned long long)source->received,
                   (long long)source->base.total_bytes);
        count_short(source);
    }
}

static int net_open(struct scoop_source *base, struct scoop_error *error) {
    return scoop_net_send((struct net_source *)base, error);
}

static void net_start_at(struct scoop_source *base, uint64_t offset, const char *identity) {
    struct net_source *source = (struct net_source *)base;
    if (scoop_source_know(base, identity))
        source->received = source->resumed_at = offset;
}

/* Whether an event is to come that brings bytes, or the end. */
static bool is_under_way(const struct net_source *source) {
    return source->sleeps ||
           (!source->paused && (source->exchange != NULL || source->call != NULL));
}

static enum scoop_source_state net_peek(struct scoop_source *base, const unsigned char **data,
                                        size_t *length, struct scoop_error *error) {
    struct net_source *source = (struct net_source *)base;
    if (source->queue.length > source->taken) {
        *data = source->queue.data + source->taken;
        *length = source->queue.length - source->taken;
        return SCOOP_SOURCE_READY;
    }
    if (!source->ended)
        return SCOOP_INVARIANT(is_under_way(source), error) ? SCOOP_SOURCE_WAITING
                                                            : SCOOP_SOURCE_FAILED;
    if (source->error.code == SCOOP_OK)
        return SCOOP_SOURCE_ENDED;
    *error = source->error;
    return SCOOP_SOURCE_FAILED;
}

static void net_consume(struct scoop_source *base, size_t length) {
    struct net_source *source = (struct net_source *)base;
    source->taken += length;
    if (source->taken < source->queue.length)
        return;
    source->taken = source->queue.length = 0;
    if (!source->paused)
        return;
    source->paused = false;
    if (source->exchange != NULL)
        scoop_http_resume(source->exchange);
    if (source->call != NULL)
        scoop_s3_resume(source->call);
}

static void net_free(struct scoop_source *base) {
    struct net_source *source = (struct net_source *)base;
    scoop_engine_forget(source->engine, source);
    scoop_http_cancel(source->exchange);
    scoop_s3_cancel(source->call);
    scoop_buf_free(&source->queue);
    scoop_free_secret(source->url);
    scoop_free(source->bucket);
    scoop_free(source->key);
    scoop_free(source);
}

static const struct scoop_source_type net_type = {
    "net", net_open, net_peek, net_consume, net_free, net_start_at,
};

static struct net_source *new_source(struct scoop_engine *engine, struct scoop_error *error) {
    struct net_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    source->base.type = &net_type;
    source->base.wait_fd = -1;
    source->base.total_bytes = -1;
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    source->engine = engine;
    source->queue_bytes = QUEUE_BYTES;
    scoop_buf_init(&source->queue, QUEUE_BYTES);
    return source;
}

struct scoop_source *scoop_http_source_new(struct scoop_engine *engine, const char *url,
                                           bool allow_unknown_length,
                                           const struct scoop_web_options *web,
                                           struct scoop_error *error) {
    struct net_source *source = new_source(engine, error);
    if (source == NULL)
        return NULL;
    source->allow_unknown_length = allow_unknown_length;
    source->web = *web;
    source->url = scoop_strdup(url);
    if (source->url == NULL) {
        scoop_fail_memory(error);
        net_free(&source->base);
        return NULL;
    }
    scoop_url_display(url, source->where, sizeof source->where);
    return &source->base;
}

struct scoop_source *scoop_s3_source_new(struct scoop_s3_client *client, const char *bucket,
                                         const char *key, struct scoop_error *error) {
    struct net_source *source = new_source(scoop_s3_client_engine(client), error);
    if (source == NULL)
        return NULL;
    source->client = client;
    source->bucket = scoop_strdup(bucket);
    source->key = scoop_strdup(key);
    if (source->bucket == NULL || source->key == NULL) {
        scoop_fail_memory(error);
        net_free(&source->base);
        return NULL;
    }
    scoop_text_print(source->where, sizeof source->where, "s3://%s/%s", bucket, key);
    return &source->base;
}

uint64_t scoop_s3_source_received(const struct scoop_source *base, bool *was_paused) {
    const struct net_source *source = (const struct net_source *)base;
    *was_paused = source->was_paused;
    return source->received;
}

void scoop_s3_source_stop_at(struct scoop_source *base, uint64_t offset) {
    ((struct net_source *)base)->stop_at = offset;
}

enum scoop_s3_checksum scoop_s3_source_take_checksum(struct scoop_source *base,
                                                     char text[SCOOP_S3_CHECKSUM_SIZE]) {
    struct net_source *source = (struct net_source *)base;
    enum scoop_s3_checksum kind = source->checksum_kind;
    memcpy(text, source->checksum_wanted, SCOOP_S3_CHECKSUM_SIZE);
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    return kind;
}
