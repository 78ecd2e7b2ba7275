/* The grammar of Python literals: containers, words and space. */
#include "stage/literal/parse.h"

#include <string.h>

#include "stage/literal/state.h"

static int parse_value(struct literal *literal);

int scoop_literal_bad(struct literal *literal, const unsigned char *at, const char *reason) {
    literal->verdict = SCOOP_LITERAL_BAD;
    literal->parser->reason = reason;
    literal->parser->bad_at = (size_t)(at - literal->text);
    return -1;
}

int scoop_literal_incomplete(struct literal *literal) {
    literal->verdict = SCOOP_LITERAL_INCOMPLETE;
    return -1;
}

int scoop_literal_append_slowly(struct literal *literal, const void *data, size_t length) {
    struct scoop_literal_parser *parser = literal->parser;
    if (length > parser->max_output_bytes - (parser->out->length - literal->start))
        return scoop_literal_bad(literal, literal->at, "longer than max_record_bytes as JSON");
    if (scoop_buf_append(parser->out, data, length, literal->error) == 0)
        return 0;
    literal->verdict = SCOOP_LITERAL_FAILED;
    return -1;
}

int scoop_literal_skip_all_space(struct literal *literal) {
    for (;;) {
        const unsigned char *p = literal->at;
        if (*p == ' ' || *p == '\t' || *p == '\f' || *p == '\r') {
            literal->at++;
        } else if (*p == '#') {
            literal->at = memchr(p, '\n', (size_t)(literal->end - p));
        } else if (*p == '\\' && (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n'))) {
            literal->at += p[1] == '\n' ? 2 : 3;
            if (literal->at == literal->end)
                return scoop_literal_incomplete(literal);
        } else if (*p == '\n' && literal->depth > 0) {
            if (++literal->at == literal->end)
                return scoop_literal_incomplete(literal);
        } else {
            return 0;
        }
    }
}

static int open_bracket(struct literal *literal, const char *json) {
    if (literal->depth == SCOOP_LITERAL_MAX_DEPTH)
        return scoop_literal_bad(literal, literal->at, "nesting deeper than 1000");
    literal->depth++;
    literal->at++;
    if (scoop_literal_append(literal, json, 1) != 0)
        return -1;
    return scoop_literal_skip_space(literal);
}

static int close_bracket(struct literal *literal, const char *json) {
    literal->depth--;
    literal->at++;
    literal->kind = LITERAL_CONTAINER;
    return scoop_literal_append(literal, json, 1);
}

/* After an item: passes a comma (*comma) unless the container ends here. */
static int pass_comma(struct literal *literal, unsigned char closing, bool *comma) {
    if (scoop_literal_skip_space(literal) != 0)
        return -1;
    *comma = *literal->at == ',';
    if (*comma) {
        literal->at++;
        return scoop_literal_skip_space(literal);
    }
    if (*literal->at != closing)
        return scoop_literal_bad(literal, literal->at,
                                 "a comma or closing bracket is missing, or the wrong one");
    return 0;
}

/* The items that are left, the first having been read with `comma` after it or not, and the end. */
static int parse_items(struct literal *literal, unsigned char closing, bool comma) {
    while (*literal->at != closing) {
        if (!comma)
            return scoop_literal_bad(literal, literal->at, "a comma is missing");
        if (scoop_literal_append(literal, ",", 1) != 0 || parse_value(literal) != 0 ||
            pass_comma(literal, closing, &comma) != 0)
            return -1;
    }
    return close_bracket(literal, "]");
}

static int parse_list(struct literal *literal) {
    bool comma;
    if (open_bracket(literal, "[") != 0)
        return -1;
    if (*literal->at == ']')
        return close_bracket(literal, "]");
    if (parse_value(literal) != 0 || pass_comma(literal, ']', &comma) != 0)
        return -1;
    return parse_items(literal, ']', comma);
}

/* A tuple, or a value in parentheses; the latter's bracket becomes a space, so that nothing moves.
 */
static int parse_tuple(struct literal *literal) {
    size_t start = literal->parser->out->length;
    bool comma;
    if (open_bracket(literal, "[") != 0)
        return -1;
    if (*literal->at == ')')
        return close_bracket(literal, "]");
    if (parse_value(literal) != 0 || pass_comma(literal, ')', &comma) != 0)
        return -1;
    if (comma)
        return parse_items(literal, ')', true);
    literal->parser->out->data[start] = ' ';
    literal->depth--;
    literal->at++;
    return 0;
}

/* The value written from `start` on becomes a key, as json.dumps writes keys. */
static int make_key(struct literal *literal, size_t start, const unsigned char *at) {
    struct scoop_buf *out = literal->parser->out;
    char key[SCOOP_LITERAL_KEY_BYTES];
    if (literal->kind == LITERAL_TEXT)
        return 0;
    if (literal->kind == LITERAL_CONTAINER)
        return scoop_literal_bad(literal, at, "a tuple or other container as key of a dict");
    if (literal->kind == LITERAL_NONFINITE)
        return scoop_literal_bad(literal, at, "nan or inf as key of a dict");
    while (out->data[start] == ' ') /* was in parentheses */
        start++;
    if (literal->kind == LITERAL_FLOAT) {
        scoop_literal_float_key(out->data + start, out->length - start, key);
        out->length = start;
        if (scoop_literal_append(literal, key, strlen(key)) != 0)
            return -1;
    }
    if (scoop_literal_append(literal, "\"\"", 2) != 0)
        return -1;
    memmove(out->data + start + 1, out->data + start, out->length - start - 2);
    out->data[start] = '"';
    return 0;
}

static int parse_entry_value(struct literal *literal, bool *comma) {
    literal->at++;
    if (scoop_literal_append(literal, ":", 1) != 0 || scoop_literal_skip_space(literal) != 0 ||
        parse_value(literal) != 0)
        return -1;
    return pass_comma(literal, '}', comma);
}

/* The text from `start` on has become a key. */
static int note_key(struct literal *literal, size_t start) {
    struct scoop_literal_parser *parser = literal->parser;
    const struct scoop_buf *out = parser->out;
    if (parser->key_case == SCOOP_KEY_CASE_KEEP)
        return 0;
    while (out->data[start] == ' ') /* was in parentheses */
        start++;
    struct scoop_json_key key = {.text = out->data + start + 1, .length = out->length - start - 2};
    key.escaped = memchr(key.text, '\\', key.length) != NULL;
    if (scoop_json_keys_add(parser->keys, key, start + 1 - literal->start) == 0)
        return 0;
    literal->verdict = SCOOP_LITERAL_FAILED;
    return scoop_fail_memory(literal->error);
}

/* The end of a dict whose keys are those from number `base` on. */
static int close_dict(struct literal *literal, size_t base) {
    struct scoop_literal_parser *parser = literal->parser;
    struct scoop_json_halves record = {.second = parser->out->data + literal->start};
    size_t at;
    bool says = parser->key_case == SCOOP_KEY_CASE_REJECT;
    if (parser->key_case != SCOOP_KEY_CASE_KEEP &&
        !scoop_json_keys_close(parser->keys, base, record, says, &at)) {
        if (says)
            return scoop_literal_bad(literal, literal->at, parser->keys->fault);
        parser->clashes = true;
    }
    return close_bracket(literal, "}");
}

/* A key and the space after it; *colon: a colon follows. */
static int parse_key(struct literal *literal, bool *colon) {
    size_t start = literal->parser->out->length;
    const unsigned char *at = literal->at;
    if (parse_value(literal) != 0 || scoop_literal_skip_space(literal) != 0)
        return -1;
    *colon = *literal->at == ':';
    if (!*colon)
        return 0;
    return make_key(literal, start, at) == 0 ? note_key(literal, start) : -1;
}

/* A dict or a set: what follows the first item tells. */
static int parse_dict_or_set(struct literal *literal) {
    size_t start = literal->parser->out->length;
    size_t base =
        literal->parser->key_case == SCOOP_KEY_CASE_KEEP ? 0 : literal->parser->keys->count;
    bool colon;
    bool comma;
    if (open_bracket(literal, "{") != 0)
        return -1;
    if (*literal->at == '}')
        return close_bracket(literal, "}");
    if (parse_key(literal, &colon) != 0)
        return -1;
    if (!colon) {
        literal->parser->out->data[start] = '[';
        return pass_comma(literal, '}', &comma) != 0 ? -1 : parse_items(literal, '}', comma);
    }
    if (parse_entry_value(literal, &comma) != 0)
        return -1;
    while (*literal->at != '}') {
        if (scoop_literal_append(literal, ",", 1) != 0 || parse_key(literal, &colon) != 0)
            return -1;
        if (!colon)
            return scoop_literal_bad(literal, literal->at, "a colon is missing after a dict's key");
        if (parse_entry_value(literal, &comma) != 0)
            return -1;
    }
    return close_dict(literal, base);
}

static bool is_word(const unsigned char *at, size_t length, const char *word) {
    return length == strlen(word) && memcmp(at, word, length) == 0;
}

static size_t name_length(const unsigned char *at) {
    size_t length = 0;
    while (scoop_literal_is_name(at[length]))
        length++;
    return length;
}

static int bad_word(struct literal *literal, const unsigned char *at, size_t length) {
    const unsigned char *after = at + length;
    while (*after == ' ')
        after++;
    if (*after == '(' || *after == '.')
        return scoop_literal_bad(literal, at,
                                 "a call or a name such as datetime(...) or OrderedDict(...) is no "
                                 "literal");
    if (*after == '\'' || *after == '"')
        return scoop_literal_bad(literal, at, "a string with an unknown prefix");
    if (is_word(at, length, "true") || is_word(at, length, "false") || is_word(at, length, "null"))
        return scoop_literal_bad(literal, at, "JSON's true, false or null in a Python literal");
    return scoop_literal_bad(literal, at, "a name is no literal");
}

static int parse_word(struct literal *literal) {
    static const struct {
        const char *python;
        const char *json;
    } words[] = {{"None", "null"}, {"True", "true"}, {"False", "false"}};
    const unsigned char *at = literal->at;
    size_t length = name_length(at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(at, length, words[i].python)) {
            literal->at += length;
            literal->kind = LITERAL_WORD;
            return scoop_literal_append(literal, words[i].json, strlen(words[i].json));
        }
    if (is_word(at, length, "nan") || is_word(at, length, "inf")) {
        literal->at += length;
        return scoop_literal_nonfinite(literal, at);
    }
    if (is_word(at, length, "set") && strncmp((const char *)at + length, "()", 2) == 0) {
        literal->at += length + 2; /* how Python writes the empty set */
        literal->kind = LITERAL_CONTAINER;
        return scoop_literal_append(literal, "[]", 2);
    }
    return bad_word(literal, at, length);
}

static int parse_signed(struct literal *literal) {
    bool negative = *literal->at == '-';
    literal->at++;
    if (scoop_literal_skip_space(literal) != 0)
        return -1;
    const unsigned char *at = literal->at;
    if (scoop_literal_is_digit(*at) || (*at == '.' && scoop_literal_is_digit(at[1])))
        return scoop_literal_number(literal, negative);
    if (*at == 'i' || *at == 'n') {
        size_t length = name_length(at);
        if (is_word(at, length, "inf") || is_word(at, length, "nan"))
            return parse_word(literal);
    }
    return scoop_literal_bad(literal, at, "a sign without a number");
}

static int parse_other(struct literal *literal) {
    const unsigned char *at = literal->at;
    if (scoop_literal_is_name(*at))
        return parse_word(literal);
    if (strncmp((const char *)at, "...", 3) == 0)
        return scoop_literal_bad(literal, at, "Ellipsis (...) has no JSON form");
    if (*at == '<')
        return scoop_literal_bad(literal, at, "an object's repr (<...>) is no literal");
    if (*at == '\n')
        return scoop_literal_bad(literal, at, "a value is missing");
    return scoop_literal_bad(literal, at, "an unexpected character where a value should begin");
}

static int parse_value(struct literal *literal) {
    unsigned char byte = *literal->at;
    switch (byte) {
    case '{':
        return parse_dict_or_set(literal);
    case '[':
        return parse_list(literal);
    case '(':
        return parse_tuple(literal);
    case '-':
    case '+':
        return parse_signed(literal);
    default:
        break;
    }
    if (scoop_literal_is_string(literal))
        return scoop_literal_string(literal);
    if (scoop_literal_is_digit(byte) || (byte == '.' && scoop_literal_is_digit(literal->at[1])))
        return scoop_literal_number(literal, false);
    return parse_other(literal);
}

/* The whole record; returns 0 with verdict GOOD or BLANK. */
static int parse_record(struct literal *literal) {
    if (scoop_literal_skip_space(literal) != 0)
        return -1;
    literal->verdict = SCOOP_LITERAL_BLANK;
    if (*literal->at == '\n')
        return 0;
    if (parse_value(literal) != 0 || scoop_literal_skip_space(literal) != 0)
        return -1;
    literal->verdict = SCOOP_LITERAL_GOOD;
    if (*literal->at == '\n')
        return 0;
    if (*literal->at == '+' || *literal->at == '-')
        return scoop_literal_bad(literal, literal->at, "arithmetic or a complex number");
    return scoop_literal_bad(literal, literal->at, "more than one value on a line");
}

enum scoop_literal_verdict scoop_literal_parse(struct scoop_literal_parser *parser,
                                               const unsigned char *text, size_t length,
                                               struct scoop_error *error) {
    struct literal literal = {.parser = parser,
                              .start = parser->out->length,
                              .text = text,
                              .at = text,
                              .end = text + length,
                              .error = error};
    if (parse_record(&literal) == 0)
        parser->used = (size_t)(literal.at - text) + 1;
    return literal.verdict;
}
