/* Parts that S3 holds from an earlier try: taken over instead of being sent again. */
#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "sink/s3/s3_internal.h"
#include "text/hex.h"

static int keep_part(struct scoop_s3_sink *sink, const struct scoop_held_part *held,
                     struct scoop_error *error) {
    uint32_t number;
    if (held == NULL)
        return scoop_fail(error, SCOOP_INTERNAL, "a part that was to be kept is not listed");
    if (scoop_s3_sink_new_part(sink, &number, error) != 0)
        return -1;
    struct scoop_s3_part *part = &sink->parts[number - 1];
    part->etag = scoop_strdup(held->etag);
    if (held->checksum[0] != 0)
        part->checksum = scoop_strdup(held->checksum);
    if (part->etag == NULL || (held->checksum[0] != 0 && part->checksum == NULL))
        return scoop_fail_memory(error);
    return scoop_upload_mark_add(&sink->mark, held->etag, error);
}

int scoop_s3_sink_take_up(struct scoop_s3_sink *sink, const struct scoop_resume *resume,
                          struct scoop_error *error) {
    sink->resume = resume;
    if (scoop_buf_append_text(&sink->upload_id, resume->upload_id, error) != 0)
        return -1;
    for (uint32_t number = 1; number <= resume->kept_parts; number++)
        if (keep_part(sink, scoop_resume_part(resume, number), error) != 0)
            return -1;
    sink->mark.parts = resume->kept_parts;
    sink->mark.bytes = sink->total_bytes = sink->facts.resumed_bytes = resume->kept_bytes;
    sink->mark.checksum = sink->checksum = resume->kept_checksum;
    return 0;
}

/* Those that were written and have arrived; they are full, as nothing is sealed. */
static int add_own(struct scoop_s3_sink *sink, struct scoop_resume *held,
                   struct scoop_error *error) {
    for (uint32_t number = 1; number <= sink->part_count; number++) {
        const struct scoop_s3_part *part = &sink->parts[number - 1];
        uint64_t bytes = scoop_part_plan_bytes(&sink->plan, number);
        const char *checksum = part->checksum == NULL ? "" : part->checksum;
        if (part->etag != NULL &&
            scoop_resume_add(held, number, bytes, part->etag, checksum, error) != 0)
            return -1;
    }
    return 0;
}

/* Those of an earlier try that have not been come to. */
static int add_earlier(struct scoop_s3_sink *sink, struct scoop_resume *held,
                       struct scoop_error *error) {
    const struct scoop_resume *earlier = sink->resume;
    for (size_t i = 0; earlier != NULL && i < earlier->part_count; i++) {
        const struct scoop_held_part *part = &earlier->parts[i];
        if (part->number > sink->part_count &&
            scoop_resume_add(held, part->number, part->size_bytes, part->etag, part->checksum,
                             error) != 0)
            return -1;
    }
    return 0;
}

struct scoop_resume *scoop_s3_sink_held_parts(struct scoop_s3_sink *sink,
                                              struct scoop_error *error) {
    struct scoop_resume *held = scoop_resume_new(scoop_s3_sink_upload_id(sink), "", error);
    if (held == NULL)
        return NULL;
    if (add_own(sink, held, error) == 0 && add_earlier(sink, held, error) == 0)
        return held;
    scoop_resume_free(held);
    return NULL;
}

int scoop_s3_sink_advance_mark(struct scoop_s3_sink *sink, struct scoop_error *error) {
    /* All parts are full, but for the last once nothing more is written. */
    size_t full = sink->part_count;
    if (full > 0 && sink->state != SCOOP_SINK_OPEN)
        full--;
    while (sink->mark.parts < full) {
        const struct scoop_s3_part *part = &sink->parts[sink->mark.parts];
        enum scoop_s3_checksum kind = sink->checksum_kind;
        uint64_t value = 0;
        uint64_t bytes = scoop_part_plan_bytes(&sink->plan, sink->mark.parts + 1);
        if (part->etag == NULL || (kind != SCOOP_S3_CHECKSUM_NONE &&
                                   !scoop_s3_checksum_parse(kind, part->checksum, &value)))
            return 0;
        if (scoop_upload_mark_add(&sink->mark, part->etag, error) != 0)
            return -1;
        sink->mark.checksum = scoop_s3_checksum_join(kind, sink->mark.checksum, value, bytes);
        sink->mark.bytes += bytes;
        sink->mark.parts++;
    }
    return 0;
}

bool scoop_s3_sink_continues(const struct scoop_s3_sink *sink) {
    uint32_t kept = sink->resume == NULL ? 0 : sink->resume->kept_parts;
    return kept == 0 || scoop_part_plan_offset(&sink->plan, kept + 1) == sink->resume->kept_bytes;
}

static int digest(void *user, const void *data, size_t length, struct scoop_error *error) {
    return scoop_digest_update(user, data, length, error);
}

/* Where S3 lists no checksum, an ETag that is an MD5 is one. */
static bool has_md5(const char *etag, const struct scoop_s3_slot *slot) {
    unsigned char md5[SCOOP_MD5_BYTES];
    char text[SCOOP_MD5_HEX_SIZE];
    struct scoop_error ignored = {0};
    if (strlen(etag) != 2 + 2 * SCOOP_MD5_BYTES)
        return false;
    struct scoop_digest *sum = scoop_digest_new(SCOOP_DIGEST_MD5, &ignored);
    bool summed = sum != NULL && scoop_s3_slot_visit(slot, digest, sum, &ignored) == 0 &&
                  scoop_digest_finish(sum, md5, &ignored) == 0;
    scoop_digest_free(sum);
    if (!summed)
        return false;
    scoop_hex_encode(md5, sizeof md5, text);
    return strncmp(etag + 1, text, 2 * SCOOP_MD5_BYTES) == 0;
}

bool scoop_s3_sink_holds(const struct scoop_s3_sink *sink, const struct scoop_s3_slot *slot) {
    const struct scoop_held_part *held =
        sink->resume == NULL ? NULL : scoop_resume_part(sink->resume, slot->number);
    const char *checksum = sink->parts[slot->number - 1].checksum;
    if (held == NULL || held->size_bytes != slot->length)
        return false;
    if (held->checksum[0] != 0 && checksum != NULL)
        return strcmp(held->checksum, checksum) == 0;
    return has_md5(held->etag, slot);
}

int scoop_s3_sink_take_held(struct scoop_s3_sink *sink, struct scoop_s3_slot *slot,
                            struct scoop_error *error) {
    const struct scoop_held_part *held = scoop_resume_part(sink->resume, slot->number);
    struct scoop_s3_part *part = &sink->parts[slot->number - 1];
    scoop_s3_slot_empty(slot);
    part->etag = scoop_strdup(held->etag);
    if (part->etag == NULL)
        return scoop_fail_memory(error);
    sink->facts.resumed_bytes += held->size_bytes;
    return 0;
}
