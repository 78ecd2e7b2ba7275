#include "text/json_cursor.h"

#include <string.h>

static int peek(struct scoop_json_cursor *cursor) {
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
                                        *cursor->at == '\n' || *cursor->at == '\r'))
        cursor->at++;
    return cursor->at < cursor->end ? *cursor->at : -1;
}

static bool take(struct scoop_json_cursor *cursor, int wanted) {
    if (peek(cursor) != wanted)
        return false;
    cursor->at++;
    return true;
}

static int hex_digit(unsigned char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    unsigned char lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four digits at `at`, or -1. */
static int hex4(const unsigned char *at, const unsigned char *end) {
    int value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* What follows a backslash: its length, or 0. */
static size_t escape_length(const unsigned char *at, const unsigned char *end) {
    if (at == end)
        return 0;
    if (*at == 'u')
        return hex4(at + 1, end) < 0 ? 0 : 5;
    return memchr("\"\\/bfnrt", *at, 8) != NULL ? 1 : 0;
}

bool scoop_json_string(struct scoop_json_cursor *cursor, struct scoop_json_span *text) {
    if (!take(cursor, '"'))
        return false;
    text->data = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at < 0x20)
            return false;
        if (*cursor->at++ != '\\')
            continue;
        size_t length = escape_length(cursor->at, cursor->end);
        if (length == 0)
            return false;
        cursor->at += length;
    }
    text->length = (size_t)(cursor->at - text->data);
    return take(cursor, '"');
}

static bool is_digit(const struct scoop_json_cursor *cursor) {
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool skip_digits(struct scoop_json_cursor *cursor) {
    if (!is_digit(cursor))
        return false;
    while (is_digit(cursor))
        cursor->at++;
    return true;
}

static bool is_one_of(const struct scoop_json_cursor *cursor, const char *characters) {
    return cursor->at < cursor->end && *cursor->at != 0 && strchr(characters, *cursor->at) != NULL;
}

static bool skip_number(struct scoop_json_cursor *cursor) {
    if (is_one_of(cursor, "-"))
        cursor->at++;
    if (is_one_of(cursor, "0"))
        cursor->at++;
    else if (!skip_digits(cursor))
        return false;
    if (is_one_of(cursor, ".")) {
        cursor->at++;
        if (!skip_digits(cursor))
            return false;
    }
    if (is_one_of(cursor, "eE")) {
        cursor->at++;
        if (is_one_of(cursor, "+-"))
            cursor->at++;
        return skip_digits(cursor);
    }
    return true;
}

static bool skip_word(struct scoop_json_cursor *cursor, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool skip_value(struct scoop_json_cursor *cursor, int depth);

static bool skip_nested(struct scoop_json_cursor *cursor, int depth) {
    struct scoop_json_span name;
    bool first = true, object = *cursor->at == '{';
    int more;
    cursor->at++;
    while ((more = object ? scoop_json_member(cursor, &first, &name)
                          : scoop_json_element(cursor, &first)) > 0)
        if (!skip_value(cursor, depth + 1))
            return false;
    return more == 0;
}

static bool skip_value(struct scoop_json_cursor *cursor, int depth) {
    struct scoop_json_span text;
    switch (peek(cursor)) {
    case '"':
        return scoop_json_string(cursor, &text);
    case '{':
    case '[':
        return depth < SCOOP_JSON_MOST_DEPTH && skip_nested(cursor, depth);
    case 't':
        return skip_word(cursor, "true");
    case 'f':
        return skip_word(cursor, "false");
    case 'n':
        return skip_word(cursor, "null");
    default:
        return skip_number(cursor);
    }
}

bool scoop_json_skip(struct scoop_json_cursor *cursor, struct scoop_json_span *value) {
    peek(cursor);
    const unsigned char *start = cursor->at;
    if (!skip_value(cursor, 0))
        return false;
    if (value != NULL)
        *value = (struct scoop_json_span){start, (size_t)(cursor->at - start)};
    return true;
}

bool scoop_json_count(struct scoop_json_cursor *cursor, uint64_t *count) {
    struct scoop_json_span number;
    if (!scoop_json_skip(cursor, &number) || number.length > 18)
        return false;
    *count = 0;
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return false;
        *count = *count * 10 + (uint64_t)(number.data[i] - '0');
    }
    return true;
}

bool scoop_json_begin(struct scoop_json_cursor *cursor, unsigned char bracket) {
    return take(cursor, bracket);
}

int scoop_json_element(struct scoop_json_cursor *cursor, bool *first) {
    if (take(cursor, ']'))
        return 0;
    if (!*first && !take(cursor, ','))
        return -1;
    *first = false;
    return 1;
}

int scoop_json_member(struct scoop_json_cursor *cursor, bool *first, struct scoop_json_span *name) {
    if (take(cursor, '}'))
        return 0;
    if (!*first && !take(cursor, ','))
        return -1;
    *first = false;
    return scoop_json_string(cursor, name) && take(cursor, ':') ? 1 : -1;
}

bool scoop_json_at_end(struct scoop_json_cursor *cursor) {
    return peek(cursor) < 0;
}

bool scoop_json_is_string(struct scoop_json_cursor *cursor) {
    return peek(cursor) == '"';
}

bool scoop_json_is(const struct scoop_json_span *text, const char *name) {
    return strlen(name) == text->length && memcmp(text->data, name, text->length) == 0;
}

static size_t encode_utf8(unsigned code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* \uXXXX at `*at`, behind the u, with its second half if it is one of a pair. */
static size_t decode_code(const unsigned char **at, const unsigned char *end, char out[4]) {
    int code = hex4(*at, end), low;
    *at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' &&
        (low = hex4(*at + 2, end)) >= 0xdc00 && low < 0xe000) {
        *at += 6;
        return encode_utf8(0x10000 + ((unsigned)(code - 0xd800) << 10) + (unsigned)(low - 0xdc00),
                           out);
    }
    if (code <= 0 || (code >= 0xd800 && code < 0xe000))
        code = '?';
    return encode_utf8((unsigned)code, out);
}

static size_t decode_escape(const unsigned char **at, const unsigned char *end, char out[4]) {
    static const char escapes[] = "bfnrt", values[] = "\b\f\n\r\t";
    unsigned char kind = *(*at)++;
    const char *found = strchr(escapes, kind);
    if (kind == 'u')
        return decode_code(at, end, out);
    out[0] = found != NULL ? values[found - escapes] : (char)kind;
    return 1;
}

/* The bytes of the character that begins at `at`; of what is no UTF-8, one. */
static size_t character_length(const unsigned char *at, const unsigned char *end) {
    size_t length = 1;
    while (at + length < end && (at[length] & 0xc0) == 0x80 && length < 4)
        length++;
    return length;
}

void scoop_json_decode(const struct scoop_json_span *text, char *out, size_t size) {
    const unsigned char *at = text->data, *end = at + text->length;
    size_t used = 0;
    while (at < end) {
        char piece[4];
        size_t length;
        if (*at == '\\') {
            at++;
            length = decode_escape(&at, end, piece);
        } else {
            length = character_length(at, end);
            memcpy(piece, at, length);
            at += length;
        }
        if (used + length >= size)
            break;
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = 0;
}
