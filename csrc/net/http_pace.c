/* What an exchange may take: until its body begins, between its bytes, and for so many of them.
 * Connecting is libcurl's to time. */
#include <inttypes.h>

#include "base/clock.h"
#include "net/engine_internal.h"

enum {
    AWAY_MS = 100, /* an engine that was not run for so long was not waiting */
    LOOK_MS = 10,
    WORDS_MS = 5000,    /* what the words of an error may take */
    REDIRECT_MS = 1000, /* what a redirect's body may take, else its connection is given up */
};

static uint64_t curl_count(const struct scoop_http_exchange *exchange, CURLINFO which) {
    curl_off_t count = 0;
    curl_easy_getinfo(exchange->easy, which, &count);
    return count > 0 ? (uint64_t)count : 0;
}

static uint64_t moved(const struct scoop_http_exchange *exchange) {
    long head = 0, request = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HEADER_SIZE, &head);
    curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request);
    return curl_count(exchange, CURLINFO_SIZE_DOWNLOAD_T) +
           curl_count(exchange, CURLINFO_SIZE_UPLOAD_T) + (uint64_t)head + (uint64_t)request;
}

static void begin_window(struct scoop_http_exchange *exchange) {
    exchange->pace.moved_ms = exchange->pace.window_ms = scoop_now_ms();
    exchange->pace.window_bytes = curl_count(exchange, CURLINFO_SIZE_DOWNLOAD_T);
}

void scoop_http_pace_begin(struct scoop_http_exchange *exchange) {
    begin_window(exchange);
}

void scoop_http_pace_came(struct scoop_http_exchange *exchange) {
    if (exchange->pace.begun)
        return;
    exchange->pace.begun = true;
    begin_window(exchange);
}

void scoop_http_pace_pause(struct scoop_http_exchange *exchange, bool paused) {
    exchange->pace.paused = paused;
    begin_window(exchange);
}

/* The whole request is sent, and the answer's body has not begun. */
static bool awaits_body(const struct scoop_http_exchange *exchange) {
    return !exchange->pace.begun && scoop_http_is_sent(exchange);
}

static uint64_t first_of(uint64_t own, uint64_t engines, uint64_t usual) {
    return own > 0 ? own : engines > 0 ? engines : usual;
}

struct scoop_request_limits scoop_http_limits(const struct scoop_http_exchange *exchange) {
    const struct scoop_request_limits *own = &exchange->request.limits;
    const struct scoop_request_limits *engines = &exchange->engine->limits;
    return (struct scoop_request_limits){
        .connect_ms = first_of(own->connect_ms, engines->connect_ms, SCOOP_CONNECT_MS),
        .first_byte_ms = first_of(own->first_byte_ms, engines->first_byte_ms, SCOOP_FIRST_BYTE_MS),
        .idle_ms = first_of(own->idle_ms, engines->idle_ms, SCOOP_IDLE_MS),
        .least_rate = first_of(own->least_rate, engines->least_rate, 0),
    };
}

static uint64_t limit_ms(const struct scoop_http_exchange *exchange) {
    struct scoop_request_limits limits = scoop_http_limits(exchange);
    return awaits_body(exchange) ? limits.first_byte_ms : limits.idle_ms;
}

/* Whether it is somebody else's turn to move. */
static bool is_timed(const struct scoop_http_exchange *exchange) {
    return !exchange->pace.paused &&
           (exchange->pace.begun || curl_count(exchange, CURLINFO_PRETRANSFER_TIME_T) > 0);
}

static void fail_silent(struct scoop_http_exchange *exchange) {
    double seconds = (double)limit_ms(exchange) / 1000;
    if (awaits_body(exchange))
        exchange->fault = SCOOP_HTTP_LATE;
    if (exchange->fault == SCOOP_HTTP_LATE)
        scoop_fail(&exchange->error, SCOOP_TIMEOUT,
                   "%s: nothing came of the answer's data for %.10g s", exchange->where, seconds);
    else
        scoop_fail(&exchange->error, SCOOP_TIMEOUT, "%s: not a byte moved for %.10g s",
                   exchange->where, seconds);
}

/* Whether less came than is demanded, over a window that has ended; another one begins. */
static bool drips(struct scoop_http_exchange *exchange, uint64_t now) {
    struct scoop_pace *pace = &exchange->pace;
    struct scoop_request_limits limits = scoop_http_limits(exchange);
    uint64_t elapsed = now - pace->window_ms;
    if (limits.least_rate == 0 || !pace->begun || elapsed < limits.idle_ms)
        return false;
    uint64_t bytes = curl_count(exchange, CURLINFO_SIZE_DOWNLOAD_T);
    uint64_t came = bytes - pace->window_bytes;
    pace->window_ms = now;
    pace->window_bytes = bytes;
    if (came >= limits.least_rate * elapsed / 1000)
        return false;
    exchange->fault = SCOOP_HTTP_SLOW;
    scoop_fail(&exchange->error, SCOOP_TIMEOUT,
               "%s: %" PRIu64 " bytes came in %.10g s, fewer than the %" PRIu64
               " a second that are demanded",
               exchange->where, came, (double)elapsed / 1000, limits.least_rate);
    return true;
}

static bool is_too_slow(struct scoop_http_exchange *exchange, uint64_t now) {
    struct scoop_pace *pace = &exchange->pace;
    uint64_t bytes = moved(exchange);
    if (exchange->refused)
        return now - exchange->refused_ms >= WORDS_MS;
    if (scoop_http_is_redirect(exchange))
        return now - exchange->head_ms >= REDIRECT_MS;
    if (!is_timed(exchange) || bytes != pace->moved) {
        pace->moved = bytes;
        pace->moved_ms = now;
    }
    if (pace->paused)
        return false;
    if (now - pace->moved_ms < limit_ms(exchange))
        return drips(exchange, now);
    fail_silent(exchange);
    return true;
}

static bool end_slow(struct scoop_engine *engine) {
    uint64_t now = scoop_now_ms();
    for (struct scoop_http_exchange *exchange = engine->exchanges; exchange != NULL;
         exchange = exchange->next)
        if (is_too_slow(exchange, now)) {
            exchange->stopped = !scoop_http_is_redirect(exchange);
            scoop_http_finished(exchange, CURLE_OPERATION_TIMEDOUT);
            return true;
        }
    return false;
}

bool scoop_http_pace_look(struct scoop_engine *engine) {
    uint64_t now = scoop_now_ms();
    bool any = false;
    if (now - engine->looked_ms < LOOK_MS)
        return false;
    engine->looked_ms = now;
    while (end_slow(engine))
        any = true;
    return any;
}

static uint64_t later(uint64_t time_ms, uint64_t by_ms, uint64_t now) {
    return time_ms + by_ms < now ? time_ms + by_ms : now;
}

void scoop_http_pace_return(struct scoop_engine *engine) {
    uint64_t now = scoop_now_ms(), away_ms = now - engine->left_ms;
    if (engine->left_ms == 0 || away_ms < AWAY_MS)
        return;
    for (struct scoop_http_exchange *exchange = engine->exchanges; exchange != NULL;
         exchange = exchange->next) {
        exchange->pace.moved_ms = later(exchange->pace.moved_ms, away_ms, now);
        exchange->pace.window_ms = later(exchange->pace.window_ms, away_ms, now);
    }
}

void scoop_http_pace_leave(struct scoop_engine *engine) {
    engine->left_ms = scoop_now_ms();
}

int scoop_http_pace_wait(const struct scoop_engine *engine, int wait_ms) {
    uint64_t now = scoop_now_ms();
    for (const struct scoop_http_exchange *exchange = engine->exchanges; exchange != NULL;
         exchange = exchange->next) {
        uint64_t due = exchange->pace.moved_ms + limit_ms(exchange);
        uint64_t left = due > now ? due - now : 0;
        if (is_timed(exchange) && left < (uint64_t)wait_ms)
            wait_ms = (int)left;
    }
    return wait_ms;
}
