/* The engine that moves requests on: one libcurl multi handle. */
#ifndef SCOOP_ENGINE_H
#define SCOOP_ENGINE_H

#include "scoop/error.h"

struct scoop_engine;

struct scoop_engine_options {
    const char *ca_file;        /* PEM bundle; NULL: libcurl's own. Copied. */
    long connect_timeout_ms;    /* 0: 10,000 */
    long stall_timeout_seconds; /* no byte in either direction for so long is TIMEOUT; 0: 60 */
};

/* One engine belongs to one thread. NULL with *error filled (NO_MEMORY, INTERNAL). */
struct scoop_engine *scoop_engine_new(const struct scoop_engine_options *options,
                                      struct scoop_error *error);
/* Drops what is still under way without calling on_done. NULL is allowed. */
void scoop_engine_free(struct scoop_engine *engine);

#endif
