/* Redirects, followed one by one: libcurl would remove the dots of a signed address, or those of
 * none, and send headers of the caller's to other hosts. */
#include <string.h>

#include "base/crypto.h"
#include "net/engine_internal.h"
#include "scoop/url_display.h"
#include "scoop/memory.h"
#include "text/address.h"
#include "text/header.h"

enum {
    MOST_REDIRECTS = 10,
    BODY_BYTES = 64 * 1024, /* of a redirect's, that are read to keep the connection */
    PLACE_BYTES = 16 * 1024,
};

bool scoop_http_is_redirect(struct scoop_http_exchange *exchange) {
    static const int statuses[] = {300, 301, 302, 303, 307, 308};
    int status = scoop_http_status(exchange);
    if (!exchange->request.follow_redirects || !exchange->head_is_whole)
        return false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status == statuses[i]) {
            const char *place = scoop_http_header(exchange, "Location");
            return place != NULL && place[0] != 0;
        }
    return false;
}

bool scoop_http_redirect_body_is_short(struct scoop_http_exchange *exchange) {
    int64_t length = scoop_http_content_length(exchange);
    return length >= 0 && length <= BODY_BYTES;
}

static int refuse(struct scoop_http_exchange *exchange, const char *why) {
    return scoop_fail(&exchange->error, SCOOP_HTTP, "%s: the server redirects %s", exchange->where,
                      why);
}

/* The address that Location names; NULL with the exchange's error. */
static char *new_address(struct scoop_http_exchange *exchange) {
    char place[PLACE_BYTES];
    if (!scoop_header_find(exchange->head.data, exchange->head.length, "Location", place,
                           sizeof place) ||
        strlen(place) + 1 == sizeof place) {
        refuse(exchange, "to an address that is too long");
        return NULL;
    }
    char *address = scoop_malloc(scoop_address_size(strlen(exchange->url) + strlen(place)));
    if (address == NULL)
        scoop_fail_memory(&exchange->error);
    else
        scoop_address_resolve(exchange->url, place, address);
    scoop_wipe(place, sizeof place);
    return address;
}

/* Puts the login of the first address into one that leads back to its place without one. */
static char *with_login(const struct scoop_http_exchange *exchange, char *address) {
    struct scoop_address first, now;
    if (!scoop_address_split(exchange->home, &first) || !scoop_address_split(address, &now) ||
        first.user_length == 0 || now.user_length > 0 ||
        !scoop_address_same_origin(exchange->home, address))
        return address;
    size_t scheme = (size_t)(now.host - address), rest = strlen(now.host);
    char *whole = scoop_malloc(scheme + first.user_length + 1 + rest + 1);
    if (whole != NULL) {
        memcpy(whole, address, scheme);
        memcpy(whole + scheme, first.user, first.user_length);
        whole[scheme + first.user_length] = '@';
        memcpy(whole + scheme + first.user_length + 1, now.host, rest + 1);
    }
    scoop_free_secret(address);
    return whole;
}

/* As browsers do it: a POST becomes a GET, but for 307 and 308, which repeat it where it was meant
 * to go. */
static int change_method(struct scoop_http_exchange *exchange, int status) {
    if (!exchange->posts)
        return 0;
    exchange->body_sent = 0;
    if (status == 307 || status == 308)
        return scoop_http_is_at_home(exchange)
                   ? 0
                   : refuse(exchange, "a POST to another scheme, host or port, where its body is "
                                      "not to go");
    exchange->posts = false;
    exchange->request.body = NULL;
    exchange->request.body_length = 0;
    SCOOP_HTTP_SET(exchange, CURLOPT_UPLOAD, 0L);
    SCOOP_HTTP_SET(exchange, CURLOPT_HTTPGET, 1L);
    SCOOP_HTTP_SET(exchange, CURLOPT_CUSTOMREQUEST, NULL);
    return 0;
}

static int check_allowed(struct scoop_http_exchange *exchange, const char *address) {
    if (exchange->redirects >= MOST_REDIRECTS)
        return refuse(exchange, "more than 10 times: redirects that do not end");
    if (scoop_address_is_web(address) &&
        (scoop_address_is_secure(address) || !scoop_address_is_secure(exchange->url)))
        return 0;
    return refuse(exchange, "to a place that is not allowed: from https only to https, from http "
                            "to http or https");
}

int scoop_http_follow(struct scoop_http_exchange *exchange) {
    char *address = new_address(exchange);
    if (address == NULL)
        return -1;
    if (check_allowed(exchange, address) != 0) {
        scoop_free_secret(address);
        return -1;
    }
    int status = scoop_http_status(exchange);
    address = with_login(exchange, address);
    if (address == NULL)
        return scoop_fail_memory(&exchange->error);
    scoop_free_secret(exchange->url);
    exchange->url = address;
    exchange->redirects++;
    scoop_url_display(address, exchange->redirected_to, sizeof exchange->redirected_to);
    scoop_http_trace_redirect(exchange);
    curl_multi_remove_handle(exchange->engine->multi, exchange->easy);
    if (change_method(exchange, status) != 0)
        return -1;
    exchange->head.length = 0;
    exchange->head_is_whole = false;
    exchange->curl_text[0] = 0;
    exchange->resumed = CURLE_OK;
    return scoop_http_send(exchange, &exchange->error);
}
