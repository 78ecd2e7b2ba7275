#include "scoop/url_display.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "text/secret_name.h"
#include "text/text.h"

/* Parameters that only a signed address has: other keys have a "?" and a "=" in their names, too.
 */
static const char *const signatures[] = {"X-Amz-Signature", "X-Amz-Credential",
                                         "X-Amz-Security-Token", "AWSAccessKeyId"};

/* What is shown: pieces of the address, and "…" for what is not. */
struct shown {
    const char *scheme, *host, *path;
    int scheme_length, host_length, path_length;
    bool hidden;
};

static const char *find(const char *text, size_t length, char wanted) {
    return memchr(text, wanted, length);
}

/* The place of `plain`, or of its escape %XX; NULL if it is not in there. */
static const char *find_escaped(const char *text, size_t length, char plain, const char *escape) {
    for (size_t i = 0; i < length; i++)
        if (text[i] == plain || (length - i >= 3 && strncasecmp(text + i, escape, 3) == 0))
            return text + i;
    return NULL;
}

/* "10:30" or "T10:00:00" at its start, and no digit before it: names of dumps have it. Returns the
 * bytes of the time behind the colon; 0: it is none. */
static size_t time_behind(const char *text, const char *colon, const char *end) {
    if (colon - text < 2 || (colon - text > 2 && isdigit((unsigned char)colon[-3])))
        return 0;
    size_t length = 0;
    if (!isdigit((unsigned char)colon[-1]) || !isdigit((unsigned char)colon[-2]))
        return 0;
    while (end - colon > (ptrdiff_t)length + 2 && colon[length] == ':' &&
           isdigit((unsigned char)colon[length + 1]) && isdigit((unsigned char)colon[length + 2]))
        length += 3;
    bool more = colon + length < end && isalnum((unsigned char)colon[length]) &&
                strchr("TZ", colon[length]) == NULL;
    return more ? 0 : length;
}

/* Whether it may hold "user:password@". */
static const char *user_info(const char *text, size_t length) {
    const char *end = text + length, *colon = find_escaped(text, length, ':', "%3A");
    for (size_t time; colon != NULL && (time = time_behind(text, colon, end)) > 0;)
        colon = find_escaped(colon + time, (size_t)(end - colon) - time, ':', "%3A");
    if (colon == NULL)
        return NULL;
    bool at = find_escaped(colon, length - (size_t)(colon - text), '@', "%40") != NULL;
    return at ? colon : NULL;
}

/* A port is digits: else this is a piece of a password with a slash in it. */
static bool is_host(const char *host, size_t length) {
    const char *end = host + length, *colon = find(host, length, ':');
    if (length > 0 && host[0] == '[')
        colon = find(host, length, ']');
    while (colon != NULL && ++colon < end)
        if (strchr("0123456789:", *colon) == NULL)
            return false;
    return true;
}

static void take_path(struct shown *shown, const char *path, size_t length) {
    const char *nested = user_info(path, length); /* an address in an address */
    shown->hidden = nested != NULL;
    for (length = nested == NULL ? length : (size_t)(nested - path);
         nested != NULL && length > 0 && path[length - 1] != '/';)
        length--;
    size_t secret_length;
    const char *secret = scoop_secret_in_path(path, length, &secret_length);
    if (secret != NULL) {
        shown->hidden = true;
        length = (size_t)(secret - path);
    }
    shown->path = path;
    shown->path_length = (int)length;
}

/* scheme://user:password@host/path?query#fragment; `rest` follows the scheme. */
static void take_address(struct shown *shown, const char *rest) {
    size_t length = strcspn(rest, "/\\?#"); /* as text/address.c reads it */
    const char *host = rest, *end = rest + length;
    for (const char *c = rest; c < end; c++)
        if (*c == '@')
            host = c + 1;
    bool given = host > rest; /* then an @ behind it is no end of a user info */
    size_t host_length = (size_t)(end - host);
    bool port = find(host, host_length, ':') != NULL && host[0] != '[';
    if (!is_host(host, host_length) || (given && host_length == 0) ||
        (!given && port && strchr(end, '@') != NULL)) {
        shown->hidden = true;
        return;
    }
    shown->host = host;
    shown->host_length = (int)host_length;
    take_path(shown, end, strcspn(end, "?#"));
}

/* A signed address that was pasted as a key. */
static bool is_signed(const char *query) {
    while (*query != 0) {
        size_t length = strcspn(query, "&"), name = strcspn(query, "=&");
        for (size_t i = 0; name < length && i < sizeof signatures / sizeof *signatures; i++)
            if (strlen(signatures[i]) == name && strncasecmp(query, signatures[i], name) == 0)
                return true;
        query += length + (query[length] == '&');
    }
    return false;
}

/* Of a bucket's name nothing can be a secret, but what stands in its place may be one. */
static void take_object(struct shown *shown, const char *rest) {
    size_t length = strcspn(rest, "/");
    const char *query = strchr(rest + length, '?');
    if (strncmp(rest, "arn:", 4) != 0 && strcspn(rest, ":@") < length) {
        take_address(shown, rest);
        return;
    }
    shown->host = rest;
    shown->host_length = (int)length;
    shown->path = rest + length;
    bool hides = query != NULL && is_signed(query + 1);
    shown->path_length = (int)(hides ? (size_t)(query - shown->path) : strlen(shown->path));
}

/* Without "://": a path, or an address that somebody has cut or escaped. */
static void take_path_or_piece(struct shown *shown, const char *text) {
    size_t first = strcspn(text, "/");
    if (strncmp(text, "//", 2) == 0 && find(text + 2, strcspn(text + 2, "/"), '@') != NULL) {
        shown->scheme = text;
        shown->scheme_length = 2;
        take_address(shown, text + 2);
        return;
    }
    bool scheme = first > 0 && text[first - 1] == ':'; /* https:/user:password@host */
    const char *piece =
        text[0] == '/' || text[0] == '.' ? NULL : user_info(text, scheme ? strlen(text) : first);
    if (piece == NULL && text[0] != '/' && text[0] != '.' && strncasecmp(text, "http", 4) == 0)
        piece = user_info(text, strlen(text));
    shown->hidden = piece != NULL;
    shown->path = text;
    shown->path_length = (int)(piece != NULL ? 0 : strlen(text));
}

void scoop_url_display(const char *url, char *text, size_t size) {
    const char *start = url + strspn(url, " \t\r\n");
    const char *rest = strstr(start, "://");
    struct shown shown = {.scheme = "", .host = "", .path = ""};
    if (rest == NULL) {
        take_path_or_piece(&shown, start == url || strchr(start, '@') != NULL ? start : url);
    } else {
        rest += 3;
        shown.scheme = start;
        shown.scheme_length = (int)(rest - start);
        if (strncasecmp(start, "s3://", 5) == 0)
            take_object(&shown, rest);
        else
            take_address(&shown, rest);
    }
    scoop_text_print(text, size, "%.*s%.*s%.*s%s", shown.scheme_length, shown.scheme,
                     shown.host_length, shown.host, shown.path_length, shown.path,
                     shown.hidden ? "…" : "");
    for (char *c = text; *c != 0; c++)
        if (*c < ' ' && *c >= 0)
            *c = '?'; /* a line break in it would look like two messages */
}
