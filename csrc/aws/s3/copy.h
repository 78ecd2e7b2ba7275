/* Messages of copies that S3 makes itself: CopyObject and UploadPartCopy. Pure, any thread. */
#ifndef SCOOP_AWS_S3_COPY_H
#define SCOOP_AWS_S3_COPY_H

#include "aws/s3/message.h"
#include "scoop/buffer.h"
#include "scoop/error.h"
#include "scoop/s3_checksum.h"

/* Appends the value of x-amz-copy-source, "bucket/key" with the key encoded, and the version's id
 * unless it is NULL. 0, or -1 with NO_MEMORY or TOO_LARGE. */
int scoop_s3_build_copy_source(const char *bucket, const char *key, const char *version_id,
                               struct scoop_buf *value, struct scoop_error *error);

/* Texts are "" where the answer had none. */
struct scoop_s3_copied {
    char etag[SCOOP_ETAG_SIZE];            /* as sent, with quotes or without */
    char checksum[SCOOP_S3_CHECKSUM_SIZE]; /* base64, of the kind that was asked for */
};

/* Reads a CopyObjectResult or a CopyPartResult. 0, or -1 with PROTOCOL (another document, cut
 * short, no ETag). */
int scoop_s3_parse_copied(const void *body, size_t length, enum scoop_s3_checksum kind,
                          struct scoop_s3_copied *copied, struct scoop_error *error);

/* Appends the tags of a GetObjectTagging answer as x-amz-tagging takes them, "k1=v1&k2=v2". 0, or
 * -1 with PROTOCOL, NO_MEMORY, TOO_LARGE. */
int scoop_s3_parse_tags(const void *body, size_t length, struct scoop_buf *tags,
                        struct scoop_error *error);

#endif
