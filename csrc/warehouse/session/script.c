#include "scoop/script.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "scoop/buffer.h"
#include "scoop/memory.h"
#include "text/bom.h"

enum { STATEMENT_CEILING_BYTES = 16 * 1024 * 1024 };

struct parser {
    const char *file;
    const char *at;
    const char *end;
    const char *start; /* of the text, to tell the word before a quote */
    bool escapes;
    size_t line;
    const struct scoop_script_variable *variables;
    size_t variable_count;
    unsigned char *used; /* one flag per variable */
    struct scoop_buf sql;
    size_t statement_line; /* 0: no word yet */
    struct scoop_script *script;
    struct scoop_error *error;
};

static bool starts(const struct parser *parser, const char *text) {
    size_t length = strlen(text);
    return (size_t)(parser->end - parser->at) >= length && memcmp(parser->at, text, length) == 0;
}

static bool is_word(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (byte >= '0' && byte <= '9') || (byte & 0x80) != 0;
}

static bool after_word(const struct parser *parser) {
    return parser->at > parser->start && (is_word(parser->at[-1]) || parser->at[-1] == '$');
}

/* Moves `length` bytes on, adding them to the statement when it has begun. */
static int take(struct parser *parser, size_t length) {
    for (size_t i = 0; i < length; i++)
        parser->line += parser->at[i] == '\n';
    const char *from = parser->at;
    parser->at += length;
    if (parser->statement_line == 0)
        return 0;
    return scoop_buf_append(&parser->sql, from, length, parser->error);
}

static int open_ended(const struct parser *parser, const char *what, size_t line) {
    return scoop_fail(parser->error, SCOOP_USAGE, "%.400s:%zu: %s is not closed", parser->file,
                      line, what);
}

/* The variable named at ${…}; *length is that of the whole mark. */
static int find_variable(struct parser *parser, const char **value, size_t *length) {
    const char *name = parser->at + 2, *end = name;
    while (end < parser->end && is_word(*end) && (*end & 0x80) == 0)
        end++;
    size_t size = (size_t)(end - name);
    if (size == 0 || end == parser->end || *end != '}')
        return scoop_fail(parser->error, SCOOP_USAGE,
                          "%.400s:%zu: ${ begins no variable; write ${name}", parser->file,
                          parser->line);
    for (size_t i = 0; i < parser->variable_count; i++) {
        const char *known = parser->variables[i].name;
        if (strlen(known) != size || memcmp(known, name, size) != 0)
            continue;
        parser->used[i] = 1;
        *value = parser->variables[i].value;
        *length = size + 3;
        return 0;
    }
    return scoop_fail(parser->error, SCOOP_USAGE,
                      "%.400s:%zu: the variable %.*s is not given; set it to a value", parser->file,
                      parser->line, (int)(size > 200 ? 200 : size), name);
}

/* Fills in ${name} within the given quote. */
static int substitute(struct parser *parser, char quote) {
    const char *value = NULL;
    size_t length = 0;
    if (find_variable(parser, &value, &length) != 0)
        return -1;
    if (strchr(value, '\\') != NULL)
        return scoop_fail(parser->error, SCOOP_USAGE,
                          "%.400s:%zu: the value of the variable %.*s holds a backslash, which "
                          "servers read differently; use a value without one",
                          parser->file, parser->line, (int)(length - 3), parser->at + 2);
    for (; *value != 0; value++) {
        char doubled[2] = {*value, *value};
        size_t count = *value == quote ? 2 : 1;
        if (scoop_buf_append(&parser->sql, doubled, count, parser->error) != 0)
            return -1;
    }
    parser->at += length;
    return 0;
}

/* From a quote to its partner. A doubled quote is two texts in a row, which is as good. */
static int take_quoted(struct parser *parser, char quote, bool escapes) {
    size_t line = parser->line;
    if (take(parser, 1) != 0)
        return -1;
    while (parser->at < parser->end && *parser->at != quote) {
        bool pair = escapes && *parser->at == '\\' && parser->end - parser->at > 1;
        int result = starts(parser, "${") ? substitute(parser, quote) : take(parser, pair ? 2 : 1);
        if (result != 0)
            return -1;
    }
    if (parser->at == parser->end)
        return open_ended(parser, quote == '"' ? "a name in double quotes" : "a text in quotes",
                          line);
    return take(parser, 1);
}

/* E'…' has backslash escapes on every server. */
static bool has_escapes(const struct parser *parser) {
    if (parser->escapes)
        return true;
    if (parser->at == parser->start || (parser->at[-1] | 0x20) != 'e')
        return false;
    return parser->at - 1 == parser->start || (!is_word(parser->at[-2]) && parser->at[-2] != '$');
}

/* Length of the white space and comments, a line end among them, before a quote that goes on with
 * the text before; 0 when there is none. */
static size_t continuation(const struct parser *parser) {
    const char *at = parser->at, *end = parser->end;
    bool line_end = false;
    while (at < end && *at != '\'') {
        bool comment = end - at > 1 && at[0] == '-' && at[1] == '-';
        if (!comment && strchr(" \t\r\n\f\v", *at) == NULL)
            return 0;
        while (comment && at < end && *at != '\n')
            at++;
        line_end |= at < end && (*at == '\n' || *at == '\r');
        at += at < end;
    }
    return at < end && line_end ? (size_t)(at - parser->at) : 0;
}

/* A text in single quotes. One that goes on in a later line keeps the escapes it began with. */
static int take_text(struct parser *parser) {
    bool escapes = has_escapes(parser);
    if (take_quoted(parser, '\'', escapes) != 0)
        return -1;
    for (size_t gap; escapes && (gap = continuation(parser)) > 0;)
        if (take(parser, gap) != 0 || take_quoted(parser, '\'', escapes) != 0)
            return -1;
    return 0;
}

/* Length of $tag$ at this place, or 0. */
static size_t dollar_tag(const struct parser *parser) {
    const char *at = parser->at + 1;
    if (after_word(parser) || (at < parser->end && *at >= '0' && *at <= '9'))
        return 0;
    while (at < parser->end && is_word(*at))
        at++;
    return at < parser->end && *at == '$' ? (size_t)(at - parser->at) + 1 : 0;
}

static int misplaced(const struct parser *parser) {
    return scoop_fail(parser->error, SCOOP_USAGE,
                      "%.400s:%zu: ${…} may stand within '…' and \"…\" only", parser->file,
                      parser->line);
}

static int take_dollars(struct parser *parser, size_t tag) {
    size_t line = parser->line;
    const char *opening = parser->at;
    if (take(parser, tag) != 0)
        return -1;
    while ((size_t)(parser->end - parser->at) >= tag) {
        if (memcmp(parser->at, opening, tag) == 0)
            return take(parser, tag);
        if (starts(parser, "${"))
            return misplaced(parser);
        if (take(parser, 1) != 0)
            return -1;
    }
    return open_ended(parser, "a text in dollar quotes", line);
}

static int take_line_comment(struct parser *parser) {
    const char *end = memchr(parser->at, '\n', (size_t)(parser->end - parser->at));
    return take(parser, (size_t)((end == NULL ? parser->end : end) - parser->at));
}

static int take_comment(struct parser *parser) {
    size_t line = parser->line, depth = 0;
    do {
        bool opens = starts(parser, "/*"), closes = starts(parser, "*/");
        depth += opens;
        depth -= closes;
        if (take(parser, opens || closes ? 2 : 1) != 0)
            return -1;
    } while (depth > 0 && parser->at < parser->end);
    return depth == 0 ? 0 : open_ended(parser, "a comment", line);
}

static int end_statement(struct parser *parser) {
    if (parser->statement_line == 0)
        return 0;
    struct scoop_script *script = parser->script;
    const char *text = scoop_buf_text(&parser->sql, parser->error);
    if (text == NULL)
        return -1;
    if (script->count >= SIZE_MAX / sizeof *script->statements - 1)
        return scoop_fail_memory(parser->error);
    struct scoop_script_statement *grown =
        scoop_realloc(script->statements, (script->count + 1) * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(parser->error);
    script->statements = grown;
    char *copy = scoop_strdup(text);
    if (copy == NULL)
        return scoop_fail_memory(parser->error);
    grown[script->count++] =
        (struct scoop_script_statement){.sql = copy, .line = parser->statement_line};
    scoop_buf_consume(&parser->sql, parser->sql.length);
    parser->statement_line = 0;
    return 0;
}

/* A word, a quoted text or a sign: from here on there is a statement. */
static int take_token(struct parser *parser) {
    if (parser->statement_line == 0)
        parser->statement_line = parser->line;
    size_t tag = *parser->at == '$' ? dollar_tag(parser) : 0;
    if (starts(parser, "${"))
        return misplaced(parser);
    if (*parser->at == '\'')
        return take_text(parser);
    if (*parser->at == '"')
        return take_quoted(parser, '"', false);
    return tag > 0 ? take_dollars(parser, tag) : take(parser, 1);
}

static int step(struct parser *parser) {
    if (starts(parser, "--"))
        return take_line_comment(parser);
    if (starts(parser, "/*"))
        return take_comment(parser);
    if (strchr(" \t\r\n\f", *parser->at) != NULL)
        return take(parser, 1);
    if (*parser->at != ';')
        return take_token(parser);
    parser->at++;
    return end_statement(parser);
}

static int parse(struct parser *parser, const char *text, size_t length) {
    const char *nul = memchr(text, 0, length);
    if (nul != NULL)
        return scoop_fail(parser->error, SCOOP_USAGE,
                          "%.400s holds a NUL byte at offset %zu; it is not a text file",
                          parser->file, (size_t)(nul - text));
    parser->at += scoop_bom_length(text, length);
    while (parser->at < parser->end)
        if (step(parser) != 0)
            return -1;
    if (end_statement(parser) != 0)
        return -1;
    for (size_t i = 0; i < parser->variable_count; i++)
        if (!parser->used[i])
            return scoop_fail(parser->error, SCOOP_USAGE,
                              "%.400s does not use the variable %.200s; correct its name or leave "
                              "it out",
                              parser->file, parser->variables[i].name);
    return 0;
}

int scoop_script_parse(const struct scoop_script_text *text,
                       const struct scoop_script_variable *variables, size_t variable_count,
                       struct scoop_script *script, struct scoop_error *error) {
    struct parser parser = {
        .file = text->file,
        .at = text->text,
        .start = text->text,
        .end = text->text + text->length,
        .escapes = text->escapes,
        .line = 1,
        .variables = variables,
        .variable_count = variable_count,
        .used = scoop_calloc(variable_count + 1, 1),
        .script = script,
        .error = error,
    };
    memset(script, 0, sizeof *script);
    scoop_buf_init(&parser.sql, STATEMENT_CEILING_BYTES);
    int result =
        parser.used == NULL ? scoop_fail_memory(error) : parse(&parser, text->text, text->length);
    scoop_buf_free(&parser.sql);
    scoop_free(parser.used);
    if (result != 0)
        scoop_script_free(script);
    return result;
}

void scoop_script_free(struct scoop_script *script) {
    for (size_t i = 0; i < script->count; i++)
        scoop_free(script->statements[i].sql);
    scoop_free(script->statements);
    memset(script, 0, sizeof *script);
}
