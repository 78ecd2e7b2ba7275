#include "text/hex.h"

void scoop_hex_encode(const void *data, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

int scoop_hex_decode(const char *text, size_t text_length, unsigned char *out, size_t length) {
    if (text_length % 2 != 0 || text_length / 2 != length)
        return -1;
    for (size_t i = 0; i < length; i++) {
        long byte = scoop_hex_number((const unsigned char *)text + 2 * i, 2);
        if (byte < 0)
            return -1;
        out[i] = (unsigned char)byte;
    }
    return 0;
}
