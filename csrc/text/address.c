#include "text/address.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "text/hex.h"

/* Where an address is written. */
struct writer {
    char *to;
    size_t used;
};

/* What is percent-encoded in a part beside spaces, control characters and what is no ASCII. */
#define IN_USER "\"#/:;<=>?@[\\]^`{|}"
#define IN_PATH "\"#<>?^`{}"
#define IN_QUERY "\"#'<>"

static bool is_space(char c) {
    return c != 0 && (unsigned char)c <= ' ';
}

static const char *skip_space(const char *text) {
    while (is_space(*text))
        text++;
    return text;
}

bool scoop_address_is_web(const char *address) {
    const char *start = skip_space(address);
    return strncasecmp(start, "http://", 7) == 0 || scoop_address_is_secure(start);
}

bool scoop_address_is_secure(const char *address) {
    return strncasecmp(skip_space(address), "https://", 8) == 0;
}

bool scoop_address_has_control(const char *address) {
    const char *at = skip_space(address), *end = at + strlen(at);
    while (end > at && is_space(end[-1]))
        end--;
    for (; at < end; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return true;
    return false;
}

static void put(struct writer *writer, char c) {
    writer->to[writer->used++] = c;
}

static void put_text(struct writer *writer, const char *text, size_t length) {
    memcpy(writer->to + writer->used, text, length);
    writer->used += length;
}

static void put_encoded(struct writer *writer, const char *text, size_t length, const char *set) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte > ' ' && byte < 127 && strchr(set, byte) == NULL) {
            put(writer, text[i]);
            continue;
        }
        put(writer, '%');
        put(writer, digits[byte >> 4]);
        put(writer, digits[byte & 15]);
    }
}

/* The dots that a segment is: 1 or 2, also as %2e; else 0. */
static int dots_of(const char *segment, size_t length) {
    int dots = 0;
    for (size_t i = 0; i < length; dots++) {
        bool encoded = length - i >= 3 && strncasecmp(segment + i, "%2e", 3) == 0;
        if (dots == 2 || (segment[i] != '.' && !encoded))
            return 0;
        i += encoded ? 3 : 1;
    }
    return dots;
}

/* RFC 3986, 5.2.4, of the path that was written from `start` on, which is not followed by more. */
static void remove_dots(struct writer *writer, size_t start) {
    char *path = writer->to + start;
    size_t length = writer->used - start, kept = 0;
    for (size_t at = 0; at < length;) {
        const char *segment = path + at + 1;
        const char *end = memchr(segment, '/', length - at - 1);
        size_t bytes = end == NULL ? length - at - 1 : (size_t)(end - segment);
        int dots = dots_of(segment, bytes);
        if (dots == 2)
            while (kept > 0 && path[--kept] != '/')
                continue;
        if (dots == 0) {
            memmove(path + kept, path + at, bytes + 1);
            kept += bytes + 1;
        } else if (end == NULL) {
            path[kept++] = '/';
        }
        at += bytes + 1;
    }
    writer->used = start + kept;
}

static bool ends_with(const char *name, size_t length, const char *end) {
    size_t bytes = strlen(end);
    return length >= bytes && strncasecmp(name + length - bytes, end, bytes) == 0;
}

/* AWS, CloudFront, Google, Alibaba and Tencent say "…Signature", Azure "sig", Akamai the others. */
static bool is_signature(const char *name, size_t length) {
    static const char *const names[] = {"sig", "hmac", "hdnea", "hdnts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (length == strlen(names[i]) && strncasecmp(name, names[i], length) == 0)
            return true;
    return ends_with(name, length, "signature") || ends_with(name, length, "-sig") ||
           ends_with(name, length, "_sig");
}

static bool is_signed(const char *address) {
    const char *at = address + strcspn(address, "?#");
    while (*at == '?' || *at == '&') {
        size_t name = strcspn(at + 1, "=&#");
        if (is_signature(at + 1, name) && at[1 + name] == '=')
            return true;
        at += 1 + strcspn(at + 1, "&#");
    }
    return false;
}

/* A part of an address that is not written yet: its text, without white space at its end. */
struct span {
    const char *at, *end;
};

static struct span trimmed(const char *text) {
    struct span span = {skip_space(text), NULL};
    span.end = span.at + strcspn(span.at, "#");
    if (*span.end == 0)
        while (span.end > span.at && is_space(span.end[-1]))
            span.end--;
    return span;
}

/* Up to one of the characters. */
static size_t reach(struct span span, const char *characters) {
    size_t length = strcspn(span.at, characters), most = (size_t)(span.end - span.at);
    return length < most ? length : most;
}

/* Takes the authority; the last '@' ends the user's part. */
static void put_authority(struct writer *writer, struct span *rest) {
    size_t length = reach(*rest, "/\\?#"), user = length;
    while (user > 0 && rest->at[user - 1] != '@')
        user--;
    if (user > 0) {
        size_t name = strcspn(rest->at, ":");
        name = name < user - 1 ? name : user - 1;
        put_encoded(writer, rest->at, name, IN_USER);
        if (name < user - 1) {
            put(writer, ':');
            put_encoded(writer, rest->at + name + 1, user - name - 2, IN_USER);
        }
        put(writer, '@');
    }
    put_text(writer, rest->at + user, length - user);
    rest->at += length;
}

/* Takes a path; `start` is where the whole path begins. */
static void put_path(struct writer *writer, struct span *rest, size_t start, bool as_it_is) {
    size_t length = reach(*rest, "?"), from = writer->used;
    put_encoded(writer, rest->at, length, as_it_is ? "" : IN_PATH);
    rest->at += length;
    for (size_t i = from; i < writer->used && !as_it_is; i++)
        if (writer->to[i] == '\\')
            writer->to[i] = '/';
    if (writer->used == start || writer->to[start] != '/') {
        memmove(writer->to + start + 1, writer->to + start, writer->used - start);
        writer->to[start] = '/';
        writer->used++;
    }
    if (!as_it_is)
        remove_dots(writer, start);
}

/* Takes the rest: the query with its '?', if there is one. */
static size_t finish(struct writer *writer, struct span rest, bool as_it_is) {
    put_encoded(writer, rest.at, (size_t)(rest.end - rest.at), as_it_is ? "" : IN_QUERY);
    writer->to[writer->used] = 0;
    return writer->used;
}

/* Writes a reference that begins with its authority. */
static size_t put_from_authority(struct writer *writer, struct span rest) {
    bool as_it_is = is_signed(rest.at);
    put_authority(writer, &rest);
    put_path(writer, &rest, writer->used, as_it_is);
    return finish(writer, rest, as_it_is);
}

size_t scoop_address_send(const char *address, char *to) {
    struct span rest = trimmed(address);
    const char *scheme = scoop_address_is_secure(rest.at) ? "https://" : "http://";
    struct writer writer = {.to = to};
    put_text(&writer, scheme, strlen(scheme));
    rest.at += strlen(scheme);
    return put_from_authority(&writer, rest);
}

/* Whether a reference names a scheme, as in "ftp://…". */
static bool has_scheme(struct span reference) {
    size_t length = reach(reference, ":/\\?#");
    return length > 0 && reference.at + length < reference.end && reference.at[length] == ':';
}

static bool is_slash(char c) {
    return c == '/' || c == '\\';
}

/* Writes what of the base comes before a reference without an authority. */
static void put_base(struct writer *writer, const struct scoop_address *parts, const char *base,
                     struct span reference) {
    size_t path = strcspn(parts->path, "?");
    if (*reference.at != '?') {
        while (path > 0 && parts->path[path - 1] != '/')
            path--;
        if (is_slash(*reference.at))
            path = 0;
    }
    put_text(writer, base, (size_t)(parts->path - base) + path);
}

size_t scoop_address_resolve(const char *base, const char *reference, char *to) {
    struct span rest = trimmed(reference);
    struct writer writer = {.to = to};
    struct scoop_address parts;
    if (scoop_address_is_web(rest.at))
        return scoop_address_send(rest.at, to);
    if (has_scheme(rest) || !scoop_address_split(base, &parts))
        return finish(&writer, rest, false);
    if (rest.at == rest.end) {
        put_text(&writer, base, strlen(base));
        return finish(&writer, rest, false);
    }
    if (rest.end - rest.at >= 2 && is_slash(rest.at[0]) && is_slash(rest.at[1])) {
        put_text(&writer, base, strcspn(base, "/") + 2);
        rest.at += 2;
        return put_from_authority(&writer, rest);
    }
    size_t start = (size_t)(parts.path - base);
    bool whole = is_slash(rest.at[0]), as_it_is = is_signed(rest.at);
    put_base(&writer, &parts, base, rest);
    if (*rest.at != '?')
        put_path(&writer, &rest, start, whole && as_it_is);
    return finish(&writer, rest, as_it_is);
}

/* 0: it is none. */
static unsigned read_port(const char *text, size_t length) {
    unsigned port = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        port = port * 10 + (unsigned)(text[i] - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return port;
}

bool scoop_address_split(const char *address, struct scoop_address *parts) {
    if (!scoop_address_is_web(address))
        return false;
    *parts = (struct scoop_address){.secure = scoop_address_is_secure(address)};
    const char *authority = strstr(address, "://") + 3;
    size_t length = strcspn(authority, "/?#"), user = length;
    while (user > 0 && authority[user - 1] != '@')
        user--;
    parts->user = authority;
    parts->user_length = user > 0 ? user - 1 : 0;
    parts->host = authority + user;
    parts->path = authority + length;
    const char *host_end = parts->path;
    const char *from = parts->host;
    if (*from == '[' && memchr(from, ']', (size_t)(parts->path - from)) != NULL)
        from = memchr(from, ']', (size_t)(parts->path - from));
    const char *colon = memchr(from, ':', (size_t)(parts->path - from));
    parts->port = parts->secure ? 443 : 80;
    if (colon != NULL) {
        host_end = colon;
        if (colon + 1 < parts->path)
            parts->port = read_port(colon + 1, (size_t)(parts->path - colon) - 1);
    }
    parts->host_length = (size_t)(host_end - parts->host);
    return true;
}

bool scoop_address_same_origin(const char *address, const char *other) {
    struct scoop_address a, b;
    return scoop_address_split(address, &a) && scoop_address_split(other, &b) &&
           a.secure == b.secure && a.port == b.port && a.port != 0 &&
           a.host_length == b.host_length && strncasecmp(a.host, b.host, a.host_length) == 0;
}
