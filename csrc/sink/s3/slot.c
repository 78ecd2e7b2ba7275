/* Where a part waits until it is sent: in memory, in the source that can be read again, or, too
 * large for the one and without the other, in a temporary file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/temp_file.h"
#include "scoop/memory.h"
#include "sink/s3/s3_internal.h"
#include "text/hex.h"

enum {
    SOURCE_SLOTS = 4,
    FILE_SLOTS = 3, /* of the disk's room */
    READ_BYTES = 64 * 1024,
};
_Static_assert((int)SOURCE_SLOTS <= (int)SCOOP_S3_SINK_MAX_SLOTS &&
                   (int)FILE_SLOTS <= (int)SCOOP_S3_SINK_MAX_SLOTS,
               "parts that wait have their places among the slots");

static size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Memory takes a part if there is room for a second, and for the largest step in all but one. */
static bool fits_memory(const struct scoop_s3_sink *sink, uint64_t bytes) {
    if (bytes > sink->memory_bytes)
        return false;
    size_t buffers = lesser((size_t)(sink->memory_bytes / bytes), sink->most_buffers);
    return buffers >= 2 && (buffers - 1) * bytes >= sink->room_bytes;
}

static enum scoop_parts_kept kept_where(const struct scoop_s3_sink *sink, uint64_t bytes) {
    if (sink->source_fd >= 0)
        return SCOOP_PARTS_IN_SOURCE;
    return fits_memory(sink, bytes) ? SCOOP_PARTS_IN_MEMORY : SCOOP_PARTS_IN_FILE;
}

static unsigned most_slots(const struct scoop_s3_sink *sink, enum scoop_parts_kept kept) {
    return kept == SCOOP_PARTS_IN_MEMORY   ? sink->most_buffers
           : kept == SCOOP_PARTS_IN_SOURCE ? SOURCE_SLOTS
                                           : FILE_SLOTS;
}

bool scoop_s3_sink_has_room(const struct scoop_s3_sink *sink, size_t room_bytes) {
    const struct scoop_s3_slot *filling = sink->filling;
    uint64_t room = filling == NULL ? 0 : filling->size - filling->length;
    uint32_t number = (uint32_t)sink->part_count + (filling == NULL ? 1 : 2);
    uint64_t memory = 0;
    unsigned busy = 0;
    SCOOP_S3_EACH_SLOT (slot, sink)
        if (slot->state != SLOT_FREE) {
            busy++;
            memory += slot->buffer_bytes;
        }
    for (; room < room_bytes; number++, busy++) {
        uint64_t bytes = scoop_part_plan_bytes(&sink->plan, number);
        enum scoop_parts_kept kept = kept_where(sink, bytes);
        if (kept == SCOOP_PARTS_IN_MEMORY)
            memory += bytes;
        if (busy >= most_slots(sink, kept) || memory > sink->memory_bytes)
            return false;
        room += bytes;
    }
    return true;
}

/* Gives back the buffers of free slots that have not this size. */
static void drop_buffers(struct scoop_s3_sink *sink, size_t but_of_bytes) {
    SCOOP_S3_EACH_SLOT (slot, sink) {
        if (slot->state != SLOT_FREE || slot->buffer_bytes == but_of_bytes)
            continue;
        scoop_budget_give(sink->budget, slot->buffer, slot->buffer_bytes);
        slot->buffer = NULL;
        slot->buffer_bytes = 0;
    }
}

void scoop_s3_sink_drop_buffers(struct scoop_s3_sink *sink) {
    drop_buffers(sink, 0);
}

/* Takes over the buffer of another free slot; after drop_buffers all have the right size. */
static void inherit_buffer(struct scoop_s3_slot *slot) {
    SCOOP_S3_EACH_SLOT (other, slot->sink) {
        if (other->state != SLOT_FREE || slot->buffer != NULL)
            continue;
        slot->buffer = other->buffer;
        other->buffer = NULL;
        other->buffer_bytes = 0;
    }
}

static int take_buffer(struct scoop_s3_slot *slot, struct scoop_error *error) {
    drop_buffers(slot->sink, (size_t)slot->size);
    inherit_buffer(slot);
    if (slot->buffer == NULL)
        slot->buffer = scoop_budget_take(slot->sink->budget, (size_t)slot->size, error);
    if (slot->buffer == NULL)
        return -1;
    slot->buffer_bytes = (size_t)slot->size;
    return 0;
}

static int take_file(struct scoop_s3_slot *slot, struct scoop_error *error) {
    const char *folder = slot->sink->temp_folder;
    drop_buffers(slot->sink, 0);
    if (slot->file >= 0)
        return 0;
    if (scoop_folder_is_memory(folder)) {
        scoop_fail(error, SCOOP_NO_MEMORY,
                   "s3://%s/%s: a part of %llu bytes is more than memory_limit leaves for it, and "
                   "%.300s is memory (tmpfs), too; set TMPDIR to a folder on a disk, or raise "
                   "memory_limit",
                   slot->sink->bucket, slot->sink->key, (unsigned long long)slot->size, folder);
        error->retryable = false;
        return -1;
    }
    slot->file = scoop_temp_file_open(folder);
    return slot->file >= 0
               ? 0
               : scoop_fail_errno(error, errno,
                                  "making a temporary file for a part of %llu bytes in %s (TMPDIR)",
                                  (unsigned long long)slot->size, folder);
}

static int take_place(struct scoop_s3_slot *slot, struct scoop_error *error) {
    switch (slot->kept) {
    case SCOOP_PARTS_IN_MEMORY:
        return take_buffer(slot, error);
    case SCOOP_PARTS_IN_FILE:
        return take_file(slot, error);
    default:
        drop_buffers(slot->sink, 0);
        return 0;
    }
}

int scoop_s3_slot_open(struct scoop_s3_slot *slot, struct scoop_error *error) {
    struct scoop_s3_sink *sink = slot->sink;
    slot->number = (uint32_t)sink->part_count + 1;
    slot->size = scoop_part_plan_bytes(&sink->plan, slot->number);
    slot->kept = kept_where(sink, slot->size);
    slot->offset = slot->kept == SCOOP_PARTS_IN_SOURCE ? sink->total_bytes : 0;
    slot->length = slot->checksum = 0;
    slot->repaired = false;
    slot->payload_hash[0] = 0;
    if (take_place(slot, error) != 0)
        return -1;
    if (scoop_s3_client_signs_payload(sink->client) &&
        (slot->digest = scoop_digest_new(SCOOP_DIGEST_SHA256, error)) == NULL)
        return -1;
    if (slot->kept > sink->facts.parts_kept)
        sink->facts.parts_kept = slot->kept;
    slot->state = SLOT_FILLING;
    return 0;
}

static int write_file(struct scoop_s3_slot *slot, const unsigned char *data, size_t length,
                      struct scoop_error *error) {
    uint64_t end = slot->length;
    while (length > 0) {
        ssize_t wrote = pwrite(slot->file, data, length, (off_t)end);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return scoop_fail_errno(
                error, errno,
                "s3://%s/%s: writing a part of %llu bytes to a temporary file "
                "in %.300s; set TMPDIR to a folder with room for %d of them, or raise "
                "memory_limit",
                slot->sink->bucket, slot->sink->key, (unsigned long long)slot->size,
                slot->sink->temp_folder, FILE_SLOTS);
        data += wrote;
        end += (uint64_t)wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

int scoop_s3_slot_append(struct scoop_s3_slot *slot, const void *data, size_t length,
                         struct scoop_error *error) {
    if (!SCOOP_INVARIANT(slot->state == SLOT_FILLING, error) ||
        !SCOOP_INVARIANT(length <= slot->size - slot->length, error))
        return -1;
    if (slot->kept == SCOOP_PARTS_IN_MEMORY)
        memcpy(slot->buffer + slot->length, data, length);
    else if (slot->kept == SCOOP_PARTS_IN_FILE && write_file(slot, data, length, error) != 0)
        return -1;
    slot->checksum = scoop_s3_checksum_add(slot->sink->checksum_kind, slot->checksum, data, length);
    if (slot->digest != NULL && scoop_digest_update(slot->digest, data, length, error) != 0)
        return -1;
    slot->length += length;
    return 0;
}

int scoop_s3_slot_close(struct scoop_s3_slot *slot, struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    if (slot->digest == NULL)
        return 0;
    int status = scoop_digest_finish(slot->digest, hash, error);
    scoop_digest_free(slot->digest);
    slot->digest = NULL;
    if (status == 0)
        scoop_hex_encode(hash, sizeof hash, slot->payload_hash);
    return status;
}

void scoop_s3_slot_send(const struct scoop_s3_slot *slot, struct scoop_s3_request *request) {
    if (slot->kept == SCOOP_PARTS_IN_MEMORY)
        request->body = slot->buffer;
    request->body_fd = slot->kept == SCOOP_PARTS_IN_FILE ? slot->file : slot->sink->source_fd;
    request->body_offset = slot->offset;
    request->body_length = (size_t)slot->length;
    request->payload_hash = slot->payload_hash[0] == 0 ? NULL : slot->payload_hash;
}

static int visit_file(const struct scoop_s3_slot *slot, int fd,
                      int (*take)(void *user, const void *data, size_t length,
                                  struct scoop_error *error),
                      void *user, struct scoop_error *error) {
    unsigned char *buffer = scoop_malloc(READ_BYTES);
    uint64_t done = 0;
    int status = buffer == NULL ? scoop_fail_memory(error) : 0;
    while (status == 0 && done < slot->length) {
        ssize_t got = pread(fd, buffer, lesser(READ_BYTES, (size_t)(slot->length - done)),
                            (off_t)(slot->offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            status = take(user, buffer, (size_t)got, error);
        else if (got < 0)
            status = scoop_fail_errno(error, errno, "s3://%s/%s: reading part %u again from %s",
                                      slot->sink->bucket, slot->sink->key, slot->number,
                                      slot->kept == SCOOP_PARTS_IN_FILE ? slot->sink->temp_folder
                                                                        : "the source");
        else
            status = scoop_fail(error, SCOOP_SOURCE_CHANGED,
                                "s3://%s/%s: the source changed: of part %u there are %llu bytes "
                                "less than before",
                                slot->sink->bucket, slot->sink->key, slot->number,
                                (unsigned long long)(slot->length - done));
        done += got > 0 ? (uint64_t)got : 0;
    }
    scoop_free(buffer);
    return status;
}

int scoop_s3_slot_visit(const struct scoop_s3_slot *slot,
                        int (*take)(void *user, const void *data, size_t length,
                                    struct scoop_error *error),
                        void *user, struct scoop_error *error) {
    if (slot->kept == SCOOP_PARTS_IN_MEMORY)
        return take(user, slot->buffer, (size_t)slot->length, error);
    int fd = slot->kept == SCOOP_PARTS_IN_FILE ? slot->file : slot->sink->source_fd;
    return visit_file(slot, fd, take, user, error);
}

struct sum {
    enum scoop_s3_checksum kind;
    uint64_t value;
};

static int add_to_sum(void *user, const void *data, size_t length, struct scoop_error *error) {
    struct sum *sum = user;
    (void)error;
    sum->value = scoop_s3_checksum_add(sum->kind, sum->value, data, length);
    return 0;
}

int scoop_s3_slot_check(struct scoop_s3_slot *slot, struct scoop_error *error) {
    const struct scoop_s3_sink *sink = slot->sink;
    struct sum sum = {sink->checksum_kind, 0};
    if (scoop_s3_slot_visit(slot, add_to_sum, &sum, error) != 0)
        return -1;
    if (sum.value == slot->checksum)
        return 0;
    if (slot->kept == SCOOP_PARTS_IN_SOURCE)
        return scoop_fail(error, SCOOP_SOURCE_CHANGED,
                          "s3://%s/%s: the source changed while part %u was read", sink->bucket,
                          sink->key, slot->number);
    return scoop_fail(error, SCOOP_CORRUPT,
                      "s3://%s/%s: part %u is not what it was: this machine's memory or disk "
                      "damaged it",
                      sink->bucket, sink->key, slot->number);
}

void scoop_s3_slot_empty(struct scoop_s3_slot *slot) {
    scoop_digest_free(slot->digest);
    slot->digest = NULL;
    slot->length = 0;
    slot->state = SLOT_FREE;
    /* The disk's room is given back; a failure shows in the next write. */
    if (slot->file >= 0 && ftruncate(slot->file, 0) != 0)
        slot->length = 0;
}

void scoop_s3_slot_free(struct scoop_s3_slot *slot) {
    scoop_s3_cancel(slot->call);
    scoop_digest_free(slot->digest);
    scoop_budget_give(slot->sink->budget, slot->buffer, slot->buffer_bytes);
    if (slot->file >= 0)
        close(slot->file);
}
