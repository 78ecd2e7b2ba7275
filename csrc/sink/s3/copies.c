/* Parts of an S3 object that the server copies: the upload, its Complete and its abort are as of
 * parts that are sent. */
#include "base/invariant.h"
#include "scoop/memory.h"
#include "sink/s3/s3_internal.h"

int scoop_s3_sink_begin_copies(struct scoop_sink *base, const struct scoop_s3_copies *copies,
                               struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    for (uint64_t first = 0; first < copies->total_bytes; first += copies->part_bytes) {
        uint32_t number;
        if (scoop_s3_sink_new_part(sink, &number, error) != 0)
            return -1;
    }
    sink->total_bytes = copies->total_bytes;
    sink->copied_part_bytes = copies->part_bytes;
    sink->kept = copies->kept;
    return scoop_s3_sink_create(sink, error);
}

bool scoop_s3_sink_takes_copies(const struct scoop_sink *sink) {
    return !((const struct scoop_s3_sink *)sink)->creating;
}

int scoop_s3_sink_note_copy(struct scoop_sink *base, uint32_t number, const char *etag,
                            const char *checksum, struct scoop_error *error) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (!SCOOP_INVARIANT(number > 0 && number <= sink->part_count, error))
        return -1;
    struct scoop_s3_part *part = &sink->parts[number - 1];
    part->etag = scoop_strdup(etag);
    if (checksum[0] != 0)
        part->checksum = scoop_strdup(checksum);
    if (part->etag == NULL || (checksum[0] != 0 && part->checksum == NULL))
        return scoop_fail_memory(error);
    return 0;
}

bool scoop_s3_sink_sum_copies(const struct scoop_sink *base, uint64_t *checksum) {
    const struct scoop_s3_sink *sink = (const struct scoop_s3_sink *)base;
    enum scoop_s3_checksum kind = sink->checksum_kind;
    uint64_t whole = 0, part, left = sink->total_bytes;
    if (kind == SCOOP_S3_CHECKSUM_NONE)
        return false;
    for (size_t i = 0; i < sink->part_count; i++) {
        uint64_t length = left < sink->copied_part_bytes ? left : sink->copied_part_bytes;
        if (sink->parts[i].checksum == NULL ||
            !scoop_s3_checksum_parse(kind, sink->parts[i].checksum, &part))
            return false;
        whole = scoop_s3_checksum_join(kind, whole, part, length);
        left -= length;
    }
    *checksum = whole;
    return true;
}

void scoop_s3_sink_end_copies(struct scoop_sink *base, const uint64_t *checksum) {
    struct scoop_s3_sink *sink = (struct scoop_s3_sink *)base;
    if (checksum == NULL)
        sink->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    else
        sink->checksum = *checksum;
    sink->state = SCOOP_SINK_SEALED;
}
