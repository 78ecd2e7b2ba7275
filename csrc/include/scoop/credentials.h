/* AWS credentials, and who gives others. */
#ifndef SCOOP_CREDENTIALS_H
#define SCOOP_CREDENTIALS_H

#include <stdint.h>

#include "scoop/error.h"

/* Borrowed strings. session_token NULL or "": none. */
struct scoop_credentials {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token;
};

/* Gives credentials when there are none yet, before those held expire, and when they are refused as
 * expired. Called on the thread that runs the engine. */
struct scoop_credentials_provider {
    /* held: what the client has (NULLs: nothing). *given: borrowed until the next call.
     * *expires_at: seconds since 1970, 0 when unknown. 0, or -1 with *error. NULL: no provider. */
    int (*get)(void *user, const struct scoop_credentials *held, struct scoop_credentials *given,
               int64_t *expires_at, struct scoop_error *error);
    void *user;
    const void *identity; /* equal ones, not NULL, give the same credentials; never looked into */
};

#endif
