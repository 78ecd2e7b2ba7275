/* An S3 object as a sink: parts in parallel, Complete in one place, abort on every other way out.
 */
#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"
#include "scoop/retry.h"
#include "scoop/s3_message.h"
#include "sink.h"

enum {
    MAX_SLOTS = 8,
    MAX_COMPLETE_TRIES = 3,
    MAX_ABORT_TRIES = 3,
    ABORT_TIMEOUT_MS = 1000,
    COMPLETION_CEILING = 4 * 1024 * 1024, /* 10,000 parts of some 200 bytes */
    FIRST_PARTS = 64,
};

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_WAITING, SLOT_SENDING };

struct slot {
    struct s3_sink *sink;
    enum slot_state state;
    unsigned char *buffer;
    size_t length;
    uint32_t number;
    struct scoop_s3_call *call;
};

struct s3_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
    struct scoop_s3_client *client;
    struct scoop_budget *budget;
    char *bucket, *key, *content_type;
    size_t part_bytes;
    unsigned slot_count;
    struct slot slots[MAX_SLOTS];
    struct slot *filling;
    struct scoop_s3_part *parts; /* by number - 1; etag NULL until it is stored */
    size_t part_count, part_capacity;
    uint64_t total_bytes;
    enum scoop_s3_checksum checksum_kind;
    uint64_t checksum; /* of all parts that were flushed */
    struct scoop_buf upload_id;
    struct scoop_s3_call *call; /* the one call that is not a part's */
    bool creating;
    struct scoop_buf completion;
    unsigned complete_tries, abort_tries;
    struct scoop_error error;
    struct scoop_sink_facts facts;
};

static void fail(struct s3_sink *sink, const struct scoop_error *error) {
    if (sink->state == SCOOP_SINK_FAILED || sink->state == SCOOP_SINK_ABORTING)
        return;
    sink->error = *error;
    sink->state = SCOOP_SINK_FAILED;
}

static bool multipart(const struct s3_sink *sink) {
    return sink->creating || sink->upload_id.length > 0;
}

static const char *upload_id(struct s3_sink *sink) {
    struct scoop_error ignored = {0};
    return scoop_buf_text(&sink->upload_id, &ignored);
}

static struct scoop_s3_request request_for(const struct s3_sink *sink, const char *method) {
    return (struct scoop_s3_request){
        .method = method,
        .action = "s3:PutObject",
        .bucket = sink->bucket,
        .key = sink->key,
        .user = (void *)sink,
    };
}

static void add_header(struct scoop_s3_request *request, const char *name, const char *value) {
    request->headers[request->header_count++] = (struct scoop_pair){name, value};
}

/* The header x-amz-checksum-…, if there are checksums; `text` must live until the request starts.
 */
static void add_checksum(const struct s3_sink *sink, struct scoop_s3_request *request,
                         const char *text) {
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE)
        add_header(request, scoop_s3_checksum_names(sink->checksum_kind)->header, text);
}

static void add_query(struct scoop_s3_request *request, const char *name, const char *value) {
    request->query[request->query_count++] = (struct scoop_pair){name, value};
}

/* Starts the sink's one call that is not a part's. */
static int start(struct s3_sink *sink, const struct scoop_s3_request *request,
                 struct scoop_error *error) {
    sink->call = scoop_s3_start(sink->client, request, error);
    return sink->call == NULL ? -1 : 0;
}

static void ended(struct s3_sink *sink) {
    sink->facts.retries += scoop_s3_retries(sink->call);
    sink->call = NULL;
}

/* --- parts --- */

static void part_done(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct slot *slot = user;
    struct s3_sink *sink = slot->sink;
    struct scoop_error failure = *error;
    sink->facts.retries += scoop_s3_retries(slot->call);
    slot->call = NULL;
    slot->state = SLOT_FREE;
    slot->length = 0;
    if (failure.code == SCOOP_OK) {
        const char *etag = scoop_http_header(exchange, "ETag");
        struct scoop_s3_part *part = &sink->parts[slot->number - 1];
        part->etag = etag == NULL ? NULL : scoop_strdup(etag);
        if (part->etag != NULL)
            return;
        scoop_fail(&failure, SCOOP_PROTOCOL, "s3://%s/%s: part %u was answered without an ETag",
                   sink->bucket, sink->key, slot->number);
    }
    fail(sink, &failure);
}

static int send_part(struct s3_sink *sink, struct slot *slot, struct scoop_error *error) {
    char number[16];
    snprintf(number, sizeof number, "%u", slot->number);
    struct scoop_s3_request request = request_for(sink, "PUT");
    add_query(&request, "partNumber", number);
    add_query(&request, "uploadId", upload_id(sink));
    add_checksum(sink, &request, sink->parts[slot->number - 1].checksum);
    request.body = slot->buffer;
    request.body_length = slot->length;
    request.on_done = part_done;
    request.user = slot;
    slot->call = scoop_s3_start(sink->client, &request, error);
    if (slot->call == NULL)
        return -1;
    slot->state = SLOT_SENDING;
    return 0;
}

static int send_waiting(struct s3_sink *sink, struct scoop_error *error) {
    for (unsigned i = 0; i < sink->slot_count; i++)
        if (sink->slots[i].state == SLOT_WAITING && send_part(sink, &sink->slots[i], error) != 0)
            return -1;
    return 0;
}

static void send_abort(struct s3_sink *sink);

static void created(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct s3_sink *sink = user;
    struct scoop_error failure = *error;
    ended(sink);
    sink->creating = false;
    if (failure.code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        scoop_s3_parse_upload_id(body->data, body->length, &sink->upload_id, &failure);
    }
    if (sink->state == SCOOP_SINK_ABORTING)
        send_abort(sink);
    else if (failure.code != SCOOP_OK || send_waiting(sink, &failure) != 0)
        fail(sink, &failure);
}

static int create(struct s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_request request = request_for(sink, "POST");
    add_query(&request, "uploads", "");
    add_header(&request, "Content-Type", sink->content_type);
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE) {
        const char *algorithm = scoop_s3_checksum_names(sink->checksum_kind)->algorithm;
        add_header(&request, "x-amz-checksum-algorithm", algorithm);
        add_header(&request, "x-amz-checksum-type", "FULL_OBJECT");
    }
    request.error_in_200 = true;
    request.on_done = created;
    sink->creating = true;
    return start(sink, &request, error);
}

static int new_part(struct s3_sink *sink, uint32_t *number, struct scoop_error *error) {
    if (sink->part_count == SCOOP_S3_MAX_PARTS)
        return scoop_fail(error, SCOOP_TOO_LARGE,
                          "s3://%s/%s: more than %d parts of %zu bytes; raise memory_limit for "
                          "larger parts",
                          sink->bucket, sink->key, SCOOP_S3_MAX_PARTS, sink->part_bytes);
    if (sink->part_count == sink->part_capacity) {
        size_t capacity = sink->part_capacity ? sink->part_capacity * 2 : FIRST_PARTS;
        struct scoop_s3_part *grown = scoop_realloc(sink->parts, capacity * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(error);
        sink->parts = grown;
        sink->part_capacity = capacity;
    }
    *number = (uint32_t)++sink->part_count;
    sink->parts[*number - 1] = (struct scoop_s3_part){*number, NULL, NULL};
    return 0;
}

static int sum_part(struct s3_sink *sink, const struct slot *slot, struct scoop_error *error) {
    enum scoop_s3_checksum kind = sink->checksum_kind;
    char text[SCOOP_S3_CHECKSUM_SIZE];
    uint64_t part = scoop_s3_checksum_add(kind, 0, slot->buffer, slot->length);
    if (kind == SCOOP_S3_CHECKSUM_NONE)
        return 0;
    sink->checksum = scoop_s3_checksum_join(kind, sink->checksum, part, slot->length);
    if (scoop_s3_checksum_text(kind, part, text, error) != 0)
        return -1;
    sink->parts[slot->number - 1].checksum = scoop_strdup(text);
    return sink->parts[slot->number - 1].checksum == NULL ? scoop_fail_memory(error) : 0;
}

/* Hands the part that is being filled to the network. */
static int flush(struct s3_sink *sink, struct scoop_error *error) {
    struct slot *slot = sink->filling;
    if (new_part(sink, &slot->number, error) != 0 || sum_part(sink, slot, error) != 0)
        return -1;
    slot->state = SLOT_WAITING;
    sink->filling = NULL;
    if (!multipart(sink))
        return create(sink, error);
    return sink->creating ? 0 : send_part(sink, slot, error);
}

static int take_slot(struct s3_sink *sink, struct scoop_error *error) {
    for (unsigned i = 0; i < sink->slot_count; i++) {
        struct slot *slot = &sink->slots[i];
        if (slot->state != SLOT_FREE)
            continue;
        if (slot->buffer == NULL)
            slot->buffer = scoop_budget_take(sink->budget, sink->part_bytes, error);
        if (slot->buffer == NULL)
            return -1;
        slot->state = SLOT_FILLING;
        slot->length = 0;
        sink->filling = slot;
        return 0;
    }
    return scoop_fail(error, SCOOP_INTERNAL, "a write came while every part was under way");
}

/* --- the sink's interface --- */

static bool s3_ready(struct scoop_sink *base, size_t room_bytes) {
    struct s3_sink *sink = (struct s3_sink *)base;
    size_t room = sink->filling == NULL ? 0 : sink->part_bytes - sink->filling->length;
    for (unsigned i = 0; i < sink->slot_count; i++)
        if (sink->slots[i].state == SLOT_FREE)
            room += sink->part_bytes;
    return room >= room_bytes;
}

static int s3_write(struct scoop_sink *base, const void *data, size_t length,
                    struct scoop_error *error) {
    struct s3_sink *sink = (struct s3_sink *)base;
    const unsigned char *bytes = data;
    while (length > 0) {
        if (sink->filling != NULL && sink->filling->length == sink->part_bytes &&
            flush(sink, error) != 0)
            return -1;
        if (sink->filling == NULL && take_slot(sink, error) != 0)
            return -1;
        struct slot *slot = sink->filling;
        size_t room = sink->part_bytes - slot->length;
        size_t taken = length < room ? length : room;
        memcpy(slot->buffer + slot->length, bytes, taken);
        slot->length += taken;
        sink->total_bytes += taken;
        bytes += taken;
        length -= taken;
    }
    return 0;
}

static int s3_seal(struct scoop_sink *base, struct scoop_error *error) {
    struct s3_sink *sink = (struct s3_sink *)base;
    sink->state = SCOOP_SINK_SEALING;
    if (!multipart(sink))
        return 0;
    return sink->filling == NULL ? 0 : flush(sink, error);
}

static bool idle(const struct s3_sink *sink) {
    if (sink->call != NULL)
        return false;
    for (unsigned i = 0; i < sink->slot_count; i++)
        if (sink->slots[i].state == SLOT_WAITING || sink->slots[i].state == SLOT_SENDING)
            return false;
    return true;
}

static enum scoop_sink_state s3_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct s3_sink *sink = (struct s3_sink *)base;
    if (sink->state == SCOOP_SINK_FAILED)
        *error = sink->error;
    else if (sink->state == SCOOP_SINK_SEALING && idle(sink))
        sink->state = SCOOP_SINK_SEALED;
    return sink->state;
}

static void committed(struct s3_sink *sink, const char *etag) {
    struct scoop_error ignored = {0};
    snprintf(sink->facts.etag, sizeof sink->facts.etag, "%s", etag == NULL ? "" : etag);
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    char text[SCOOP_S3_CHECKSUM_SIZE];
    if (names != NULL &&
        scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, &ignored) == 0)
        snprintf(sink->facts.checksum, sizeof sink->facts.checksum, "%s:%s", names->algorithm,
                 text);
    sink->facts.parts = (uint32_t)sink->part_count;
    sink->state = SCOOP_SINK_COMMITTED;
}

static void put_done(void *user, struct scoop_http_exchange *exchange,
                     const struct scoop_error *error) {
    struct s3_sink *sink = user;
    ended(sink);
    if (error->code == SCOOP_OK)
        committed(sink, scoop_http_header(exchange, "ETag"));
    else
        fail(sink, error);
}

static int put(struct s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_request request = request_for(sink, "PUT");
    char text[SCOOP_S3_CHECKSUM_SIZE];
    add_header(&request, "Content-Type", sink->content_type);
    if (sink->filling != NULL) {
        request.body = sink->filling->buffer;
        request.body_length = sink->filling->length;
    }
    sink->checksum =
        scoop_s3_checksum_add(sink->checksum_kind, 0, request.body, request.body_length);
    if (scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, error) != 0)
        return -1;
    add_checksum(sink, &request, text);
    request.on_done = put_done;
    return start(sink, &request, error);
}

/* --- Complete, and what to do when its answer is lost --- */

static int complete(struct s3_sink *sink, struct scoop_error *error);

static bool same_checksum(struct s3_sink *sink, struct scoop_http_exchange *exchange) {
    struct scoop_error ignored = {0};
    char expected[SCOOP_S3_CHECKSUM_SIZE];
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    const char *found = names == NULL ? NULL : scoop_http_header(exchange, names->header);
    return found != NULL &&
           scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, expected, &ignored) == 0 &&
           strcmp(found, expected) == 0;
}

static bool same_etag(struct s3_sink *sink, struct scoop_http_exchange *exchange) {
    char expected[SCOOP_ETAG_SIZE];
    const char *etag = scoop_http_header(exchange, "ETag");
    return etag != NULL && scoop_s3_multipart_etag(sink->parts, sink->part_count, expected) &&
           strcmp(etag, expected) == 0;
}

/* Whether the object under our key is what our parts make: by the ETag where it is made of MD5s,
 * else (KMS) by the checksum and the shape of the ETag. */
static bool is_ours(struct s3_sink *sink, struct scoop_http_exchange *exchange) {
    char suffix[16];
    if (scoop_http_content_length(exchange) != (int64_t)sink->total_bytes)
        return false;
    if (same_etag(sink, exchange))
        return true;
    char expected[SCOOP_ETAG_SIZE];
    if (scoop_s3_multipart_etag(sink->parts, sink->part_count, expected))
        return false;
    snprintf(suffix, sizeof suffix, "-%zu\"", sink->part_count);
    const char *etag = scoop_http_header(exchange, "ETag");
    return etag != NULL && strstr(etag, suffix) != NULL && same_checksum(sink, exchange);
}

static void looked(void *user, struct scoop_http_exchange *exchange,
                   const struct scoop_error *error) {
    struct s3_sink *sink = user;
    ended(sink);
    if (error->code == SCOOP_OK && is_ours(sink, exchange)) {
        committed(sink, scoop_http_header(exchange, "ETag"));
    } else if (sink->state == SCOOP_SINK_ABORTING) {
        sink->state = SCOOP_SINK_ABORTED;
    } else if (sink->error.retryable && sink->complete_tries < MAX_COMPLETE_TRIES) {
        struct scoop_error failure = {0};
        if (complete(sink, &failure) != 0)
            fail(sink, &failure);
    } else {
        sink->state = SCOOP_SINK_FAILED;
    }
}

static int look(struct s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_request request = request_for(sink, "HEAD");
    request.action = "s3:GetObject";
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE)
        add_header(&request, "x-amz-checksum-mode", "ENABLED");
    request.on_done = looked;
    return start(sink, &request, error);
}

static void completed(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct s3_sink *sink = user;
    struct scoop_s3_error refusal;
    char etag[SCOOP_ETAG_SIZE];
    sink->error = *error;
    ended(sink);
    if (error->code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        if (scoop_s3_parse_completion(body->data, body->length, etag, &refusal) ==
            SCOOP_S3_COMPLETED) {
            committed(sink, etag);
            return;
        }
        scoop_fail(&sink->error, SCOOP_PROTOCOL,
                   "s3://%s/%s: the answer to CompleteMultipartUpload is cut short", sink->bucket,
                   sink->key);
    }
    /* An attempt whose answer was lost may have succeeded: the object itself tells. */
    struct scoop_error failure = {0};
    if (look(sink, &failure) != 0)
        fail(sink, &failure);
}

static int complete(struct s3_sink *sink, struct scoop_error *error) {
    sink->complete_tries++;
    sink->completion.length = 0;
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    char text[SCOOP_S3_CHECKSUM_SIZE], size[24];
    if (scoop_s3_build_completion(sink->parts, sink->part_count,
                                  names == NULL ? NULL : names->element, &sink->completion,
                                  error) != 0 ||
        scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, error) != 0)
        return -1;
    struct scoop_s3_request request = request_for(sink, "POST");
    add_query(&request, "uploadId", upload_id(sink));
    add_header(&request, "Content-Type", "text/xml");
    if (names != NULL) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)sink->total_bytes);
        add_header(&request, "x-amz-checksum-type", "FULL_OBJECT");
        add_header(&request, "x-amz-mp-object-size", size);
        add_checksum(sink, &request, text);
    }
    request.body = sink->completion.data;
    request.body_length = sink->completion.length;
    request.error_in_200 = true;
    request.on_done = completed;
    return start(sink, &request, error);
}

static int s3_commit(struct scoop_sink *base, struct scoop_error *error) {
    struct s3_sink *sink = (struct s3_sink *)base;
    sink->state = SCOOP_SINK_COMMITTING;
    return multipart(sink) ? complete(sink, error) : put(sink, error);
}

/* --- abort --- */

/* After an abort the object exists only if a Complete whose answer was lost had won. */
static void gone(struct s3_sink *sink) {
    struct scoop_error ignored = {0};
    if (sink->complete_tries == 0 || look(sink, &ignored) != 0)
        sink->state = SCOOP_SINK_ABORTED;
}

static void parts_listed(void *user, struct scoop_http_exchange *exchange,
                         const struct scoop_error *error) {
    struct s3_sink *sink = user;
    (void)exchange;
    ended(sink);
    /* A part that was under way may have arrived after the abort: then abort again. */
    if (error->code == SCOOP_OK && sink->abort_tries < MAX_ABORT_TRIES)
        send_abort(sink);
    else
        gone(sink);
}

static void list_parts(struct s3_sink *sink) {
    struct scoop_error ignored = {0};
    struct scoop_s3_request request = request_for(sink, "GET");
    request.action = "s3:ListMultipartUploadParts";
    add_query(&request, "uploadId", upload_id(sink));
    add_query(&request, "max-parts", "1");
    request.max_attempts = 1;
    request.total_timeout_ms = ABORT_TIMEOUT_MS;
    request.on_done = parts_listed;
    if (start(sink, &request, &ignored) != 0)
        sink->state = SCOOP_SINK_ABORTED;
}

static void aborted(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct s3_sink *sink = user;
    (void)exchange;
    ended(sink);
    if (error->code == SCOOP_OK)
        list_parts(sink);
    else
        gone(sink);
}

static void send_abort(struct s3_sink *sink) {
    struct scoop_error ignored = {0};
    if (sink->upload_id.length == 0) {
        sink->state = SCOOP_SINK_ABORTED;
        return;
    }
    sink->abort_tries++;
    struct scoop_s3_request request = request_for(sink, "DELETE");
    request.action = "s3:AbortMultipartUpload";
    add_query(&request, "uploadId", upload_id(sink));
    request.max_attempts = 2;
    request.total_timeout_ms = ABORT_TIMEOUT_MS;
    request.on_done = aborted;
    if (start(sink, &request, &ignored) != 0)
        sink->state = SCOOP_SINK_ABORTED;
}

static void s3_abort(struct scoop_sink *base) {
    struct s3_sink *sink = (struct s3_sink *)base;
    sink->state = SCOOP_SINK_ABORTING;
    for (unsigned i = 0; i < sink->slot_count; i++) {
        scoop_s3_cancel(sink->slots[i].call);
        sink->slots[i].call = NULL;
        sink->slots[i].state = SLOT_FREE;
    }
    sink->filling = NULL;
    /* A creation under way is waited for: its upload has no name to abort it by. */
    if (sink->creating)
        return;
    scoop_s3_cancel(sink->call);
    sink->call = NULL;
    send_abort(sink);
}

static void s3_free(struct scoop_sink *base) {
    struct s3_sink *sink = (struct s3_sink *)base;
    scoop_s3_cancel(sink->call);
    for (unsigned i = 0; i < MAX_SLOTS; i++) {
        scoop_s3_cancel(sink->slots[i].call);
        scoop_budget_give(sink->budget, sink->slots[i].buffer, sink->part_bytes);
    }
    for (size_t i = 0; i < sink->part_count; i++) {
        scoop_free((char *)sink->parts[i].etag);
        scoop_free((char *)sink->parts[i].checksum);
    }
    scoop_free(sink->parts);
    scoop_buf_free(&sink->upload_id);
    scoop_buf_free(&sink->completion);
    scoop_free(sink->bucket);
    scoop_free(sink->key);
    scoop_free(sink->content_type);
    scoop_free(sink);
}

static const struct scoop_sink_type s3_type = {"s3",    s3_ready,  s3_write, s3_seal,
                                               s3_poll, s3_commit, s3_abort, s3_free};

void scoop_sink_facts(const struct scoop_sink *base, struct scoop_sink_facts *facts) {
    memset(facts, 0, sizeof *facts);
    if (base->type == &s3_type)
        *facts = ((const struct s3_sink *)base)->facts;
}

struct scoop_sink *scoop_s3_sink_new(const struct scoop_s3_sink_options *options,
                                     struct scoop_error *error) {
    struct s3_sink *sink = scoop_calloc(1, sizeof *sink);
    if (sink == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sink->base.type = &s3_type;
    sink->base.wait_fd = -1;
    sink->client = options->client;
    sink->budget = options->budget;
    sink->part_bytes = options->part_bytes;
    sink->checksum_kind = options->checksum;
    sink->slot_count = options->buffers < MAX_SLOTS ? options->buffers : MAX_SLOTS;
    for (unsigned i = 0; i < MAX_SLOTS; i++)
        sink->slots[i].sink = sink;
    scoop_buf_init(&sink->upload_id, 4096);
    scoop_buf_init(&sink->completion, COMPLETION_CEILING);
    sink->bucket = scoop_strdup(options->bucket);
    sink->key = scoop_strdup(options->key);
    sink->content_type =
        scoop_strdup(options->content_type ? options->content_type : "application/octet-stream");
    if (sink->bucket != NULL && sink->key != NULL && sink->content_type != NULL)
        return &sink->base;
    scoop_fail_memory(error);
    s3_free(&sink->base);
    return NULL;
}
