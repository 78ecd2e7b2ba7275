/* An S3 object copied by the server: CopyObject when small, else UploadPartCopy, several at once,
 * into an upload that an S3 sink creates, completes and aborts as every other. The source's ETag is
 * demanded of each part. */
#include "copy/server_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3/copy.h"
#include "aws/s3/object_headers.h"
#include "base/invariant.h"
#include "copy/compression.h"
#include "copy/places.h"
#include "copy/server_copy_internal.h"
#include "scoop/memory.h"

enum { COPY_SOURCE_CEILING = 8 * 1024 };

static const uint64_t PART_BYTES = UINT64_C(64) * 1024 * 1024;
static const uint64_t MOST_AT_ONCE_BYTES = UINT64_C(5) * 1024 * 1024 * 1024; /* S3's limit */

void scoop_server_copy_fail(struct scoop_server_copy *copy, const struct scoop_error *error) {
    if (copy->state == SCOOP_SINK_FAILED || copy->state == SCOOP_SINK_ABORTING)
        return;
    copy->error = *error;
    copy->state = SCOOP_SINK_FAILED;
}

int scoop_server_copy_start(struct scoop_server_copy *copy, struct scoop_s3_request *request,
                            struct scoop_error *error) {
    copy->call = scoop_s3_start(copy->target.client, request, error);
    return copy->call == NULL ? -1 : 0;
}

void scoop_server_copy_ended(struct scoop_server_copy *copy) {
    copy->facts.retries += scoop_s3_retries(copy->call);
    copy->call = NULL;
}

bool scoop_server_copy_in_parts(const struct scoop_server_copy *copy) {
    uint64_t most = copy->at_once || copy->kept.incomplete ? MOST_AT_ONCE_BYTES : PART_BYTES;
    return (uint64_t)copy->source.source_bytes > most;
}

static int fail_changed(const struct scoop_server_copy *copy, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "s3://%s/%s changed while it was copied",
                      copy->bucket, copy->key);
}

/* The request to the destination that names the source and the ETag it must have. */
static struct scoop_s3_request copy_request(struct scoop_server_copy *copy) {
    struct scoop_s3_request request = {
        .method = "PUT",
        .action = "s3:PutObject",
        .bucket = copy->target.bucket,
        .key = copy->target.key,
    };
    scoop_s3_add_header(&request, "x-amz-copy-source", (const char *)copy->copy_source.data);
    scoop_s3_add_header(&request, "x-amz-copy-source-if-match", copy->source.source_etag);
    request.error_in_200 = true;
    return request;
}

static int read_copied(struct scoop_server_copy *copy, struct scoop_http_exchange *exchange,
                       const struct scoop_error *answer, struct scoop_s3_copied *copied,
                       struct scoop_error *error) {
    if (answer->code == SCOOP_DESTINATION_CHANGED)
        return fail_changed(copy, error);
    if (answer->code != SCOOP_OK) {
        *error = *answer;
        return -1;
    }
    struct scoop_buf *body = scoop_http_body(exchange);
    return scoop_s3_parse_copied(body->data, body->length, copy->target.checksum, copied, error);
}

static int fail_checksum(const struct scoop_server_copy *copy, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_CORRUPT,
                      "s3://%s/%s: what the server copied has another checksum than the source",
                      copy->target.bucket, copy->target.key);
}

/* --- in parts --- */

static uint64_t part_length(const struct scoop_server_copy *copy, uint32_t number) {
    uint64_t left = (uint64_t)copy->source.source_bytes - (number - 1) * copy->part_bytes;
    return left < copy->part_bytes ? left : copy->part_bytes;
}

static int keep_part(struct scoop_server_copy *copy, uint32_t number,
                     const struct scoop_s3_copied *copied, struct scoop_error *error) {
    if (scoop_s3_sink_note_copy(copy->upload, number, copied->etag, copied->checksum, error) != 0)
        return -1;
    copy->arrived++;
    copy->source.copied_bytes += part_length(copy, number);
    return 0;
}

static void part_copied(void *user, struct scoop_http_exchange *exchange,
                        const struct scoop_error *error) {
    struct scoop_server_copy_slot *slot = user;
    struct scoop_server_copy *copy = slot->copy;
    struct scoop_s3_copied copied;
    struct scoop_error failure = {0};
    copy->facts.retries += scoop_s3_retries(slot->call);
    slot->call = NULL;
    if (read_copied(copy, exchange, error, &copied, &failure) != 0 ||
        keep_part(copy, slot->number, &copied, &failure) != 0)
        scoop_server_copy_fail(copy, &failure);
}

static int copy_part(struct scoop_server_copy *copy, struct scoop_server_copy_slot *slot,
                     struct scoop_error *error) {
    char number[16], range[64];
    slot->number = copy->started + 1;
    uint64_t first = (slot->number - 1) * copy->part_bytes;
    snprintf(number, sizeof number, "%u", slot->number);
    snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, first,
             first + part_length(copy, slot->number) - 1);
    struct scoop_s3_request request = copy_request(copy);
    scoop_s3_add_query(&request, "partNumber", number);
    scoop_s3_add_query(&request, "uploadId", scoop_sink_upload_id(copy->upload));
    scoop_s3_add_header(&request, "x-amz-copy-source-range", range);
    request.on_done = part_copied;
    request.user = slot;
    slot->call = scoop_s3_start(copy->target.client, &request, error);
    if (slot->call == NULL)
        return -1;
    copy->started++;
    return 0;
}

/* Joins the parts' checksums, if the server told them; if not, the source's own is demanded. */
static int sum_up(struct scoop_server_copy *copy, struct scoop_error *error) {
    enum scoop_s3_checksum kind = copy->target.checksum;
    bool kept = kind != SCOOP_S3_CHECKSUM_NONE && copy->source_kind == kind;
    uint64_t whole = copy->source_checksum;
    bool known = scoop_s3_sink_sum_copies(copy->upload, &whole);
    if (known && kept && whole != copy->source_checksum)
        return fail_checksum(copy, error);
    scoop_s3_sink_end_copies(copy->upload, known || kept ? &whole : NULL);
    return 0;
}

/* Whether an answer is on its way that will move the copy on. */
static bool is_under_way(const struct scoop_server_copy *copy) {
    for (unsigned i = 0; i < SCOOP_SERVER_COPY_SLOTS; i++)
        if (copy->slots[i].call != NULL)
            return true;
    return copy->call != NULL;
}

static int copy_parts(struct scoop_server_copy *copy, struct scoop_error *error) {
    for (unsigned i = 0; i < SCOOP_SERVER_COPY_SLOTS && copy->started < copy->part_count; i++)
        if (copy->slots[i].call == NULL && copy_part(copy, &copy->slots[i], error) != 0)
            return -1;
    if (copy->arrived < copy->part_count)
        return SCOOP_INVARIANT(is_under_way(copy), error) ? 0 : -1;
    if (sum_up(copy, error) != 0)
        return -1;
    copy->state = SCOOP_SINK_SEALED;
    return 0;
}

/* Begins the upload: parts of one size, as many as S3 allows at most. */
static int plan_parts(struct scoop_server_copy *copy, struct scoop_error *error) {
    uint64_t total = (uint64_t)copy->source.source_bytes;
    copy->part_bytes = PART_BYTES;
    while (copy->part_bytes * SCOOP_S3_MAX_PARTS < total)
        copy->part_bytes *= 2;
    copy->part_count = (uint32_t)((total + copy->part_bytes - 1) / copy->part_bytes);
    copy->upload = scoop_s3_sink_new(&copy->target, error);
    if (copy->upload == NULL)
        return -1;
    const struct scoop_s3_copies copies = {
        .total_bytes = total,
        .part_bytes = copy->part_bytes,
        .kept = &copy->kept,
    };
    return scoop_s3_sink_begin_copies(copy->upload, &copies, error);
}

void scoop_server_copy_begin(struct scoop_server_copy *copy) {
    struct scoop_error error = {0};
    bool in_parts = scoop_server_copy_in_parts(copy);
    if (copy->kept.incomplete && (in_parts || copy->replaces)) {
        copy->source.verdict = SCOOP_SERVER_COPY_DECLINES;
        return;
    }
    copy->source.verdict = SCOOP_SERVER_COPY_COPIES;
    copy->source.in_parts = in_parts;
    copy->state = in_parts ? SCOOP_SINK_SEALING : SCOOP_SINK_SEALED;
    if (in_parts && plan_parts(copy, &error) != 0)
        scoop_server_copy_fail(copy, &error);
}

/* --- in one request --- */

static void note_commit(struct scoop_server_copy *copy, const struct scoop_s3_copied *copied) {
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(copy->target.checksum);
    const char *quote = copied->etag[0] == '"' ? "" : "\"";
    snprintf(copy->facts.etag, sizeof copy->facts.etag, "%s%.120s%s", quote, copied->etag, quote);
    if (names != NULL && copied->checksum[0] != 0)
        snprintf(copy->facts.checksum, sizeof copy->facts.checksum, "%s:%s", names->algorithm,
                 copied->checksum);
    copy->source.copied_bytes = (uint64_t)copy->source.source_bytes;
    copy->facts.in_doubt = false;
    copy->state = SCOOP_SINK_COMMITTED;
}

static int check_copied(const struct scoop_server_copy *copy, const struct scoop_s3_copied *copied,
                        struct scoop_error *error) {
    uint64_t value;
    if (copied->checksum[0] == 0 || copy->source_kind != copy->target.checksum)
        return 0;
    if (scoop_s3_checksum_parse(copy->source_kind, copied->checksum, &value) &&
        value == copy->source_checksum)
        return 0;
    return fail_checksum(copy, error);
}

static void object_copied(void *user, struct scoop_http_exchange *exchange,
                          const struct scoop_error *error) {
    struct scoop_server_copy *copy = user;
    struct scoop_s3_copied copied;
    struct scoop_error failure = {0};
    bool refused = error->http_status >= 400 && error->http_status < 500;
    if (refused && scoop_s3_retries(copy->call) == 0)
        copy->facts.in_doubt = false;
    scoop_server_copy_ended(copy);
    bool copies = read_copied(copy, exchange, error, &copied, &failure) == 0 &&
                  check_copied(copy, &copied, &failure) == 0;
    if (!copies && copy->state == SCOOP_SINK_ABORTING)
        copy->state = SCOOP_SINK_ABORTED;
    else if (!copies)
        scoop_server_copy_fail(copy, &failure);
    else
        note_commit(copy, &copied);
}

/* With a header that replaces one of the source's, all have to be named. */
static void add_headers(struct scoop_server_copy *copy, struct scoop_s3_request *request) {
    const struct scoop_kept_headers *kept = &copy->kept;
    if (copy->replaces) {
        const char *type = kept->content_type;
        scoop_s3_add_header(request, "x-amz-metadata-directive", "REPLACE");
        scoop_s3_add_header(request, "Content-Type", type ? type : copy->target.content_type);
        for (size_t i = 0; i < kept->count; i++)
            scoop_s3_add_header(request, kept->pairs[i].name, kept->pairs[i].value);
    }
    if (copy->tags_given)
        scoop_s3_add_header(request, "x-amz-tagging-directive", "REPLACE");
    scoop_s3_add_object_headers(request, copy->target.object);
}

static int copy_object(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_request request = copy_request(copy);
    add_headers(copy, &request);
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(copy->target.checksum);
    if (names != NULL)
        scoop_s3_add_header(&request, "x-amz-checksum-algorithm", names->algorithm);
    request.on_done = object_copied;
    request.user = copy;
    copy->facts.in_doubt = scoop_server_copy_start(copy, &request, error) == 0;
    return copy->facts.in_doubt ? 0 : -1;
}

/* --- what a transfer does with it --- */

/* The state of the upload of the parts, which is completed and aborted by its sink. */
static void follow_upload(struct scoop_server_copy *copy) {
    struct scoop_sink_facts facts;
    copy->state = copy->upload->type->poll(copy->upload, &copy->error);
    scoop_sink_facts(copy->upload, &facts);
    copy->facts.in_doubt = facts.in_doubt;
    if (copy->state != SCOOP_SINK_COMMITTED)
        return;
    facts.retries += copy->facts.retries;
    copy->facts = facts;
}

static void move_parts(struct scoop_server_copy *copy) {
    struct scoop_error error = {0};
    if (copy->upload->type->poll(copy->upload, &error) == SCOOP_SINK_FAILED ||
        (scoop_s3_sink_takes_copies(copy->upload) && copy_parts(copy, &error) != 0))
        scoop_server_copy_fail(copy, &error);
}

enum scoop_sink_state scoop_server_copy_poll(struct scoop_server_copy *copy,
                                             struct scoop_error *error) {
    bool ends = copy->state == SCOOP_SINK_COMMITTING || copy->state == SCOOP_SINK_ABORTING;
    bool looks =
        copy->state == SCOOP_SINK_OPEN && copy->source.verdict == SCOOP_SERVER_COPY_LOOKING;
    struct scoop_error broken = {0};
    if (copy->state == SCOOP_SINK_SEALING)
        move_parts(copy);
    else if (copy->upload != NULL && ends)
        follow_upload(copy);
    else if ((ends || looks) && !SCOOP_INVARIANT(is_under_way(copy), &broken))
        scoop_server_copy_fail(copy, &broken);
    if (copy->state == SCOOP_SINK_FAILED)
        *error = copy->error;
    return copy->state;
}

int scoop_server_copy_commit(struct scoop_server_copy *copy, struct scoop_error *error) {
    int status = copy->upload != NULL ? copy->upload->type->commit(copy->upload, error)
                                      : copy_object(copy, error);
    if (status == 0)
        copy->state = SCOOP_SINK_COMMITTING;
    return status;
}

static void cancel_calls(struct scoop_server_copy *copy) {
    scoop_s3_cancel(copy->call);
    copy->call = NULL;
    for (unsigned i = 0; i < SCOOP_SERVER_COPY_SLOTS; i++) {
        scoop_s3_cancel(copy->slots[i].call);
        copy->slots[i].call = NULL;
    }
}

/* Of an abort: whether a CopyObject is under way that the server may carry out. */
static bool awaits_copy(struct scoop_server_copy *copy) {
    if (copy->state != SCOOP_SINK_COMMITTING || copy->upload != NULL || copy->call == NULL)
        return false;
    if (scoop_s3_await_answer(copy->call))
        return true;
    copy->facts.in_doubt = scoop_s3_retries(copy->call) > 0;
    return false;
}

void scoop_server_copy_abort(struct scoop_server_copy *copy) {
    bool awaits = awaits_copy(copy);
    copy->state = awaits || copy->upload != NULL ? SCOOP_SINK_ABORTING : SCOOP_SINK_ABORTED;
    if (awaits)
        return;
    cancel_calls(copy);
    if (copy->upload != NULL)
        copy->upload->type->abort(copy->upload);
}

void scoop_server_copy_free(struct scoop_server_copy *copy) {
    if (copy == NULL)
        return;
    cancel_calls(copy);
    if (copy->upload != NULL)
        copy->upload->type->free(copy->upload);
    scoop_kept_headers_free(&copy->kept);
    scoop_buf_free(&copy->copy_source);
    scoop_free((char *)copy->target.bucket);
    scoop_free((char *)copy->target.key);
    scoop_free((char *)copy->target.content_type);
    scoop_free(copy->bucket);
    scoop_free(copy->version_id);
    scoop_free(copy->key);
    scoop_free(copy);
}

void scoop_server_copy_sink_facts(const struct scoop_server_copy *copy,
                                  struct scoop_sink_facts *facts) {
    *facts = copy->facts;
}

void scoop_server_copy_facts(const struct scoop_server_copy *copy,
                             struct scoop_server_copy_facts *facts) {
    *facts = copy->source;
    facts->lost = copy->source.in_parts ? copy->kept.lost : "";
}

bool scoop_server_copy_is_refusal(const struct scoop_error *error) {
    return error->code == SCOOP_CORRUPT ||
           (!error->retryable && error->http_status != 0 &&
            (error->code == SCOOP_HTTP || error->code == SCOOP_ACCESS_DENIED));
}

/* --- setting it up --- */

static void note_given(struct scoop_server_copy *copy, const struct scoop_object_headers *object) {
    for (size_t i = 0; object != NULL && i < object->count; i++) {
        const char *name = object->pairs[i].name;
        copy->replaces = copy->replaces || scoop_kept_headers_holds(name);
        copy->tags_given = copy->tags_given || strcmp(name, "x-amz-tagging") == 0;
    }
}

static int copy_strings(struct scoop_server_copy *copy,
                        const struct scoop_server_copy_options *options,
                        struct scoop_error *error) {
    const char *type = options->target.content_type;
    copy->bucket = scoop_strdup(options->bucket);
    copy->key = scoop_strdup(options->key);
    if (options->version_id != NULL &&
        (copy->version_id = scoop_strdup(options->version_id)) == NULL)
        return scoop_fail_memory(error);
    copy->target.bucket = scoop_strdup(options->target.bucket);
    copy->target.key = scoop_strdup(options->target.key);
    copy->target.content_type = scoop_strdup(type == NULL ? "application/octet-stream" : type);
    if (copy->bucket == NULL || copy->key == NULL || copy->target.bucket == NULL ||
        copy->target.key == NULL || copy->target.content_type == NULL)
        return scoop_fail_memory(error);
    return 0;
}

static int set_up(struct scoop_server_copy *copy, const struct scoop_server_copy_options *options,
                  struct scoop_error *error) {
    scoop_buf_init(&copy->copy_source, COPY_SOURCE_CEILING);
    copy->target = options->target;
    copy->at_once = options->at_once;
    copy->replaces = copy->kept.content_type_given = options->content_type_given;
    copy->kept.given = options->target.object;
    note_given(copy, options->target.object);
    copy->copies_gzip = options->copies_gzip;
    copy->copies_plain = options->copies_plain;
    copy->copies_empty = options->copies_empty;
    copy->source.source_bytes = -1;
    copy->source_kind = SCOOP_S3_CHECKSUM_NONE;
    for (unsigned i = 0; i < SCOOP_SERVER_COPY_SLOTS; i++)
        copy->slots[i].copy = copy;
    if (copy_strings(copy, options, error) != 0 ||
        scoop_s3_build_copy_source(copy->bucket, copy->key, copy->version_id, &copy->copy_source,
                                   error) != 0 ||
        scoop_buf_text(&copy->copy_source, error) == NULL)
        return -1;
    return scoop_server_copy_look(copy, error);
}

struct scoop_server_copy *scoop_server_copy_new(const struct scoop_server_copy_options *options,
                                                struct scoop_error *error) {
    struct scoop_server_copy *copy = scoop_calloc(1, sizeof *copy);
    if (copy == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    if (set_up(copy, options, error) == 0)
        return copy;
    scoop_server_copy_free(copy);
    return NULL;
}

/* --- when --- */

static bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_provider(const struct scoop_credentials_provider *a,
                          const struct scoop_credentials_provider *b) {
    if (a->get == NULL || b->get == NULL)
        return a->get == b->get;
    return a->identity != NULL && a->identity == b->identity;
}

static bool same_access(const struct scoop_s3_options *a, const struct scoop_s3_options *b) {
    return same_text(a->endpoint_url, b->endpoint_url) && a->virtual_hosts == b->virtual_hosts &&
           same_text(a->region, b->region) &&
           same_text(a->credentials.access_key_id, b->credentials.access_key_id) &&
           same_text(a->credentials.secret_access_key, b->credentials.secret_access_key) &&
           same_text(a->credentials.session_token, b->credentials.session_token) &&
           same_provider(&a->provider, &b->provider) && a->requester_pays == b->requester_pays &&
           same_text(a->expected_bucket_owner, b->expected_bucket_owner);
}

bool scoop_server_copy_is_possible(const struct scoop_transfer_options *options) {
    return scoop_place_is_s3(options->source.uri) && scoop_place_is_s3(options->destination.uri) &&
           options->format == SCOOP_FORMAT_RAW && options->head_lines == 0 &&
           !options->through_client && !options->keep_existing && options->if_match == NULL &&
           (options->compression_level == 0 || !scoop_compression_packs(options)) &&
           same_access(&options->source.s3, &options->destination.s3);
}
