/* Percent-encoding, query strings, endpoint URLs and s3:// names. Pure, any thread. */
#ifndef SCOOP_AWS_URI_H
#define SCOOP_AWS_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/error.h"

/* A query parameter or a header; both strings are borrowed. value NULL means "". */
struct scoop_pair {
    const char *name;
    const char *value;
};

/* Appends text with every byte but A-Z a-z 0-9 - _ . ~ (and '/', if kept) as %XX in upper-case hex.
 * 0, or -1 with NO_MEMORY or TOO_LARGE. */
int scoop_uri_encode(struct scoop_buf *buf, const char *text, size_t length, bool keep_slash,
                     struct scoop_error *error);
/* Appends text with every %XX as its byte and, if asked, every '+' as a space. 0, or -1 with
 * PROTOCOL when a '%' is not followed by two hex digits, NO_MEMORY or TOO_LARGE. */
int scoop_uri_decode(struct scoop_buf *buf, const char *text, size_t length, bool plus_is_space,
                     struct scoop_error *error);

/* Appends "name=value&…" from decoded pairs, encoded and sorted as SigV4 wants it: this is both the
 * canonical query and the text to put after '?' on the wire. Nothing for no pairs. 0, or -1 with
 * NO_MEMORY or TOO_LARGE. */
int scoop_query_encode(struct scoop_buf *buf, const struct scoop_pair *pairs, size_t count,
                       struct scoop_error *error);

enum {
    SCOOP_HOST_SIZE = 256,
    SCOOP_PREFIX_SIZE = 512,
    SCOOP_BUCKET_SIZE = 64,
    SCOOP_KEY_BYTES = 1024
};

/* http[s]://host[:port][/prefix] */
struct scoop_endpoint {
    bool tls;
    bool host_is_ip;            /* IPv4 or [IPv6]: no virtual-host addressing */
    uint16_t port;              /* never 0 */
    char host[SCOOP_HOST_SIZE]; /* lower case; IPv6 with its brackets */
    char authority[SCOOP_HOST_SIZE +
                   6];              /* the Host header: host, with :port unless it is the default */
    char prefix[SCOOP_PREFIX_SIZE]; /* "" or "/base", as written, without a slash at its end */
};

/* 0, or -1 with USAGE. User names, queries and fragments are refused; the message never repeats the
 * URL, which might hold a password. */
int scoop_endpoint_parse(const char *url, struct scoop_endpoint *endpoint,
                         struct scoop_error *error);

struct scoop_s3_uri {
    char bucket[SCOOP_BUCKET_SIZE];
    const char
        *key; /* points into the parsed text: byte for byte what follows "bucket/", maybe "" */
};

/* What can be a bucket's name: it becomes part of a host's name or of a path as it is. */
bool scoop_s3_is_bucket(const char *name, size_t length);

/* Refuses what is no general purpose bucket, by its name: 0, or -1 with USAGE. */
int scoop_s3_refuse_kind(const char *name, size_t length, struct scoop_error *error);

/* s3://bucket, s3://bucket/, s3://bucket/key. 0, or -1 with USAGE (scheme, bucket name, key longer
 * than SCOOP_KEY_BYTES). The key is not decoded: '%', '+', '?', '#', "//" and ".." are its own. */
int scoop_s3_uri_parse(const char *text, struct scoop_s3_uri *uri, struct scoop_error *error);

#endif
