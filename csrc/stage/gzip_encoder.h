/* What the gzip stage asks of a library that compresses. */
#ifndef SCOOP_STAGE_GZIP_ENCODER_H
#define SCOOP_STAGE_GZIP_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/error.h"

struct gzip_encoder;

struct gzip_encoder_type {
    /* The next bytes of the text, borrowed until compress is done with them. */
    void (*offer)(struct gzip_encoder *encoder, unsigned char *text, size_t length, bool last);
    /* Writes *made bytes, at most `room`; *done: all that was offered is used up, and the member is
     * closed if that was the last. 0 or -1. */
    int (*compress)(struct gzip_encoder *encoder, unsigned char *out, size_t room, size_t *made,
                    bool *done, struct scoop_error *error);
    void (*free)(struct gzip_encoder *encoder);
};

/* First member of every encoder. */
struct gzip_encoder {
    const struct gzip_encoder_type *type;
};

/* One gzip member without a time stamp. Each returns an encoder owned by the caller, or NULL with
 * *error filled. */
struct gzip_encoder *scoop_gzip_zlib_new(int level, struct scoop_error *error); /* 0..9 */
struct gzip_encoder *scoop_gzip_isal_new(int level, struct scoop_error *error); /* 1..3 */

#endif
