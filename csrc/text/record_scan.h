/* Inner loops over text that the record stages share. */
#ifndef SCOOP_TEXT_RECORD_SCAN_H
#define SCOOP_TEXT_RECORD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SCOOP_REPLACEMENT = 0xfffd };

/* The first byte from p on that is `quote`, '\\', '"', a control character or not ASCII; or end. */
static inline const unsigned char *scoop_skip_plain(const unsigned char *p,
                                                    const unsigned char *end, char quote) {
#ifdef __SSE2__
    const __m128i quotes = _mm_set1_epi8(quote);
    const __m128i doubles = _mm_set1_epi8('"');
    const __m128i backslashes = _mm_set1_epi8('\\');
    const __m128i spaces = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: bytes from 0x80 on are below the space, too. */
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quotes), _mm_cmpeq_epi8(block, doubles)),
            _mm_or_si128(_mm_cmpeq_epi8(block, backslashes), _mm_cmplt_epi8(block, spaces)));
        int mask = _mm_movemask_epi8(found);
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#endif
    while (p < end && *p >= ' ' && *p < 0x80 && *p != '\\' && *p != '"' &&
           *p != (unsigned char)quote)
        p++;
    return p;
}

static inline bool scoop_is_continuation(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

/* Length of the valid UTF-8 sequence (of two bytes or more) at p, or 0. Reads no byte after one
 * that ends the sequence, so a terminator that is no continuation byte bounds it. */
static inline size_t scoop_utf8_sequence(const unsigned char *p) {
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return scoop_is_continuation(p[1]) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        unsigned char low = p[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = p[0] == 0xed ? 0x9f : 0xbf; /* no surrogates */
        return p[1] >= low && p[1] <= high && scoop_is_continuation(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        unsigned char low = p[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = p[0] == 0xf4 ? 0x8f : 0xbf;
        return p[1] >= low && p[1] <= high && scoop_is_continuation(p[2]) &&
                       scoop_is_continuation(p[3])
                   ? 4
                   : 0;
    }
    return 0;
}

/* Reads `digits` hexadecimal digits at p; -1 when one is not. Stops at the first that is not. */
static inline long scoop_hex(const unsigned char *p, int digits) {
    long value = 0;
    for (int i = 0; i < digits; i++) {
        int digit;
        if (p[i] >= '0' && p[i] <= '9')
            digit = p[i] - '0';
        else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
            digit = (p[i] | 0x20) - 'a' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static inline bool scoop_is_high_surrogate(long code) {
    return code >= 0xd800 && code <= 0xdbff;
}

static inline bool scoop_is_low_surrogate(long code) {
    return code >= 0xdc00 && code <= 0xdfff;
}

#endif
