#include "text/escapes.h"

#include <string.h>

#include "text/hex.h"

/* By place: what stands behind the backslash, and for what. */
static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

/* \uXXXX, or two of them. */
static long read_unicode(const unsigned char *p, size_t *length) {
    long code = scoop_hex_number(p + 2, 4);
    *length = 6;
    if (!scoop_is_high_surrogate(code) || p[6] != '\\' || p[7] != 'u')
        return code;
    long low = scoop_hex_number(p + 8, 4);
    if (!scoop_is_low_surrogate(low))
        return code;
    *length = 12;
    return scoop_join_surrogates(code, low);
}

long scoop_escape_read(const unsigned char *p, size_t *length) {
    if (p[1] == 'u')
        return read_unicode(p, length);
    const char *found = p[1] == 0 ? NULL : strchr(letters, p[1]);
    *length = 2;
    return found == NULL ? -1 : values[found - letters];
}

unsigned char *scoop_escape_write(unsigned char *at, unsigned char byte) {
    *at++ = '\\';
    if (byte >= ' ') {
        *at++ = byte;
        return at;
    }
    char digits[3];
    scoop_hex_encode(&byte, 1, digits);
    memcpy(at, "u00", 3);
    memcpy(at + 3, digits, 2);
    return at + 5;
}

unsigned char *scoop_escape_write_short(unsigned char *at, unsigned char byte) {
    const char *found = byte == 0 ? NULL : strchr(values, byte);
    if (found == NULL)
        return scoop_escape_write(at, byte);
    *at++ = '\\';
    *at++ = (unsigned char)letters[found - values];
    return at;
}
