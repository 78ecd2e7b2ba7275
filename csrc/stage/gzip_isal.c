#include <isa-l/igzip_lib.h>

#include "gzip_encoder.h"
#include "scoop/memory.h"

struct isal_encoder {
    struct gzip_encoder base;
    struct isal_zstream z;
    _Alignas(16) unsigned char level_memory[]; /* hash table and tokens, as the level needs */
};

static void isal_offer(struct gzip_encoder *base, unsigned char *text, size_t length, bool last) {
    struct isal_encoder *encoder = (struct isal_encoder *)base;
    encoder->z.next_in = text;
    encoder->z.avail_in = (uint32_t)length;
    encoder->z.end_of_stream = last;
}

static int isal_compress(struct gzip_encoder *base, unsigned char *out, size_t room, size_t *made,
                         bool *done, struct scoop_error *error) {
    struct isal_zstream *z = &((struct isal_encoder *)base)->z;
    z->next_out = out;
    z->avail_out = (uint32_t)room;
    int result = isal_deflate(z);
    *made = room - z->avail_out;
    *done = z->end_of_stream ? z->internal_state.state == ZSTATE_END
                             : z->avail_in == 0 && z->avail_out > 0;
    if (result != COMP_OK || (*made == 0 && !*done))
        return scoop_fail(error, SCOOP_INTERNAL, "ISA-L's deflate stopped with code %d", result);
    return 0;
}

static void isal_free(struct gzip_encoder *base) {
    scoop_free(base);
}

static const struct gzip_encoder_type isal_type = {isal_offer, isal_compress, isal_free};

struct gzip_encoder *scoop_gzip_isal_new(int level, struct scoop_error *error) {
    static const uint32_t level_bytes[] = {
        [1] = ISAL_DEF_LVL1_DEFAULT, [2] = ISAL_DEF_LVL2_DEFAULT, [3] = ISAL_DEF_LVL3_DEFAULT};
    struct isal_encoder *encoder = scoop_calloc(1, sizeof *encoder + level_bytes[level]);
    if (encoder == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    encoder->base.type = &isal_type;
    isal_deflate_init(&encoder->z);
    encoder->z.gzip_flag = IGZIP_GZIP;
    encoder->z.level = (uint32_t)level;
    encoder->z.level_buf = encoder->level_memory;
    encoder->z.level_buf_size = level_bytes[level];
    return &encoder->base;
}
