#include "text/json_string.h"

#include <stdint.h>
#include <string.h>

#include "text/escapes.h"

/* Whether one of the eight bytes is special. */
static bool any_special(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quotes = word ^ ones * '"', backslashes = word ^ ones * '\\';
    uint64_t found = ((word - ones * ' ') & ~word) | ((quotes - ones) & ~quotes) |
                     ((backslashes - ones) & ~backslashes);
    return (found & high) != 0;
}

unsigned char *scoop_json_string_write(unsigned char *at, const unsigned char *data, size_t length,
                                       bool doubled) {
    *at++ = '"';
    for (size_t i = 0; i < length; i++) {
        uint64_t word;
        for (; length - i >= sizeof word; i += sizeof word, at += sizeof word) {
            memcpy(&word, data + i, sizeof word);
            if (any_special(word))
                break;
            memcpy(at, &word, sizeof word);
        }
        if (i == length)
            break;
        if (!scoop_needs_escape(data[i])) {
            *at++ = data[i];
            continue;
        }
        at = scoop_escape_write_short(at, data[i]);
        if (doubled && data[i] == '"')
            i++;
    }
    *at++ = '"';
    return at;
}

size_t scoop_json_string_bytes(const unsigned char *data, size_t length, bool doubled) {
    unsigned char escape[SCOOP_ESCAPE_MOST];
    size_t bytes = 2;
    for (size_t i = 0; i < length; i++) {
        if (!scoop_needs_escape(data[i])) {
            bytes++;
            continue;
        }
        bytes += (size_t)(scoop_escape_write_short(escape, data[i]) - escape);
        if (doubled && data[i] == '"')
            i++;
    }
    return bytes;
}
