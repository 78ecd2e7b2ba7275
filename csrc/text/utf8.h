/* UTF-8, checked and made. Pure. */
#ifndef SCOOP_TEXT_UTF8_H
#define SCOOP_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SCOOP_UTF8_MOST = 4,        /* bytes of a character */
    SCOOP_REPLACEMENT = 0xfffd, /* the character that stands for what is none */
};

/* What a first byte asks for: the character's bytes, and the range of the second. 0: it begins
 * none. */
static inline size_t scoop_utf8_wanted(unsigned char first, unsigned char *low,
                                       unsigned char *high) {
    *low = 0x80;
    *high = 0xbf;
    if (first < 0xe0)
        return first < 0x80 ? 1 : first < 0xc2 ? 0 : 2;
    if (first < 0xf0) {
        *low = first == 0xe0 ? 0xa0 : 0x80;
        *high = first == 0xed ? 0x9f : 0xbf; /* no surrogates */
        return 3;
    }
    *low = first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xf4 ? 0x8f : 0xbf;
    return first <= 0xf4 ? 4 : 0;
}

/* Whether a byte goes on with a character. */
static inline bool scoop_utf8_continues(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

/* Length of the valid character of two bytes or more at p, or 0. Reads no byte after one that ends
 * it, so a terminator that does not continue a character bounds it. */
static inline size_t scoop_utf8_sequence(const unsigned char *p) {
    unsigned char low, high;
    size_t wanted = scoop_utf8_wanted(p[0], &low, &high);
    if (wanted < 2 || p[1] < low || p[1] > high || (wanted > 2 && !scoop_utf8_continues(p[2])) ||
        (wanted > 3 && !scoop_utf8_continues(p[3])))
        return 0;
    return wanted;
}

/* How many first bytes of a text, which is not empty, are one character (then *whole) or the
 * beginning of one; at least 1. */
size_t scoop_utf8_take(const void *text, size_t length, bool *whole);
/* How many first bytes are UTF-8: `length` when all are. */
size_t scoop_utf8_valid(const void *text, size_t length);
/* How many characters; of a text that is no UTF-8, about how many. */
size_t scoop_utf8_count(const void *text, size_t length);
/* Writes the character of a code below 0x110000; returns its bytes. */
size_t scoop_utf8_encode(unsigned long code, unsigned char out[SCOOP_UTF8_MOST]);

#endif
