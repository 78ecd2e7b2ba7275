/* What a server-side copy has to know of its source: HEAD, the first bytes, the tags. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/s3/copy.h"
#include "base/invariant.h"
#include "copy/server_copy_internal.h"
#include "scoop/memory.h"
#include "stage/sniff.h"
#include "text/header.h"

enum { TAGS_CEILING = 8 * 1024 };

static struct scoop_s3_request source_request(struct scoop_server_copy *copy, const char *method,
                                              const char *action) {
    struct scoop_s3_request request = {
        .method = method,
        .action = action,
        .bucket = copy->bucket,
        .key = copy->key,
        .user = copy,
    };
    scoop_s3_read_version(&request, copy->version_id);
    return request;
}

/* What cannot be looked at is read as a stream, which has its own words for why not. */
static void decline(struct scoop_server_copy *copy) {
    copy->source.verdict = SCOOP_SERVER_COPY_DECLINES;
}

/* --- the tags, which an upload in parts has to be given --- */

static int keep_header(struct scoop_server_copy *copy, const char *name, size_t name_length,
                       const char *value, size_t value_length) {
    if (!SCOOP_INVARIANT(copy->header_count <= SCOOP_SERVER_COPY_HEADERS, NULL))
        return -1;
    struct scoop_pair *pair = &copy->headers[copy->header_count];
    pair->name = scoop_strndup(name, name_length);
    pair->value = scoop_strndup(value, value_length);
    copy->header_count++;
    return pair->name == NULL || pair->value == NULL ? -1 : 0;
}

static void tags_read(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    static const char name[] = "x-amz-tagging";
    struct scoop_server_copy *copy = user;
    struct scoop_error failure = *error;
    struct scoop_buf tags;
    scoop_buf_init(&tags, TAGS_CEILING);
    scoop_server_copy_ended(copy);
    if (failure.code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        if (scoop_s3_parse_tags(body->data, body->length, &tags, &failure) == 0 &&
            keep_header(copy, name, strlen(name), (const char *)tags.data, tags.length) != 0)
            scoop_fail_memory(&failure);
    }
    scoop_buf_free(&tags);
    if (failure.code != SCOOP_OK)
        scoop_server_copy_fail(copy, &failure);
    else
        scoop_server_copy_begin(copy);
}

static int read_tags(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_request request = source_request(copy, "GET", "s3:GetObjectTagging");
    scoop_s3_add_query(&request, "tagging", "");
    request.error_in_200 = true;
    request.on_done = tags_read;
    return scoop_server_copy_start(copy, &request, error);
}

/* --- the first bytes --- */

static int decide(struct scoop_server_copy *copy, const unsigned char *data, size_t length,
                  struct scoop_error *error) {
    copy->source.gzip = scoop_sniff(data, length) == SCOOP_CONTENT_GZIP;
    if (copy->source.gzip != copy->gzips) {
        decline(copy);
        return 0;
    }
    if (copy->tagged && scoop_server_copy_in_parts(copy))
        return read_tags(copy, error);
    scoop_server_copy_begin(copy);
    return 0;
}

static void sniffed(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct scoop_server_copy *copy = user;
    struct scoop_error failure = *error;
    scoop_server_copy_ended(copy);
    if (failure.code != SCOOP_OK) {
        if (failure.retryable)
            scoop_server_copy_fail(copy, &failure);
        else
            decline(copy);
        return;
    }
    struct scoop_buf *body = scoop_http_body(exchange);
    if (decide(copy, body->data, body->length, &failure) != 0)
        scoop_server_copy_fail(copy, &failure);
}

static int sniff(struct scoop_server_copy *copy, struct scoop_error *error) {
    char range[32];
    snprintf(range, sizeof range, "bytes=0-%d", SCOOP_SNIFF_BYTES - 1);
    struct scoop_s3_request request = source_request(copy, "GET", "s3:GetObject");
    scoop_s3_add_header(&request, "Range", range);
    scoop_s3_add_header(&request, "If-Match", copy->source.source_etag);
    request.on_done = sniffed;
    return scoop_server_copy_start(copy, &request, error);
}

/* --- the facts --- */

static bool is_named(const char *name, size_t length, const char *wanted) {
    return length == strlen(wanted) && strncasecmp(name, wanted, length) == 0;
}

static bool is_metadata(const char *name, size_t length) {
    static const char prefix[] = "x-amz-meta-";
    return length > sizeof prefix - 1 && strncasecmp(name, prefix, sizeof prefix - 1) == 0;
}

/* What CopyObject takes over from the source's headers. */
static bool belongs_to_the_object(const char *name, size_t length) {
    static const char *const names[] = {"Cache-Control", "Content-Disposition", "Content-Encoding",
                                        "Content-Language", "Expires"};
    if (is_metadata(name, length))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_named(name, length, names[i]))
            return true;
    return false;
}

static struct scoop_pair *find_header(struct scoop_server_copy *copy, const char *name,
                                      size_t length) {
    for (size_t i = 0; i < copy->header_count; i++)
        if (is_named(name, length, copy->headers[i].name))
            return &copy->headers[i];
    return NULL;
}

/* A header that comes again counts once; another value is joined to the first, as HTTP has it. */
static int join_header(struct scoop_pair *kept, const char *value, size_t length) {
    size_t before = strlen(kept->value);
    if (before == length && memcmp(kept->value, value, length) == 0)
        return 0;
    size_t size = before + length + 3;
    char *joined = scoop_malloc(size);
    if (joined == NULL)
        return -1;
    snprintf(joined, size, "%s, %.*s", kept->value, (int)length, value);
    scoop_free((char *)kept->value);
    kept->value = joined;
    return 0;
}

static int note_header(void *user, const char *name, size_t name_length, const char *value,
                       size_t value_length) {
    struct scoop_server_copy *copy = user;
    if (is_named(name, name_length, "x-amz-tagging-count"))
        copy->tagged = !copy->tags_given;
    if (is_named(name, name_length, "Content-Type")) {
        if (copy->content_type_given)
            return 0;
        scoop_free((char *)copy->target.content_type);
        copy->target.content_type = scoop_strndup(value, value_length);
        return copy->target.content_type == NULL ? -1 : 0;
    }
    if (!belongs_to_the_object(name, name_length) ||
        (copy->metadata_given && is_metadata(name, name_length)))
        return 0;
    bool sendable =
        scoop_header_is_name(name, name_length) && scoop_header_is_value(value, value_length);
    struct scoop_pair *kept = find_header(copy, name, name_length);
    if (sendable && kept != NULL)
        return join_header(kept, value, value_length);
    if (!sendable || copy->header_count == SCOOP_SERVER_COPY_HEADERS) {
        copy->headers_incomplete = true;
        return 0;
    }
    return keep_header(copy, name, name_length, value, value_length);
}

/* The checksum of the whole source; one with "-" in it is of the parts' checksums. */
static void note_checksum(struct scoop_server_copy *copy, struct scoop_http_exchange *exchange) {
    static const enum scoop_s3_checksum kinds[] = {SCOOP_S3_CHECKSUM_CRC32C,
                                                   SCOOP_S3_CHECKSUM_CRC64NVME};
    const char *type = scoop_http_header(exchange, "x-amz-checksum-type");
    if (type != NULL && strcasecmp(type, "COMPOSITE") == 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *text = scoop_http_header(exchange, scoop_s3_checksum_names(kinds[i])->header);
        if (text == NULL || !scoop_s3_checksum_parse(kinds[i], text, &copy->source_checksum))
            continue;
        copy->source_kind = kinds[i];
        if (copy->target.checksum != SCOOP_S3_CHECKSUM_NONE)
            copy->target.checksum = kinds[i];
        return;
    }
}

static int note_facts(struct scoop_server_copy *copy, struct scoop_http_exchange *exchange,
                      struct scoop_error *error) {
    const char *etag = scoop_http_header(exchange, "ETag");
    snprintf(copy->source.source_etag, sizeof copy->source.source_etag, "%s", etag ? etag : "");
    copy->source.source_bytes = scoop_http_content_length(exchange);
    note_checksum(copy, exchange);
    return scoop_http_each_header(exchange, note_header, copy) == 0 ? 0 : scoop_fail_memory(error);
}

static int go_on(struct scoop_server_copy *copy, struct scoop_http_exchange *exchange,
                 struct scoop_error *error) {
    if (note_facts(copy, exchange, error) != 0)
        return -1;
    /* Without a strong ETag nobody could tell that the source changed while it was copied. */
    char validator[SCOOP_VALIDATOR_SIZE];
    if (!scoop_http_validator(exchange, validator) || validator[0] != '"' ||
        copy->source.source_bytes < 0) {
        decline(copy);
        return 0;
    }
    return copy->source.source_bytes == 0 ? decide(copy, NULL, 0, error) : sniff(copy, error);
}

static void looked(void *user, struct scoop_http_exchange *exchange,
                   const struct scoop_error *error) {
    struct scoop_server_copy *copy = user;
    struct scoop_error failure = *error;
    scoop_server_copy_ended(copy);
    if (failure.code != SCOOP_OK && !failure.retryable)
        decline(copy);
    else if (failure.code != SCOOP_OK || go_on(copy, exchange, &failure) != 0)
        scoop_server_copy_fail(copy, &failure);
}

int scoop_server_copy_look(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_request request = source_request(copy, "HEAD", "s3:GetObject");
    scoop_s3_add_header(&request, "x-amz-checksum-mode", "ENABLED");
    request.on_done = looked;
    return scoop_server_copy_start(copy, &request, error);
}
