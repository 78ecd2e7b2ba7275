/* An upload that outlives its transfer: what a later try must know of it, and how it is taken up.
 * One thread. */
#ifndef SCOOP_RESUME_H
#define SCOOP_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/digest.h"
#include "scoop/error.h"

enum { SCOOP_SOURCE_IDENTITY_SIZE = 192 };

/* A part that S3 holds. */
struct scoop_held_part {
    uint32_t number;
    uint64_t size_bytes;
    char *etag;
    char *checksum; /* base64, of the upload's kind; "" where S3 lists none */
};

/* An upload of an earlier try, as the caller kept it and as S3 lists it. */
struct scoop_resume {
    char *upload_id;
    char *source; /* the identity that the source must still have */
    struct scoop_held_part *parts;
    size_t part_count, part_capacity;
    /* The source's first kept_bytes need not be read again: they are the first kept_parts parts,
     * which are proven to be what was sent. 0: all is read and compared. */
    uint32_t kept_parts;
    uint64_t kept_bytes, kept_checksum;
};

/* Owned by the caller; strings are copied. NULL with NO_MEMORY. */
struct scoop_resume *scoop_resume_new(const char *upload_id, const char *source,
                                      struct scoop_error *error);
/* Numbers ascend. 0, or -1 with NO_MEMORY, USAGE. */
int scoop_resume_add(struct scoop_resume *resume, uint32_t number, uint64_t size_bytes,
                     const char *etag, const char *checksum, struct scoop_error *error);
/* The part with this number, or NULL. */
const struct scoop_held_part *scoop_resume_part(const struct scoop_resume *resume, uint32_t number);
/* NULL is allowed. */
void scoop_resume_free(struct scoop_resume *resume);

/* How far a raw upload is known to have arrived: its first `parts` parts, `bytes` long, have this
 * checksum, and `etags` is the digest of the ETags that S3 gave them. Whoever finds the same digest
 * over the listed parts has proof that they are these. */
struct scoop_upload_mark {
    uint32_t parts;
    uint64_t bytes, checksum;
    unsigned char etags[SCOOP_SHA256_BYTES];
};

/* Adds the next part: etags becomes SHA-256(etags, etag); begin with zeros. 0, or -1 with *error.
 */
int scoop_upload_mark_add(struct scoop_upload_mark *mark, const char *etag,
                          struct scoop_error *error);

#endif
