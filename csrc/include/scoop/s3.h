/* S3 as the caller knows it: how it is reached, and questions with one answer, which wait. */
#ifndef SCOOP_S3_H
#define SCOOP_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/credentials.h"
#include "scoop/engine.h"
#include "scoop/error.h"
#include "scoop/interrupt.h"

enum { SCOOP_ETAG_SIZE = 128, SCOOP_S3_MAX_PARTS = 10000 };

/* The payload's SHA-256 is signed over plain http, where nothing else guards it, and left out over
 * https; NEVER and ALWAYS override. */
enum scoop_payload_signing {
    SCOOP_PAYLOAD_SIGNING_AUTO,
    SCOOP_PAYLOAD_SIGNING_NEVER,
    SCOOP_PAYLOAD_SIGNING_ALWAYS,
};

struct scoop_s3_options {
    const char *endpoint_url; /* NULL: AWS's own in that region */
    bool virtual_hosts;       /* of an endpoint_url: the bucket goes before its host; else behind */
    const char *region;       /* NULL: us-east-1 */
    struct scoop_credentials credentials; /* access_key_id NULL, no provider: unsigned requests */
    struct scoop_credentials_provider provider; /* `user` outlives the client */
    enum scoop_payload_signing payload_signing;
    struct scoop_request_limits limits;
    bool requester_pays;               /* agreed to by a header of every request */
    const char *expected_bucket_owner; /* an account's id: S3 refuses buckets of others */
    const char *proxy;      /* of all its requests; NULL: as the environment says; "": none */
    const char *version_id; /* which one of an object is read; NULL: the newest */
    const char *if_match; /* of a transfer's source, which is read: the ETag that it must have, else
                             SOURCE_CHANGED; NULL: any */
};

struct scoop_s3_client;

/* All strings are copied; the engine is borrowed and outlives the client. NULL with *error (USAGE,
 * NO_MEMORY). */
struct scoop_s3_client *scoop_s3_client_new(struct scoop_engine *engine,
                                            const struct scoop_s3_options *options,
                                            struct scoop_error *error);
/* After all its calls have ended. NULL is allowed. */
void scoop_s3_client_free(struct scoop_s3_client *client);

/* Items of pages. Strings are valid during the callback, which returns 0, or -1 with *error filled
 * to stop. */
struct scoop_s3_object {
    const char *key; /* decoded */
    size_t key_length;
    uint64_t size_bytes;
    const char *etag;
    const char *last_modified; /* "2026-11-21T10:00:00.000Z", as sent */
};
struct scoop_s3_listed_part {
    uint32_t number;
    uint64_t size_bytes;
    const char *etag;
    const char *crc32c, *crc64nvme; /* base64; "" where the server lists none */
};
struct scoop_s3_listed_upload {
    const char *key; /* decoded */
    size_t key_length;
    const char *upload_id;
    const char *initiated; /* a time like last_modified */
};

/* Where the next page starts. Zero-initialise; release with scoop_s3_page_free; may be used for
 * page after page. */
struct scoop_s3_page {
    bool truncated;              /* there is a next page */
    struct scoop_buf token;      /* objects: continuation-token; uploads: key-marker (decoded) */
    struct scoop_buf upload_id;  /* uploads: upload-id-marker */
    uint32_t part_number_marker; /* parts */
};
void scoop_s3_page_free(struct scoop_s3_page *page);

/* One page (at most 1000 objects) of the keys that begin with `prefix`, after the page that gave
 * `token` ("" or NULL: the first). The next page's token is in page->token when page->truncated. 0,
 * or -1 with *error; CANCELLED when interrupted. */
int scoop_s3_list_page(struct scoop_s3_client *client, const char *bucket, const char *prefix,
                       const char *token,
                       int (*on_object)(void *user, const struct scoop_s3_object *object,
                                        struct scoop_error *error),
                       void *user, struct scoop_s3_page *page,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error);

struct scoop_s3_object_facts {
    int64_t size_bytes; /* -1: not said */
    char etag[SCOOP_ETAG_SIZE];
    char checksum[32];   /* "CRC32C:base64" of the whole object; "": S3 keeps none that we know */
    char split_mark[65]; /* what a file of a split output was given (split_mark.h), else "" */
};

/* HEAD of an object. 0, or -1 with NOT_FOUND, ACCESS_DENIED, … */
int scoop_s3_head(struct scoop_s3_client *client, const char *bucket, const char *key,
                  struct scoop_s3_object_facts *facts, const struct scoop_interrupt *interrupt,
                  struct scoop_error *error);

/* 0, also when there is no such object; or -1 with ACCESS_DENIED, … */
int scoop_s3_delete(struct scoop_s3_client *client, const char *bucket, const char *key,
                    const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* Multipart uploads that are neither completed nor aborted. */

/* One page (at most 1000 uploads) for the keys that begin with `prefix`, after the page whose
 * markers are given (NULL: the first). page->token and page->upload_id are the next markers when
 * page->truncated. 0, or -1 with *error; CANCELLED when interrupted. */
int scoop_s3_list_uploads(struct scoop_s3_client *client, const char *bucket, const char *prefix,
                          const char *key_marker, const char *upload_marker,
                          int (*on_upload)(void *user, const struct scoop_s3_listed_upload *upload,
                                           struct scoop_error *error),
                          void *user, struct scoop_s3_page *page,
                          const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* One page (at most 1000) of an upload's parts with numbers above `after`; page->part_number_marker
 * is the next `after` when page->truncated. 0, or -1 with NOT_FOUND (no such upload), … */
int scoop_s3_list_parts(struct scoop_s3_client *client, const char *bucket, const char *key,
                        const char *upload_id, uint32_t after,
                        int (*on_part)(void *user, const struct scoop_s3_listed_part *part,
                                       struct scoop_error *error),
                        void *user, struct scoop_s3_page *page,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* 0, or -1 with NOT_FOUND, ACCESS_DENIED, … A part that is under way may arrive afterwards: only
 * scoop_s3_list_parts tells that nothing is left. */
int scoop_s3_abort_upload(struct scoop_s3_client *client, const char *bucket, const char *key,
                          const char *upload_id, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error);

#endif
