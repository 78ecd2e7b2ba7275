/* Escapes in strings of JSON: those that are read, and those that we write. Pure. */
#ifndef SCOOP_TEXT_ESCAPES_H
#define SCOOP_TEXT_ESCAPES_H

#include <stdbool.h>
#include <stddef.h>

enum { SCOOP_ESCAPE_MOST = 6 /* bytes of one that is written */ };

static inline bool scoop_is_high_surrogate(long code) {
    return code >= 0xd800 && code <= 0xdbff;
}

static inline bool scoop_is_low_surrogate(long code) {
    return code >= 0xdc00 && code <= 0xdfff;
}

/* The character of a pair. */
static inline long scoop_join_surrogates(long high, long low) {
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Whether a code is a character that a table stores: no NUL, no half of a pair. */
static inline bool scoop_is_storable(long code) {
    return code > 0 && !scoop_is_high_surrogate(code) && !scoop_is_low_surrogate(code);
}

/* Reads the escape whose backslash is at p: the character's code, or half of a pair where the other
 * half does not follow; *length: its bytes, 12 for a pair. -1: it is none of JSON's. Reads no byte
 * after one that ends it. */
long scoop_escape_read(const unsigned char *p, size_t *length);

/* Whether a byte cannot stand for itself in a string. */
static inline bool scoop_needs_escape(unsigned char byte) {
    return byte < ' ' || byte == '"' || byte == '\\';
}

/* Writes the escape of such a byte, a control character as \u00XX; returns the end. */
unsigned char *scoop_escape_write(unsigned char *at, unsigned char byte);
/* The same, but \b, \f, \n, \r and \t are written so. */
unsigned char *scoop_escape_write_short(unsigned char *at, unsigned char byte);

#endif
