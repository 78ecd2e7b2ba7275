/* The credentials that a client signs with, and how it gets new ones. Pure. */
#ifndef SCOOP_AWS_AUTH_HELD_CREDENTIALS_H
#define SCOOP_AWS_AUTH_HELD_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "scoop/credentials.h"

struct scoop_held_credentials {
    char *access_key_id, *secret_access_key, *session_token; /* ours; NULL: none */
    struct scoop_credentials_provider provider;
    int64_t ask_at;      /* seconds since 1970; 0: when they are refused */
    uint32_t generation; /* how often the provider has given any */
    bool failed;         /* the provider has: what is still to be sent does without it */
};

/* Strings are copied. 0 or -1 (NO_MEMORY; CREDENTIALS when they could not be sent). */
int scoop_held_credentials_init(struct scoop_held_credentials *own,
                                const struct scoop_credentials *credentials,
                                const struct scoop_credentials_provider *provider,
                                struct scoop_error *error);
void scoop_held_credentials_free(struct scoop_held_credentials *own);
/* Asks the provider if there are none yet, or they are about to expire. 0 or -1 (the provider's
 * error; EXPIRED if it gives some that have expired; CREDENTIALS if they could not be sent). */
int scoop_held_credentials_prepare(struct scoop_held_credentials *own, int64_t now,
                                   struct scoop_error *error);
/* Those of that generation were refused as expired. 0: others are there; -1 with an error; 1: there
 * is no one to ask. */
int scoop_held_credentials_renew(struct scoop_held_credentials *own, uint32_t generation,
                                 int64_t now, struct scoop_error *error);

#endif
