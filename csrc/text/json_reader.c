#include "text/json_reader.h"

#include <string.h>

#include "text/escapes.h"
#include "text/hex.h"
#include "text/utf8.h"

static int peek(struct scoop_json_reader *reader) {
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
    return reader->at < reader->end ? *reader->at : -1;
}

static bool take(struct scoop_json_reader *reader, int wanted) {
    if (peek(reader) != wanted)
        return false;
    reader->at++;
    return true;
}

/* What follows a backslash: its length, or 0. A pair is two escapes here. */
static size_t escape_length(const unsigned char *at, const unsigned char *end) {
    size_t length;
    if (at == end)
        return 0;
    if (*at == 'u')
        return end - at >= 5 && scoop_hex_number(at + 1, 4) >= 0 ? 5 : 0;
    return scoop_escape_read(at - 1, &length) < 0 ? 0 : 1;
}

bool scoop_json_string(struct scoop_json_reader *reader, struct scoop_json_span *text) {
    if (!take(reader, '"'))
        return false;
    text->data = reader->at;
    while (reader->at < reader->end && *reader->at != '"') {
        if (*reader->at < 0x20)
            return false;
        if (*reader->at++ != '\\')
            continue;
        size_t length = escape_length(reader->at, reader->end);
        if (length == 0)
            return false;
        reader->at += length;
    }
    text->length = (size_t)(reader->at - text->data);
    return take(reader, '"');
}

static bool is_digit(const struct scoop_json_reader *reader) {
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool skip_digits(struct scoop_json_reader *reader) {
    if (!is_digit(reader))
        return false;
    while (is_digit(reader))
        reader->at++;
    return true;
}

static bool is_one_of(const struct scoop_json_reader *reader, const char *characters) {
    return reader->at < reader->end && *reader->at != 0 && strchr(characters, *reader->at) != NULL;
}

static bool skip_number(struct scoop_json_reader *reader) {
    if (is_one_of(reader, "-"))
        reader->at++;
    if (is_one_of(reader, "0"))
        reader->at++;
    else if (!skip_digits(reader))
        return false;
    if (is_one_of(reader, ".")) {
        reader->at++;
        if (!skip_digits(reader))
            return false;
    }
    if (is_one_of(reader, "eE")) {
        reader->at++;
        if (is_one_of(reader, "+-"))
            reader->at++;
        return skip_digits(reader);
    }
    return true;
}

static bool skip_word(struct scoop_json_reader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool skip_value(struct scoop_json_reader *reader, int depth);

static bool skip_nested(struct scoop_json_reader *reader, int depth) {
    struct scoop_json_span name;
    bool first = true, object = *reader->at == '{';
    int more;
    reader->at++;
    while ((more = object ? scoop_json_member(reader, &first, &name)
                          : scoop_json_element(reader, &first)) > 0)
        if (!skip_value(reader, depth + 1))
            return false;
    return more == 0;
}

static bool skip_value(struct scoop_json_reader *reader, int depth) {
    struct scoop_json_span text;
    switch (peek(reader)) {
    case '"':
        return scoop_json_string(reader, &text);
    case '{':
    case '[':
        return depth < SCOOP_JSON_MOST_DEPTH && skip_nested(reader, depth);
    case 't':
        return skip_word(reader, "true");
    case 'f':
        return skip_word(reader, "false");
    case 'n':
        return skip_word(reader, "null");
    default:
        return skip_number(reader);
    }
}

bool scoop_json_skip(struct scoop_json_reader *reader, struct scoop_json_span *value) {
    peek(reader);
    const unsigned char *start = reader->at;
    if (!skip_value(reader, 0))
        return false;
    if (value != NULL)
        *value = (struct scoop_json_span){start, (size_t)(reader->at - start)};
    return true;
}

bool scoop_json_count(struct scoop_json_reader *reader, uint64_t *count) {
    struct scoop_json_span number;
    if (!scoop_json_skip(reader, &number) || number.length > 18)
        return false;
    *count = 0;
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return false;
        *count = *count * 10 + (uint64_t)(number.data[i] - '0');
    }
    return true;
}

bool scoop_json_begin(struct scoop_json_reader *reader, unsigned char bracket) {
    return take(reader, bracket);
}

int scoop_json_element(struct scoop_json_reader *reader, bool *first) {
    if (take(reader, ']'))
        return 0;
    if (!*first && !take(reader, ','))
        return -1;
    *first = false;
    return 1;
}

int scoop_json_member(struct scoop_json_reader *reader, bool *first, struct scoop_json_span *name) {
    if (take(reader, '}'))
        return 0;
    if (!*first && !take(reader, ','))
        return -1;
    *first = false;
    return scoop_json_string(reader, name) && take(reader, ':') ? 1 : -1;
}

bool scoop_json_at_end(struct scoop_json_reader *reader) {
    return peek(reader) < 0;
}

bool scoop_json_is_string(struct scoop_json_reader *reader) {
    return peek(reader) == '"';
}

bool scoop_json_is(const struct scoop_json_span *text, const char *name) {
    return strlen(name) == text->length && memcmp(text->data, name, text->length) == 0;
}

/* The bytes of the character that begins at `at`; of what is no UTF-8, one. */
static size_t character_length(const unsigned char *at, const unsigned char *end) {
    size_t length = 1;
    while (at + length < end && scoop_utf8_continues(at[length]) && length < SCOOP_UTF8_MOST)
        length++;
    return length;
}

void scoop_json_decode(const struct scoop_json_span *text, char *out, size_t size) {
    const unsigned char *at = text->data, *end = at + text->length;
    size_t used = 0;
    while (at < end) {
        unsigned char piece[SCOOP_UTF8_MOST];
        size_t length;
        if (*at == '\\') {
            long code = scoop_escape_read(at, &length);
            at += length;
            length = scoop_utf8_encode(scoop_is_storable(code) ? (unsigned long)code : '?', piece);
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

/* --- text that was checked --- */

static const unsigned char *skip_space(const unsigned char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

bool scoop_json_checked_begin(const unsigned char **at) {
    *at = skip_space(*at);
    return **at == '{';
}

const unsigned char *scoop_json_checked_string(const unsigned char *at, unsigned char **out) {
    for (at++; *at != '"';) {
        if (*at != '\\') {
            *(*out)++ = *at++;
            continue;
        }
        size_t length;
        long code = scoop_escape_read(at, &length);
        *out += scoop_utf8_encode((unsigned long)code, *out);
        at += length;
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

const unsigned char *scoop_json_checked_other(const unsigned char *at, unsigned char **out) {
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

bool scoop_json_checked_member(const unsigned char **at, unsigned char *name, size_t *length) {
    *at = skip_space(*at);
    if (**at == ',' || **at == '{')
        *at = skip_space(*at + 1);
    if (**at == '}')
        return false;
    unsigned char *end = name;
    *at = skip_space(scoop_json_checked_string(*at, &end));
    *at = skip_space(*at + 1); /* the colon */
    *length = (size_t)(end - name);
    return true;
}
