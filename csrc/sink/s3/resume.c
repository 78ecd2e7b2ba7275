#include "scoop/resume.h"

#include <string.h>

#include "aws/s3/message.h"
#include "base/crypto.h"
#include "scoop/memory.h"

enum { FIRST_PARTS = 64 };

struct scoop_resume *scoop_resume_new(const char *upload_id, const char *source,
                                      struct scoop_error *error) {
    struct scoop_resume *resume = scoop_calloc(1, sizeof *resume);
    if (resume != NULL) {
        resume->upload_id = scoop_strdup(upload_id);
        resume->source = scoop_strdup(source);
        if (resume->upload_id != NULL && resume->source != NULL)
            return resume;
    }
    scoop_resume_free(resume);
    scoop_fail_memory(error);
    return NULL;
}

static int make_room(struct scoop_resume *resume, struct scoop_error *error) {
    if (resume->part_count < resume->part_capacity)
        return 0;
    size_t capacity = resume->part_capacity ? resume->part_capacity * 2 : FIRST_PARTS;
    struct scoop_held_part *grown = scoop_realloc(resume->parts, capacity * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(error);
    resume->parts = grown;
    resume->part_capacity = capacity;
    return 0;
}

int scoop_resume_add(struct scoop_resume *resume, uint32_t number, uint64_t size_bytes,
                     const char *etag, const char *checksum, struct scoop_error *error) {
    uint32_t last = resume->part_count == 0 ? 0 : resume->parts[resume->part_count - 1].number;
    if (number <= last || number > SCOOP_S3_MAX_PARTS)
        return scoop_fail(error, SCOOP_USAGE, "part %u follows part %u", number, last);
    if (make_room(resume, error) != 0)
        return -1;
    struct scoop_held_part part = {number, size_bytes, scoop_strdup(etag), scoop_strdup(checksum)};
    if (part.etag == NULL || part.checksum == NULL) {
        scoop_free(part.etag);
        scoop_free(part.checksum);
        return scoop_fail_memory(error);
    }
    resume->parts[resume->part_count++] = part;
    return 0;
}

const struct scoop_held_part *scoop_resume_part(const struct scoop_resume *resume,
                                                uint32_t number) {
    size_t low = 0, high = resume->part_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (resume->parts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < resume->part_count && resume->parts[low].number == number ? &resume->parts[low]
                                                                           : NULL;
}

void scoop_resume_free(struct scoop_resume *resume) {
    if (resume == NULL)
        return;
    for (size_t i = 0; i < resume->part_count; i++) {
        scoop_free(resume->parts[i].etag);
        scoop_free(resume->parts[i].checksum);
    }
    scoop_free(resume->parts);
    scoop_free(resume->upload_id);
    scoop_free(resume->source);
    scoop_free(resume);
}

int scoop_upload_mark_add(struct scoop_upload_mark *mark, const char *etag,
                          struct scoop_error *error) {
    struct scoop_digest *digest = scoop_digest_new(SCOOP_DIGEST_SHA256, error);
    if (digest == NULL)
        return -1;
    int status = scoop_digest_update(digest, mark->etags, sizeof mark->etags, error);
    if (status == 0)
        status = scoop_digest_update(digest, etag, strlen(etag), error);
    if (status == 0)
        status = scoop_digest_finish(digest, mark->etags, error);
    scoop_digest_free(digest);
    return status;
}
