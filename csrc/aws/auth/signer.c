#include "aws/auth/signer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/header.h"

enum {
    SKEW_LIMIT_SECONDS = 240, /* a smaller difference does not explain a refused signature */
    MOST_REGION_BYTES = 63,
};

/* It becomes part of headers and of host names. Other servers than AWS's have names of their own.
 */
static bool is_region(const char *text) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(text);
    return length <= MOST_REGION_BYTES && strspn(text, allowed) == length;
}

int scoop_signer_init(struct scoop_signer *signer, const char *service, const char *region,
                      const struct scoop_credentials *credentials,
                      const struct scoop_credentials_provider *provider,
                      struct scoop_error *error) {
    memset(signer, 0, sizeof *signer);
    signer->service = service;
    if (region != NULL && !is_region(region))
        return scoop_fail(error, SCOOP_USAGE,
                          "region is no name of a region: it has letters, digits, '-', '_' and "
                          "'.', at most %d",
                          MOST_REGION_BYTES);
    signer->region = scoop_strdup(region != NULL ? region : "us-east-1");
    if (signer->region == NULL)
        return scoop_fail_memory(error);
    return scoop_held_credentials_init(&signer->credentials, credentials, provider, error);
}

void scoop_signer_free(struct scoop_signer *signer) {
    scoop_free(signer->region);
    scoop_held_credentials_free(&signer->credentials);
}

bool scoop_signer_signs(const struct scoop_signer *signer) {
    return signer->credentials.access_key_id != NULL || signer->credentials.provider.get != NULL;
}

int64_t scoop_signer_time(const struct scoop_signer *signer) {
    return scoop_unix_seconds() + signer->skew_seconds;
}

int scoop_header_lines_add(struct scoop_header_lines *list, const char *name, const char *value,
                           struct scoop_error *error) {
    if (list->count == SCOOP_MAX_HEADER_LINES)
        return scoop_fail(error, SCOOP_INTERNAL, "a request has more header lines than fit");
    if (!scoop_header_is_name(name, strlen(name)))
        return scoop_fail(error, SCOOP_USAGE, "a header cannot be sent: its name is no name");
    /* The value may be a secret: it is not shown. */
    if (!scoop_header_is_value(value, strlen(value)))
        return scoop_fail(error, SCOOP_USAGE,
                          "the header %s cannot be sent: its value holds a line break or another "
                          "control character",
                          name);
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = scoop_malloc(size);
    if (line == NULL)
        return scoop_fail_memory(error);
    /* libcurl takes "Name:" for the wish to leave a header out, and "Name;" for an empty one. */
    if (value[0] == 0)
        snprintf(line, size, "%s;", name);
    else
        snprintf(line, size, "%s: %s", name, value);
    list->lines[list->count++] = line;
    return 0;
}

void scoop_header_lines_free(struct scoop_header_lines *list) {
    for (size_t i = 0; i < list->count; i++)
        scoop_free_secret(list->lines[i]); /* one is the session token's */
    list->count = 0;
}

int scoop_signer_sign(const struct scoop_signer *signer, struct scoop_signing_request *request,
                      struct scoop_header_lines *list, struct scoop_error *error) {
    const struct scoop_held_credentials *own = &signer->credentials;
    const struct scoop_credentials credentials = {own->access_key_id, own->secret_access_key,
                                                  own->session_token};
    struct scoop_signed result = {0};
    request->region = signer->region;
    request->service = signer->service;
    request->timestamp = scoop_signer_time(signer);
    int status = scoop_sign_headers(request, &credentials, &result, error);
    if (status == 0) {
        const char *authorization = scoop_buf_text(&result.result, error);
        status = authorization == NULL ||
                         scoop_header_lines_add(list, "Authorization", authorization, error) != 0 ||
                         scoop_header_lines_add(list, "X-Amz-Date", result.amz_date, error) != 0
                     ? -1
                     : 0;
    }
    if (status == 0 && request->send_payload_hash)
        status = scoop_header_lines_add(list, "X-Amz-Content-Sha256", request->payload_hash, error);
    if (status == 0 && own->session_token != NULL)
        status = scoop_header_lines_add(list, "X-Amz-Security-Token", own->session_token, error);
    scoop_signed_free(&result);
    return status;
}

bool scoop_signer_skew_explains(struct scoop_signer *signer, struct scoop_http_exchange *exchange,
                                int64_t sent_at, bool *tried) {
    if (*tried || scoop_http_header(exchange, "Age") != NULL)
        return false;
    int64_t date = scoop_http_date(exchange);
    if (date < 0)
        return false;
    int64_t skew = date - (sent_at + scoop_unix_seconds()) / 2;
    int64_t change = skew - signer->skew_seconds;
    if (change > -SKEW_LIMIT_SECONDS && change < SKEW_LIMIT_SECONDS)
        return false;
    signer->skew_seconds = skew;
    *tried = true;
    return true;
}
