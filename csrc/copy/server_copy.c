/* An S3 object copied by the server: CopyObject when small, else UploadPartCopy, several at once,
 * into an upload that is created, completed and aborted as every other. The source's ETag is
 * demanded of each part. */
#include "copy/server_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "copy/chain.h"
#include "copy/places.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "aws/s3/object_headers.h"
#include "aws/s3/copy.h"
#include "copy/server_copy_internal.h"

enum { COPY_SOURCE_CEILING = 4 * 1024 };

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
    copy->call = scoop_s3_start(copy->target->client, request, error);
    return copy->call == NULL ? -1 : 0;
}

void scoop_server_copy_ended(struct scoop_server_copy *copy) {
    copy->facts.retries += scoop_s3_retries(copy->call);
    copy->call = NULL;
}

bool scoop_server_copy_in_parts(const struct scoop_server_copy *copy) {
    uint64_t most = copy->at_once || copy->headers_incomplete ? MOST_AT_ONCE_BYTES : PART_BYTES;
    return (uint64_t)copy->source.source_bytes > most;
}

static int fail_changed(const struct scoop_server_copy *copy, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "s3://%s/%s changed while it was copied",
                      copy->bucket, copy->key);
}

/* The request to the destination that names the source and the ETag it must have. */
static struct scoop_s3_request copy_request(struct scoop_server_copy *copy) {
    struct scoop_s3_request request = scoop_s3_sink_request(copy->target, "PUT");
    scoop_s3_add_header(&request, "x-amz-copy-source", (const char *)copy->copy_source.data);
    scoop_s3_add_header(&request, "x-amz-copy-source-if-match", copy->source.source_etag);
    request.error_in_200 = true;
    return request;
}

static int read_copied(struct scoop_server_copy *copy, struct scoop_http_exchange *exchange,
                       const struct scoop_error *answer, struct scoop_s3_copied *copied,
                       struct scoop_error *error) {
    if (answer->code == SCOOP_PRECONDITION)
        return fail_changed(copy, error);
    if (answer->code != SCOOP_OK) {
        *error = *answer;
        return -1;
    }
    struct scoop_buf *body = scoop_http_body(exchange);
    return scoop_s3_parse_copied(body->data, body->length, copy->target->checksum_kind, copied,
                                 error);
}

static int fail_checksum(const struct scoop_server_copy *copy, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_CORRUPT,
                      "s3://%s/%s: what the server copied has another checksum than the source",
                      copy->target->bucket, copy->target->key);
}

/* --- in parts --- */

static uint64_t part_length(const struct scoop_server_copy *copy, uint32_t number) {
    uint64_t left = (uint64_t)copy->source.source_bytes - (number - 1) * copy->part_bytes;
    return left < copy->part_bytes ? left : copy->part_bytes;
}

static int keep_part(struct scoop_server_copy *copy, uint32_t number,
                     const struct scoop_s3_copied *copied, struct scoop_error *error) {
    struct scoop_s3_part *part = &copy->target->parts[number - 1];
    part->etag = scoop_strdup(copied->etag);
    if (copied->checksum[0] != 0)
        part->checksum = scoop_strdup(copied->checksum);
    if (part->etag == NULL || (copied->checksum[0] != 0 && part->checksum == NULL))
        return scoop_fail_memory(error);
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
    scoop_s3_add_query(&request, "uploadId", scoop_s3_sink_upload_id(copy->target));
    scoop_s3_add_header(&request, "x-amz-copy-source-range", range);
    request.on_done = part_copied;
    request.user = slot;
    slot->call = scoop_s3_start(copy->target->client, &request, error);
    if (slot->call == NULL)
        return -1;
    copy->started++;
    return 0;
}

/* Joins the parts' checksums, if the server told them; if not, the source's own is demanded. */
static int sum_up(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_sink *target = copy->target;
    enum scoop_s3_checksum kind = target->checksum_kind;
    uint64_t whole = 0, part = 0;
    bool known = kind != SCOOP_S3_CHECKSUM_NONE, kept = known && copy->source_kind == kind;
    for (uint32_t i = 0; i < copy->part_count && known; i++) {
        known = target->parts[i].checksum != NULL &&
                scoop_s3_checksum_parse(kind, target->parts[i].checksum, &part);
        whole = scoop_s3_checksum_join(kind, whole, part, part_length(copy, i + 1));
    }
    if (known && kept && whole != copy->source_checksum)
        return fail_checksum(copy, error);
    if (!known && !kept)
        target->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    target->checksum = known ? whole : copy->source_checksum;
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

/* Parts of one size, as many as S3 allows at most. */
static int plan_parts(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_sink *target = copy->target;
    uint64_t total = (uint64_t)copy->source.source_bytes;
    copy->part_bytes = PART_BYTES;
    while (copy->part_bytes * SCOOP_S3_MAX_PARTS < total)
        copy->part_bytes *= 2;
    copy->part_count = (uint32_t)((total + copy->part_bytes - 1) / copy->part_bytes);
    for (uint32_t i = 0; i < copy->part_count; i++) {
        uint32_t number;
        if (scoop_s3_sink_new_part(target, &number, error) != 0)
            return -1;
    }
    target->total_bytes = total;
    target->copied_headers = copy->headers;
    target->copied_header_count = copy->header_count;
    return scoop_s3_sink_create(target, error);
}

/* Whether CopyObject has to be told the headers, not to take them from the source. */
static bool names_headers(const struct scoop_server_copy *copy) {
    return copy->content_type_given || copy->metadata_given;
}

void scoop_server_copy_begin(struct scoop_server_copy *copy) {
    struct scoop_error error = {0};
    bool in_parts = scoop_server_copy_in_parts(copy);
    if (copy->headers_incomplete && (in_parts || names_headers(copy))) {
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
    const struct scoop_s3_checksum_names *names =
        scoop_s3_checksum_names(copy->target->checksum_kind);
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
    if (copied->checksum[0] == 0 || copy->source_kind != copy->target->checksum_kind)
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
    const struct scoop_s3_sink *target = copy->target;
    if (names_headers(copy)) {
        scoop_s3_add_header(request, "x-amz-metadata-directive", "REPLACE");
        scoop_s3_add_header(request, "Content-Type", target->content_type);
        for (size_t i = 0; i < copy->header_count; i++)
            scoop_s3_add_header(request, copy->headers[i].name, copy->headers[i].value);
    }
    if (copy->tags_given)
        scoop_s3_add_header(request, "x-amz-tagging-directive", "REPLACE");
    for (size_t i = 0; target->object != NULL && i < target->object->count; i++)
        scoop_s3_add_header(request, target->object->pairs[i].name, target->object->pairs[i].value);
}

static int copy_object(struct scoop_server_copy *copy, struct scoop_error *error) {
    struct scoop_s3_request request = copy_request(copy);
    add_headers(copy, &request);
    const struct scoop_s3_checksum_names *names =
        scoop_s3_checksum_names(copy->target->checksum_kind);
    if (names != NULL)
        scoop_s3_add_header(&request, "x-amz-checksum-algorithm", names->algorithm);
    request.on_done = object_copied;
    request.user = copy;
    copy->facts.in_doubt = scoop_server_copy_start(copy, &request, error) == 0;
    return copy->facts.in_doubt ? 0 : -1;
}

/* --- the sink's interface --- */

static bool copy_ready(struct scoop_sink *base, size_t room_bytes) {
    (void)base;
    (void)room_bytes;
    return true;
}

static int copy_write(struct scoop_sink *base, const void *data, size_t length,
                      struct scoop_error *error) {
    (void)base;
    (void)data;
    (void)length;
    return scoop_fail(error, SCOOP_INTERNAL, "a copy by the server was written to");
}

static int copy_seal(struct scoop_sink *base, struct scoop_error *error) {
    (void)base;
    (void)error;
    return 0;
}

static struct scoop_sink *target_of(struct scoop_server_copy *copy) {
    return &copy->target->base;
}

/* The state of the upload of the parts, which is completed and aborted by its own sink. */
static void follow_target(struct scoop_server_copy *copy) {
    uint32_t retries = copy->facts.retries;
    copy->state = target_of(copy)->type->poll(target_of(copy), &copy->error);
    copy->facts.in_doubt = copy->target->facts.in_doubt;
    if (copy->state != SCOOP_SINK_COMMITTED)
        return;
    scoop_sink_facts(target_of(copy), &copy->facts);
    copy->facts.retries += retries;
}

static void move_parts(struct scoop_server_copy *copy) {
    struct scoop_error error = {0};
    if (target_of(copy)->type->poll(target_of(copy), &error) == SCOOP_SINK_FAILED ||
        (!copy->target->creating && copy_parts(copy, &error) != 0))
        scoop_server_copy_fail(copy, &error);
}

static enum scoop_sink_state copy_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_server_copy *copy = (struct scoop_server_copy *)base;
    bool in_parts = copy->part_count > 0;
    bool ends = copy->state == SCOOP_SINK_COMMITTING || copy->state == SCOOP_SINK_ABORTING;
    bool looks =
        copy->state == SCOOP_SINK_OPEN && copy->source.verdict == SCOOP_SERVER_COPY_LOOKING;
    struct scoop_error broken = {0};
    if (copy->state == SCOOP_SINK_SEALING)
        move_parts(copy);
    else if (in_parts && ends)
        follow_target(copy);
    else if ((ends || looks) && !SCOOP_INVARIANT(is_under_way(copy), &broken))
        scoop_server_copy_fail(copy, &broken);
    if (copy->state == SCOOP_SINK_FAILED)
        *error = copy->error;
    return copy->state;
}

static int copy_commit(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_server_copy *copy = (struct scoop_server_copy *)base;
    int status = copy->part_count > 0 ? target_of(copy)->type->commit(target_of(copy), error)
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
    if (copy->state != SCOOP_SINK_COMMITTING || copy->part_count > 0 || copy->call == NULL)
        return false;
    if (scoop_s3_await_answer(copy->call))
        return true;
    copy->facts.in_doubt = scoop_s3_retries(copy->call) > 0;
    return false;
}

static void copy_abort(struct scoop_sink *base) {
    struct scoop_server_copy *copy = (struct scoop_server_copy *)base;
    bool awaits = awaits_copy(copy);
    copy->state = awaits || copy->part_count > 0 ? SCOOP_SINK_ABORTING : SCOOP_SINK_ABORTED;
    if (awaits)
        return;
    cancel_calls(copy);
    if (copy->part_count > 0)
        target_of(copy)->type->abort(target_of(copy));
}

static void copy_free(struct scoop_sink *base) {
    struct scoop_server_copy *copy = (struct scoop_server_copy *)base;
    cancel_calls(copy);
    if (copy->target != NULL)
        target_of(copy)->type->free(target_of(copy));
    for (size_t i = 0; i < copy->header_count; i++) {
        scoop_free((char *)copy->headers[i].name);
        scoop_free((char *)copy->headers[i].value);
    }
    scoop_buf_free(&copy->copy_source);
    scoop_free(copy->bucket);
    scoop_free(copy->key);
    scoop_free(copy);
}

static const struct scoop_sink_type copy_type = {"server copy", copy_ready,  copy_write, copy_seal,
                                                 copy_poll,     copy_commit, copy_abort, copy_free};

void scoop_server_copy_facts(const struct scoop_sink *sink, struct scoop_server_copy_facts *facts) {
    *facts = ((const struct scoop_server_copy *)sink)->source;
}

bool scoop_server_copy_is_refusal(const struct scoop_error *error) {
    return error->code == SCOOP_CORRUPT ||
           (!error->retryable && error->http_status != 0 &&
            (error->code == SCOOP_HTTP || error->code == SCOOP_ACCESS_DENIED));
}

static void note_given(struct scoop_server_copy *copy, const struct scoop_object_headers *object) {
    for (size_t i = 0; object != NULL && i < object->count; i++) {
        const char *name = object->pairs[i].name;
        copy->metadata_given = copy->metadata_given || strncmp(name, "x-amz-meta-", 11) == 0;
        copy->tags_given = copy->tags_given || strcmp(name, "x-amz-tagging") == 0;
    }
}

static int set_up(struct scoop_server_copy *copy, const struct scoop_server_copy_options *options,
                  struct scoop_error *error) {
    scoop_buf_init(&copy->copy_source, COPY_SOURCE_CEILING);
    copy->base.type = &copy_type;
    copy->base.wait_fd = -1;
    copy->base.facts = &copy->facts;
    copy->at_once = options->at_once;
    copy->content_type_given = options->content_type_given;
    note_given(copy, options->target.object);
    copy->gzips = options->gzips;
    copy->source.source_bytes = -1;
    copy->source_kind = SCOOP_S3_CHECKSUM_NONE;
    for (unsigned i = 0; i < SCOOP_SERVER_COPY_SLOTS; i++)
        copy->slots[i].copy = copy;
    copy->bucket = scoop_strdup(options->bucket);
    copy->key = scoop_strdup(options->key);
    if (copy->bucket == NULL || copy->key == NULL)
        return scoop_fail_memory(error);
    copy->target = (struct scoop_s3_sink *)scoop_s3_sink_new(&options->target, error);
    if (copy->target == NULL ||
        scoop_s3_build_copy_source(copy->bucket, copy->key, &copy->copy_source, error) != 0 ||
        scoop_buf_text(&copy->copy_source, error) == NULL)
        return -1;
    return scoop_server_copy_look(copy, error);
}

struct scoop_sink *scoop_server_copy_new(const struct scoop_server_copy_options *options,
                                         struct scoop_error *error) {
    struct scoop_server_copy *copy = scoop_calloc(1, sizeof *copy);
    if (copy == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    if (set_up(copy, options, error) == 0)
        return &copy->base;
    copy_free(&copy->base);
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
    return same_text(a->endpoint_url, b->endpoint_url) && same_text(a->region, b->region) &&
           same_text(a->credentials.access_key_id, b->credentials.access_key_id) &&
           same_text(a->credentials.secret_access_key, b->credentials.secret_access_key) &&
           same_text(a->credentials.session_token, b->credentials.session_token) &&
           same_provider(&a->provider, &b->provider) && a->requester_pays == b->requester_pays &&
           same_text(a->expected_bucket_owner, b->expected_bucket_owner);
}

bool scoop_server_copy_is_possible(const struct scoop_transfer_options *options) {
    return scoop_place_is_s3(options->source.uri) && scoop_place_is_s3(options->destination.uri) &&
           options->format == SCOOP_FORMAT_RAW && options->head_lines == 0 && !options->as_stored &&
           !options->through_client && !options->keep_existing && options->if_match == NULL &&
           (options->compression_level == 0 || !scoop_chain_gzips(options)) &&
           same_access(&options->source.s3, &options->destination.s3);
}
