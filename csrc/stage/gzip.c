/* Text -> one gzip member. */
#include <string.h>

#include "scoop/stage.h"
#include "zlib_memory.h"

enum { DEFAULT_LEVEL = 6, GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip {
    struct scoop_stage stage;
    z_stream z;
    size_t held; /* bytes in `in` */
    /* zlib always sees input in blocks of the same size: the bytes that come out then depend on the
     * text alone, never on how it was cut. */
    unsigned char in[SCOOP_STEP_BYTES];
    unsigned char out[SCOOP_STEP_BYTES];
};

/* Compresses what is held and hands on all output that is ready. */
static int compress_held(struct gzip *gzip, int flush, struct scoop_error *error) {
    z_stream *z = &gzip->z;
    int result;
    z->next_in = gzip->in;
    z->avail_in = (uInt)gzip->held;
    gzip->held = 0;
    do {
        z->next_out = gzip->out;
        z->avail_out = sizeof gzip->out;
        result = deflate(z, flush);
        if (result == Z_STREAM_ERROR)
            return scoop_fail(error, SCOOP_INTERNAL, "deflate lost its state");
        if (scoop_stage_push(gzip->stage.next, gzip->out, sizeof gzip->out - z->avail_out, error) !=
            0)
            return -1;
    } while (z->avail_out == 0);
    if (flush == Z_FINISH && result != Z_STREAM_END)
        return scoop_fail(error, SCOOP_INTERNAL, "deflate did not finish");
    return 0;
}

static int gzip_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    struct gzip *gzip = (struct gzip *)stage;
    *consumed = length;
    while (length > 0) {
        size_t room = sizeof gzip->in - gzip->held;
        size_t taken = length < room ? length : room;
        memcpy(gzip->in + gzip->held, data, taken);
        gzip->held += taken;
        data += taken;
        length -= taken;
        if (gzip->held == sizeof gzip->in && compress_held(gzip, Z_NO_FLUSH, error) != 0)
            return -1;
    }
    return 0;
}

static int gzip_finish(struct scoop_stage *stage, struct scoop_error *error) {
    return compress_held((struct gzip *)stage, Z_FINISH, error);
}

static void gzip_free(struct scoop_stage *stage) {
    struct gzip *gzip = (struct gzip *)stage;
    deflateEnd(&gzip->z);
    scoop_free(gzip);
}

static const struct scoop_stage_type gzip_type = {"gzip", gzip_write, gzip_finish, gzip_free};

struct scoop_stage *scoop_gzip_new(int level, struct scoop_counters *counters,
                                   struct scoop_error *error) {
    if (level < -1 || level > 9) {
        scoop_fail(error, SCOOP_USAGE, "gzip level %d is not in 0..9 (-1: default)", level);
        return NULL;
    }
    struct gzip *gzip = scoop_calloc(1, sizeof *gzip);
    if (gzip == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    gzip->stage.type = &gzip_type;
    gzip->stage.counters = counters;
    gzip->z.zalloc = scoop_zlib_alloc;
    gzip->z.zfree = scoop_zlib_free;
    if (deflateInit2(&gzip->z, level == -1 ? DEFAULT_LEVEL : level, Z_DEFLATED, GZIP_WINDOW,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        scoop_fail_memory(error);
        scoop_free(gzip);
        return NULL;
    }
    return &gzip->stage;
}
