/* What the gzip stage asks of a library that compresses. */
#ifndef SCOOP_STAGE_GZIP_ENCODER_H
#define SCOOP_STAGE_GZIP_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/error.h"

enum { SCOOP_GZIP_BLOCK_BYTES = 512 * 1024, SCOOP_GZIP_WINDOW_BYTES = 32 * 1024 };

/* A piece of the text. */
struct gzip_piece {
    unsigned char *text; /* its first byte; `window` bytes of what comes before stand in front */
    size_t window;
    size_t length; /* at most SCOOP_GZIP_BLOCK_BYTES */
    bool last;     /* of the text */
};

struct gzip_encoder;

struct gzip_encoder_type {
    /* Appends the piece as deflate data, which refers to the window and ends at a whole byte, with
     * the last block if it is the last. The bytes depend on the piece alone. 0 or -1. */
    int (*encode)(struct gzip_encoder *encoder, const struct gzip_piece *piece,
                  struct scoop_buf *out, struct scoop_error *error);
    void (*free)(struct gzip_encoder *encoder);
};

/* First member of every encoder. */
struct gzip_encoder {
    const struct gzip_encoder_type *type;
};

/* Each returns an encoder owned by the caller, or NULL with *error filled. */
struct gzip_encoder *scoop_gzip_zlib_new(int level, struct scoop_error *error); /* 0..9 */
struct gzip_encoder *scoop_gzip_isal_new(int level, struct scoop_error *error); /* 1..3 */
/* The CRC-32 of gzip's trailer, by ISA-L. */
uint32_t scoop_gzip_crc(const unsigned char *text, size_t length);

#endif
