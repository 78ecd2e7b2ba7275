/* Whether a text is one statement: a semicolon ends one only outside of quotes and comments. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "warehouse/sql/sql_text.h"

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* Behind the partner of the quote at `at`, or at the end. A doubled quote is two texts in a row. */
static const char *skip_quoted(const char *at, bool escapes) {
    char quote = *at++;
    while (*at != 0 && *at != quote)
        at += escapes && at[0] == '\\' && at[1] != 0 ? 2 : 1;
    return at + (*at != 0);
}

/* Behind $tag$ … $tag$; `at` itself when no such text begins there. */
static const char *skip_dollars(const char *at) {
    const char *tag_end = at + 1;
    while (isalnum((unsigned char)*tag_end) || *tag_end == '_' || (*tag_end & 0x80) != 0)
        tag_end++;
    if (*tag_end != '$' || isdigit((unsigned char)at[1]))
        return at;
    size_t length = (size_t)(tag_end - at) + 1;
    for (const char *close = tag_end + 1; (close = strchr(close, '$')) != NULL; close++)
        if (strncmp(close, at, length) == 0)
            return close + length;
    return at + strlen(at);
}

/* Behind what begins at `at`: a word, a text or a sign. *word is the word, else NULL. */
static const char *skip_piece(const char *at, bool escapes, const char **word, size_t *length) {
    *word = NULL;
    *length = 0;
    if (*at == '\'' || *at == '"')
        return skip_quoted(at, escapes && *at == '\'');
    const char *behind = *at == '$' ? skip_dollars(at) : at;
    if (behind != at)
        return behind;
    if (!is_word(*at))
        return at + 1;
    *word = at;
    while (is_word(*at))
        at++;
    *length = (size_t)(at - *word);
    bool escaped = *at == '\'' && *length == 1 && (**word | 0x20) == 'e';
    return escaped ? skip_quoted(at, true) : at;
}

bool scoop_sql_is_single(const char *sql, bool escapes) {
    bool begun = false, ended = false, after_begin = false;
    for (const char *at = sql; *at != 0;) {
        const char *word = NULL;
        size_t length = 0;
        if (isspace((unsigned char)*at)) {
            at++;
        } else if (scoop_sql_is_comment(at)) {
            at = scoop_sql_skip_comment(at);
        } else if (*at == ';') {
            ended = begun;
            at++;
        } else if (ended) {
            return false;
        } else {
            begun = true;
            at = skip_piece(at, escapes, &word, &length);
            /* A function's body of statements, which belong to it. */
            if (after_begin && length == 6 && strncasecmp(word, "atomic", 6) == 0)
                return true;
            after_begin = length == 5 && strncasecmp(word, "begin", 5) == 0;
        }
    }
    return true;
}
