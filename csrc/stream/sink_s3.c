/* An S3 object as a sink: parts in parallel, Complete in one place, abort on every other way out.
 */
#include <string.h>

#include "scoop/memory.h"
#include "sink_s3_internal.h"

enum { COMPLETION_CEILING = 4 * 1024 * 1024 }; /* 10,000 parts of some 200 bytes */

void scoop_s3_sink_fail(struct scoop_s3_sink *sink, const struct scoop_error *error) {
    if (sink->state == SCOOP_SINK_FAILED || sink->state == SCOOP_SINK_ABORTING)
        return;
    sink->error = *error;
    sink->state = SCOOP_SINK_FAILED;
}

bool scoop_s3_sink_multipart(const struct scoop_s3_sink *sink) {
    return sink->creating || sink->upload_id.length > 0;
}

static bool s3_ready(struct scoop_sink *base, size_t room_bytes) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    size_t room = sink->filling == NULL ? 0 : sink->part_bytes - sink->filling->length;
    for (unsigned i = 0; i < sink->slot_count; i++)
        if (sink->slots[i].state == SLOT_FREE)
            room += sink->part_bytes;
    return room >= room_bytes;
}

static int s3_write(struct scoop_sink *base, const void *data, size_t length,
                    struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    const unsigned char *bytes = data;
    while (length > 0) {
        if (sink->filling != NULL && sink->filling->length == sink->part_bytes &&
            scoop_s3_sink_flush(sink, error) != 0)
            return -1;
        if (sink->filling == NULL && scoop_s3_sink_take_slot(sink, error) != 0)
            return -1;
        struct scoop_s3_slot *slot = sink->filling;
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
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    sink->state = SCOOP_SINK_SEALING;
    if (!scoop_s3_sink_multipart(sink))
        return 0;
    return sink->filling == NULL ? 0 : scoop_s3_sink_flush(sink, error);
}

static bool idle(const struct scoop_s3_sink *sink) {
    if (sink->call != NULL)
        return false;
    for (unsigned i = 0; i < sink->slot_count; i++)
        if (sink->slots[i].state == SLOT_WAITING || sink->slots[i].state == SLOT_SENDING)
            return false;
    return true;
}

static enum scoop_sink_state s3_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (sink->state == SCOOP_SINK_FAILED)
        *error = sink->error;
    else if (sink->state == SCOOP_SINK_SEALING && idle(sink))
        sink->state = SCOOP_SINK_SEALED;
    return sink->state;
}

static int s3_commit(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    sink->state = SCOOP_SINK_COMMITTING;
    return scoop_s3_sink_multipart(sink) ? scoop_s3_sink_complete(sink, error)
                                         : scoop_s3_sink_put(sink, error);
}

static void s3_abort(struct scoop_sink *base) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
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
    scoop_s3_sink_send_abort(sink);
}

static void s3_free(struct scoop_sink *base) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    scoop_s3_cancel(sink->call);
    for (unsigned i = 0; i < SCOOP_S3_SINK_MAX_SLOTS; i++) {
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
    if (base->facts != NULL)
        *facts = *base->facts;
}

struct scoop_sink *scoop_s3_sink_new(const struct scoop_s3_sink_options *options,
                                     struct scoop_error *error) {
    struct scoop_s3_sink *sink = scoop_calloc(1, sizeof *sink);
    if (sink == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sink->base.type = &s3_type;
    sink->base.wait_fd = -1;
    sink->base.facts = &sink->facts;
    sink->client = options->client;
    sink->budget = options->budget;
    sink->part_bytes = options->part_bytes;
    sink->checksum_kind = options->checksum;
    sink->object = options->object;
    sink->keep_existing = options->keep_existing;
    sink->slot_count =
        options->buffers < SCOOP_S3_SINK_MAX_SLOTS ? options->buffers : SCOOP_S3_SINK_MAX_SLOTS;
    for (unsigned i = 0; i < SCOOP_S3_SINK_MAX_SLOTS; i++)
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
