/* What goes in the head of a request, and to whom: the caller's own headers, login and cookies stay
 * with the scheme, host and port that they were given for. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "net/engine_internal.h"
#include "scoop/memory.h"
#include "text/address.h"
#include "text/request_headers.h"

/* The cookies of one scheme, host and port: names alone would share them between ports. */
struct scoop_cookie_jar {
    struct scoop_cookie_jar *next;
    CURLSH *share;
    char *address;
};

static bool append(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

/* libcurl takes a header without a value for one that is to be left out, unless it ends so. */
static bool append_own(struct curl_slist **list, const struct scoop_header_line *line) {
    size_t size = line->name_length + line->value_length + sizeof ": ";
    char *text = scoop_malloc(size);
    if (text == NULL)
        return false;
    if (line->value_length == 0)
        snprintf(text, size, "%.*s;", (int)line->name_length, line->name);
    else
        snprintf(text, size, "%.*s: %.*s", (int)line->name_length, line->name,
                 (int)line->value_length, line->value);
    bool done = append(list, text);
    scoop_free_secret(text);
    return done;
}

static bool copy_common(struct curl_slist **list, const struct scoop_http_request *request) {
    /* "Expect:" removes the 100-continue round trip, which S3 servers answer late or never. */
    if (!append(list, "Expect:") || !append(list, "Accept-Encoding: identity"))
        return false;
    for (size_t i = 0; i < request->header_count; i++)
        if (!append(list, request->headers[i]))
            return false;
    return true;
}

/* libcurl adds the cookies of its own to those in this one header. */
static bool copy_own(struct scoop_http_exchange *exchange, const char *lines) {
    struct scoop_header_line line;
    while (scoop_header_line_next(&lines, &line)) {
        bool cookie = scoop_header_line_is(&line, "Cookie");
        if (cookie) {
            scoop_free_secret(exchange->cookie);
            exchange->cookie = scoop_strndup(line.value, line.value_length);
        }
        if (cookie ? exchange->cookie == NULL : !append_own(&exchange->own_headers, &line))
            return false;
    }
    return true;
}

int scoop_http_copy_headers(struct scoop_http_exchange *exchange, struct scoop_error *error) {
    const struct scoop_http_request *request = &exchange->request;
    bool done = copy_common(&exchange->headers, request);
    if (done && request->own_headers != NULL)
        done = copy_common(&exchange->own_headers, request) &&
               copy_own(exchange, request->own_headers);
    return done ? 0 : scoop_fail_memory(error);
}

static struct scoop_cookie_jar *new_jar(struct scoop_http_exchange *exchange) {
    struct scoop_cookie_jar *jar = scoop_calloc(1, sizeof *jar);
    if (jar == NULL)
        return NULL;
    jar->next = exchange->jars;
    exchange->jars = jar;
    jar->address = scoop_strdup(exchange->url);
    jar->share = curl_share_init();
    if (jar->share != NULL &&
        curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK) {
        curl_share_cleanup(jar->share);
        jar->share = NULL;
    }
    return jar;
}

/* Has libcurl keep, and send, the cookies of the present address's origin. */
static void use_jar(struct scoop_http_exchange *exchange) {
    struct scoop_cookie_jar *jar = exchange->jars;
    while (jar != NULL && !scoop_address_same_origin(jar->address, exchange->url))
        jar = jar->next;
    if (jar == NULL)
        jar = new_jar(exchange);
    if (jar == NULL || jar->address == NULL || jar->share == NULL) {
        exchange->set = CURLE_OUT_OF_MEMORY;
        return;
    }
    SCOOP_HTTP_SET(exchange, CURLOPT_SHARE, jar->share);
    SCOOP_HTTP_SET(exchange, CURLOPT_COOKIEFILE, "");
}

bool scoop_http_is_at_home(const struct scoop_http_exchange *exchange) {
    return exchange->home == NULL || scoop_address_same_origin(exchange->home, exchange->url);
}

void scoop_http_set_headers(struct scoop_http_exchange *exchange) {
    bool own = exchange->request.own_headers != NULL && scoop_http_is_at_home(exchange);
    SCOOP_HTTP_SET(exchange, CURLOPT_HTTPHEADER, own ? exchange->own_headers : exchange->headers);
    SCOOP_HTTP_SET(exchange, CURLOPT_COOKIE, own ? exchange->cookie : NULL);
    if (exchange->request.follow_redirects)
        use_jar(exchange);
}

/* A session token, or a login, is among them. */
static void free_list(struct curl_slist *list) {
    for (struct curl_slist *at = list; at != NULL; at = at->next)
        scoop_wipe(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

void scoop_http_free_headers(struct scoop_http_exchange *exchange) {
    free_list(exchange->headers);
    free_list(exchange->own_headers);
    scoop_free_secret(exchange->cookie);
    while (exchange->jars != NULL) {
        struct scoop_cookie_jar *jar = exchange->jars;
        exchange->jars = jar->next;
        if (jar->share != NULL)
            curl_share_cleanup(jar->share);
        scoop_free_secret(jar->address);
        scoop_free(jar);
    }
}
