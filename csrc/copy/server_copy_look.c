/* What a server-side copy has to know of its source: HEAD, the first bytes, the tags. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/s3/copy.h"
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

static void tags_read(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct scoop_server_copy *copy = user;
    struct scoop_error failure = *error;
    struct scoop_buf tags;
    scoop_buf_init(&tags, TAGS_CEILING);
    scoop_server_copy_ended(copy);
    if (failure.code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        if (scoop_s3_parse_tags(body->data, body->length, &tags, &failure) == 0)
            scoop_kept_headers_add_tags(&copy->kept, (const char *)tags.data, tags.length,
                                        &failure);
    } else if (!failure.retryable) {
        scoop_kept_headers_tags_refused(&copy->kept, failure.http_status);
        failure.code = SCOOP_OK;
    }
    scoop_buf_free(&tags);
    if (failure.code != SCOOP_OK)
        scoop_server_copy_fail(copy, &failure);
    else
        scoop_server_copy_begin(copy);
}

static int read_tags(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_request request =
        scoop_s3_tags_request(copy->bucket, copy->key, tags_read, copy);
    scoop_s3_read_version(&request, copy->version_id);
    return scoop_server_copy_start(copy, &request, error);
}

/* --- the first bytes --- */

static int decide(struct scoop_server_copy *copy, const unsigned char *data, size_t length,
                  struct scoop_error *error) {
    copy->source.gzip = scoop_sniff_is_gzip_header(data, length);
    bool stays = copy->source.gzip ? copy->copies_gzip
                 : length == 0     ? copy->copies_empty
                                   : copy->copies_plain;
    if (!stays) {
        decline(copy);
        return 0;
    }
    if (!copy->tags_given && scoop_server_copy_in_parts(copy))
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
    return scoop_http_each_header(exchange, scoop_kept_headers_note, &copy->kept) == 0
               ? 0
               : scoop_fail_memory(error);
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
