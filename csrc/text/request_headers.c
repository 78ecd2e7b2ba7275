#include "text/request_headers.h"

#include <string.h>
#include <strings.h>

#include "text/header.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool scoop_header_line_next(const char **at, struct scoop_header_line *line) {
    const char *start = *at + strspn(*at, "\n");
    if (*start == 0)
        return false;
    size_t length = strcspn(start, "\n");
    const char *colon = memchr(start, ':', length), *end = start + length;
    *at = end;
    line->name = start;
    line->name_length = colon == NULL ? length : (size_t)(colon - start);
    line->value = colon == NULL ? end : colon + 1;
    while (line->value < end && is_blank(*line->value))
        line->value++;
    while (end > line->value && is_blank(end[-1]))
        end--;
    line->value_length = (size_t)(end - line->value);
    return true;
}

bool scoop_header_line_is(const struct scoop_header_line *line, const char *name) {
    return line->name_length == strlen(name) &&
           strncasecmp(line->name, name, line->name_length) == 0;
}

const char *scoop_header_line_refused(const struct scoop_header_line *line) {
    static const char *const names[] = {
        "Accept-Encoding",
        "Connection",
        "Content-Length",
        "Expect",
        "Host",
        "Keep-Alive",
        "Range",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    };
    static const char *const beginnings[] = {"If-", "Proxy-"};
    if (!scoop_header_is_name(line->name, line->name_length))
        return "is no header's name";
    if (!scoop_header_is_value(line->value, line->value_length))
        return "has a control character in its value";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (scoop_header_line_is(line, names[i]))
            return "cannot be set: it is airscoop's own to say how data come";
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (line->name_length > strlen(beginnings[i]) &&
            strncasecmp(line->name, beginnings[i], strlen(beginnings[i])) == 0)
            return "cannot be set: it is airscoop's own to say how data come";
    return NULL;
}
