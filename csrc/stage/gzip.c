/* Text -> one gzip member. */
#include <string.h>

#include "gzip_encoder.h"
#include "scoop/memory.h"
#include "scoop/stage.h"

enum { DEFAULT_LEVEL = 6, FASTEST_LEVEL = 1, LAST_ISAL_LEVEL = 3 };

struct gzip {
    struct scoop_stage stage;
    struct gzip_encoder *encoder;
    size_t held; /* bytes in `in` */
    /* The encoder always sees input in blocks of the same size: the bytes that come out then depend
     * on the text alone, never on how it was cut. */
    unsigned char in[SCOOP_STEP_BYTES];
    unsigned char out[SCOOP_STEP_BYTES];
};

/* Compresses what is held and hands on all output that is ready. */
static int compress_held(struct gzip *gzip, bool last, struct scoop_error *error) {
    const struct gzip_encoder_type *type = gzip->encoder->type;
    bool done = false;
    type->offer(gzip->encoder, gzip->in, gzip->held, last);
    gzip->held = 0;
    while (!done) {
        size_t made;
        if (type->compress(gzip->encoder, gzip->out, sizeof gzip->out, &made, &done, error) != 0 ||
            scoop_stage_push(gzip->stage.next, gzip->out, made, error) != 0)
            return -1;
    }
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
        if (gzip->held == sizeof gzip->in && compress_held(gzip, false, error) != 0)
            return -1;
    }
    return 0;
}

static int gzip_finish(struct scoop_stage *stage, struct scoop_error *error) {
    return compress_held((struct gzip *)stage, true, error);
}

static void gzip_free(struct scoop_stage *stage) {
    struct gzip *gzip = (struct gzip *)stage;
    gzip->encoder->type->free(gzip->encoder);
    scoop_free(gzip);
}

static const struct scoop_stage_type gzip_type = {"gzip", gzip_write, gzip_finish, gzip_free};

struct scoop_stage *scoop_gzip_new(int level, struct scoop_counters *counters,
                                   struct scoop_error *error) {
    if (level < -1 || level > 9) {
        scoop_fail(error, SCOOP_USAGE, "gzip level %d is not in 0..9 (-1: default)", level);
        return NULL;
    }
    if (level == -1)
        level = DEFAULT_LEVEL;
    struct gzip *gzip = scoop_calloc(1, sizeof *gzip);
    if (gzip == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    gzip->stage.type = &gzip_type;
    gzip->stage.counters = counters;
    gzip->encoder = level >= FASTEST_LEVEL && level <= LAST_ISAL_LEVEL
                        ? scoop_gzip_isal_new(level, error)
                        : scoop_gzip_zlib_new(level, error);
    if (gzip->encoder == NULL) {
        scoop_free(gzip);
        return NULL;
    }
    return &gzip->stage;
}
