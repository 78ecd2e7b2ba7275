#include "warehouse/sql/sql_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct display {
    const char *at;
    char *text;
    size_t length, size;
    unsigned words;
    bool is_set;
};

static void put(struct display *display, char c) {
    if (display->length + 1 < display->size)
        display->text[display->length++] = c;
}

/* One space for any white space, none at the start. */
static void put_space(struct display *display) {
    if (display->length > 0 && display->text[display->length - 1] != ' ')
        put(display, ' ');
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

bool scoop_sql_is_comment(const char *at) {
    return (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*');
}

const char *scoop_sql_skip_comment(const char *at) {
    if (at[0] == '-')
        return at + strcspn(at, "\n");
    unsigned depth = 0;
    do {
        if (at[0] == '/' && at[1] == '*')
            depth++, at += 2;
        else if (at[0] == '*' && at[1] == '/')
            depth--, at += 2;
        else
            at++;
    } while (depth > 0 && *at != 0);
    return at;
}

static void take_word(struct display *display) {
    const char *from = display->at;
    while (is_word(*display->at) || (*display->at == '$' && display->at > from))
        put(display, *display->at++);
    if (++display->words == 1)
        display->is_set = display->at - from == 3 && strncasecmp(from, "SET", 3) == 0;
}

static void take_identifier(struct display *display) {
    do
        put(display, *display->at++);
    while (*display->at != 0 && *display->at != '"');
    if (*display->at != 0)
        put(display, *display->at++);
}

/* False at what may be, or begin, a value. */
static bool take(struct display *display) {
    const char *at = display->at;
    if (scoop_sql_is_comment(at)) {
        display->at = scoop_sql_skip_comment(at);
        put_space(display);
    } else if (isspace((unsigned char)*at)) {
        put_space(display);
        display->at++;
    } else if (*at == '"') {
        take_identifier(display);
    } else if (isdigit((unsigned char)*at) || *at == '\'' || *at == '$' ||
               (display->is_set && display->words == 2)) {
        return false;
    } else if (is_word(*at)) {
        take_word(display);
    } else {
        put(display, *display->at++);
    }
    return true;
}

void scoop_sql_display(const char *sql, char *text, size_t size) {
    struct display display = {.at = sql, .text = text, .size = size - sizeof "…"};
    while (*display.at != 0 && display.length + 1 < display.size && take(&display))
        ;
    memcpy(text + display.length, "…", *display.at == 0 ? 0 : sizeof "…" - 1);
    text[display.length + (*display.at == 0 ? 0 : sizeof "…" - 1)] = 0;
}
