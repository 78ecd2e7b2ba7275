#include "scoop/web_object.h"

#include <stdio.h>
#include <string.h>

#include "aws/uri.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "scoop/same_bucket.h"
#include "text/address.h"

enum { URL_SIZE = SCOOP_HOST_SIZE + SCOOP_PREFIX_SIZE + 16, PATH_CEILING = SCOOP_KEY_BYTES + 128 };

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_below_aws(const char *host) {
    return ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn");
}

/* A host of S3 at AWS, without a bucket before it. */
static bool is_of_aws(const char *host) {
    bool is_private = strstr(host, ".vpce.amazonaws.com") != NULL;
    if (!is_below_aws(host))
        return false;
    return is_private ? strncmp(host, "bucket.vpce-", 12) == 0
                      : strncmp(host, "s3.", 3) == 0 || strncmp(host, "s3-", 3) == 0;
}

/* Whether S3 at `host` is that of `at`, or may be. */
static bool is_server(const struct scoop_address *parts, const char *host, const char *prefix,
                      const struct scoop_s3_options *at) {
    char url[URL_SIZE];
    bool of_aws = is_of_aws(host);
    snprintf(url, sizeof url, "http%s://%s:%u%s", parts->secure ? "s" : "", host, parts->port,
             of_aws ? "" : prefix);
    const struct scoop_s3_options here = {.endpoint_url = url};
    switch (scoop_same_bucket(&here, "bucket", at, "bucket")) {
    case SCOOP_SAME_BUCKET:
        return of_aws || !is_below_aws(host);
    case SCOOP_PERHAPS_SAME_BUCKET:
        return of_aws;
    default:
        return false;
    }
}

/* The host in lower case, without a dot at its end. False where it is none. */
static bool copy_host(const struct scoop_address *parts, char host[SCOOP_HOST_SIZE]) {
    size_t length = parts->host_length;
    if (length > 1 && parts->host[length - 1] == '.')
        length--;
    if (length == 0 || length >= SCOOP_HOST_SIZE || parts->port == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = parts->host[i];
        host[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    host[length] = 0;
    return true;
}

/* Where the server's own name begins in the host: behind a bucket and its dot. The last one, since
 * a bucket's name may have dots and look like a server's. NULL: nowhere. */
static const char *find_server(const struct scoop_address *parts, const char *host,
                               const char *prefix, const struct scoop_s3_options *at) {
    const char *found = NULL, *next = host;
    do {
        if (is_server(parts, next, prefix, at))
            found = next;
        next = strchr(next, '.');
    } while (next++ != NULL);
    return found;
}

/* The path without its query, and without the prefix of the endpoint; NULL: it has another one. */
static const char *path_below(const struct scoop_address *parts, const char *prefix,
                              size_t *length) {
    size_t skipped = strlen(prefix);
    size_t whole = strcspn(parts->path, "?#");
    if (whole <= skipped || strncmp(parts->path, prefix, skipped) != 0 ||
        parts->path[skipped] != '/')
        return NULL;
    *length = whole - skipped - 1;
    return parts->path + skipped + 1;
}

/* What cannot be an object's name is none's: the request shows what it is. */
static int append(struct scoop_buf *uri, const char *host, const char *server, const char *path,
                  size_t length, struct scoop_error *error) {
    struct scoop_error ignored = {0};
    struct scoop_s3_uri object;
    struct scoop_buf name;
    scoop_buf_init(&name, PATH_CEILING);
    int status = scoop_buf_append_text(&name, "s3://", &ignored);
    if (status == 0 && server > host)
        status = scoop_buf_printf(&name, &ignored, "%.*s/", (int)(server - host - 1), host);
    if (status == 0)
        status = scoop_uri_decode(&name, path, length, false, &ignored);
    const char *text = status == 0 ? scoop_buf_text(&name, &ignored) : NULL;
    bool is_object = text != NULL && strlen(text) == name.length &&
                     scoop_s3_uri_parse(text, &object, &ignored) == 0 && object.key[0] != 0;
    if (is_object)
        status = scoop_buf_append(uri, name.data, name.length, error);
    else if (ignored.code == SCOOP_NO_MEMORY)
        status = scoop_fail_memory(error);
    else
        status = 0;
    scoop_buf_free(&name);
    return status;
}

static int find(const char *sent, const struct scoop_s3_options *at, struct scoop_buf *uri,
                struct scoop_error *error) {
    struct scoop_error ignored = {0};
    struct scoop_endpoint endpoint = {0};
    struct scoop_address parts;
    char host[SCOOP_HOST_SIZE];
    size_t length;
    if (!scoop_address_split(sent, &parts) || !copy_host(&parts, host))
        return 0;
    if (at->endpoint_url != NULL &&
        scoop_endpoint_parse(at->endpoint_url, &endpoint, &ignored) != 0)
        return 0;
    const char *server = find_server(&parts, host, endpoint.prefix, at);
    if (server == NULL)
        return 0;
    const char *path = path_below(&parts, is_of_aws(server) ? "" : endpoint.prefix, &length);
    return path == NULL ? 0 : append(uri, host, server, path, length, error);
}

int scoop_web_object(const char *address, const struct scoop_s3_options *at, struct scoop_buf *uri,
                     struct scoop_error *error) {
    if (!scoop_address_is_web(address))
        return 0;
    char *sent = scoop_malloc(scoop_address_size(strlen(address)));
    if (sent == NULL)
        return scoop_fail_memory(error);
    scoop_address_send(address, sent);
    int status = find(sent, at, uri, error);
    scoop_free_secret(sent); /* it may hold a password or a signature */
    return status;
}
