#include "text/server_words.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "text/json_reader.h"
#include "text/utf8.h"

enum { MOST_DEPTH = 6 };

/* In the order of how well they tell. */
static const char *const names[] = {
    "message", "Message", "error_description", "detail", "msg",  "error", "errors", "reason",
    "title",   "fault",   "faultstring",       "status", "code",
};
enum { NAMES = sizeof names / sizeof *names };

static size_t rank_of(const struct scoop_json_span *name) {
    size_t rank = 0;
    while (rank < NAMES && !scoop_json_is(name, names[rank]))
        rank++;
    return rank;
}

static bool find_in_value(struct scoop_json_span value, int depth, char *words, size_t size);

/* Of members that are cut off at the body's end those before them count. */
static bool find_in_object(struct scoop_json_reader *reader, int depth, char *words, size_t size) {
    struct scoop_json_span found[NAMES] = {0}, name, value;
    bool first = true;
    while (scoop_json_member(reader, &first, &name) == 1) {
        size_t rank = rank_of(&name);
        if (!scoop_json_skip(reader, &value))
            break;
        if (rank < NAMES)
            found[rank] = value;
    }
    for (size_t i = 0; i < NAMES; i++)
        if (found[i].data != NULL && find_in_value(found[i], depth + 1, words, size))
            return true;
    return false;
}

static bool find_in_value(struct scoop_json_span value, int depth, char *words, size_t size) {
    struct scoop_json_reader reader = {value.data, value.data + value.length};
    struct scoop_json_span text;
    bool first = true;
    if (depth > MOST_DEPTH)
        return false;
    if (scoop_json_is_string(&reader) && scoop_json_string(&reader, &text)) {
        scoop_json_decode(&text, words, size);
        return words[0] != 0;
    }
    reader.at = value.data;
    if (scoop_json_begin(&reader, '{'))
        return find_in_object(&reader, depth, words, size);
    reader.at = value.data;
    if (scoop_json_begin(&reader, '[') && scoop_json_element(&reader, &first) == 1)
        return find_in_value((struct scoop_json_span){reader.at, (size_t)(reader.end - reader.at)},
                             depth + 1, words, size);
    return false;
}

/* A piece of the body. */
struct piece {
    const char *at, *end;
};

static const char *find(struct piece in, const char *text) {
    size_t length = strlen(text);
    for (; (size_t)(in.end - in.at) >= length; in.at++)
        if (strncasecmp(in.at, text, length) == 0)
            return in.at;
    return NULL;
}

/* What is within <name …> and the tag that follows it. */
static bool find_element(struct piece body, const char *name, struct piece *content) {
    size_t length = strlen(name);
    while ((body.at = memchr(body.at, '<', (size_t)(body.end - body.at))) != NULL) {
        const char *after = ++body.at + length;
        if ((size_t)(body.end - body.at) <= length || strncasecmp(body.at, name, length) != 0 ||
            strchr("> \t\r\n", *after) == NULL)
            continue;
        content->at = memchr(after, '>', (size_t)(body.end - after));
        if (content->at == NULL)
            return false;
        content->at++;
        const char *end = memchr(content->at, '<', (size_t)(body.end - content->at));
        content->end = end == NULL ? body.end : end;
        if (content->end > content->at)
            return true;
    }
    return false;
}

/* Takes one character, an entity as what it stands for. */
static char take_text(struct piece *in) {
    static const struct {
        const char *text;
        char is;
    } entities[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                    {"&#39;", '\''}, {"&quot;", '"'}, {"&nbsp;", ' '}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t length = strlen(entities[i].text);
        if ((size_t)(in->end - in->at) >= length &&
            strncasecmp(in->at, entities[i].text, length) == 0) {
            in->at += length;
            return entities[i].is;
        }
    }
    return *in->at++;
}

static void put_markup(struct piece content, bool with_tags, char *words, size_t size) {
    size_t used = 0;
    bool in_tag = false;
    while (content.at < content.end && used + 1 < size) {
        bool opens = with_tags && *content.at == '<', closes = in_tag && *content.at == '>';
        char c = take_text(&content);
        in_tag = (in_tag || opens) && !closes;
        if (!in_tag)
            words[used++] = opens || closes ? ' ' : c;
    }
    words[used] = 0;
}

static void find_in_markup(struct piece body, char *words, size_t size) {
    static const char *const elements[] = {"Message", "faultstring", "detail",
                                           "title",   "h1",          "error"};
    struct piece content;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (find_element(body, elements[i], &content)) {
            put_markup(content, false, words, size);
            return;
        }
    const char *start = find(body, "<body");
    put_markup((struct piece){start == NULL ? body.at : start, body.end}, true, words, size);
}

/* Characters that end a line, turn the direction of a text or move a terminal's cursor. */
static bool is_shown(const unsigned char *at, size_t length) {
    if (length == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return false;
    return !(length == 3 && at[0] == 0xe2 &&
             ((at[1] == 0x80 && (at[2] >= 0xa8 || (at[2] >= 0x8b && at[2] <= 0x8f))) ||
              (at[1] == 0x81 && at[2] >= 0xa6)));
}

/* In place: one space for all that is none or not shown, '?' for what is no UTF-8. */
static void tidy(char *words) {
    const unsigned char *at = (const unsigned char *)words;
    size_t left = strlen(words), used = 0;
    while (left > 0) {
        bool whole;
        size_t taken = scoop_utf8_take(at, left, &whole);
        bool blank = *at <= ' ' || *at == 127 || (whole && !is_shown(at, taken));
        if (blank && used > 0 && words[used - 1] != ' ')
            words[used++] = ' ';
        else if (!blank && whole)
            for (size_t i = 0; i < taken; i++)
                words[used++] = (char)at[i];
        else if (!blank)
            words[used++] = '?';
        at += taken;
        left -= taken;
    }
    while (used > 0 && words[used - 1] == ' ')
        used--;
    words[used] = 0;
}

void scoop_server_words_find(const void *body, size_t length, char *words, size_t size) {
    struct piece text = {body, length == 0 ? body : (const char *)body + length};
    if ((size_t)(text.end - text.at) >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        text.at += 3;
    while (text.at < text.end && (unsigned char)*text.at <= ' ' && *text.at != 0)
        text.at++;
    size_t left = (size_t)(text.end - text.at);
    words[0] = 0;
    if (left == 0 || memchr(text.at, 0, left) != NULL)
        return;
    struct scoop_json_span value = {(const unsigned char *)text.at, left};
    if (*text.at == '<') {
        find_in_markup(text, words, size);
    } else if (!find_in_value(value, 0, words, size)) {
        size_t kept = left < size - 1 ? left : size - 1;
        memcpy(words, text.at, kept);
        words[kept] = 0;
    }
    tidy(words);
}

void scoop_server_words_mask_queries(char *words) {
    for (char *at = words; (at = strstr(at, "://")) != NULL;) {
        size_t length = strcspn(at, " \"'<>"), before = strcspn(at, "? \"'<>");
        char *end = at + length;
        if (at[before] == '?' && length - before > 3) {
            memcpy(at + before + 1, "***", 3);
            memmove(at + before + 4, end, strlen(end) + 1);
            end = at + before + 4;
        }
        at = end;
    }
}

void scoop_server_words_cut(char *words) {
    size_t count = 0, at = 0, length = strlen(words);
    for (bool whole; at < length && count < SCOOP_SERVER_WORDS_CHARACTERS; count++)
        at += scoop_utf8_take(words + at, length - at, &whole);
    words[at] = 0;
}
