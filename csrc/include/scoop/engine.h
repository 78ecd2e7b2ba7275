/* The engine that moves requests on: one libcurl multi handle. */
#ifndef SCOOP_ENGINE_H
#define SCOOP_ENGINE_H

#include <stdint.h>

#include "scoop/error.h"

struct scoop_engine;

enum {
    SCOOP_CONNECT_MS = 10000,
    SCOOP_FIRST_BYTE_MS = 60000,
    SCOOP_IDLE_MS = 60000,
};

/* What a request may take; what takes longer is TIMEOUT. 0: the engine's, and of the engine the
 * default above. */
struct scoop_request_limits {
    uint64_t connect_ms;    /* name, connection and TLS */
    uint64_t first_byte_ms; /* until the answer's body begins */
    uint64_t idle_ms;       /* without a byte in either direction, while a body is on its way */
    uint64_t least_rate;    /* bytes per second that an answer's body brings over idle_ms; 0: any */
};

struct scoop_engine_options {
    const char *ca_file; /* PEM bundle; NULL: libcurl's own. Copied. */
    struct scoop_request_limits limits;
};

/* One engine belongs to one thread. NULL with *error filled (NO_MEMORY, INTERNAL). */
struct scoop_engine *scoop_engine_new(const struct scoop_engine_options *options,
                                      struct scoop_error *error);
/* Drops what is still under way without calling on_done. NULL is allowed. */
void scoop_engine_free(struct scoop_engine *engine);

#endif
