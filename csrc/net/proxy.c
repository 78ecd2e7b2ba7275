/* Which proxy a request goes through, as its caller or the environment says. libcurl's own reading
 * of NO_PROXY knows neither ports nor "*.domain", and takes no HTTP_PROXY. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "net/engine_internal.h"
#include "scoop/url_display.h"
#include "scoop/memory.h"
#include "text/address.h"
#include "text/no_proxy.h"

struct variable {
    const char *lower, *upper;
};

/* The lower-case variable decides, also where it is empty. */
static const char *read_variable(const struct variable *variable, const char **name) {
    const char *value = getenv(*name = variable->lower);
    if (value == NULL)
        value = getenv(*name = variable->upper);
    return value != NULL && value[0] != 0 ? value : NULL;
}

/* A CGI program has the header "Proxy" of whoever calls it in HTTP_PROXY. */
static const char *find_proxy(const struct scoop_address *address, const char **name) {
    static const struct variable https = {"https_proxy", "HTTPS_PROXY"};
    static const struct variable http = {"http_proxy", "HTTP_PROXY"};
    static const struct variable http_of_cgi = {"http_proxy", "http_proxy"};
    static const struct variable all = {"all_proxy", "ALL_PROXY"};
    const struct variable *own = address->secure                    ? &https
                                 : getenv("REQUEST_METHOD") == NULL ? &http
                                                                    : &http_of_cgi;
    const char *proxy = read_variable(own, name);
    return proxy != NULL ? proxy : read_variable(&all, name);
}

static bool is_left_out(const struct scoop_address *address) {
    static const struct variable none = {"no_proxy", "NO_PROXY"};
    const char *name, *list = read_variable(&none, &name);
    return list != NULL &&
           scoop_no_proxy_has(list, address->host, address->host_length, address->port);
}

/* As it is given to libcurl, with a scheme and without white space around it. */
static void take_proxy(struct scoop_http_exchange *exchange, const char *value) {
    value += strspn(value, " \t");
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t", value[length - 1]) != NULL)
        length--;
    bool bare = strstr(value, "://") == NULL;
    if (bare && strncmp(value, "//", 2) == 0) {
        value += 2;
        length -= 2;
    }
    size_t size = length + sizeof "http://";
    char *proxy = scoop_malloc(size);
    if (proxy == NULL) {
        exchange->set = CURLE_OUT_OF_MEMORY;
        return;
    }
    snprintf(proxy, size, "%s%.*s", bare ? "http://" : "", (int)length, value);
    scoop_url_display(proxy, exchange->proxy.shown, sizeof exchange->proxy.shown);
    SCOOP_HTTP_SET(exchange, CURLOPT_PROXY, proxy);
    scoop_free_secret(proxy);
}

void scoop_http_set_proxy(struct scoop_http_exchange *exchange) {
    struct scoop_address address;
    const char *proxy = NULL;
    exchange->proxy.shown[0] = 0;
    if (exchange->request.proxy != NULL) {
        proxy = exchange->request.proxy[0] == 0 ? NULL : exchange->request.proxy;
        exchange->proxy.named_by = "proxies";
    } else if (scoop_address_split(exchange->url, &address) && !is_left_out(&address))
        proxy = find_proxy(&address, &exchange->proxy.named_by);
    SCOOP_HTTP_SET(exchange, CURLOPT_NOPROXY, "");
    SCOOP_HTTP_SET(exchange, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (proxy == NULL)
        SCOOP_HTTP_SET(exchange, CURLOPT_PROXY, "");
    else
        take_proxy(exchange, proxy);
}
