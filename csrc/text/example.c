#include "text/example.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

#define CUT "…"

enum { ESCAPE_SIZE = 5 /* \xNN and a NUL */ };

static bool is_control(const unsigned char *character, size_t length) {
    return character[0] < ' ' || character[0] == 0x7f ||
           (length == 2 && character[0] == 0xc2 && character[1] < 0xa0);
}

static size_t escape(unsigned char byte, char to[ESCAPE_SIZE]) {
    const char *letter = byte == 0 ? NULL : strchr("\nn\rr\tt", byte);
    bool is_short = letter != NULL && byte < ' ';
    return is_short ? (size_t)snprintf(to, ESCAPE_SIZE, "\\%c", letter[1])
                    : (size_t)snprintf(to, ESCAPE_SIZE, "\\x%02x", byte);
}

/* The next character as it is shown; *taken: of its bytes. */
static const char *show(const unsigned char *text, size_t length, char escaped[ESCAPE_SIZE],
                        size_t *taken, size_t *shown) {
    bool whole;
    *taken = *shown = scoop_utf8_take(text, length, &whole);
    if (whole && !is_control(text, *taken))
        return (const char *)text;
    *taken = 1;
    *shown = escape(text[0], escaped);
    return escaped;
}

size_t scoop_example(char *to, size_t size, const void *data, size_t length) {
    const unsigned char *text = data;
    size_t at = 0, fits = 0; /* of what is written, `fits` leaves room for the cut */
    for (size_t i = 0; i < length;) {
        char escaped[ESCAPE_SIZE];
        size_t taken, shown;
        const char *piece = show(text + i, length - i, escaped, &taken, &shown);
        if (at + shown >= size) {
            memcpy(to + fits, CUT, strlen(CUT));
            at = fits + strlen(CUT);
            break;
        }
        memcpy(to + at, piece, shown);
        at += shown;
        i += taken;
        if (at + strlen(CUT) < size)
            fits = at;
    }
    to[at] = 0;
    return at;
}
