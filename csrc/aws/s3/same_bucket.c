#include "scoop/same_bucket.h"

#include <string.h>

#include "aws/uri.h"

/* Whose bucket names are one name space. */
enum owner { SOMEONE, AWS, AWS_CHINA, AWS_US_GOV };

struct server {
    enum owner owner;
    struct scoop_endpoint endpoint; /* of SOMEONE */
};

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static enum owner owner_of_region(const char *region) {
    if (region == NULL)
        return AWS;
    return strncmp(region, "cn-", 3) == 0       ? AWS_CHINA
           : strncmp(region, "us-gov-", 7) == 0 ? AWS_US_GOV
                                                : AWS;
}

static enum owner owner_of_host(const char *host) {
    if (ends_with(host, ".amazonaws.com.cn"))
        return AWS_CHINA;
    if (!ends_with(host, ".amazonaws.com"))
        return SOMEONE;
    return strstr(host, "us-gov-") != NULL ? AWS_US_GOV : AWS;
}

/* One name for each machine's own address. */
static void tidy_host(char *host) {
    size_t length = strlen(host);
    if (length > 1 && host[length - 1] == '.')
        host[length - 1] = 0;
    if (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
        strcmp(host, "[::1]") == 0 || strcmp(host, "0.0.0.0") == 0)
        strcpy(host, "local");
}

static bool has_default_port(const struct scoop_endpoint *endpoint) {
    return endpoint->port == (endpoint->tls ? 443 : 80);
}

/* What cannot be parsed is refused when it is used: here it is nobody's. */
static void find_server(struct server *server, const struct scoop_s3_options *options) {
    struct scoop_error ignored = {0};
    *server = (struct server){.owner = SOMEONE};
    if (options->endpoint_url == NULL) {
        server->owner = owner_of_region(options->region);
        return;
    }
    if (scoop_endpoint_parse(options->endpoint_url, &server->endpoint, &ignored) != 0)
        return;
    tidy_host(server->endpoint.host);
    server->owner = owner_of_host(server->endpoint.host);
}

static bool is_same_endpoint(const struct scoop_endpoint *one, const struct scoop_endpoint *other) {
    bool same_port = one->port == other->port || (has_default_port(one) && has_default_port(other));
    return same_port && strcmp(one->host, other->host) == 0 &&
           strcmp(one->prefix, other->prefix) == 0;
}

static enum scoop_sameness compare_servers(const struct server *one, const struct server *other) {
    if (one->owner != SOMEONE && other->owner != SOMEONE)
        return one->owner == other->owner ? SCOOP_SAME_BUCKET : SCOOP_OTHER_BUCKET;
    if (one->owner == other->owner && is_same_endpoint(&one->endpoint, &other->endpoint))
        return SCOOP_SAME_BUCKET;
    return SCOOP_PERHAPS_SAME_BUCKET;
}

/* An access point's alias stands for a bucket. */
static bool is_alias(const char *bucket) {
    return ends_with(bucket, "-s3alias") || ends_with(bucket, "--ol-s3") ||
           ends_with(bucket, "--op-s3") || ends_with(bucket, ".mrap");
}

enum scoop_sameness scoop_same_bucket(const struct scoop_s3_options *one, const char *one_bucket,
                                      const struct scoop_s3_options *other,
                                      const char *other_bucket) {
    struct server first, second;
    bool same_name = strcmp(one_bucket, other_bucket) == 0;
    if (!same_name && !is_alias(one_bucket) && !is_alias(other_bucket))
        return SCOOP_OTHER_BUCKET;
    find_server(&first, one);
    find_server(&second, other);
    enum scoop_sameness servers = compare_servers(&first, &second);
    return same_name || servers == SCOOP_OTHER_BUCKET ? servers : SCOOP_PERHAPS_SAME_BUCKET;
}
