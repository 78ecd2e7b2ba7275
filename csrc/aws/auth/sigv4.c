#include "aws/auth/sigv4.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { TEXT_CEILING_BYTES = 256 * 1024, DAY_LENGTH = 8, EXTRA_HEADERS = 3 };

/* YYYYMMDDTHHMMSSZ. 0, or -1 with USAGE outside the years 1000 … 9999. */
static int write_date(time_t timestamp, char out[SCOOP_AMZ_DATE_SIZE], struct scoop_error *error) {
    struct tm utc;
    if (gmtime_r(&timestamp, &utc) == NULL || utc.tm_year < 1000 - 1900 ||
        utc.tm_year > 9999 - 1900 ||
        strftime(out, SCOOP_AMZ_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc) != SCOOP_AMZ_DATE_SIZE - 1)
        return scoop_fail(error, SCOOP_USAGE, "the time %lld cannot be written as a date",
                          (long long)timestamp);
    return 0;
}

static int write_string_to_sign(const char *amz_date, const char *region, const char *service,
                                const void *canonical, size_t canonical_length,
                                struct scoop_buf *buf, struct scoop_error *error) {
    char hash[SCOOP_SHA256_HEX_SIZE];
    if (scoop_sha256_hex(canonical, canonical_length, hash, error) != 0)
        return -1;
    return scoop_buf_printf(buf, error, ALGORITHM "\n%s\n%.*s/%s/%s/aws4_request\n%s", amz_date,
                            DAY_LENGTH, amz_date, region, service, hash);
}

int scoop_signing_key(const char *secret_access_key, const char *amz_date, const char *region,
                      const char *service, unsigned char key[SCOOP_SHA256_BYTES],
                      struct scoop_error *error) {
    static const char prefix[] = "AWS4", end[] = "aws4_request";
    size_t size = sizeof prefix + strlen(secret_access_key);
    char *first = scoop_malloc(size);
    if (first == NULL)
        return scoop_fail_memory(error);
    memcpy(first, prefix, sizeof prefix - 1);
    memcpy(first + sizeof prefix - 1, secret_access_key, size - sizeof prefix + 1);
    int failed =
        scoop_hmac_sha256(first, size - 1, amz_date, DAY_LENGTH, key, error) != 0 ||
        scoop_hmac_sha256(key, SCOOP_SHA256_BYTES, region, strlen(region), key, error) != 0 ||
        scoop_hmac_sha256(key, SCOOP_SHA256_BYTES, service, strlen(service), key, error) != 0 ||
        scoop_hmac_sha256(key, SCOOP_SHA256_BYTES, end, sizeof end - 1, key, error) != 0;
    scoop_wipe(first, size);
    scoop_free(first);
    return failed ? -1 : 0;
}

static int write_signature(const unsigned char key[SCOOP_SHA256_BYTES], const void *string_to_sign,
                           size_t length, char out[SCOOP_SHA256_HEX_SIZE],
                           struct scoop_error *error) {
    unsigned char mac[SCOOP_SHA256_BYTES];
    if (scoop_hmac_sha256(key, SCOOP_SHA256_BYTES, string_to_sign, length, mac, error) != 0)
        return -1;
    scoop_hex_encode(mac, sizeof mac, out);
    return 0;
}

/* The signer writes these itself. */
static bool is_own(const char *name) {
    return strcasecmp(name, "x-amz-date") == 0 || strcasecmp(name, "x-amz-security-token") == 0 ||
           strcasecmp(name, "x-amz-content-sha256") == 0;
}

static bool has_token(const struct scoop_credentials *credentials) {
    return credentials->session_token != NULL && *credentials->session_token != 0;
}

static int check(const struct scoop_signing_request *request,
                 const struct scoop_credentials *credentials, struct scoop_error *error) {
    if (credentials->access_key_id == NULL || *credentials->access_key_id == 0 ||
        credentials->secret_access_key == NULL || *credentials->secret_access_key == 0)
        return scoop_fail(
            error, SCOOP_CREDENTIALS,
            "access key id or secret access key is missing; a request cannot be signed");
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, "host") == 0)
            return 0;
    return scoop_fail(error, SCOOP_USAGE, "a request cannot be signed without a host header");
}

static void prepare(struct scoop_signed *out) {
    memset(out, 0, sizeof *out);
    scoop_buf_init(&out->canonical_request, TEXT_CEILING_BYTES);
    scoop_buf_init(&out->string_to_sign, TEXT_CEILING_BYTES);
    scoop_buf_init(&out->result, TEXT_CEILING_BYTES);
}

/* The session token is a header that is signed, or in a query. */
static void free_secret(struct scoop_buf *buf) {
    if (buf->data != NULL)
        scoop_wipe(buf->data, buf->capacity);
    scoop_buf_free(buf);
}

void scoop_signed_free(struct scoop_signed *out) {
    free_secret(&out->canonical_request);
    free_secret(&out->result);
    scoop_buf_free(&out->string_to_sign);
}

/* What a canonical request takes at most: a buffer that grew would leave the token behind. */
static size_t canonical_bytes(const struct scoop_signing_request *request) {
    size_t bytes = 512 + 3 * strlen(request->path);
    for (size_t i = 0; i < request->query_count; i++)
        bytes += 2 + 3 * (strlen(request->query[i].name) +
                          (request->query[i].value ? strlen(request->query[i].value) : 0));
    for (size_t i = 0; i < request->header_count; i++)
        bytes += 4 + 2 * strlen(request->headers[i].name) +
                 (request->headers[i].value ? strlen(request->headers[i].value) : 0);
    return bytes < TEXT_CEILING_BYTES ? bytes : TEXT_CEILING_BYTES;
}

/* All but the place where the signature goes. */
static int sign(const struct scoop_signing_request *request,
                const struct scoop_credentials *credentials, struct scoop_buf *signed_names,
                struct scoop_signed *out, struct scoop_error *error) {
    unsigned char key[SCOOP_SHA256_BYTES];
    if (scoop_buf_reserve(&out->canonical_request, canonical_bytes(request), error) != 0 ||
        scoop_canonical_request(request, &out->canonical_request, signed_names, error) != 0 ||
        write_string_to_sign(out->amz_date, request->region, request->service,
                             out->canonical_request.data, out->canonical_request.length,
                             &out->string_to_sign, error) != 0 ||
        scoop_signing_key(credentials->secret_access_key, out->amz_date, request->region,
                          request->service, key, error) != 0)
        return -1;
    int result = write_signature(key, out->string_to_sign.data, out->string_to_sign.length,
                                 out->signature, error);
    scoop_wipe(key, sizeof key);
    return result;
}

/* The caller's headers without our own, and room for EXTRA_HEADERS. *count is set. */
static struct scoop_pair *copy_headers(const struct scoop_signing_request *request, size_t *count,
                                       struct scoop_error *error) {
    struct scoop_pair *copy = scoop_calloc(request->header_count + EXTRA_HEADERS, sizeof *copy);
    *count = 0;
    if (copy == NULL)
        scoop_fail_memory(error);
    for (size_t i = 0; copy != NULL && i < request->header_count; i++)
        if (!is_own(request->headers[i].name))
            copy[(*count)++] = request->headers[i];
    return copy;
}

int scoop_sign_headers(const struct scoop_signing_request *request,
                       const struct scoop_credentials *credentials, struct scoop_signed *out,
                       struct scoop_error *error) {
    prepare(out);
    if (check(request, credentials, error) != 0 ||
        write_date(request->timestamp, out->amz_date, error) != 0)
        return -1;
    int result = -1;
    size_t count = 0;
    struct scoop_buf names;
    scoop_buf_init(&names, TEXT_CEILING_BYTES);
    struct scoop_pair *headers = copy_headers(request, &count, error);
    if (headers == NULL)
        goto cleanup;
    headers[count++] = (struct scoop_pair){"x-amz-date", out->amz_date};
    if (request->send_payload_hash)
        headers[count++] = (struct scoop_pair){"x-amz-content-sha256", request->payload_hash != NULL
                                                                           ? request->payload_hash
                                                                           : SCOOP_EMPTY_SHA256};
    if (has_token(credentials) && !request->omit_session_token)
        headers[count++] = (struct scoop_pair){"x-amz-security-token", credentials->session_token};
    struct scoop_signing_request whole = *request;
    whole.headers = headers;
    whole.header_count = count;
    if (sign(&whole, credentials, &names, out, error) != 0)
        goto cleanup;
    result = scoop_buf_printf(&out->result, error,
                              ALGORITHM " Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=%.*s"
                                        ", Signature=%s",
                              credentials->access_key_id, DAY_LENGTH, out->amz_date,
                              request->region, request->service, (int)names.length,
                              (const char *)names.data, out->signature);
cleanup:
    scoop_free(headers);
    scoop_buf_free(&names);
    return result;
}
