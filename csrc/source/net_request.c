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
    OTHER_RETRIES = 2,          /* of what is no outage, but might be another time */
    RANGE_SIZE = 64,
};

static void send_again(void *user) {
    struct net_source *source = user;
    struct scoop_error error = {0};
    source->sleeps = false;
    if (scoop_net_send(source, &error) != 0)
        scoop_net_end(source, &error);
}

struct scoop_outage_rule scoop_source_outage_rule(const struct scoop_web_options *web) {
    uint64_t base_ms = web->retry_base_ms > 0 ? web->retry_base_ms : SCOOP_WEB_RETRY_BASE_MS;
    return (struct scoop_outage_rule){
        .base_ms = base_ms,
        .most_ms = web->retry_ms < 0   ? 0
                   : web->retry_ms > 0 ? (uint64_t)web->retry_ms
                                       : SCOOP_WEB_RETRY_WAITS * base_ms,
    };
}

/* Whether the connection was lost, and nothing else was wrong. */
static bool is_lost(const struct scoop_error *error) {
    return error->code == SCOOP_CONNECTION || error->code == SCOOP_TRUNCATED ||
           error->code == SCOOP_TIMEOUT;
}

/* What passes by itself, if it passes. */
static bool is_outage(const struct scoop_error *error) {
    return is_lost(error) || error->code == SCOOP_HTTP || error->code == SCOOP_THROTTLED;
}

/* How long the next try is put off; -1: there is none. */
static int64_t next_wait_ms(struct net_source *source, const struct scoop_error *error) {
    struct scoop_outage_rule rule = scoop_source_outage_rule(&source->web);
    if (source->client == NULL)
        return is_outage(error) || source->outage.waits < OTHER_RETRIES
                   ? scoop_outage_next_ms(&source->outage, &rule, source->retry_after_ms,
                                          scoop_random01())
                   : -1;
    if (source->attempt + 1 >= SCOOP_RETRY_MAX_ATTEMPTS)
        return -1;
    return scoop_retry_delay_ms(source->attempt, error->code == SCOOP_THROTTLED, scoop_random01());
}

/* Whether the rest can be asked for; of what brought nothing that is all. */
static bool has_rest(const struct net_source *source) {
    return source->received == 0 || (!source->no_rest && source->base.validator[0] != 0);
}

/* What was passed on cannot be taken back, so later attempts ask for the rest only. */
static bool try_again(struct net_source *source, const struct scoop_error *error) {
    struct scoop_error ignored = {0};
    if (!SCOOP_INVARIANT(source->resumed_at <= source->received, NULL))
        return false;
    if (source->received - source->resumed_at >= PROGRESS_BYTES) {
        source->attempt = 0;
        source->outage = (struct scoop_outage){0};
    }
    if (!error->retryable || error->code == SCOOP_SOURCE_CHANGED ||
        error->code == SCOOP_NO_MEMORY || source->final || !has_rest(source))
        return false;
    int64_t delay = next_wait_ms(source, error);
    if (delay < 0)
        return false;
    source->attempt++;
    source->base.retries++;
    source->resumed_at = source->received;
    SCOOP_TRACE("transfer", "%s: %s after %" PRIu64 " bytes; the rest in %" PRId64 " ms, try %u%s",
                source->where, scoop_code_name(error->code), source->received, delay,
                source->base.retries + 1, source->retry_after_ms > 0 ? ", as the server asks" : "");
    source->sleeps =
        scoop_engine_after(source->engine, (uint64_t)delay, send_again, source, &ignored) == 0;
    return source->sleeps;
}

static void end_or_try_again(struct net_source *source, const struct scoop_error *error) {
    if (try_again(source, error))
        return;
    source->base.restartable = is_lost(error) && !source->final && !has_rest(source);
    scoop_net_end(source, error);
}

/* What did not begin in time would not begin sooner when it is asked for again; a name that is not
 * known is most likely a wrong one. */
static bool is_final(const struct net_source *source, struct scoop_http_exchange *exchange) {
    enum scoop_http_fault fault = scoop_http_fault(exchange);
    bool at_first = source->received == 0;
    return fault == SCOOP_HTTP_SLOW ||
           (at_first && (fault == SCOOP_HTTP_LATE || fault == SCOOP_HTTP_NO_NAME));
}

static void http_done(void *user, struct scoop_http_exchange *exchange) {
    struct net_source *source = user;
    source->exchange = NULL;
    bool gone = scoop_net_is_once(source) && scoop_http_has_begun(exchange);
    source->final = source->final || gone || is_final(source, exchange);
    end_or_try_again(source, scoop_http_error(exchange));
}

static void s3_done(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct net_source *source = user;
    struct scoop_error failure = *error;
    source->base.retries += scoop_s3_retries(source->call);
    failure.source_missing = failure.code == SCOOP_NOT_FOUND && scoop_s3_lacks_key(source->call);
    source->call = NULL;
    bool asked_for_the_same =
        source->base.validator[0] != 0 && (source->resumed_at > 0 || source->ranged);
    if (source->base.demanded[0] != 0 && failure.http_status == 412)
        scoop_net_fail_other(source, &failure);
    else if (asked_for_the_same && (failure.http_status == 412 || failure.http_status == 416))
        scoop_net_fail_changed(source, &failure);
    /* The client itself has tried again as long as no byte had been taken. */
    source->final = source->final || source->received == 0 ||
                    (exchange != NULL && scoop_http_fault(exchange) == SCOOP_HTTP_SLOW);
    end_or_try_again(source, &failure);
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
    const char *same = source->base.demanded;
    scoop_s3_add_header(&request, "x-amz-checksum-mode", "ENABLED");
    if (asks_for_range(source, range)) {
        scoop_s3_add_header(&request, "Range", range);
        same = source->base.validator;
    }
    if (same[0] != 0)
        scoop_s3_add_header(&request, "If-Match", same);
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
        .limits.first_byte_ms =
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
    source->final = false;
    source->retry_after_ms = -1;
    return source->client != NULL ? send_s3(source, error) : send_http(source, error);
}
