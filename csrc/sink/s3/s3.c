/* An S3 object as a sink: parts in parallel, Complete in one place, abort on every other way out.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "sink/s3/s3_internal.h"

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

/* Whether an answer is on its way that will move the sink on. */
static bool is_under_way(const struct scoop_s3_sink *sink) {
    SCOOP_S3_EACH_SLOT (slot, sink)
        if (slot->state == SLOT_SENDING)
            return true;
    return sink->call != NULL;
}

/* With nothing under way no room would come of waiting. */
static bool s3_ready(struct scoop_sink *base, size_t room_bytes) {
    const struct scoop_s3_sink *sink = (const struct scoop_s3_sink *)base;
    return !is_under_way(sink) || scoop_s3_sink_has_room(sink, room_bytes);
}

static int s3_write(struct scoop_sink *base, const void *data, size_t length,
                    struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    const unsigned char *bytes = data;
    while (length > 0) {
        if (sink->filling != NULL && sink->filling->length == sink->filling->size &&
            scoop_s3_sink_flush(sink, error) != 0)
            return -1;
        if (sink->filling == NULL && scoop_s3_sink_take_slot(sink, error) != 0)
            return -1;
        uint64_t room = sink->filling->size - sink->filling->length;
        size_t taken = length < room ? length : (size_t)room;
        if (scoop_s3_slot_append(sink->filling, bytes, taken, error) != 0)
            return -1;
        sink->total_bytes += taken;
        bytes += taken;
        length -= taken;
    }
    return 0;
}

static int s3_seal(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    sink->state = SCOOP_SINK_SEALING;
    if (!scoop_s3_sink_multipart(sink) && !sink->held)
        return 0;
    return sink->filling == NULL ? 0 : scoop_s3_sink_flush(sink, error);
}

static bool idle(const struct scoop_s3_sink *sink) {
    if (sink->call != NULL)
        return false;
    SCOOP_S3_EACH_SLOT (slot, sink)
        if (slot->state == SLOT_WAITING || slot->state == SLOT_SENDING)
            return false;
    return true;
}

/* Only an upload that is being created lets parts wait: no other event would ever send them. */
static bool parts_move(const struct scoop_s3_sink *sink) {
    bool creates = sink->creating && sink->call != NULL;
    SCOOP_S3_EACH_SLOT (slot, sink)
        if ((slot->state == SLOT_WAITING && !creates) ||
            (slot->state == SLOT_SENDING && slot->call == NULL))
            return false;
    return true;
}

/* Each state that is waited in has something that ends it. */
static void check_waits(struct scoop_s3_sink *sink) {
    struct scoop_error broken = {0};
    bool ends = sink->state == SCOOP_SINK_COMMITTING || sink->state == SCOOP_SINK_ABORTING;
    if (ends && !SCOOP_INVARIANT(sink->call != NULL, &broken)) {
        sink->error = broken;
        sink->state = sink->state == SCOOP_SINK_ABORTING ? SCOOP_SINK_ABORTED : SCOOP_SINK_FAILED;
    } else if ((sink->state == SCOOP_SINK_OPEN || sink->state == SCOOP_SINK_SEALING) &&
               !SCOOP_INVARIANT(parts_move(sink), &broken)) {
        scoop_s3_sink_fail(sink, &broken);
    }
}

static void seal_up(struct scoop_s3_sink *sink) {
    sink->state = SCOOP_SINK_SEALED;
    if (sink->held)
        scoop_s3_sink_drop_buffers(sink);
}

static enum scoop_sink_state s3_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    check_waits(sink);
    if (sink->state == SCOOP_SINK_FAILED)
        *error = sink->error;
    else if (sink->state == SCOOP_SINK_SEALING && idle(sink))
        seal_up(sink);
    return sink->state;
}

static int s3_commit(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    int status = scoop_s3_sink_multipart(sink) ? scoop_s3_sink_complete(sink, error)
                                               : scoop_s3_sink_put(sink, error);
    if (status == 0)
        sink->state = SCOOP_SINK_COMMITTING;
    return status;
}

static void s3_abort(struct scoop_sink *base) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    bool puts = sink->state == SCOOP_SINK_COMMITTING && !scoop_s3_sink_multipart(sink);
    sink->state = SCOOP_SINK_ABORTING;
    if (puts && scoop_s3_sink_awaits_put(sink))
        return;
    SCOOP_S3_EACH_SLOT (slot, sink) {
        scoop_s3_cancel(slot->call);
        slot->call = NULL;
        scoop_s3_slot_empty(slot);
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
    SCOOP_S3_EACH_SLOT (slot, sink)
        scoop_s3_slot_free(slot);
    if (sink->source_fd >= 0)
        close(sink->source_fd);
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
    scoop_free(sink->if_match);
    scoop_free(sink);
}

static const struct scoop_sink_type s3_type = {"s3",    s3_ready,  s3_write, s3_seal,
                                               s3_poll, s3_commit, s3_abort, s3_free};

const char *scoop_sink_upload_id(struct scoop_sink *base) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (base->type != &s3_type || sink->upload_id.length == 0)
        return NULL;
    return scoop_s3_sink_upload_id(sink);
}

int scoop_sink_mark(struct scoop_sink *base, struct scoop_upload_mark *mark,
                    struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    memset(mark, 0, sizeof *mark);
    if (base->type != &s3_type)
        return 0;
    if (scoop_s3_sink_advance_mark(sink, error) != 0)
        return -1;
    *mark = sink->mark;
    return 0;
}

void scoop_s3_sink_keep(struct scoop_sink *base, struct scoop_kept_headers *kept) {
    if (base->type == &s3_type)
        ((struct scoop_s3_sink *)base)->kept = kept;
}

bool scoop_sink_resume_fits(const struct scoop_sink *base) {
    return base->type != &s3_type || scoop_s3_sink_continues((const struct scoop_s3_sink *)base);
}

void scoop_sink_leave_upload(struct scoop_sink *base, bool leaves) {
    if (base->type == &s3_type)
        ((struct scoop_s3_sink *)base)->leaving = leaves;
}

bool scoop_sink_sends_parts(const struct scoop_sink *base) {
    return base->type == &s3_type && !idle((const struct scoop_s3_sink *)base);
}

struct scoop_resume *scoop_sink_hand_on(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (base->type != &s3_type || sink->upload_id.length == 0 || sink->state != SCOOP_SINK_OPEN)
        return NULL;
    struct scoop_resume *held = scoop_s3_sink_held_parts(sink, error);
    if (held != NULL && held->part_count > 0) {
        sink->leaving = true;
        return held;
    }
    scoop_resume_free(held);
    return NULL;
}

int scoop_s3_sink_expect(struct scoop_sink *base, int64_t total_bytes, int fd,
                         struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (base->type != &s3_type || total_bytes < 0)
        return 0;
    if (scoop_part_plan_even(sink->plan.first_bytes, (uint64_t)total_bytes, &sink->plan, error) !=
        0)
        return -1;
    /* Without a checksum nobody would see that the second reading brought other bytes. */
    if (fd < 0 || sink->checksum_kind == SCOOP_S3_CHECKSUM_NONE)
        return 0;
    sink->source_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return sink->source_fd >= 0
               ? 0
               : scoop_fail_errno(error, errno, "s3://%s/%s: keeping the source open", sink->bucket,
                                  sink->key);
}

/* With nothing under way, all slots but the one that is being filled take what is written. */
static int check_room(const struct scoop_s3_sink_options *options, struct scoop_error *error) {
    uint64_t most = (SCOOP_S3_SINK_MAX_SLOTS - 1) * options->plan.first_bytes;
    if (options->room_bytes <= most)
        return 0;
    return scoop_fail(
        error, SCOOP_USAGE,
        "s3://%s/%s: parts of %llu bytes are too small for records of up to %zu bytes",
        options->bucket, options->key, (unsigned long long)options->plan.first_bytes,
        options->room_bytes);
}

struct scoop_sink *scoop_s3_sink_new(const struct scoop_s3_sink_options *options,
                                     struct scoop_error *error) {
    if (check_room(options, error) != 0)
        return NULL;
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
    sink->temp_folder = options->temp_folder;
    sink->plan = options->plan;
    sink->memory_bytes = options->memory_bytes;
    sink->room_bytes = options->room_bytes;
    sink->source_fd = -1;
    sink->checksum_kind = options->checksum;
    sink->object = options->object;
    sink->keep_existing = options->keep_existing;
    sink->held = options->held;
    sink->most_buffers =
        options->buffers < SCOOP_S3_SINK_MAX_SLOTS ? options->buffers : SCOOP_S3_SINK_MAX_SLOTS;
    SCOOP_S3_EACH_SLOT (slot, sink)
        *slot = (struct scoop_s3_slot){.sink = sink, .file = -1};
    scoop_buf_init(&sink->upload_id, 4096);
    scoop_buf_init(&sink->completion, COMPLETION_CEILING);
    sink->bucket = scoop_strdup(options->bucket);
    sink->key = scoop_strdup(options->key);
    sink->content_type =
        scoop_strdup(options->content_type ? options->content_type : "application/octet-stream");
    sink->if_match = options->if_match == NULL ? NULL : scoop_strdup(options->if_match);
    if (sink->bucket == NULL || sink->key == NULL || sink->content_type == NULL ||
        (options->if_match != NULL && sink->if_match == NULL))
        scoop_fail_memory(error);
    else if (options->resume == NULL || scoop_s3_sink_take_up(sink, options->resume, error) == 0)
        return &sink->base;
    s3_free(&sink->base);
    return NULL;
}
