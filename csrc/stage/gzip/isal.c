#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "scoop/memory.h"
#include "stage/gzip/encoder.h"

enum { SLACK_BYTES = 4096 };

struct isal_encoder {
    struct gzip_encoder base;
    struct isal_zstream z;
    _Alignas(16) unsigned char level_memory[]; /* hash table and tokens, as the level needs */
};

uint32_t scoop_gzip_crc(const unsigned char *text, size_t length) {
    return crc32_gzip_refl(0, text, length);
}

static int deflate_all(struct isal_zstream *z, struct scoop_buf *out, struct scoop_error *error) {
    do {
        if (scoop_buf_reserve(out, z->avail_in + z->avail_in / 8 + SLACK_BYTES, error) != 0)
            return -1;
        uint32_t room = (uint32_t)(out->capacity - out->length);
        z->next_out = out->data + out->length;
        z->avail_out = room;
        int result = isal_deflate(z);
        out->length += room - z->avail_out;
        if (result != COMP_OK)
            return scoop_fail(error, SCOOP_INTERNAL, "ISA-L's deflate stopped with code %d",
                              result);
    } while (z->avail_out == 0 || z->avail_in > 0);
    return 0;
}

static int isal_encode(struct gzip_encoder *base, const struct gzip_piece *piece,
                       struct scoop_buf *out, struct scoop_error *error) {
    struct isal_zstream *z = &((struct isal_encoder *)base)->z;
    isal_deflate_reset(z);
    if (piece->window > 0)
        isal_deflate_set_dict(z, piece->text - piece->window, (uint32_t)piece->window);
    z->next_in = piece->text;
    z->avail_in = (uint32_t)piece->length;
    z->flush = piece->last ? NO_FLUSH : SYNC_FLUSH;
    z->end_of_stream = piece->last;
    return deflate_all(z, out, error);
}

static void isal_free(struct gzip_encoder *base) {
    scoop_free(base);
}

static const struct gzip_encoder_type isal_type = {isal_encode, isal_free};

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
    encoder->z.gzip_flag = IGZIP_DEFLATE;
    encoder->z.level = (uint32_t)level;
    encoder->z.level_buf = encoder->level_memory;
    encoder->z.level_buf_size = level_bytes[level];
    return &encoder->base;
}
