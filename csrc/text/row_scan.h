/* Finds what is more than plain text in a canonical row, 64 bytes at a time. */
#ifndef SCOOP_TEXT_ROW_SCAN_H
#define SCOOP_TEXT_ROW_SCAN_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SCOOP_ROW_SCAN_BYTES = 64, SCOOP_COPY_BYTES = 16 };

/* Bit i: text[i] is a comma. In *special: it is a control character, a quote, a backslash or not
 * ASCII. */
static inline uint64_t scoop_row_scan(const unsigned char *text, uint64_t *special) {
    uint64_t commas = 0, others = 0;
#ifdef __SSE2__
    const __m128i comma = _mm_set1_epi8(','), quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    for (int i = 0; i < SCOOP_ROW_SCAN_BYTES / 16; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        /* Signed: bytes from 0x80 on are below the space, too. */
        __m128i other =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmplt_epi8(block, space)),
                         _mm_cmpeq_epi8(block, backslash));
        __m128i found = _mm_cmpeq_epi8(block, comma);
        commas |= (uint64_t)(unsigned)_mm_movemask_epi8(found) << 16 * i;
        others |= (uint64_t)(unsigned)_mm_movemask_epi8(other) << 16 * i;
    }
#else
    for (int i = 0; i < SCOOP_ROW_SCAN_BYTES; i++) {
        unsigned char byte = text[i];
        commas |= (uint64_t)(byte == ',') << i;
        others |= (uint64_t)(byte < ' ' || byte >= 0x80 || byte == '"' || byte == '\\') << i;
    }
#endif
    *special = others;
    return commas;
}

/* Copies `length` bytes, for which a call of memcpy would often take longer: up to SCOOP_COPY_BYTES
 * more are read and written, so both sides need room behind. Returns the end of the copy proper. */
static inline unsigned char *scoop_copy_padded(unsigned char *at, const unsigned char *data,
                                               size_t length) {
    memcpy(at, data, SCOOP_COPY_BYTES);
    for (size_t i = SCOOP_COPY_BYTES; i < length; i += SCOOP_COPY_BYTES)
        memcpy(at + i, data + i, SCOOP_COPY_BYTES);
    return at + length;
}

#endif
