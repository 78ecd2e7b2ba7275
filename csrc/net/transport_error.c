/* What libcurl says of an exchange that failed, told as what it is, and where. */
#include <string.h>

#include "base/descriptors.h"
#include "base/thread.h"
#include "net/engine_internal.h"
#include "scoop/memory.h"
#include "text/text.h"

enum { PLACE_BYTES = 360, LONG_LINE_ROOM = 256 * 1024, TOO_LARGE_SINCE_8_6 = 100 };

static enum scoop_code code_of(CURLcode result) {
    switch (result) {
    case CURLE_PARTIAL_FILE:
        return SCOOP_TRUNCATED;
    case CURLE_OPERATION_TIMEDOUT:
        return SCOOP_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return SCOOP_TLS;
    case CURLE_OUT_OF_MEMORY:
        return SCOOP_NO_MEMORY;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return SCOOP_USAGE;
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
        return SCOOP_PROTOCOL;
    default:
        return SCOOP_CONNECTION;
    }
}

/* libcurl takes bytes that are no HTTP at all for HTTP/0.9, which it calls unsupported. */
static bool is_no_http(const struct scoop_http_exchange *exchange, CURLcode result) {
    return result == CURLE_UNSUPPORTED_PROTOCOL && strstr(exchange->curl_text, "HTTP/0.9") != NULL;
}

/* libcurl keeps a line of a header up to 100 KiB, and calls a longer one lack of memory. */
static bool is_long_line(const struct scoop_http_exchange *exchange, CURLcode result) {
    curl_off_t begun = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_STARTTRANSFER_TIME_T, &begun);
    if ((int)result == TOO_LARGE_SINCE_8_6)
        return true;
    if (result != CURLE_OUT_OF_MEMORY || begun == 0 || exchange->head_is_whole)
        return false;
    void *room = scoop_malloc(LONG_LINE_ROOM);
    scoop_free(room);
    return room != NULL;
}

/* Where it happened: the address, and where a redirect led to. */
static void name_place(const struct scoop_http_exchange *exchange, char place[PLACE_BYTES]) {
    scoop_text_print(place, PLACE_BYTES, "%s%s%s", exchange->where,
                     exchange->redirects > 0 ? ", redirected to " : "", exchange->redirected_to);
}

void scoop_http_fail_head(struct scoop_http_exchange *exchange) {
    char place[PLACE_BYTES];
    name_place(exchange, place);
    scoop_fail(&exchange->error, SCOOP_PROTOCOL,
               "%s: the headers of the answer are longer than 64 KiB", place);
    exchange->error.retryable = false;
}

/* A connection needs what the process may have no more of; libcurl only says that there is none. */
static bool fail_for_lack(struct scoop_http_exchange *exchange, const char *place) {
    bool no_thread = strstr(exchange->curl_text, "thread failed to start") != NULL;
    if (no_thread)
        scoop_fail_thread(&exchange->error, place);
    else if (scoop_descriptors_are_spent())
        scoop_fail_descriptors(&exchange->error, place);
    else
        return false;
    return true;
}

static bool has_reached_server(const struct scoop_http_exchange *exchange) {
    curl_off_t reached = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    return reached > 0;
}

/* The proxy's own fault. libcurl quotes an address that it cannot read, with its password. */
static void fail_proxy(struct scoop_http_exchange *exchange, const char *place, CURLcode result) {
    const struct scoop_proxy *proxy = &exchange->proxy;
    long answer = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
    if (strstr(exchange->curl_text, "nsupported proxy") != NULL)
        strcpy(exchange->curl_text, "a proxy of this kind is not supported");
    const char *text =
        exchange->curl_text[0] != 0 ? exchange->curl_text : curl_easy_strerror(result);
    bool refused = answer == 407 || answer == 403;
    if (refused)
        scoop_fail(&exchange->error, SCOOP_ACCESS_DENIED, "%s: the proxy %s (%s) %s: HTTP %ld",
                   place, proxy->shown, proxy->named_by,
                   answer == 407 ? "wants another login" : "does not let it through", answer);
    else
        scoop_fail(&exchange->error,
                   result == CURLE_OPERATION_TIMEDOUT ? SCOOP_TIMEOUT : SCOOP_CONNECTION,
                   "%s: the proxy %s (%s) brings no connection: %s", place, proxy->shown,
                   proxy->named_by, text);
    exchange->error.http_status = (int)answer;
}

static void fail_plainly(struct scoop_http_exchange *exchange, const char *place, CURLcode result) {
    const char *text =
        exchange->curl_text[0] != 0 ? exchange->curl_text : curl_easy_strerror(result);
    bool proxied = exchange->proxy.shown[0] != 0;
    if (is_no_http(exchange, result))
        text = "what the server sends is not HTTP";
    scoop_fail(&exchange->error, is_no_http(exchange, result) ? SCOOP_PROTOCOL : code_of(result),
               "%s%s%s%s: %s", place, proxied ? " (through the proxy " : "", exchange->proxy.shown,
               proxied ? ")" : "", text);
}

void scoop_http_fail_transport(struct scoop_http_exchange *exchange, CURLcode result) {
    char place[PLACE_BYTES];
    name_place(exchange, place);
    enum scoop_code code = code_of(result);
    if (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY)
        exchange->fault = SCOOP_HTTP_NO_NAME;
    bool about_connection = code == SCOOP_CONNECTION || code == SCOOP_TIMEOUT;
    if (is_long_line(exchange, result))
        scoop_http_fail_head(exchange);
    else if ((about_connection || code == SCOOP_TLS || code == SCOOP_NO_MEMORY) &&
             fail_for_lack(exchange, place))
        return;
    else if (about_connection && exchange->proxy.shown[0] != 0 && !has_reached_server(exchange))
        fail_proxy(exchange, place, result);
    else if (code == SCOOP_NO_MEMORY)
        scoop_fail_memory(&exchange->error);
    else
        fail_plainly(exchange, place, result);
}
