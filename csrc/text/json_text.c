#include "text/json_text.h"

#include <string.h>

const unsigned char *scoop_json_skip_space(const unsigned char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

static unsigned hex4(const unsigned char *at) {
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = at[i] <= '9' ? at[i] - 48u : (at[i] | 0x20u) - 'a' + 10;
        code = code * 16 + digit;
    }
    return code;
}

static unsigned char *put_utf8(unsigned char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (unsigned char)code;
        return out;
    }
    unsigned shift = code < 0x800 ? 6 : code < 0x10000 ? 12 : 18;
    *out++ = (unsigned char)((shift == 6 ? 0xc0u : shift == 12 ? 0xe0u : 0xf0u) | code >> shift);
    while (shift > 0) {
        shift -= 6;
        *out++ = (unsigned char)(0x80 | (code >> shift & 0x3f));
    }
    return out;
}

static const unsigned char *decode_escape(const unsigned char *at, unsigned char **out) {
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *known = strchr(from, *at);
    if (*at != 'u') {
        *(*out)++ = known == NULL ? *at : (unsigned char)to[known - from];
        return at + 1;
    }
    unsigned code = hex4(at + 1);
    at += 5;
    if (code >= 0xd800 && code <= 0xdbff) { /* the other half follows: it was checked */
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
        at += 6;
    }
    *out = put_utf8(*out, code);
    return at;
}

/* The string whose opening quote is at `at`; returns the byte after the closing one. */
static const unsigned char *decode_string(const unsigned char *at, unsigned char **out) {
    for (at++; *at != '"';) {
        if (*at == '\\')
            at = decode_escape(at + 1, out);
        else
            *(*out)++ = *at++;
    }
    return at + 1;
}

static const unsigned char *copy_string(const unsigned char *at, unsigned char **out) {
    do {
        if (*at == '\\')
            *(*out)++ = *at++;
        *(*out)++ = *at++;
    } while (*at != '"');
    *(*out)++ = '"';
    return at + 1;
}

/* A value that is no string, without space. */
static const unsigned char *copy_other(const unsigned char *at, unsigned char **out) {
    unsigned depth = 0;
    for (;; at++) {
        if (depth == 0 && (*at == ',' || *at == '}' || *at == ' ' || *at == '\t' || *at == '\r'))
            return at;
        if (*at == ' ' || *at == '\t' || *at == '\r')
            continue;
        if (*at == '"') {
            at = copy_string(at, out) - 1;
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        if (*at == '}' || *at == ']')
            depth--;
        *(*out)++ = *at;
    }
}

const unsigned char *scoop_json_take_value(const unsigned char *at, unsigned char **out,
                                           struct scoop_value *value) {
    unsigned char *from = *out;
    if (*at == 'n') {
        *value = (struct scoop_value){.data = from, .null = true};
        return at + 4;
    }
    if (*at != '"') {
        *(*out)++ = SCOOP_JSON_MARK;
        at = copy_other(at, out);
    } else {
        at = decode_string(at, out);
        if (*out > from && *from == SCOOP_JSON_MARK) {
            memmove(from + 1, from, (size_t)(*out - from));
            ++*out;
        }
    }
    *value = (struct scoop_value){.data = from, .length = (size_t)(*out - from)};
    return at;
}

bool scoop_json_next_member(const unsigned char **at, unsigned char *name, size_t *length) {
    *at = scoop_json_skip_space(*at);
    if (**at == ',' || **at == '{')
        *at = scoop_json_skip_space(*at + 1);
    if (**at == '}')
        return false;
    unsigned char *end = name;
    *at = scoop_json_skip_space(decode_string(*at, &end));
    *at = scoop_json_skip_space(*at + 1); /* the colon */
    *length = (size_t)(end - name);
    return true;
}
