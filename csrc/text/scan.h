/* Finds the bytes that structure CSV text, 64 at a time. */
#ifndef SCOOP_TEXT_SCAN_H
#define SCOOP_TEXT_SCAN_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SCOOP_SCAN_BYTES = 64 };

/* Bit i: text[i] is a comma, a newline or a quote. *high gets bits when a byte is not ASCII. */
static inline uint64_t scoop_scan(const unsigned char *text, unsigned *high) {
    uint64_t found = 0;
#ifdef __SSE2__
    const __m128i commas = _mm_set1_epi8(',');
    const __m128i newlines = _mm_set1_epi8('\n');
    const __m128i quotes = _mm_set1_epi8('"');
    __m128i all = _mm_setzero_si128();
    for (int i = 0; i < 4; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        __m128i hit =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, commas), _mm_cmpeq_epi8(block, quotes)),
                         _mm_cmpeq_epi8(block, newlines));
        all = _mm_or_si128(all, block);
        found |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << 16 * i;
    }
    *high |= (unsigned)_mm_movemask_epi8(all);
#else
    for (int i = 0; i < SCOOP_SCAN_BYTES; i++) {
        unsigned char byte = text[i];
        found |= (uint64_t)(byte == ',' || byte == '\n' || byte == '"') << i;
        *high |= byte & 0x80u;
    }
#endif
    return found;
}

#endif
