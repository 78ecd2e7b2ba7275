#include "aws/uri.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scoop/url_display.h"
#include "scoop/memory.h"
#include "text/hex.h"

static bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_unreserved(char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

int scoop_uri_encode(struct scoop_buf *buf, const char *text, size_t length, bool keep_slash,
                     struct scoop_error *error) {
    static const char digits[] = "0123456789ABCDEF";
    size_t plain = 0; /* start of the bytes that pass as they are */
    for (size_t i = 0; i < length; i++) {
        if (is_unreserved(text[i]) || (keep_slash && text[i] == '/'))
            continue;
        unsigned char byte = (unsigned char)text[i];
        char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (scoop_buf_append(buf, text + plain, i - plain, error) != 0 ||
            scoop_buf_append(buf, escape, sizeof escape, error) != 0)
            return -1;
        plain = i + 1;
    }
    return scoop_buf_append(buf, text + plain, length - plain, error);
}

int scoop_uri_decode(struct scoop_buf *buf, const char *text, size_t length, bool plus_is_space,
                     struct scoop_error *error) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '+' && plus_is_space)
            byte = ' ';
        if (byte == '%') {
            if (length - i < 3 || scoop_hex_decode(text + i + 1, 2, &byte, 1) != 0)
                return scoop_fail(error, SCOOP_PROTOCOL,
                                  "a '%%' without two hex digits in percent-encoded text");
            i += 2;
        }
        if (scoop_buf_append(buf, &byte, 1, error) != 0)
            return -1;
    }
    return 0;
}

/* One encoded pair, by place in the text they are encoded into. */
struct encoded_pair {
    const unsigned char *name;
    const unsigned char *value;
    size_t name_at, name_length;
    size_t value_at, value_length;
};

static int compare_bytes(const unsigned char *a, size_t a_length, const unsigned char *b,
                         size_t b_length) {
    size_t common = a_length < b_length ? a_length : b_length;
    int order = common > 0 ? memcmp(a, b, common) : 0;
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* By name, then by value: not by "name=value", where '=' would sort after '-' and digits. */
static int compare_pairs(const void *left, const void *right) {
    const struct encoded_pair *a = left, *b = right;
    int order = compare_bytes(a->name, a->name_length, b->name, b->name_length);
    return order != 0 ? order : compare_bytes(a->value, a->value_length, b->value, b->value_length);
}

static int encode_pairs(struct scoop_buf *text, const struct scoop_pair *pairs, size_t count,
                        struct encoded_pair *encoded, struct scoop_error *error) {
    for (size_t i = 0; i < count; i++) {
        const char *value = pairs[i].value != NULL ? pairs[i].value : "";
        encoded[i].name_at = text->length;
        if (scoop_uri_encode(text, pairs[i].name, strlen(pairs[i].name), false, error) != 0)
            return -1;
        encoded[i].value_at = text->length;
        if (scoop_uri_encode(text, value, strlen(value), false, error) != 0)
            return -1;
        encoded[i].name_length = encoded[i].value_at - encoded[i].name_at;
        encoded[i].value_length = text->length - encoded[i].value_at;
    }
    for (size_t i = 0; i < count && text->data != NULL; i++) {
        encoded[i].name = text->data + encoded[i].name_at;
        encoded[i].value = text->data + encoded[i].value_at;
    }
    return 0;
}

int scoop_query_encode(struct scoop_buf *buf, const struct scoop_pair *pairs, size_t count,
                       struct scoop_error *error) {
    if (count == 0)
        return 0;
    int result = -1;
    struct scoop_buf text;
    scoop_buf_init(&text, buf->ceiling);
    struct encoded_pair *encoded = scoop_calloc(count, sizeof *encoded);
    if (encoded == NULL) {
        scoop_fail_memory(error);
        goto cleanup;
    }
    if (encode_pairs(&text, pairs, count, encoded, error) != 0)
        goto cleanup;
    qsort(encoded, count, sizeof *encoded, compare_pairs);
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && scoop_buf_append(buf, "&", 1, error) != 0) ||
            scoop_buf_append(buf, encoded[i].name, encoded[i].name_length, error) != 0 ||
            scoop_buf_append(buf, "=", 1, error) != 0 ||
            scoop_buf_append(buf, encoded[i].value, encoded[i].value_length, error) != 0)
            goto cleanup;
    result = 0;
cleanup:
    scoop_free(encoded);
    scoop_buf_free(&text);
    return result;
}

static int fail_endpoint(const char *why, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_USAGE,
                      "the endpoint URL %s; it must look like https://host[:port][/prefix]", why);
}

static int parse_scheme(const char **rest, struct scoop_endpoint *endpoint,
                        struct scoop_error *error) {
    if (strncasecmp(*rest, "https://", 8) == 0) {
        endpoint->tls = true;
        *rest += 8;
    } else if (strncasecmp(*rest, "http://", 7) == 0) {
        *rest += 7;
    } else {
        return fail_endpoint("does not start with http:// or https://", error);
    }
    return 0;
}

static bool is_host_character(char c, bool in_brackets) {
    return is_alnum(c) || c == '.' || c == '-' || c == '_' || (in_brackets && c == ':');
}

/* Takes host from *rest, up to the port, the path or the end. */
static int parse_host(const char **rest, struct scoop_endpoint *endpoint,
                      struct scoop_error *error) {
    const char *start = *rest;
    bool in_brackets = *start == '[';
    size_t length = in_brackets;
    while (is_host_character(start[length], in_brackets))
        length++;
    if (in_brackets && start[length++] != ']')
        return fail_endpoint("has a bad IPv6 address", error);
    if (length == 0 || length >= sizeof endpoint->host)
        return fail_endpoint("has no host name, or one too long", error);
    for (size_t i = 0; i < length; i++) {
        char c = start[i];
        endpoint->host[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    unsigned char address[sizeof(struct in_addr)];
    endpoint->host_is_ip = in_brackets || inet_pton(AF_INET, endpoint->host, address) == 1;
    *rest = start + length;
    return 0;
}

static int parse_port(const char **rest, struct scoop_endpoint *endpoint,
                      struct scoop_error *error) {
    uint16_t standard = endpoint->tls ? 443 : 80;
    unsigned port = standard;
    if (**rest == ':') {
        port = 0;
        for ((*rest)++; **rest >= '0' && **rest <= '9' && port <= UINT16_MAX; (*rest)++)
            port = port * 10 + (unsigned)(**rest - '0');
        if (port == 0 || port > UINT16_MAX)
            return fail_endpoint("has a bad port", error);
    }
    endpoint->port = (uint16_t)port;
    size_t length = strlen(endpoint->host);
    memcpy(endpoint->authority, endpoint->host, length);
    if (port != standard) {
        char digits[5];
        size_t count = 0;
        for (; port > 0; port /= 10)
            digits[count++] = (char)('0' + port % 10);
        endpoint->authority[length++] = ':';
        while (count > 0)
            endpoint->authority[length++] = digits[--count];
    }
    return 0;
}

int scoop_endpoint_parse(const char *url, struct scoop_endpoint *endpoint,
                         struct scoop_error *error) {
    const char *rest = url;
    memset(endpoint, 0, sizeof *endpoint);
    if (parse_scheme(&rest, endpoint, error) != 0)
        return -1;
    if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL)
        return fail_endpoint("holds a user name", error);
    if (parse_host(&rest, endpoint, error) != 0 || parse_port(&rest, endpoint, error) != 0)
        return -1;
    size_t length = strlen(rest);
    if ((length > 0 && *rest != '/') || strpbrk(rest, "?#") != NULL)
        return fail_endpoint("holds more than a host, a port and a path", error);
    while (length > 0 && rest[length - 1] == '/')
        length--;
    if (length >= sizeof endpoint->prefix)
        return fail_endpoint("has too long a path", error);
    for (size_t i = 0; i < length; i++)
        if (rest[i] <= ' ' || rest[i] == 127)
            return fail_endpoint("has characters that must be percent-encoded", error);
    memcpy(endpoint->prefix, rest, length);
    return 0;
}

bool scoop_s3_is_bucket(const char *name, size_t length) {
    if (length < 3 || length >= SCOOP_BUCKET_SIZE || !is_alnum(name[0]) ||
        !is_alnum(name[length - 1]))
        return false;
    for (size_t i = 0; i < length; i++) {
        bool known = is_alnum(name[i]) || name[i] == '.' || name[i] == '-' || name[i] == '_';
        if (!known || (name[i] == '.' && name[i - 1] == '.'))
            return false;
    }
    return true;
}

int scoop_s3_refuse_kind(const char *name, size_t length, struct scoop_error *error) {
    static const struct {
        const char *end, *what;
    } kinds[] = {
        {"--x-s3", "a directory bucket of S3 Express One Zone"},
        {"--xa-s3", "an access point of S3 Express One Zone"},
        {"--op-s3", "an access point of S3 on Outposts"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t end = strlen(kinds[i].end);
        if (length > end && memcmp(name + length - end, kinds[i].end, end) == 0)
            return scoop_fail(error, SCOOP_USAGE,
                              "'%.*s' is %s, which has a protocol of its own that is not spoken "
                              "here: use a general purpose bucket",
                              (int)(length < 100 ? length : 100), name, kinds[i].what);
    }
    return 0;
}

int scoop_s3_uri_parse(const char *text, struct scoop_s3_uri *uri, struct scoop_error *error) {
    memset(uri, 0, sizeof *uri);
    char shown[256];
    scoop_url_display(text, shown, sizeof shown);
    if (strncasecmp(text, "s3://", 5) != 0)
        return scoop_fail(error, SCOOP_USAGE, "'%s' is not of the form s3://bucket/key", shown);
    const char *bucket = text + 5;
    size_t length = strcspn(bucket, "/");
    if (scoop_s3_refuse_kind(bucket, length, error) != 0)
        return -1;
    if (!scoop_s3_is_bucket(bucket, length))
        return scoop_fail(error, SCOOP_USAGE,
                          "'%s' names no bucket: 3 to 63 letters, digits, '.', '-', with a letter "
                          "or digit at both ends",
                          shown);
    memcpy(uri->bucket, bucket, length);
    uri->key = bucket[length] == '/' ? bucket + length + 1 : bucket + length;
    if (strlen(uri->key) > SCOOP_KEY_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "the key in bucket '%s' is longer than %d bytes",
                          uri->bucket, SCOOP_KEY_BYTES);
    return 0;
}
