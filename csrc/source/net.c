/* An HTTP body or an S3 object as a source: a bounded queue between libcurl and the stages. A
 * connection that breaks is taken up again where it stopped, if the source is provably the same. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/invariant.h"
#include "base/retry.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "source/net_internal.h"
#include "text/header.h"
#include "text/text.h"

enum {
    QUEUE_BYTES = 1024 * 1024,
    PROGRESS_BYTES = 64 * 1024, /* a connection that brought so much earns new attempts */
    RANGE_SIZE = 64,
};

static int send_request(struct net_source *source, struct scoop_error *error);

static int check_framing(struct net_source *source, struct scoop_http_exchange *exchange,
                         struct scoop_error *error) {
    if (scoop_http_conflicts(exchange, "Content-Length"))
        return scoop_fail(error, SCOOP_PROTOCOL, "%s: the server sends two Content-Lengths",
                          source->where);
    source->base.length_known = scoop_http_self_delimiting(exchange);
    source->base.total_bytes = scoop_http_content_length(exchange);
    if (source->base.length_known || source->allow_unknown_length)
        return 0;
    return scoop_fail(error, SCOOP_LENGTH_UNKNOWN,
                      "%s: the server sends neither Content-Length nor chunks, so a cut connection "
                      "would look like the end; allow_unknown_length accepts it",
                      source->where);
}

static enum scoop_code code_of_status(int status) {
    switch (status) {
    case 401:
    case 403:
        return SCOOP_ACCESS_DENIED;
    case 404:
    case 410:
        return SCOOP_NOT_FOUND;
    case 429:
        return SCOOP_THROTTLED;
    default:
        return SCOOP_HTTP;
    }
}

/* Whether the server takes a request for the rest that names the validator. */
static bool takes_up(const struct net_source *source, struct scoop_http_exchange *exchange,
                     const char *validator) {
    if (source->client != NULL)
        return scoop_net_is_etag(validator);
    const char *ranges = scoop_http_header(exchange, "Accept-Ranges");
    return ranges != NULL && strcasecmp(ranges, "bytes") == 0;
}

static bool is_plain(const char *text) {
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == 0;
}

/* Its identity is "validator length", see net_start_at. */
void scoop_net_identify(struct net_source *source, struct scoop_http_exchange *exchange,
                        int64_t length) {
    struct scoop_source *base = &source->base;
    char validator[SCOOP_VALIDATOR_SIZE];
    const char *etag = scoop_http_header(exchange, "ETag");
    snprintf(base->etag, sizeof base->etag, "%s", etag == NULL ? "" : etag);
    base->validator[0] = base->identity[0] = 0;
    base->seekable = false;
    if (!scoop_http_validator(exchange, validator))
        return;
    if (takes_up(source, exchange, validator))
        memcpy(base->validator, validator, sizeof base->validator);
    if (length < 0 || !is_plain(validator))
        return;
    snprintf(base->identity, sizeof base->identity, "%s %" PRId64, validator, length);
    base->seekable = base->validator[0] != 0;
}

/* One with "-" in it is of the parts' checksums. */
void scoop_net_note_checksum(struct net_source *source, struct scoop_http_exchange *exchange) {
    static const enum scoop_s3_checksum kinds[] = {SCOOP_S3_CHECKSUM_CRC32C,
                                                   SCOOP_S3_CHECKSUM_CRC64NVME};
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && source->client != NULL; i++) {
        const char *text = scoop_http_header(exchange, scoop_s3_checksum_names(kinds[i])->header);
        if (text == NULL || strchr(text, '-') != NULL ||
            strlen(text) >= sizeof source->checksum_wanted)
            continue;
        source->checksum_kind = kinds[i];
        snprintf(source->checksum_wanted, sizeof source->checksum_wanted, "%s", text);
        return;
    }
}

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

int scoop_net_fail_status(const struct net_source *source, int status, struct scoop_error *error) {
    scoop_fail(error, code_of_status(status), "%s: the server answered HTTP %d", source->where,
               status);
    error->http_status = status;
    error->retryable = status == 429 || status >= 500;
    return -1;
}

int scoop_net_fail_changed(const struct net_source *source, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "%s changed while it was read", source->where);
}

/* An ETag comes with every part (RFC 9110, 15.3.7), a Last-Modified need not. */
int scoop_net_check_same(struct net_source *source, struct scoop_http_exchange *exchange,
                         struct scoop_error *error) {
    bool by_etag = scoop_net_is_etag(source->base.validator);
    const char *found = scoop_http_header(exchange, by_etag ? "ETag" : "Last-Modified");
    if (found != NULL && strcmp(found, source->base.validator) != 0)
        return scoop_net_fail_changed(source, error);
    if (found != NULL || !by_etag)
        return 0;
    source->final = true;
    return scoop_fail(error, SCOOP_TRUNCATED,
                      "%s: the rest came without the ETag that proves it to be of the same source",
                      source->where);
}

/* The answer to a request for the rest must be exactly the rest. */
static int check_rest(struct net_source *source, struct scoop_http_exchange *exchange,
                      struct scoop_error *error) {
    struct scoop_content_range found;
    if (scoop_net_check_same(source, exchange, error) != 0)
        return -1;
    const char *range = scoop_http_header(exchange, "Content-Range");
    if (!scoop_header_content_range(range, &found) || found.first != source->resumed_at ||
        found.last + 1 != found.total)
        return scoop_fail(error, SCOOP_PROTOCOL, "%s: asked for the rest, the server sent %s",
                          source->where, range == NULL ? "no Content-Range" : range);
    if (source->base.total_bytes >= 0 && (uint64_t)source->base.total_bytes != found.total)
        return scoop_net_fail_changed(source, error);
    source->base.total_bytes = (int64_t)found.total;
    return 0;
}

static int on_resumed_head(struct net_source *source, struct scoop_http_exchange *exchange,
                           struct scoop_error *error) {
    int status = scoop_http_status(exchange);
    if (status == 206)
        return check_rest(source, exchange, error);
    if (status != 200 && status != 412 && status != 416)
        return scoop_net_fail_status(source, status, error);
    const char *name = scoop_net_is_etag(source->base.validator) ? "ETag" : "Last-Modified";
    const char *validator = scoop_http_header(exchange, name);
    if (status != 200 || validator == NULL || strcmp(validator, source->base.validator) != 0)
        return scoop_net_fail_changed(source, error);
    /* The same source, but the server sends it from the start whatever it is asked. */
    scoop_fail(error, SCOOP_TRUNCATED, "%s: the connection broke after %" PRIu64 " bytes",
               source->where, source->received);
    source->final = true;
    return -1;
}

static int on_head(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error) {
    struct net_source *source = user;
    int status = scoop_http_status(exchange);
    source->final = false;
    if (source->ranged)
        return scoop_net_check_range(source, exchange, error);
    if (source->resumed_at > 0)
        return on_resumed_head(source, exchange, error);
    if (status != 200)
        return scoop_net_fail_status(source, status, error);
    scoop_net_identify(source, exchange, scoop_http_content_length(exchange));
    scoop_net_note_checksum(source, exchange);
    return check_framing(source, exchange, error);
}

static enum scoop_http_take fail_too_long(struct net_source *source, struct scoop_error *error) {
    source->final = true; /* there is no rest to ask for */
    scoop_fail(error, SCOOP_PROTOCOL,
               "%s: asked for the bytes from %" PRIu64 " to %" PRIu64 ", the server sent more",
               source->where, source->first, source->last);
    return SCOOP_HTTP_STOP;
}

static enum scoop_http_take on_data(void *user, const void *data, size_t length,
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

static void end_with(struct net_source *source, const struct scoop_error *error) {
    source->ended = true;
    source->error = *error;
    if (error->code != SCOOP_OK)
        return;
    if (source->ranged && source->received == source->last - source->first + 1) {
        check_checksum(source, &source->error);
        return;
    }
    if (source->stop_at > 0 && source->received == source->stop_at)
        return;
    if (!source->ranged &&
        (source->base.total_bytes < 0 || source->received == (uint64_t)source->base.total_bytes))
        check_checksum(source, &source->error);
    else
        scoop_fail(&source->error, SCOOP_TRUNCATED, "%s: %llu bytes arrived of %lld announced",
                   source->where, (unsigned long long)source->received,
                   (long long)source->base.total_bytes);
}

static void send_again(void *user) {
    struct net_source *source = user;
    struct scoop_error error = {0};
    source->sleeps = false;
    if (send_request(source, &error) != 0)
        end_with(source, &error);
}

/* What was passed on cannot be taken back, so later attempts ask for the rest only. */
static bool try_again(struct net_source *source, const struct scoop_error *error) {
    struct scoop_error ignored = {0};
    if (!SCOOP_INVARIANT(source->resumed_at <= source->received, NULL))
        return false;
    if (source->received - source->resumed_at >= PROGRESS_BYTES)
        source->attempt = 0;
    if (!error->retryable || error->code == SCOOP_SOURCE_CHANGED ||
        (source->received > 0 && (source->final || source->base.validator[0] == 0)) ||
        source->attempt + 1 >= SCOOP_RETRY_MAX_ATTEMPTS)
        return false;
    bool throttled = error->code == SCOOP_THROTTLED;
    uint32_t delay = scoop_retry_delay_ms(source->attempt, throttled, scoop_random01());
    source->attempt++;
    source->base.retries++;
    source->resumed_at = source->received;
    SCOOP_TRACE("transfer", "%s: %s after %" PRIu64 " bytes; the rest in %u ms, try %u",
                source->where, scoop_code_name(error->code), source->received, delay,
                source->attempt + 1);
    source->sleeps = scoop_engine_after(source->engine, delay, send_again, source, &ignored) == 0;
    return source->sleeps;
}

static void http_done(void *user, struct scoop_http_exchange *exchange) {
    struct net_source *source = user;
    const struct scoop_error *error = scoop_http_error(exchange);
    source->exchange = NULL;
    if (!try_again(source, error))
        end_with(source, error);
}

static void s3_done(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct net_source *source = user;
    struct scoop_error failure = *error;
    (void)exchange;
    source->base.retries += scoop_s3_retries(source->call);
    source->call = NULL;
    bool asked_for_the_same =
        source->base.validator[0] != 0 && (source->resumed_at > 0 || source->ranged);
    if (asked_for_the_same && (failure.http_status == 412 || failure.http_status == 416))
        scoop_net_fail_changed(source, &failure);
    /* The client itself has tried again as long as no byte had been taken. */
    if (source->received == 0 || !try_again(source, &failure))
        end_with(source, &failure);
}

/* False: all is asked for. */
static bool ask_for_range(const struct net_source *source, char range[RANGE_SIZE]) {
    if (source->ranged)
        snprintf(range, RANGE_SIZE, "bytes=%" PRIu64 "-%" PRIu64,
                 source->first + source->resumed_at, source->last);
    else
        snprintf(range, RANGE_SIZE, "bytes=%" PRIu64 "-", source->resumed_at);
    return source->ranged || source->resumed_at > 0;
}

static int send_s3(struct net_source *source, struct scoop_error *error) {
    struct scoop_s3_request request = {
        .method = "GET",
        .action = "s3:GetObject",
        .bucket = source->bucket,
        .key = source->key,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = s3_done,
        .user = source,
    };
    char range[RANGE_SIZE];
    scoop_s3_add_header(&request, "x-amz-checksum-mode", "ENABLED");
    if (ask_for_range(source, range)) {
        scoop_s3_add_header(&request, "Range", range);
        if (source->base.validator[0] != 0)
            scoop_s3_add_header(&request, "If-Match", source->base.validator);
    }
    source->call = scoop_s3_start(source->client, &request, error);
    return source->call == NULL ? -1 : 0;
}

static int send_http(struct net_source *source, struct scoop_error *error) {
    char bytes[RANGE_SIZE], range[RANGE_SIZE + 8], same[160];
    const char *const headers[] = {range, same};
    bool in_part = ask_for_range(source, bytes);
    snprintf(range, sizeof range, "Range: %s", bytes);
    snprintf(same, sizeof same, "If-Range: %s", source->base.validator);
    struct scoop_http_request request = {
        .method = "GET",
        .url = source->url,
        .headers = headers,
        .header_count = in_part ? 2 : 0,
        .follow_redirects = true,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = http_done,
        .user = source,
    };
    source->exchange = scoop_http_start(source->engine, &request, error);
    return source->exchange == NULL ? -1 : 0;
}

static int send_request(struct net_source *source, struct scoop_error *error) {
    return source->client != NULL ? send_s3(source, error) : send_http(source, error);
}

static int net_open(struct scoop_source *base, struct scoop_error *error) {
    return send_request((struct net_source *)base, error);
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
                                           bool allow_unknown_length, struct scoop_error *error) {
    struct net_source *source = new_source(engine, error);
    if (source == NULL)
        return NULL;
    source->allow_unknown_length = allow_unknown_length;
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
