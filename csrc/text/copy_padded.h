/* Copies short texts faster than memcpy does. */
#ifndef SCOOP_TEXT_COPY_PADDED_H
#define SCOOP_TEXT_COPY_PADDED_H

#include <string.h>

enum { SCOOP_COPY_BYTES = 16 };

/* Copies `length` bytes, for which a call of memcpy would often take longer: up to SCOOP_COPY_BYTES
 * more are read and written, so both sides need room behind. Returns the end of the copy proper. */
static inline unsigned char *scoop_copy_padded(unsigned char *at, const unsigned char *data,
                                               size_t length) {
    memcpy(at, data, SCOOP_COPY_BYTES);
    for (size_t i = SCOOP_COPY_BYTES; i < length; i += SCOOP_COPY_BYTES)
        memcpy(at + i, data + i, SCOOP_COPY_BYTES);
    return at + length;
}

#endif
