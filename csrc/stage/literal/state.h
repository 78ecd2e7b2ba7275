/* What the parts of the literal parser share. */
#ifndef SCOOP_STAGE_LITERAL_STATE_H
#define SCOOP_STAGE_LITERAL_STATE_H

#include <string.h>

#include "stage/literal/parse.h"

/* The kind of the value parsed last: decides whether it can be a key. */
enum scoop_literal_kind {
    LITERAL_TEXT,
    LITERAL_WORD,
    LITERAL_INTEGER,
    LITERAL_FLOAT,
    LITERAL_NONFINITE,
    LITERAL_CONTAINER
};

struct literal {
    struct scoop_literal_parser *parser;
    size_t start; /* of the value in the output */
    const unsigned char *text;
    const unsigned char *at;  /* text ends with '\n', which bounds every look ahead */
    const unsigned char *end; /* after that newline */
    unsigned depth;           /* open brackets */
    enum scoop_literal_kind kind;
    enum scoop_literal_verdict verdict; /* set with every -1 */
    struct scoop_error *error;
};

/* All of these return 0, or -1 with verdict set. */
int scoop_literal_bad(struct literal *literal, const unsigned char *at, const char *reason);
int scoop_literal_incomplete(struct literal *literal);
int scoop_literal_append_slowly(struct literal *literal, const void *data, size_t length);
int scoop_literal_skip_all_space(struct literal *literal);
/* One or more adjacent string or bytes literals at `at` -> a JSON string. */
int scoop_literal_string(struct literal *literal);
/* Does a string literal, with its prefix (r, b, u, ...), begin at `at`? */
bool scoop_literal_is_string(const struct literal *literal);
/* A number at `at`, its sign already read. */
int scoop_literal_number(struct literal *literal, bool negative);
/* inf, nan or a number beyond the doubles, as the policy says. */
int scoop_literal_nonfinite(struct literal *literal, const unsigned char *at);
enum { SCOOP_LITERAL_KEY_BYTES = 64 };
/* A finite JSON number as Python's repr writes that float, NUL-terminated in key, which has
 * SCOOP_LITERAL_KEY_BYTES. */
void scoop_literal_float_key(const unsigned char *number, size_t length, char *key);

/* Appends to the output; only within max_output_bytes. */
static inline int scoop_literal_append(struct literal *literal, const void *data, size_t length) {
    struct scoop_buf *out = literal->parser->out;
    if (length > literal->parser->max_output_bytes - (out->length - literal->start) ||
        length >= out->capacity - out->length)
        return scoop_literal_append_slowly(literal, data, length);
    memcpy(out->data + out->length, data, length);
    out->length += length;
    return 0;
}

/* Passes space, comments and joined lines; inside brackets newlines, too. */
static inline int scoop_literal_skip_space(struct literal *literal) {
    if (*literal->at == ' ')
        literal->at++;
    if (*literal->at > '#' && *literal->at != '\\')
        return 0;
    return scoop_literal_skip_all_space(literal);
}

static inline bool scoop_literal_is_digit(unsigned char byte) {
    return byte >= '0' && byte <= '9';
}

static inline bool scoop_literal_is_name(unsigned char byte) {
    return scoop_literal_is_digit(byte) || byte == '_' || byte >= 0x80 ||
           ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

#endif
