#include "stage/gzip/gunzip_header.h"

#include <stdbool.h>
#include <stddef.h>

#include <isa-l/crc.h>

enum { MAGIC_BYTES = 2, METHOD_AT = 2, FLAGS_AT = 3, FIXED_BYTES = 10 };
enum { DEFLATE = 8, RESERVED_FLAGS = 0xe0 };

/* The flag that announces each field. */
static const unsigned char announced[GUNZIP_HEADER_DONE] = {
    [GUNZIP_EXTRA_LENGTH] = 4, [GUNZIP_EXTRA] = 4,      [GUNZIP_NAME] = 8,
    [GUNZIP_COMMENT] = 16,     [GUNZIP_HEADER_CRC] = 2,
};

void scoop_gunzip_header_begin(struct gunzip_header *header) {
    static const unsigned char magic[MAGIC_BYTES] = {0x1f, 0x8b};
    *header =
        (struct gunzip_header){.taken = MAGIC_BYTES, .crc = crc32_gzip_refl(0, magic, MAGIC_BYTES)};
}

static void next_field(struct gunzip_header *header) {
    header->taken = 0;
    header->number = 0;
    do {
        header->field++;
    } while (header->field != GUNZIP_HEADER_DONE &&
             (!(header->flags & announced[header->field]) ||
              (header->field == GUNZIP_EXTRA && header->left == 0)));
}

/* The method is judged with the flags, as zlib does, so that both faults have the same place. */
static const char *take_fixed(struct gunzip_header *header, unsigned char byte) {
    uint32_t at = header->taken++;
    if (at == METHOD_AT)
        header->method = byte;
    if (at == FLAGS_AT) {
        header->flags = byte;
        if (header->method != DEFLATE)
            return "unknown compression method";
        if (byte & RESERVED_FLAGS)
            return "unknown header flags set";
    }
    if (header->taken == FIXED_BYTES)
        next_field(header);
    return NULL;
}

/* True when the two bytes of a number are there. */
static bool take_number(struct gunzip_header *header, unsigned char byte) {
    header->number |= (uint32_t)byte << 8 * header->taken++;
    return header->taken == 2;
}

static const char *take_header_crc(struct gunzip_header *header, unsigned char byte) {
    if (!take_number(header, byte))
        return NULL;
    if (header->number != (header->crc & 0xffff))
        return "header crc mismatch";
    next_field(header);
    return NULL;
}

const char *scoop_gunzip_header_take(struct gunzip_header *header, unsigned char byte) {
    if (header->field == GUNZIP_HEADER_CRC)
        return take_header_crc(header, byte);
    header->crc = crc32_gzip_refl(header->crc, &byte, 1);
    if (header->field == GUNZIP_FIXED)
        return take_fixed(header, byte);
    if (header->field == GUNZIP_EXTRA_LENGTH) {
        if (take_number(header, byte)) {
            header->left = header->number;
            next_field(header);
        }
    } else if (header->field == GUNZIP_EXTRA ? --header->left == 0 : byte == 0) {
        next_field(header);
    }
    return NULL;
}
