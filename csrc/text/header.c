#include "text/header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *start, *end;
};

static struct text trimmed(const char *start, const char *end) {
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && memchr(" \t\r\n", end[-1], 4) != NULL)
        end--;
    return (struct text){start, end};
}

int scoop_header_each(const void *head, size_t length,
                      int (*visit)(void *user, const char *name, size_t name_length,
                                   const char *value, size_t value_length),
                      void *user) {
    const char *line = head, *end = length == 0 ? line : line + length;
    int status = 0;
    while (line < end && status == 0) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline == NULL ? end : newline + 1;
        const char *colon = memchr(line, ':', (size_t)(next - line));
        if (colon != NULL) {
            struct text value = trimmed(colon + 1, next);
            status = visit(user, line, (size_t)(colon - line), value.start,
                           (size_t)(value.end - value.start));
        }
        line = next;
    }
    return status;
}

struct wanted {
    const char *name;
    struct text first, last; /* start NULL: none yet */
    bool conflicts;
};

static int note_wanted(void *user, const char *name, size_t name_length, const char *value,
                       size_t value_length) {
    struct wanted *wanted = user;
    if (name_length != strlen(wanted->name) || strncasecmp(name, wanted->name, name_length) != 0)
        return 0;
    struct text found = {value, value + value_length};
    if (wanted->first.start == NULL)
        wanted->first = found;
    size_t length = (size_t)(wanted->first.end - wanted->first.start);
    wanted->conflicts = wanted->conflicts || length != value_length ||
                        memcmp(value, wanted->first.start, length) != 0;
    wanted->last = found;
    return 0;
}

bool scoop_header_find(const void *head, size_t length, const char *name, char *value,
                       size_t size) {
    struct wanted wanted = {.name = name};
    scoop_header_each(head, length, note_wanted, &wanted);
    bool found = wanted.last.start != NULL;
    snprintf(value, size, "%.*s", found ? (int)(wanted.last.end - wanted.last.start) : 0,
             found ? wanted.last.start : "");
    return found;
}

bool scoop_header_conflicts(const void *head, size_t length, const char *name) {
    struct wanted wanted = {.name = name};
    scoop_header_each(head, length, note_wanted, &wanted);
    return wanted.conflicts;
}

/* Digits only; false beyond 64 bits. */
static bool read_number(const char **at, uint64_t *number) {
    const char *start = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *at > start;
}

static bool read_char(const char **at, char wanted) {
    return **at == wanted && *(*at)++ != 0;
}

bool scoop_header_content_range(const char *value, struct scoop_content_range *range) {
    static const char unit[] = "bytes";
    size_t length = sizeof unit - 1;
    if (value == NULL || strncasecmp(value, unit, length) != 0)
        return false;
    const char *at = value + length;
    return read_char(&at, ' ') && read_number(&at, &range->first) && read_char(&at, '-') &&
           read_number(&at, &range->last) && read_char(&at, '/') &&
           read_number(&at, &range->total) && *at == 0 && range->first <= range->last &&
           range->last < range->total;
}

bool scoop_header_is_strong(const char *etag) {
    const char *end = etag[0] == '"' ? strchr(etag + 1, '"') : NULL;
    return end != NULL && end[1] == 0;
}

static bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool scoop_header_is_name(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!is_token_character(text[i]))
            return false;
    return length > 0;
}

bool scoop_header_is_value(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            return false;
    return true;
}

bool scoop_header_ends_in_chunked(const char *codings) {
    const char *last = strrchr(codings, ',');
    last = last == NULL ? codings : last + 1;
    return strcasecmp(last + strspn(last, " \t"), "chunked") == 0;
}

uint32_t scoop_header_milliseconds(const char *value) {
    uint64_t number;
    if (value == NULL || !read_number(&value, &number) || *value != 0)
        return 0;
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}
