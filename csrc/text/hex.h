/* Hexadecimal digits, of either case where they are read. Pure. scoop_hex_encode is in
 * scoop/digest.h. */
#ifndef SCOOP_TEXT_HEX_H
#define SCOOP_TEXT_HEX_H

#include <stddef.h>

#include "scoop/digest.h"

/* What a digit stands for; -1: it is none. */
static inline int scoop_hex_digit(unsigned char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    unsigned char lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Reads so many digits, at most 8; -1 when one is not. Stops at the first that is not. */
static inline long scoop_hex_number(const unsigned char *at, int digits) {
    long value = 0;
    for (int i = 0; i < digits; i++) {
        int digit = scoop_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The byte that %XX at the text's start stands for; -1: there is none. */
static inline long scoop_hex_escaped(const char *text, size_t left) {
    return left > 2 && *text == '%' ? scoop_hex_number((const unsigned char *)text + 1, 2) : -1;
}

/* Reads exactly 2 * length digits. 0, or -1 when text holds anything else. */
int scoop_hex_decode(const char *text, size_t text_length, unsigned char *out, size_t length);

#endif
