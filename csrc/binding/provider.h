/* Credentials from a Python callable. */
#ifndef SCOOP_BINDING_PROVIDER_H
#define SCOOP_BINDING_PROVIDER_H

#include "binding/runner.h"
#include "scoop/s3.h"

struct airscoop_provider {
    struct airscoop_runner *runner; /* of whose calls it is a part; keeps what it raises */
    PyObject *callable;
    PyObject *given; /* the tuple that it returned last, which holds the strings */
};

/* Zero-initialise. */
struct airscoop_providers {
    struct airscoop_provider ends[2]; /* source, destination */
};

/* Makes *target ask `callable`: (access key id, session token) of what is held, or None twice, to
 * (access key id, secret access key, session token or None, seconds since 1970 or 0). It is called
 * on the thread that waits, with the GIL. Replaces what was set before. */
void airscoop_provider_set(struct airscoop_provider *provider, struct airscoop_runner *runner,
                           PyObject *callable, struct scoop_credentials_provider *target);
void airscoop_providers_free(struct airscoop_providers *providers);
int airscoop_providers_traverse(struct airscoop_providers *providers, visitproc visit, void *arg);

#endif
