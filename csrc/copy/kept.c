/* What a stream from S3 to S3 takes along besides the bytes: the source's answer tells the headers,
 * a request beside it the tags, and both are there before the first byte is written. */
#include <string.h>

#include "aws/s3/copy.h"
#include "copy/compression.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"
#include "scoop/buffer.h"

enum { TAGS_CEILING = 8 * 1024 };

void scoop_transfer_watch_headers(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_transfer_options *options = &transfer->options;
    if (transfer->fed || !scoop_place_is_s3(options->source.uri) ||
        !(scoop_place_is_s3(options->destination.uri) || scoop_place_is_s3(options->text_for)))
        return;
    attempt->kept.given = &transfer->object;
    attempt->kept.content_type_given = transfer->options.object.content_type != NULL;
    attempt->source->kept = &attempt->kept;
}

/* --- the tags --- */

static void tags_read(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct scoop_attempt *attempt = user;
    attempt->tags_call = NULL;
    attempt->tags_error = *error;
    struct scoop_buf *body = error->code == SCOOP_OK ? scoop_http_body(exchange) : NULL;
    if (body != NULL)
        scoop_s3_parse_tags(body->data, body->length, &attempt->tags, &attempt->tags_error);
}

int scoop_transfer_ask_tags(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_s3_uri object;
    if (attempt->source->kept == NULL || transfer->options.text_for != NULL ||
        !scoop_kept_headers_want_tags(&attempt->kept))
        return 0;
    if (scoop_s3_uri_parse(transfer->options.source.uri, &object, error) != 0)
        return -1;
    scoop_buf_init(&attempt->tags, TAGS_CEILING);
    struct scoop_s3_request request =
        scoop_s3_tags_request(object.bucket, object.key, tags_read, attempt);
    scoop_s3_read_version(&request, transfer->options.source.s3.version_id);
    attempt->tags_call = scoop_s3_start(attempt->source_client, &request, error);
    return attempt->tags_call == NULL ? -1 : 0;
}

bool scoop_transfer_awaits_tags(const struct scoop_transfer *transfer) {
    return transfer->attempt.tags_call != NULL;
}

/* --- what is given to the sink --- */

/* The files of a split output are packed by whoever writes them. */
static bool is_split_to_gzip(const struct scoop_transfer_options *options) {
    return options->text_for != NULL && (options->compression == SCOOP_COMPRESSION_GZIP ||
                                         scoop_name_is_gzip(options->text_for));
}

static enum scoop_kept_change change_of(const struct scoop_transfer *transfer) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    if (transfer->options.format != SCOOP_FORMAT_RAW)
        return SCOOP_KEPT_RECORDS;
    if (is_split_to_gzip(&transfer->options))
        return SCOOP_KEPT_PACKED;
    if (attempt->handling == SCOOP_KEPT || (attempt->handling == SCOOP_PACKED && attempt->gzip))
        return SCOOP_KEPT_UNCHANGED;
    return attempt->handling == SCOOP_INFLATED ? SCOOP_KEPT_INFLATED : SCOOP_KEPT_PACKED;
}

int scoop_transfer_keep_headers(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_kept_headers *kept = &attempt->kept;
    if (attempt->source->kept == NULL)
        return 0;
    if (attempt->tags_error.code != SCOOP_OK) {
        if (attempt->tags_error.retryable) {
            *error = attempt->tags_error;
            return -1;
        }
        scoop_kept_headers_tags_refused(kept, attempt->tags_error.http_status);
    }
    if (scoop_kept_headers_add_tags(kept, (const char *)attempt->tags.data, attempt->tags.length,
                                    error) != 0)
        return -1;
    scoop_kept_headers_adapt(kept, change_of(transfer),
                             scoop_compression_packs(&transfer->options) ||
                                 is_split_to_gzip(&transfer->options));
    if (transfer->options.text_for != NULL)
        scoop_kept_headers_lose_all(kept, "the files of a split output have what object_options "
                                          "give, and nothing of the source");
    else
        scoop_s3_sink_keep(attempt->sink, kept);
    return 0;
}
