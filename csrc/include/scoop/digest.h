/* How long digests are, and how bytes are shown in hex. Pure, any thread. */
#ifndef SCOOP_DIGEST_H
#define SCOOP_DIGEST_H

#include <stddef.h>

enum {
    SCOOP_SHA256_BYTES = 32,
    SCOOP_SHA256_HEX_SIZE = 65, /* with the NUL */
    SCOOP_MD5_BYTES = 16,
    SCOOP_MD5_HEX_SIZE = 33, /* with the NUL */
};

/* Writes 2 * length lower-case digits and a NUL. */
void scoop_hex_encode(const void *data, size_t length, char *out);

#endif
