#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "net/engine_internal.h"
#include "scoop/memory.h"
#include "scoop/url_display.h"
#include "text/address.h"
#include "text/header.h"
#include "text/text.h"

enum {
    HEAD_CEILING = 64 * 1024,
    BODY_CEILING = 64 * 1024,
    WORDS_BYTES = 8 * 1024,      /* of an error's page, if they tell anything */
    RECEIVE_BUFFER = 128 * 1024, /* what stays in a core's cache until it is consumed */
    SEND_BUFFER = 256 * 1024,
};

static void unlink_exchange(struct scoop_http_exchange *exchange) {
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        exchange->engine->exchanges = exchange->next;
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
}

static void free_exchange(struct scoop_http_exchange *exchange) {
    if (exchange->easy != NULL)
        curl_easy_cleanup(exchange->easy);
    scoop_http_free_headers(exchange);
    scoop_buf_free(&exchange->head);
    scoop_buf_free(&exchange->body);
    scoop_free_secret(exchange->url);
    scoop_free_secret(exchange->home);
    scoop_free(exchange);
}

void scoop_http_cancel(struct scoop_http_exchange *exchange) {
    if (exchange == NULL)
        return;
    scoop_http_trace_end(exchange, "given up");
    curl_multi_remove_handle(exchange->engine->multi, exchange->easy);
    unlink_exchange(exchange);
    free_exchange(exchange);
}

void scoop_http_resume(struct scoop_http_exchange *exchange) {
    scoop_http_pace_pause(exchange, false);
    /* It offers what it kept at once; when that is refused, it says so here only. */
    exchange->resumed = curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
    exchange->engine->refused = exchange->engine->refused || exchange->resumed != CURLE_OK;
}

int scoop_http_status(const struct scoop_http_exchange *exchange) {
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

int scoop_http_each_header(struct scoop_http_exchange *exchange,
                           int (*visit)(void *user, const char *name, size_t name_length,
                                        const char *value, size_t value_length),
                           void *user) {
    return scoop_header_each(exchange->head.data, exchange->head.length, visit, user);
}

const char *scoop_http_header(struct scoop_http_exchange *exchange, const char *name) {
    return scoop_header_find(exchange->head.data, exchange->head.length, name,
                             exchange->header_value, sizeof exchange->header_value)
               ? exchange->header_value
               : NULL;
}

bool scoop_http_conflicts(const struct scoop_http_exchange *exchange, const char *name) {
    return scoop_header_conflicts(exchange->head.data, exchange->head.length, name);
}

bool scoop_http_repeated(const struct scoop_http_exchange *exchange) {
    return exchange->repeated;
}

bool scoop_http_has_begun(const struct scoop_http_exchange *exchange) {
    long head_bytes = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    return head_bytes > 0 || exchange->redirects > 0;
}

bool scoop_http_is_sent(const struct scoop_http_exchange *exchange) {
    long head_bytes = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    return head_bytes > 0 && exchange->body_sent == exchange->request.body_length;
}

int64_t scoop_http_content_length(struct scoop_http_exchange *exchange) {
    curl_off_t length = -1;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}

int64_t scoop_http_date(struct scoop_http_exchange *exchange) {
    const char *date = scoop_http_header(exchange, "Date");
    return date == NULL ? -1 : scoop_http_parse_date(date);
}

int64_t scoop_http_parse_date(const char *text) {
    return (int64_t)curl_getdate(text, NULL);
}

bool scoop_http_self_delimiting(struct scoop_http_exchange *exchange) {
    long version = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_2_0 || version == CURL_HTTP_VERSION_3)
        return true;
    const char *coding = scoop_http_header(exchange, "Transfer-Encoding");
    if (coding != NULL && strcasecmp(coding, "identity") != 0)
        return scoop_header_ends_in_chunked(coding);
    return scoop_http_content_length(exchange) >= 0;
}

const struct scoop_error *scoop_http_error(const struct scoop_http_exchange *exchange) {
    return &exchange->error;
}

enum scoop_http_fault scoop_http_fault(const struct scoop_http_exchange *exchange) {
    return exchange->fault;
}

struct scoop_buf *scoop_http_body(struct scoop_http_exchange *exchange) {
    return &exchange->body;
}

/* A new status line starts a new head: after 100 Continue, a proxy's answer, a redirect. */
static size_t take_header(char *data, size_t size, size_t count, void *user) {
    struct scoop_http_exchange *exchange = user;
    size_t length = size * count;
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
        exchange->head.length = 0;
    exchange->head_is_whole = length > 0 && (data[0] == '\r' || data[0] == '\n');
    if (exchange->head_is_whole)
        exchange->head_ms = scoop_now_ms();
    if (scoop_buf_append(&exchange->head, data, length, &exchange->error) == 0)
        return length;
    if (exchange->error.code == SCOOP_TOO_LARGE)
        scoop_http_fail_head(exchange);
    exchange->stopped = true;
    return 0;
}

/* 0 or -1 with the exchange stopped. */
static int announce_head(struct scoop_http_exchange *exchange) {
    const struct scoop_http_request *request = &exchange->request;
    if (exchange->head_done)
        return 0;
    exchange->head_done = true;
    scoop_http_trace_head(exchange);
    if (request->on_head == NULL ||
        request->on_head(request->user, exchange, &exchange->error) == 0)
        return 0;
    exchange->refused = request->follow_redirects && scoop_http_status(exchange) >= 400;
    exchange->refused_ms = scoop_now_ms();
    exchange->stopped = !exchange->refused;
    return exchange->refused ? 0 : -1;
}

static size_t collect(struct scoop_http_exchange *exchange, const void *data, size_t length) {
    if (scoop_buf_append(&exchange->body, data, length, &exchange->error) == 0)
        return length;
    if (exchange->error.code == SCOOP_TOO_LARGE)
        scoop_fail(&exchange->error, SCOOP_PROTOCOL, "%s: the answer is longer than %zu bytes",
                   exchange->where, exchange->body.ceiling);
    exchange->stopped = true;
    return 0;
}

/* Of an error's page the beginning is enough. */
static size_t collect_some(struct scoop_http_exchange *exchange, const void *data, size_t length) {
    size_t room = exchange->body.ceiling - exchange->body.length;
    size_t kept = length < room ? length : room;
    return kept > 0 && collect(exchange, data, kept) == 0 ? 0 : length;
}

static size_t take_body(char *data, size_t size, size_t count, void *user) {
    struct scoop_http_exchange *exchange = user;
    const struct scoop_http_request *request = &exchange->request;
    size_t length = size * count;
    if (length == 0)
        return 0;
    exchange->engine->active = true;
    if (scoop_http_is_redirect(exchange))
        return scoop_http_redirect_body_is_short(exchange) ? length : 0;
    scoop_http_pace_came(exchange);
    if (announce_head(exchange) != 0)
        return 0;
    int status = scoop_http_status(exchange);
    if (exchange->refused && exchange->body.length >= WORDS_BYTES)
        return 0;
    if (status < 200 || status > 299)
        return collect_some(exchange, data, length);
    if (request->on_data == NULL || (status != 200 && status != 206))
        return collect(exchange, data, length);
    switch (request->on_data(request->user, data, length, &exchange->error)) {
    case SCOOP_HTTP_TAKEN:
        return length;
    case SCOOP_HTTP_PAUSE:
        scoop_http_pace_pause(exchange, true);
        return CURL_WRITEFUNC_PAUSE;
    default:
        exchange->stopped = true;
        return 0;
    }
}

static size_t read_body(struct scoop_http_exchange *exchange, char *data, size_t length) {
    const struct scoop_http_request *request = &exchange->request;
    ssize_t got;
    do
        got = pread(request->body_fd, data, length,
                    (off_t)(request->body_offset + exchange->body_sent));
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        exchange->body_sent += (size_t)got;
        return (size_t)got;
    }
    if (got < 0)
        scoop_fail_errno(&exchange->error, errno, "reading what is sent to %s", exchange->where);
    else
        scoop_fail(&exchange->error, SCOOP_SOURCE_CHANGED,
                   "%s: the file that is sent became shorter", exchange->where);
    exchange->stopped = true;
    return CURL_READFUNC_ABORT;
}

static size_t hold_back(struct scoop_http_exchange *exchange) {
    scoop_fail(&exchange->error, SCOOP_CONNECTION,
               "%s: the rest of a request was held back, as it may not be sent now",
               exchange->where);
    exchange->stopped = true;
    return CURL_READFUNC_ABORT;
}

static size_t give_body(char *data, size_t size, size_t count, void *user) {
    struct scoop_http_exchange *exchange = user;
    const struct scoop_http_request *request = &exchange->request;
    size_t left = request->body_length - exchange->body_sent;
    size_t length = size * count < left ? size * count : left;
    if (length > 0 && request->may_send != NULL && !request->may_send(request->user))
        return hold_back(exchange);
    if (request->body == NULL && length > 0)
        return read_body(exchange, data, length);
    if (length > 0)
        memcpy(data, (const char *)request->body + exchange->body_sent, length);
    exchange->body_sent += length;
    return length;
}

static int rewind_body(void *user, curl_off_t offset, int origin) {
    struct scoop_http_exchange *exchange = user;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > exchange->request.body_length)
        return CURL_SEEKFUNC_FAIL;
    exchange->body_sent = (size_t)offset;
    exchange->repeated = true;
    return CURL_SEEKFUNC_OK;
}

void scoop_http_finished(struct scoop_http_exchange *exchange, CURLcode result) {
    bool redirects = !exchange->stopped && scoop_http_is_redirect(exchange);
    if (redirects && scoop_http_follow(exchange) == 0)
        return;
    if (!redirects && result == CURLE_OK)
        announce_head(exchange);
    else if (!redirects && !exchange->stopped && !exchange->refused)
        scoop_http_fail_transport(exchange, result);
    if (exchange->refused)
        scoop_http_add_words(exchange);
    scoop_http_trace_end(exchange, "ended");
    curl_multi_remove_handle(exchange->engine->multi, exchange->easy);
    unlink_exchange(exchange);
    if (exchange->request.on_done != NULL)
        exchange->request.on_done(exchange->request.user, exchange);
    free_exchange(exchange);
}

static void set_callbacks(struct scoop_http_exchange *exchange) {
    SCOOP_HTTP_SET(exchange, CURLOPT_PRIVATE, exchange);
    SCOOP_HTTP_SET(exchange, CURLOPT_ERRORBUFFER, exchange->curl_text);
    SCOOP_HTTP_SET(exchange, CURLOPT_HEADERFUNCTION, take_header);
    SCOOP_HTTP_SET(exchange, CURLOPT_HEADERDATA, exchange);
    SCOOP_HTTP_SET(exchange, CURLOPT_WRITEFUNCTION, take_body);
    SCOOP_HTTP_SET(exchange, CURLOPT_WRITEDATA, exchange);
    SCOOP_HTTP_SET(exchange, CURLOPT_READFUNCTION, give_body);
    SCOOP_HTTP_SET(exchange, CURLOPT_READDATA, exchange);
    SCOOP_HTTP_SET(exchange, CURLOPT_SEEKFUNCTION, rewind_body);
    SCOOP_HTTP_SET(exchange, CURLOPT_SEEKDATA, exchange);
}

static void set_method(struct scoop_http_exchange *exchange,
                       const struct scoop_http_request *request) {
    if (strcmp(request->method, "HEAD") == 0) {
        SCOOP_HTTP_SET(exchange, CURLOPT_NOBODY, 1L);
    } else if (request->body != NULL || strcmp(request->method, "PUT") == 0 ||
               strcmp(request->method, "POST") == 0) {
        SCOOP_HTTP_SET(exchange, CURLOPT_UPLOAD, 1L);
        SCOOP_HTTP_SET(exchange, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_length);
        SCOOP_HTTP_SET(exchange, CURLOPT_CUSTOMREQUEST, request->method);
        SCOOP_HTTP_SET(exchange, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
    } else if (strcmp(request->method, "GET") != 0) {
        SCOOP_HTTP_SET(exchange, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_limits(struct scoop_http_exchange *exchange,
                       const struct scoop_http_request *request) {
    const struct scoop_engine *engine = exchange->engine;
    SCOOP_HTTP_SET(exchange, CURLOPT_NOSIGNAL, 1L);
    SCOOP_HTTP_SET(exchange, CURLOPT_PROTOCOLS_STR, "http,https");
    SCOOP_HTTP_SET(exchange, CURLOPT_CONNECTTIMEOUT_MS,
                   (long)scoop_http_limits(exchange).connect_ms);
    SCOOP_HTTP_SET(exchange, CURLOPT_TIMEOUT_MS, request->total_timeout_ms);
    SCOOP_HTTP_SET(exchange, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    SCOOP_HTTP_SET(exchange, CURLOPT_TCP_KEEPALIVE, 1L);
    SCOOP_HTTP_SET(exchange, CURLOPT_USERAGENT,
                   request->user_agent != NULL ? request->user_agent : "airscoop");
    /* Of a connection that was used before and turns out to be dead, libcurl sends it again. */
    SCOOP_HTTP_SET(exchange, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    if (engine->ca_file == NULL)
        return;
    SCOOP_HTTP_SET(exchange, CURLOPT_CAINFO, engine->ca_file);
    SCOOP_HTTP_SET(exchange, CURLOPT_PROXY_CAINFO, engine->ca_file);
}

/* What is signed is sent byte for byte. */
static char *copy_url(const struct scoop_http_request *request) {
    if (!request->follow_redirects)
        return scoop_strdup(request->url);
    char *url = scoop_malloc(scoop_address_size(strlen(request->url)));
    if (url != NULL)
        scoop_address_send(request->url, url);
    return url;
}

int scoop_http_send(struct scoop_http_exchange *exchange, struct scoop_error *error) {
    SCOOP_HTTP_SET(exchange, CURLOPT_URL, exchange->url);
    scoop_http_set_headers(exchange);
    scoop_http_set_proxy(exchange);
    if (exchange->set != CURLE_OK)
        return scoop_fail(error,
                          exchange->set == CURLE_OUT_OF_MEMORY ? SCOOP_NO_MEMORY : SCOOP_INTERNAL,
                          "libcurl: %s", curl_easy_strerror(exchange->set));
    CURLMcode added = curl_multi_add_handle(exchange->engine->multi, exchange->easy);
    if (added != CURLM_OK)
        return scoop_fail(error, SCOOP_INTERNAL, "libcurl: %s", curl_multi_strerror(added));
    exchange->pace = (struct scoop_pace){0};
    scoop_http_pace_begin(exchange);
    return 0;
}

/* 0 or -1: what is left is for free_exchange. */
static int prepare(struct scoop_http_exchange *exchange, struct scoop_error *error) {
    const struct scoop_http_request *request = &exchange->request;
    if (request->follow_redirects && scoop_address_has_control(request->url))
        return scoop_fail(error, SCOOP_USAGE,
                          "%s: a line break or another control character is in the address",
                          exchange->where);
    exchange->url = copy_url(request);
    if (exchange->url != NULL && request->follow_redirects)
        exchange->home = scoop_strdup(exchange->url);
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL || exchange->url == NULL ||
        (request->follow_redirects && exchange->home == NULL))
        return scoop_fail_memory(error);
    if (scoop_http_copy_headers(exchange, error) != 0)
        return -1;
    exchange->posts = request->follow_redirects && request->body != NULL;
    SCOOP_HTTP_SET(exchange, CURLOPT_PATH_AS_IS, 1L);
    set_callbacks(exchange);
    set_method(exchange, request);
    set_limits(exchange, request);
    return scoop_http_send(exchange, error);
}

struct scoop_http_exchange *scoop_http_start(struct scoop_engine *engine,
                                             const struct scoop_http_request *request,
                                             struct scoop_error *error) {
    struct scoop_http_exchange *exchange = scoop_calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    exchange->engine = engine;
    exchange->request = *request;
    scoop_buf_init(&exchange->head, HEAD_CEILING);
    scoop_buf_init(&exchange->body,
                   request->response_ceiling ? request->response_ceiling : BODY_CEILING);
    scoop_url_display(request->url, exchange->where, sizeof exchange->where);
    if (prepare(exchange, error) != 0) {
        free_exchange(exchange);
        return NULL;
    }
    exchange->next = engine->exchanges;
    if (exchange->next != NULL)
        exchange->next->previous = exchange;
    engine->exchanges = exchange;
    scoop_http_trace_start(exchange, request->method);
    return exchange;
}
