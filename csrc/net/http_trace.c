/* What is told of a request: where it goes, what came back, how long it took. */
#include <stdio.h>

#include "base/clock.h"
#include "net/engine_internal.h"
#include "scoop/url_display.h"
#include "scoop/trace.h"

static uint64_t took_ms(const struct scoop_http_exchange *exchange) {
    return scoop_now_ms() - exchange->begun_ms;
}

static long long curl_count(struct scoop_http_exchange *exchange, CURLINFO which) {
    curl_off_t count = 0;
    curl_easy_getinfo(exchange->easy, which, &count);
    return (long long)count;
}

void scoop_http_trace_start(struct scoop_http_exchange *exchange, const char *method) {
    static atomic_uint last;
    exchange->number = atomic_fetch_add(&last, 1) + 1;
    exchange->begun_ms = scoop_now_ms();
    SCOOP_TRACE("net", "#%u %s %s, %zu bytes to send", exchange->number, method, exchange->where,
                exchange->request.body_length);
}

/* A connection of its own, or one that was there. */
static void describe_connection(struct scoop_http_exchange *exchange, char *text, size_t size) {
    long fresh = 0, port = 0;
    char *address = NULL;
    curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &fresh);
    curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_PORT, &port);
    int length = snprintf(text, size, "%s connection to %s port %ld", fresh > 0 ? "new" : "kept",
                          address != NULL ? address : "?", port);
    if (fresh > 0 && length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length,
                 " (name %lld ms, connected %lld ms, TLS %lld ms)",
                 curl_count(exchange, CURLINFO_NAMELOOKUP_TIME_T) / 1000,
                 curl_count(exchange, CURLINFO_CONNECT_TIME_T) / 1000,
                 curl_count(exchange, CURLINFO_APPCONNECT_TIME_T) / 1000);
}

void scoop_http_trace_redirect(const struct scoop_http_exchange *exchange) {
    SCOOP_TRACE("net", "#%u redirected to %s", exchange->number, exchange->redirected_to);
}

void scoop_http_trace_head(struct scoop_http_exchange *exchange) {
    char connection[160];
    if (!scoop_trace_is_on())
        return;
    describe_connection(exchange, connection, sizeof connection);
    SCOOP_TRACE("net", "#%u answered %d after %llu ms, %lld bytes to come, %s%s%s",
                exchange->number, scoop_http_status(exchange),
                (unsigned long long)took_ms(exchange),
                (long long)scoop_http_content_length(exchange), connection,
                exchange->redirects > 0 ? ", redirected to " : "", exchange->redirected_to);
}

void scoop_http_trace_end(struct scoop_http_exchange *exchange, const char *how) {
    if (!scoop_trace_is_on())
        return;
    /* Not the error's message: it may quote what was received. libcurl's own text does not. */
    bool failed = exchange->error.code != SCOOP_OK;
    SCOOP_TRACE("net", "#%u %s: %d, %lld bytes came, %lld went, %llu ms%s%s%s%s", exchange->number,
                how, scoop_http_status(exchange), curl_count(exchange, CURLINFO_SIZE_DOWNLOAD_T),
                curl_count(exchange, CURLINFO_SIZE_UPLOAD_T), (unsigned long long)took_ms(exchange),
                failed ? ", " : "", failed ? scoop_code_name(exchange->error.code) : "",
                exchange->curl_text[0] != 0 ? ": " : "", exchange->curl_text);
}
