/* What an object in S3 is given besides its bytes. */
#ifndef SCOOP_OBJECT_OPTIONS_H
#define SCOOP_OBJECT_OPTIONS_H

#include <stdbool.h>

/* NULL or false: the bucket's default. */
struct scoop_object_options {
    const char *content_type; /* NULL: the sink's own */
    const char *encryption;   /* "AES256", "aws:kms" or "aws:kms:dsse" */
    const char *kms_key_id;   /* with a KMS encryption; NULL: AWS's own key for S3 */
    bool bucket_key;          /* with "aws:kms": one data key for many objects */
    const char *storage_class;
    const char *acl; /* a canned one, "bucket-owner-full-control" */
    const char *cache_control;
    const char *content_encoding;
    const char *content_disposition;
    const char *content_language;
    const char *expires;  /* a date of HTTP's */
    const char *tags;     /* "name=value&…", percent-encoded; at most 10 */
    const char *metadata; /* the same; names and values are at most 2 KB together */
};

#endif
