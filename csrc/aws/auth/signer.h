/* What the clients of AWS's services share: whose requests they send, signed by whose clock. */
#ifndef SCOOP_AWS_AUTH_SIGNER_H
#define SCOOP_AWS_AUTH_SIGNER_H

#include "aws/auth/held_credentials.h"
#include "aws/auth/sigv4.h"
#include "net/http.h"

struct scoop_signer {
    const char *service; /* static */
    char *region;
    struct scoop_held_credentials credentials;
    int64_t skew_seconds; /* server's clock minus ours */
};

/* Strings are copied; region NULL: us-east-1. 0 or -1 (NO_MEMORY; USAGE, CREDENTIALS: a setting
 * that could not be sent); free it in any case. */
int scoop_signer_init(struct scoop_signer *signer, const char *service, const char *region,
                      const struct scoop_credentials *credentials,
                      const struct scoop_credentials_provider *provider, struct scoop_error *error);
void scoop_signer_free(struct scoop_signer *signer);
/* Whether there are credentials, or someone who gives them. */
bool scoop_signer_signs(const struct scoop_signer *signer);
/* The server's time, in seconds since 1970. */
int64_t scoop_signer_time(const struct scoop_signer *signer);

/* "Name: value" lines of a request. Zero-initialise. */
enum {
    SCOOP_MAX_HEADER_LINES = 136,
    SCOOP_SIGNER_LINES = 4, /* what signing adds at most */
};
struct scoop_header_lines {
    char *lines[SCOOP_MAX_HEADER_LINES];
    size_t count;
};
/* 0 or -1 (NO_MEMORY; USAGE when it is no header; INTERNAL when there is no room). */
int scoop_header_lines_add(struct scoop_header_lines *list, const char *name, const char *value,
                           struct scoop_error *error);
void scoop_header_lines_free(struct scoop_header_lines *list);

/* Adds the lines that sign the request; its region, service and timestamp are filled in here. Has
 * the credentials been prepared, that is up to the caller. 0 or -1. */
int scoop_signer_sign(const struct scoop_signer *signer, struct scoop_signing_request *request,
                      struct scoop_header_lines *list, struct scoop_error *error);

/* Whether a wrong clock explains that a request sent at `sent_at` (our time) was refused: then the
 * server's Date corrects it, and *tried is set. Never twice for one request. */
bool scoop_signer_skew_explains(struct scoop_signer *signer, struct scoop_http_exchange *exchange,
                                int64_t sent_at, bool *tried);

#endif
