/* S3 questions with one answer: a page of a listing, the facts of an object. They wait. */
#ifndef SCOOP_S3_ASK_H
#define SCOOP_S3_ASK_H

#include <stdint.h>

#include "scoop/interrupt.h"
#include "scoop/s3.h"
#include "scoop/s3_message.h"

/* One page (at most 1000 objects) of the keys that begin with `prefix`, after the page that gave
 * `token` ("" or NULL: the first). on_object as in scoop_s3_parse_objects; the next page's token is
 * in page->token when page->truncated. 0, or -1 with *error; CANCELLED when interrupted. */
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

#endif
