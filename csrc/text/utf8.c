#include "text/utf8.h"

#include <stdint.h>
#include <string.h>

size_t scoop_utf8_take(const void *text, size_t length, bool *whole) {
    const unsigned char *p = text;
    unsigned char low, high;
    size_t wanted = scoop_utf8_wanted(p[0], &low, &high), at = 1;
    for (; at < wanted && at < length; at++)
        if (p[at] < (at == 1 ? low : 0x80) || p[at] > (at == 1 ? high : 0xbf))
            break;
    *whole = at == wanted;
    return at;
}

size_t scoop_utf8_valid(const void *text, size_t length) {
    const uint64_t high_bits = 0x8080808080808080u;
    const unsigned char *bytes = text;
    size_t at = 0;
    while (at < length) {
        uint64_t word;
        while (length - at >= sizeof word) {
            memcpy(&word, bytes + at, sizeof word);
            if ((word & high_bits) != 0)
                break;
            at += sizeof word;
        }
        if (at == length)
            break;
        bool whole;
        size_t size = scoop_utf8_take(bytes + at, length - at, &whole);
        if (!whole)
            return at;
        at += size;
    }
    return at;
}

size_t scoop_utf8_count(const void *text, size_t length) {
    const unsigned char *bytes = text;
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += !scoop_utf8_continues(bytes[i]);
    return count;
}

size_t scoop_utf8_encode(unsigned long code, unsigned char out[SCOOP_UTF8_MOST]) {
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (unsigned char)(0x80 | (code & 0x3f));
    out[0] = (unsigned char)(marks[length] | code);
    return length;
}
