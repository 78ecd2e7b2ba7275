/* Finds the few bytes of a text that mean something, 16 or 64 at a time. */
#ifndef SCOOP_TEXT_SCAN_H
#define SCOOP_TEXT_SCAN_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 16 bytes, signed: those from 0x80 on are below the space, as control characters are. Compared
 * with one byte each becomes -1 or 0. */
typedef signed char scoop_block __attribute__((vector_size(16)));

enum { SCOOP_BLOCK_BYTES = sizeof(scoop_block), SCOOP_SCAN_BYTES = 4 * SCOOP_BLOCK_BYTES };

static inline scoop_block scoop_block_load(const unsigned char *text) {
    scoop_block block;
    memcpy(&block, text, sizeof block);
    return block;
}

static inline scoop_block scoop_block_of(char byte) {
    const signed char b = (signed char)byte;
    return (scoop_block){b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b};
}

/* Bit i: byte i has its highest bit, as one that was found has. */
static inline unsigned scoop_block_bits(scoop_block block) {
#ifdef __SSE2__
    return (unsigned)_mm_movemask_epi8((__m128i)block);
#else
    unsigned bits = 0;
    for (int i = 0; i < SCOOP_BLOCK_BYTES; i++)
        bits |= (unsigned)(block[i] < 0) << i;
    return bits;
#endif
}

/* CSV text. Bit i: text[i] is a comma, a newline, a carriage return or a quote. *high gets bits
 * when a byte is not ASCII. */
static inline uint64_t scoop_scan_csv(const unsigned char *text, unsigned *high) {
    const scoop_block comma = scoop_block_of(','), newline = scoop_block_of('\n'),
                      carriage_return = scoop_block_of('\r'), quote = scoop_block_of('"');
    scoop_block all = scoop_block_of(0);
    uint64_t found = 0;
    for (int i = 0; i < SCOOP_SCAN_BYTES; i += SCOOP_BLOCK_BYTES) {
        scoop_block block = scoop_block_load(text + i);
        scoop_block hit =
            (block == comma) | (block == quote) | (block == newline) | (block == carriage_return);
        all |= block;
        found |= (uint64_t)scoop_block_bits(hit) << i;
    }
    *high |= scoop_block_bits(all);
    return found;
}

/* A canonical row. Bit i: text[i] is a comma. In *special: it is a control character, a quote, a
 * backslash or not ASCII. */
static inline uint64_t scoop_scan_row(const unsigned char *text, uint64_t *special) {
    const scoop_block comma = scoop_block_of(','), quote = scoop_block_of('"'),
                      backslash = scoop_block_of('\\'), space = scoop_block_of(' ');
    uint64_t commas = 0, others = 0;
    for (int i = 0; i < SCOOP_SCAN_BYTES; i += SCOOP_BLOCK_BYTES) {
        scoop_block block = scoop_block_load(text + i);
        scoop_block other = (block == quote) | (block < space) | (block == backslash);
        commas |= (uint64_t)scoop_block_bits(block == comma) << i;
        others |= (uint64_t)scoop_block_bits(other) << i;
    }
    *special = others;
    return commas;
}

/* A string. The first byte from p on that is `quote`, a double quote, a backslash, a control
 * character or not ASCII; or end. */
static inline const unsigned char *scoop_skip_plain(const unsigned char *p,
                                                    const unsigned char *end, char quote) {
    const scoop_block wanted = scoop_block_of(quote), doubles = scoop_block_of('"'),
                      backslash = scoop_block_of('\\'), space = scoop_block_of(' ');
    while (end - p >= SCOOP_BLOCK_BYTES) {
        scoop_block block = scoop_block_load(p);
        unsigned found = scoop_block_bits((block == wanted) | (block == doubles) |
                                          (block == backslash) | (block < space));
        if (found != 0)
            return p + __builtin_ctz(found);
        p += SCOOP_BLOCK_BYTES;
    }
    while (p < end && *p >= ' ' && *p < 0x80 && *p != '\\' && *p != '"' &&
           *p != (unsigned char)quote)
        p++;
    return p;
}

/* Copies a text; its newlines become spaces. */
static inline void scoop_copy_line(unsigned char *to, const unsigned char *text, size_t length) {
    const scoop_block newline = scoop_block_of('\n'), turn = scoop_block_of('\n' ^ ' ');
    size_t at = 0;
    for (; length - at >= SCOOP_BLOCK_BYTES; at += SCOOP_BLOCK_BYTES) {
        scoop_block block = scoop_block_load(text + at);
        block ^= (scoop_block)(block == newline) & turn;
        memcpy(to + at, &block, sizeof block);
    }
    for (; at < length; at++)
        to[at] = text[at] == '\n' ? ' ' : text[at];
}

#endif
