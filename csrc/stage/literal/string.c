/* Python's string and bytes literals -> JSON strings. */
#include <string.h>

#include "stage/literal/state.h"
#include "text/escapes.h"
#include "text/hex.h"
#include "text/scan.h"
#include "text/utf8.h"

struct prefix {
    size_t length;
    bool raw;
    bool bytes;
    bool unicode;
};

/* What is being read: one string, of one or more adjacent literals. */
struct text {
    struct literal *literal;
    const unsigned char *start;
    bool bytes;
    long high; /* the first half of a surrogate pair, if it was the last character; or 0 */
};

/* Reads the prefix of the literal at `at`; false when none begins there. */
static bool read_prefix(const unsigned char *at, struct prefix *prefix) {
    *prefix = (struct prefix){0};
    for (;; prefix->length++) {
        unsigned char byte = at[prefix->length];
        if (byte == '\'' || byte == '"')
            return !(prefix->bytes && prefix->unicode);
        bool *flag = NULL;
        if ((byte | 0x20) == 'r')
            flag = &prefix->raw;
        else if ((byte | 0x20) == 'b')
            flag = &prefix->bytes;
        else if ((byte | 0x20) == 'u' && prefix->length == 0)
            flag = &prefix->unicode;
        if (flag == NULL || *flag)
            return false;
        *flag = true;
    }
}

bool scoop_literal_is_string(const struct literal *literal) {
    struct prefix prefix;
    return read_prefix(literal->at, &prefix);
}

/* Appends one character, escaped where JSON needs it. */
static int append_character(struct literal *literal, unsigned long code) {
    unsigned char out[SCOOP_ESCAPE_MOST];
    bool escaped = code < 0x80 && scoop_needs_escape((unsigned char)code);
    size_t length = escaped ? (size_t)(scoop_escape_write_short(out, (unsigned char)code) - out)
                            : scoop_utf8_encode(code, out);
    return scoop_literal_append(literal, out, length);
}

static int put_unstorable(struct text *text, const char *reason) {
    if (!text->literal->parser->replace_invalid)
        return scoop_literal_bad(text->literal, text->start, reason);
    return append_character(text->literal, SCOOP_REPLACEMENT);
}

/* The pair's second half did not come. */
static int flush_high(struct text *text) {
    if (text->high == 0)
        return 0;
    text->high = 0;
    return put_unstorable(text, "a string holds half of a surrogate pair");
}

static int append_scratch(struct literal *literal, const void *data, size_t length) {
    if (scoop_buf_append(literal->parser->scratch, data, length, literal->error) == 0)
        return 0;
    literal->verdict = SCOOP_LITERAL_FAILED;
    return -1;
}

/* One character of the string's value, or one byte of a bytes literal's. */
static int put(struct text *text, long code) {
    if (text->bytes) {
        unsigned char byte = (unsigned char)code;
        return append_scratch(text->literal, &byte, 1);
    }
    if (text->high != 0 && scoop_is_low_surrogate(code)) {
        code = scoop_join_surrogates(text->high, code);
        text->high = 0;
    }
    if (flush_high(text) != 0)
        return -1;
    if (scoop_is_high_surrogate(code)) {
        text->high = code;
        return 0;
    }
    if (scoop_is_low_surrogate(code))
        return put_unstorable(text, "a string holds half of a surrogate pair");
    if (code == 0)
        return put_unstorable(text, "a string holds a NUL, which no table stores");
    return append_character(text->literal, (unsigned long)code);
}

/* Bytes that stand for themselves in the value and in JSON. */
static int put_plain(struct text *text, const unsigned char *data, size_t length) {
    if (length == 0)
        return 0;
    if (text->bytes)
        return append_scratch(text->literal, data, length);
    if (flush_high(text) != 0)
        return -1;
    return scoop_literal_append(text->literal, data, length);
}

/* Passes the newline at `at`, "\r\n" being one; it may be the last byte there is so far. */
static int pass_newline(struct literal *literal) {
    literal->at += literal->at[0] == '\r' && literal->at[1] == '\n' ? 2 : 1;
    return literal->at == literal->end ? scoop_literal_incomplete(literal) : 0;
}

/* \xhh, \uhhhh or \Uhhhhhhhh. */
static int put_hex(struct text *text, int digits) {
    struct literal *literal = text->literal;
    long code = scoop_hex_number(literal->at + 2, digits);
    if (code < 0 || code > 0x10ffff)
        return scoop_literal_bad(literal, literal->at, "a malformed \\x, \\u or \\U escape");
    literal->at += 2 + digits;
    return put(text, code);
}

static int put_octal(struct text *text) {
    struct literal *literal = text->literal;
    long code = 0;
    literal->at++;
    for (int i = 0; i < 3 && *literal->at >= '0' && *literal->at <= '7'; i++)
        code = code * 8 + (*literal->at++ - '0');
    return put(text, code);
}

static int put_escape(struct text *text) {
    static const char named[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    struct literal *literal = text->literal;
    unsigned char byte = literal->at[1];
    if (byte == '\n' || byte == '\r') {
        literal->at++;
        return pass_newline(literal);
    }
    for (const char *name = named; *name != 0; name += 2)
        if (byte == (unsigned char)name[0]) {
            literal->at += 2;
            return put(text, name[1]);
        }
    if (byte >= '0' && byte <= '7')
        return put_octal(text);
    if (byte == 'x')
        return put_hex(text, 2);
    if (!text->bytes && byte == 'u')
        return put_hex(text, 4);
    if (!text->bytes && byte == 'U')
        return put_hex(text, 8);
    if (!text->bytes && byte == 'N')
        return scoop_literal_bad(literal, literal->at, "a \\N{...} escape is not supported");
    literal->at++; /* an unknown escape keeps its backslash */
    return put(text, '\\');
}

/* In a raw literal a backslash stays, but a quote after it does not end the literal. */
static int put_raw_backslash(struct text *text, bool unicode) {
    struct literal *literal = text->literal;
    unsigned char byte = literal->at[1];
    if (unicode && (byte == 'u' || byte == 'U')) /* as Python 2 did */
        return put_hex(text, byte == 'u' ? 4 : 8);
    literal->at++;
    if (put(text, '\\') != 0)
        return -1;
    if (byte == '\n' || byte == '\r')
        return put(text, '\n') != 0 ? -1 : pass_newline(literal);
    if (byte != '\'' && byte != '"' && byte != '\\')
        return 0;
    literal->at++;
    return put(text, byte);
}

static int put_non_ascii(struct text *text) {
    struct literal *literal = text->literal;
    size_t length = scoop_utf8_sequence(literal->at);
    if (text->bytes)
        return scoop_literal_bad(literal, literal->at, "a bytes literal holds a byte beyond ASCII");
    if (length == 0)
        return scoop_literal_bad(literal, literal->at, "a string is not valid UTF-8");
    literal->at += length;
    return put_plain(text, literal->at - length, length);
}

/* A byte that scoop_skip_plain stopped at, other than a backslash and the closing quote. */
static int put_special(struct text *text, bool triple) {
    struct literal *literal = text->literal;
    unsigned char byte = *literal->at;
    if (byte >= 0x80)
        return put_non_ascii(text);
    if (byte == 0)
        return scoop_literal_bad(literal, literal->at, "a raw NUL byte");
    if (byte == '\n' || byte == '\r') {
        if (!triple)
            return scoop_literal_bad(literal, literal->at,
                                     "a string is not closed at the end of its line");
        return put(text, '\n') != 0 ? -1 : pass_newline(literal);
    }
    literal->at++;
    return put(text, byte);
}

/* One literal, from its prefix to after its closing quote. */
static int read_piece(struct text *text, const struct prefix *prefix) {
    struct literal *literal = text->literal;
    unsigned char quote;
    literal->at += prefix->length;
    quote = *literal->at;
    bool triple = literal->at[1] == quote && literal->at[2] == quote;
    literal->at += triple ? 3 : 1;
    for (;;) {
        const unsigned char *p = scoop_skip_plain(literal->at, literal->end, (char)quote);
        if (put_plain(text, literal->at, (size_t)(p - literal->at)) != 0)
            return -1;
        literal->at = p;
        if (*p == quote && (!triple || (p[1] == quote && p[2] == quote))) {
            literal->at += triple ? 3 : 1;
            return 0;
        }
        int result;
        if (*p != '\\')
            result = put_special(text, triple);
        else if (prefix->raw)
            result = put_raw_backslash(text, prefix->unicode);
        else
            result = put_escape(text);
        if (result != 0)
            return -1;
    }
}

/* The value of a bytes literal as text: UTF-8 if it is that, otherwise Latin-1. */
static int put_bytes(struct text *text) {
    struct scoop_buf *scratch = text->literal->parser->scratch;
    const unsigned char *data =
        (const unsigned char *)scoop_buf_text(scratch, text->literal->error);
    if (data == NULL) {
        text->literal->verdict = SCOOP_LITERAL_FAILED;
        return -1;
    }
    const unsigned char *end = data + scratch->length;
    bool utf8 = scoop_utf8_valid(data, scratch->length) == scratch->length;
    size_t length;
    text->bytes = false;
    for (const unsigned char *p = data; p < end; p += length) {
        length = utf8 && *p >= 0x80 ? scoop_utf8_sequence(p) : 1;
        if ((length > 1 ? put_plain(text, p, length) : put(text, *p)) != 0)
            return -1;
    }
    return 0;
}

/* What nearly all strings are: a literal without prefix whose bytes stand for themselves, and no
 * other literal beside it. False: it is another one, and nothing was read. */
static bool read_usual(struct literal *literal) {
    struct scoop_buf *out = literal->parser->out;
    const unsigned char *from = literal->at + 1;
    unsigned char quote = *literal->at;
    if (quote != '\'' && quote != '"')
        return false;
    const unsigned char *p = scoop_skip_plain(from, literal->end, (char)quote);
    size_t length = (size_t)(p - literal->at) + 1;
    bool ends = *p == quote && (p[1] == ',' || p[1] == ':' || p[1] == ']' || p[1] == '}');
    if (!ends || length > literal->parser->max_output_bytes - (out->length - literal->start) ||
        length >= out->capacity - out->length)
        return false;
    unsigned char *to = out->data + out->length;
    to[0] = to[length - 1] = '"';
    memcpy(to + 1, from, length - 2);
    out->length += length;
    literal->at = p + 1;
    return true;
}

int scoop_literal_string(struct literal *literal) {
    literal->kind = LITERAL_TEXT;
    if (read_usual(literal))
        return 0;
    struct text text = {.literal = literal, .start = literal->at};
    struct prefix prefix;
    read_prefix(literal->at, &prefix);
    text.bytes = prefix.bytes;
    bool bytes = prefix.bytes;
    literal->parser->scratch->length = 0;
    if (scoop_literal_append(literal, "\"", 1) != 0)
        return -1;
    do {
        if (prefix.bytes != bytes)
            return scoop_literal_bad(literal, literal->at, "bytes and text are joined");
        if (read_piece(&text, &prefix) != 0 || scoop_literal_skip_space(literal) != 0)
            return -1;
    } while (read_prefix(literal->at, &prefix));
    if ((bytes && put_bytes(&text) != 0) || flush_high(&text) != 0)
        return -1;
    return scoop_literal_append(literal, "\"", 1);
}
