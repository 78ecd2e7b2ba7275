/* S3's messages: bodies built and parsed, answers classified. Pure, any thread. ETags are opaque
 * text and keep their quotes. Parsers of a page read the whole document before the first callback,
 * so a truncated page yields no item. */
#ifndef SCOOP_AWS_S3_MESSAGE_H
#define SCOOP_AWS_S3_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/uri.h"
#include "scoop/buffer.h"
#include "scoop/error.h"
#include "scoop/s3.h"

/* Texts are cut to fit; "" where the body had none. */
struct scoop_s3_error {
    char code[64];
    char message[512];
    char region[64]; /* where a redirect points */
    char endpoint[SCOOP_HOST_SIZE];
    char request_time[32], server_time[32]; /* when a signature was made, and when it came */
    char storage_class[32];                 /* of an archived object */
    char request_id[80];
    bool no_memory; /* it could not be read for want of memory */
};

/* True when body is a whole <Error> document (also inside an <ErrorResponse>); else *out has no
 * text. HTML, nothing and garbage are common here, so they are no fault. */
bool scoop_s3_parse_error(const void *body, size_t length, struct scoop_s3_error *out);

/* Appends the UploadId of an InitiateMultipartUploadResult. 0, or -1 with PROTOCOL, NO_MEMORY. */
int scoop_s3_parse_upload_id(const void *body, size_t length, struct scoop_buf *upload_id,
                             struct scoop_error *error);

/* CompleteMultipartUpload is answered with 200 before its outcome is known. */
enum scoop_s3_completion {
    SCOOP_S3_COMPLETED,  /* the object exists; etag is filled */
    SCOOP_S3_REFUSED,    /* an <Error> body; refusal is filled: classify it with status 200 */
    SCOOP_S3_UNREADABLE, /* cut short or not understood: the outcome is unknown; HEAD, or ask again
                          */
};
enum scoop_s3_completion scoop_s3_parse_completion(const void *body, size_t length,
                                                   char etag[SCOOP_ETAG_SIZE],
                                                   struct scoop_s3_error *refusal);

struct scoop_s3_part {
    uint32_t number; /* 1 … SCOOP_S3_MAX_PARTS */
    const char *etag;
    const char *checksum; /* base64, or NULL */
};

/* Appends the body of CompleteMultipartUpload. checksum_element ("ChecksumCRC32C") is used for
 * parts with a checksum; NULL when none has. 0, or -1 with INTERNAL (no parts, numbers not
 * ascending, a part without ETag), NO_MEMORY, TOO_LARGE. */
int scoop_s3_build_completion(const struct scoop_s3_part *parts, size_t count,
                              const char *checksum_element, struct scoop_buf *body,
                              struct scoop_error *error);

/* Writes "md5-of-md5s-N" with quotes, the ETag that S3 gives a multipart object, and returns true;
 * false when a part's ETag is not the MD5 of its data (32 hex digits), as under SSE-KMS. */
bool scoop_s3_multipart_etag(const struct scoop_s3_part *parts, size_t count,
                             char etag[SCOOP_ETAG_SIZE]);

/* ListObjectsV2, ListParts, ListMultipartUploads. Keys are percent-decoded when the page says
 * encoding-type url. 0, or -1 with PROTOCOL (not such a document, a bad number, truncated without a
 * marker), NO_MEMORY, TOO_LARGE, or the callback's. */
int scoop_s3_parse_objects(const void *body, size_t length,
                           int (*on_object)(void *user, const struct scoop_s3_object *object,
                                            struct scoop_error *error),
                           void *user, struct scoop_s3_page *page, struct scoop_error *error);
int scoop_s3_parse_parts(const void *body, size_t length,
                         int (*on_part)(void *user, const struct scoop_s3_listed_part *part,
                                        struct scoop_error *error),
                         void *user, struct scoop_s3_page *page, struct scoop_error *error);
int scoop_s3_parse_uploads(const void *body, size_t length,
                           int (*on_upload)(void *user, const struct scoop_s3_listed_upload *upload,
                                            struct scoop_error *error),
                           void *user, struct scoop_s3_page *page, struct scoop_error *error);

#endif
