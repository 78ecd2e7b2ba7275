#include <zlib.h>

#include "scoop/memory.h"
#include "stage/gzip/encoder.h"

enum { RAW_WINDOW = -15, MEMORY_LEVEL = 8, SLACK_BYTES = 64 };

struct zlib_encoder {
    struct gzip_encoder base;
    z_stream z;
};

static void *allocate(void *opaque, unsigned count, unsigned size_bytes) {
    (void)opaque;
    return scoop_calloc(count, size_bytes);
}

static void release(void *opaque, void *block) {
    (void)opaque;
    scoop_free(block);
}

static int deflate_all(z_stream *z, int flush, struct scoop_buf *out, struct scoop_error *error) {
    int result;
    do {
        if (scoop_buf_reserve(out, deflateBound(z, z->avail_in) + SLACK_BYTES, error) != 0)
            return -1;
        size_t room = out->capacity - out->length;
        z->next_out = out->data + out->length;
        z->avail_out = (uInt)room;
        result = deflate(z, flush);
        out->length += room - z->avail_out;
    } while (result == Z_OK && z->avail_out == 0);
    if (result != (flush == Z_FINISH ? Z_STREAM_END : Z_OK))
        return scoop_fail(error, SCOOP_INTERNAL, "deflate stopped with code %d", result);
    return 0;
}

static int zlib_encode(struct gzip_encoder *base, const struct gzip_piece *piece,
                       struct scoop_buf *out, struct scoop_error *error) {
    z_stream *z = &((struct zlib_encoder *)base)->z;
    deflateReset(z);
    if (piece->window > 0)
        deflateSetDictionary(z, piece->text - piece->window, (uInt)piece->window);
    z->next_in = piece->text;
    z->avail_in = (uInt)piece->length;
    return deflate_all(z, piece->last ? Z_FINISH : Z_SYNC_FLUSH, out, error);
}

static void zlib_free(struct gzip_encoder *base) {
    struct zlib_encoder *encoder = (struct zlib_encoder *)base;
    deflateEnd(&encoder->z);
    scoop_free(encoder);
}

static const struct gzip_encoder_type zlib_type = {zlib_encode, zlib_free};

struct gzip_encoder *scoop_gzip_zlib_new(int level, struct scoop_error *error) {
    struct zlib_encoder *encoder = scoop_calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    encoder->base.type = &zlib_type;
    encoder->z.zalloc = allocate;
    encoder->z.zfree = release;
    if (deflateInit2(&encoder->z, level, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        scoop_fail_memory(error);
        scoop_free(encoder);
        return NULL;
    }
    return &encoder->base;
}
