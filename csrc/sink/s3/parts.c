/* The parts of an S3 object: created, summed, sent. */
#include <stdio.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "sink/s3/s3_internal.h"

enum { FIRST_PARTS = 64 };

bool scoop_s3_sink_may_repair(struct scoop_s3_slot *slot, struct scoop_error *error) {
    struct scoop_error failure = {0};
    if (error->code != SCOOP_CORRUPT || error->http_status != 400 || slot->repaired)
        return false;
    slot->repaired = true;
    if (scoop_s3_slot_check(slot, &failure) == 0)
        return true;
    *error = failure;
    return false;
}

static int send_part(struct scoop_s3_sink *sink, struct scoop_s3_slot *slot,
                     struct scoop_error *error);

static void part_done(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct scoop_s3_slot *slot = user;
    struct scoop_s3_sink *sink = slot->sink;
    struct scoop_error failure = *error;
    sink->facts.retries += scoop_s3_retries(slot->call);
    slot->call = NULL;
    if (scoop_s3_sink_may_repair(slot, &failure)) {
        sink->facts.retries++;
        if (send_part(sink, slot, &failure) == 0)
            return;
    }
    scoop_s3_slot_empty(slot);
    if (failure.code == SCOOP_OK) {
        const char *etag = scoop_http_header(exchange, "ETag");
        struct scoop_s3_part *part = &sink->parts[slot->number - 1];
        part->etag = etag == NULL ? NULL : scoop_strdup(etag);
        if (part->etag != NULL)
            return;
        if (etag != NULL)
            scoop_fail_memory(&failure);
        else
            scoop_fail(&failure, SCOOP_PROTOCOL, "s3://%s/%s: part %u was answered without an ETag",
                       sink->bucket, sink->key, slot->number);
    }
    scoop_s3_sink_fail(sink, &failure);
}

static int send_part(struct scoop_s3_sink *sink, struct scoop_s3_slot *slot,
                     struct scoop_error *error) {
    char number[16];
    if (!SCOOP_INVARIANT(slot->number > 0 && slot->number <= sink->part_count, error) ||
        !SCOOP_INVARIANT(slot->call == NULL, error))
        return -1;
    snprintf(number, sizeof number, "%u", slot->number);
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "PUT");
    scoop_s3_add_query(&request, "partNumber", number);
    scoop_s3_add_query(&request, "uploadId", scoop_s3_sink_upload_id(sink));
    scoop_s3_sink_add_checksum(sink, &request, sink->parts[slot->number - 1].checksum);
    scoop_s3_slot_send(slot, &request);
    request.on_done = part_done;
    request.user = slot;
    slot->call = scoop_s3_start(sink->client, &request, error);
    if (slot->call == NULL)
        return -1;
    slot->state = SLOT_SENDING;
    return 0;
}

static int send_waiting(struct scoop_s3_sink *sink, struct scoop_error *error) {
    SCOOP_S3_EACH_SLOT (slot, sink)
        if (slot->state == SLOT_WAITING && send_part(sink, slot, error) != 0)
            return -1;
    return 0;
}

static void created(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    struct scoop_error failure = *error;
    scoop_s3_sink_ended(sink);
    sink->creating = false;
    if (failure.code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        scoop_s3_parse_upload_id(body->data, body->length, &sink->upload_id, &failure);
    }
    if (sink->state == SCOOP_SINK_ABORTING)
        scoop_s3_sink_send_abort(sink);
    else if (scoop_s3_sink_forgoes(sink, &failure) && scoop_s3_sink_create(sink, &failure) == 0)
        return;
    else if (failure.code != SCOOP_OK || send_waiting(sink, &failure) != 0)
        scoop_s3_sink_fail(sink, &failure);
}

int scoop_s3_sink_create(struct scoop_s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "POST");
    scoop_s3_add_query(&request, "uploads", "");
    scoop_s3_sink_add_object(sink, &request);
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE) {
        const char *algorithm = scoop_s3_checksum_names(sink->checksum_kind)->algorithm;
        scoop_s3_add_header(&request, "x-amz-checksum-algorithm", algorithm);
        scoop_s3_add_header(&request, "x-amz-checksum-type", "FULL_OBJECT");
    }
    request.error_in_200 = true;
    request.on_done = created;
    sink->creating = scoop_s3_sink_start(sink, &request, error) == 0;
    return sink->creating ? 0 : -1;
}

int scoop_s3_sink_new_part(struct scoop_s3_sink *sink, uint32_t *number,
                           struct scoop_error *error) {
    if (sink->part_count == SCOOP_S3_MAX_PARTS)
        return scoop_fail(error, SCOOP_TOO_LARGE,
                          "s3://%s/%s: more than %d parts, which hold %llu bytes", sink->bucket,
                          sink->key, SCOOP_S3_MAX_PARTS, (unsigned long long)sink->total_bytes);
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

static int sum_part(struct scoop_s3_sink *sink, const struct scoop_s3_slot *slot,
                    struct scoop_error *error) {
    enum scoop_s3_checksum kind = sink->checksum_kind;
    char text[SCOOP_S3_CHECKSUM_SIZE];
    if (kind == SCOOP_S3_CHECKSUM_NONE)
        return 0;
    sink->checksum = scoop_s3_checksum_join(kind, sink->checksum, slot->checksum, slot->length);
    if (scoop_s3_checksum_text(kind, slot->checksum, text, error) != 0)
        return -1;
    sink->parts[slot->number - 1].checksum = scoop_strdup(text);
    return sink->parts[slot->number - 1].checksum == NULL ? scoop_fail_memory(error) : 0;
}

int scoop_s3_sink_flush(struct scoop_s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_slot *slot = sink->filling;
    if (!SCOOP_INVARIANT(slot != NULL && slot->state == SLOT_FILLING, error))
        return -1;
    if (scoop_s3_slot_close(slot, error) != 0 ||
        scoop_s3_sink_new_part(sink, &slot->number, error) != 0 || sum_part(sink, slot, error) != 0)
        return -1;
    sink->filling = NULL;
    if (scoop_s3_sink_holds(sink, slot))
        return scoop_s3_sink_take_held(sink, slot, error);
    slot->state = SLOT_WAITING;
    if (!scoop_s3_sink_multipart(sink))
        return scoop_s3_sink_create(sink, error);
    return sink->creating ? 0 : send_part(sink, slot, error);
}

int scoop_s3_sink_take_slot(struct scoop_s3_sink *sink, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(sink->filling == NULL, error))
        return -1;
    SCOOP_S3_EACH_SLOT (slot, sink) {
        if (slot->state != SLOT_FREE)
            continue;
        if (scoop_s3_slot_open(slot, error) != 0)
            return -1;
        sink->filling = slot;
        return 0;
    }
    return scoop_fail(error, SCOOP_INTERNAL, "a write came while every part was under way");
}
