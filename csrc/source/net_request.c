/* The requests of a source: sent, and sent again for what is left when a connection breaks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/invariant.h"
#include "base/retry.h"
#include "scoop/trace.h"
#include "source/net_internal.h"

enum {
    PROGRESS_BYTES = 64 * 1024, /* a connection that brought so much earns new attempts */
    RANGE_SIZE = 64,
};

static void send_again(void *user) {
    struct net_source *source = user;
    struct scoop_error error = {0};
    source->sleeps = false;
    if (scoop_net_send(source, &error) != 0)
        scoop_net_end(source, &error);
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
    bool gone = scoop_net_is_once(source) && scoop_http_has_begun(exchange);
    if (gone || !try_again(source, error))
        scoop_net_end(source, error);
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
        scoop_net_end(source, &failure);
}

/* False: all is asked for. */
static bool asks_for_range(const struct net_source *source, char range[RANGE_SIZE]) {
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
        .on_head = scoop_net_on_head,
        .on_data = scoop_net_on_data,
        .on_done = s3_done,
        .user = source,
    };
    char range[RANGE_SIZE];
    scoop_s3_add_header(&request, "x-amz-checksum-mode", "ENABLED");
    if (asks_for_range(source, range)) {
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
    bool in_part = asks_for_range(source, bytes);
    snprintf(range, sizeof range, "Range: %s", bytes);
    snprintf(same, sizeof same, "If-Range: %s", source->base.validator);
    struct scoop_http_request request = {
        .method = source->web.body != NULL ? "POST" : "GET",
        .url = source->url,
        .headers = headers,
        .own_headers = source->web.headers,
        .user_agent = source->web.user_agent,
        .body = source->web.body,
        .body_length = source->web.body != NULL ? strlen(source->web.body) : 0,
        .once = scoop_net_is_once(source),
        .header_count = in_part ? 2 : 0,
        .first_byte_ms =
            source->web.first_byte_ms > 0 ? source->web.first_byte_ms : SCOOP_WEB_FIRST_BYTE_MS,
        .follow_redirects = true,
        .on_head = scoop_net_on_head,
        .on_data = scoop_net_on_data,
        .on_done = http_done,
        .user = source,
    };
    source->exchange = scoop_http_start(source->engine, &request, error);
    return source->exchange == NULL ? -1 : 0;
}

int scoop_net_send(struct net_source *source, struct scoop_error *error) {
    return source->client != NULL ? send_s3(source, error) : send_http(source, error);
}
