/* An answer of S3 other than success, told to whoever asked: what was asked, what the server says,
 * the facts that its answer holds, and what to do. Pure, any thread. */
#ifndef SCOOP_AWS_S3_REFUSAL_H
#define SCOOP_AWS_S3_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/s3/message.h"
#include "scoop/error.h"

struct scoop_s3_refusal {
    const char *method;
    const char *action; /* the permission that the request needs */
    const char *where;  /* the bucket and the key */
    int status;
    const struct scoop_s3_error *body;
    const char *region;   /* the header x-amz-bucket-region, or NULL */
    bool reads_key;       /* it was a key that was asked for, by GET */
    bool delete_marker;   /* the header x-amz-delete-marker */
    int64_t signed_at;    /* seconds since 1970, by the clock that signs */
    int64_t server_clock; /* the header Date; -1: there is none */
};

/* Fills code, http_status and message. */
void scoop_s3_explain(const struct scoop_s3_refusal *refusal, enum scoop_code code,
                      struct scoop_error *error);

#endif
