/* AWS Signature Version 4, in a request's headers. Pure, any thread. */
#ifndef SCOOP_AWS_AUTH_SIGV4_H
#define SCOOP_AWS_AUTH_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "aws/uri.h"
#include "scoop/buffer.h"
#include "scoop/credentials.h"
#include "scoop/digest.h"
#include "scoop/error.h"

#define SCOOP_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOOP_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

/* Everything is borrowed. The flags' zero is what S3 wants, but for send_payload_hash. */
struct scoop_signing_request {
    const char *method; /* upper case */
    const char *path;   /* of the request target, percent-encoded as it is sent; "" means "/" */
    const struct scoop_pair *query; /* decoded; send it as scoop_query_encode writes it */
    size_t query_count;
    /* Every header that will be sent, "host" among them. authorization, x-amz-date,
     * x-amz-security-token and x-amz-content-sha256 are skipped here: they are the signer's (so the
     * headers of an earlier try can be given again). So are those that proxies change. */
    const struct scoop_pair *headers;
    size_t header_count;
    const char *payload_hash; /* hex SHA-256 or SCOOP_UNSIGNED_PAYLOAD; NULL: of an empty body */
    const char *region;
    const char *service;     /* "s3" */
    time_t timestamp;        /* UTC */
    bool send_payload_hash;  /* x-amz-content-sha256 is sent and signed; S3 requires it */
    bool normalize_path;     /* not S3: remove dot segments and double slashes */
    bool encode_path;        /* not S3: percent-encode the path once more */
    bool omit_session_token; /* it is sent, but not signed, as one of AWS's test cases has it */
};

enum { SCOOP_AMZ_DATE_SIZE = 17 };

/* What signing yields. Zero-initialise; release with scoop_signed_free. */
struct scoop_signed {
    char amz_date[SCOOP_AMZ_DATE_SIZE]; /* x-amz-date */
    char signature[SCOOP_SHA256_HEX_SIZE];
    struct scoop_buf canonical_request; /* these two are for comparing with a server's complaint */
    struct scoop_buf string_to_sign;
    struct scoop_buf result; /* the Authorization header's value */
};

/* The caller then sends its headers, and: Authorization (result),
 * X-Amz-Date (amz_date), X-Amz-Security-Token (credentials' token, if any), and
 * X-Amz-Content-Sha256 (payload_hash, if send_payload_hash). *out is overwritten: reuse after free.
 * 0, or -1 with CREDENTIALS (no key), USAGE (no host header), NO_MEMORY, TOO_LARGE. */
int scoop_sign_headers(const struct scoop_signing_request *request,
                       const struct scoop_credentials *credentials, struct scoop_signed *out,
                       struct scoop_error *error);
void scoop_signed_free(struct scoop_signed *out);

/* The steps, each usable alone. */

/* Appends the canonical request, from exactly the query and headers given but for those that are
 * never signed, and the signed header names "a;b" to signed_names. */
int scoop_canonical_request(const struct scoop_signing_request *request,
                            struct scoop_buf *canonical, struct scoop_buf *signed_names,
                            struct scoop_error *error);
/* The key depends on secret, day, region and service only. Wipe it after use. */
int scoop_signing_key(const char *secret_access_key, const char *amz_date, const char *region,
                      const char *service, unsigned char key[SCOOP_SHA256_BYTES],
                      struct scoop_error *error);

#endif
