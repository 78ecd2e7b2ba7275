#include <zlib.h>

#include "gzip_encoder.h"
#include "scoop/memory.h"

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };

struct zlib_encoder {
    struct gzip_encoder base;
    z_stream z;
    int flush;
};

static void *allocate(void *opaque, unsigned count, unsigned size_bytes) {
    (void)opaque;
    return scoop_calloc(count, size_bytes);
}

static void release(void *opaque, void *block) {
    (void)opaque;
    scoop_free(block);
}

static void zlib_offer(struct gzip_encoder *base, unsigned char *text, size_t length, bool last) {
    struct zlib_encoder *encoder = (struct zlib_encoder *)base;
    encoder->z.next_in = text;
    encoder->z.avail_in = (uInt)length;
    encoder->flush = last ? Z_FINISH : Z_NO_FLUSH;
}

static int zlib_compress(struct gzip_encoder *base, unsigned char *out, size_t room, size_t *made,
                         bool *done, struct scoop_error *error) {
    struct zlib_encoder *encoder = (struct zlib_encoder *)base;
    z_stream *z = &encoder->z;
    z->next_out = out;
    z->avail_out = (uInt)room;
    int result = deflate(z, encoder->flush);
    *made = room - z->avail_out;
    *done = z->avail_out > 0;
    if (result == Z_STREAM_ERROR)
        return scoop_fail(error, SCOOP_INTERNAL, "deflate lost its state");
    if (*done && encoder->flush == Z_FINISH && result != Z_STREAM_END)
        return scoop_fail(error, SCOOP_INTERNAL, "deflate did not finish");
    return 0;
}

static void zlib_free(struct gzip_encoder *base) {
    struct zlib_encoder *encoder = (struct zlib_encoder *)base;
    deflateEnd(&encoder->z);
    scoop_free(encoder);
}

static const struct gzip_encoder_type zlib_type = {zlib_offer, zlib_compress, zlib_free};

struct gzip_encoder *scoop_gzip_zlib_new(int level, struct scoop_error *error) {
    struct zlib_encoder *encoder = scoop_calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    encoder->base.type = &zlib_type;
    encoder->z.zalloc = allocate;
    encoder->z.zfree = release;
    if (deflateInit2(&encoder->z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        scoop_fail_memory(error);
        scoop_free(encoder);
        return NULL;
    }
    return &encoder->base;
}
