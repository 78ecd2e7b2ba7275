#include "text/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool continues(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the sequence at p (not ASCII), or 0. */
static size_t sequence(const unsigned char *p, size_t left) {
    unsigned char low = 0x80, high = 0xbf;
    size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < size)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f; /* no surrogates */
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if (!continues(p[i]))
            return 0;
    return size;
}

size_t scoop_utf8_valid(const unsigned char *text, size_t length) {
    const uint64_t high_bits = 0x8080808080808080u;
    size_t at = 0;
    while (at < length) {
        uint64_t word;
        while (length - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if ((word & high_bits) != 0)
                break;
            at += sizeof word;
        }
        if (at < length && text[at] >= 0x80) {
            size_t size = sequence(text + at, length - at);
            if (size == 0)
                return at;
            at += size;
        } else if (at < length) {
            at++;
        }
    }
    return at;
}
