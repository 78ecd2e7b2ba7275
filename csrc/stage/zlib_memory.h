/* zlib's allocation hooks on scoop/memory.h; the gzip stages share them. */
#ifndef SCOOP_STAGE_ZLIB_MEMORY_H
#define SCOOP_STAGE_ZLIB_MEMORY_H

#include <zlib.h>

#include "scoop/memory.h"

static inline void *scoop_zlib_alloc(void *opaque, unsigned count, unsigned size_bytes) {
    (void)opaque;
    return scoop_calloc(count, size_bytes);
}

static inline void scoop_zlib_free(void *opaque, void *block) {
    (void)opaque;
    scoop_free(block);
}

#endif
