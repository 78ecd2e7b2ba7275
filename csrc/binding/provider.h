/* Credentials from a Python callable. */
#ifndef AIRSCOOP_PROVIDER_H
#define AIRSCOOP_PROVIDER_H

#include "binding.h"
#include "scoop/s3.h"

/* Zero-initialise. */
struct airscoop_provider {
    PyObject *callable;
    PyObject *given; /* the tuple that it returned last, which holds the strings */
};

struct airscoop_providers {
    struct airscoop_provider ends[2]; /* source, destination */
};

/* Makes *target ask `callable`: (access key id, session token) of what is held, or None twice, to
 * (access key id, secret access key, session token or None, seconds since 1970 or 0). It is called
 * on the thread that waits, with the GIL. Replaces what was set before. */
void airscoop_provider_set(struct airscoop_provider *provider, PyObject *callable,
                           struct scoop_credentials_provider *target);
void airscoop_providers_free(struct airscoop_providers *providers);

/* The exception by which a provider failed on this thread: airscoop_raise makes it the cause of its
 * own, or raises it instead. New reference, or NULL; then forgotten. */
PyObject *airscoop_take_failure(void);
void airscoop_forget_failure(void);

#endif
