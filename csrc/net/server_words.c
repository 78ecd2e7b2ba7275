/* What a web server says of an error goes into ours, without what must not be shown: servers repeat
 * what they were sent. */
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "net/engine_internal.h"
#include "text/address.h"
#include "text/hex.h"
#include "text/json_reader.h"
#include "text/mask.h"
#include "text/request_headers.h"
#include "text/server_words.h"

enum {
    SECRET_BYTES = 1024,
    RUN_BYTES = 12, /* that text/mask.c hides of a secret */
    HEADER_LEAST = 4,
    VALUE_LEAST = 8, /* of queries and bodies: shorter ones are dates, formats, pages */
    PLAIN_LEAST = 12,
};

/* Takes one byte of what stands in an address or a form; returns how many stood for it. */
static size_t take_byte(const char *text, size_t left, char plus, char *byte) {
    long escaped = scoop_hex_escaped(text, left);
    *byte = escaped >= 0 ? (char)escaped : *text == '+' ? plus : *text;
    return escaped >= 0 ? 3 : 1;
}

/* In pieces that overlap. */
static void hide_decoded(struct scoop_mask *mask, const char *text, size_t length, char plus) {
    char decoded[SECRET_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < length; used++) {
        if (used == sizeof decoded) {
            scoop_mask_secret(mask, decoded, used);
            used = RUN_BYTES - 1;
            memmove(decoded, decoded + sizeof decoded - used, used);
        }
        i += take_byte(text + i, length - i, plus, &decoded[used]);
    }
    scoop_mask_secret(mask, decoded, used);
    scoop_wipe(decoded, sizeof decoded);
}

/* Hides a text, and what it is when it is decoded. */
static void hide(struct scoop_mask *mask, const char *text, size_t length) {
    scoop_mask_secret(mask, text, length);
    bool plus = memchr(text, '+', length) != NULL;
    if (plus)
        hide_decoded(mask, text, length, ' ');
    if (memchr(text, '%', length) != NULL)
        hide_decoded(mask, text, length, '+');
}

/* How many bytes stand before one of the set, or NUL. */
static size_t until(const char *text, const char *end, const char *set) {
    size_t length = 0;
    while (text + length < end && strchr(set, text[length]) == NULL)
        length++;
    return length;
}

/* Whether a value looks like dates or a number: no secret is that plain. */
static bool is_plain(const char *text, size_t length) {
    while (length > 0 && strchr("0123456789-:.,/TZ%", *text) != NULL) {
        text++;
        length--;
    }
    return length == 0;
}

static bool is_named_secret(const char *name, size_t length) {
    static const char *const parts[] = {"secret", "token", "key",  "sig",
                                        "pass",   "pwd",   "auth", "cred"};
    char decoded[128];
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < sizeof decoded; used++)
        i += take_byte(name + i, length - i, ' ', &decoded[used]);
    decoded[used] = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(decoded, parts[i]) != NULL)
            return true;
    return false;
}

/* Each word of at least so many bytes. */
static void hide_words(struct scoop_mask *mask, const char *text, size_t length, size_t least) {
    for (const char *end = text + length; text < end;) {
        size_t word = until(text, end, " \t\r\n;,:={}[]\"'&");
        bool dull = least >= VALUE_LEAST && word < PLAIN_LEAST && is_plain(text, word);
        if (word >= least && !dull)
            hide(mask, text, word);
        text += word + 1;
    }
}

static void hide_value(struct scoop_mask *mask, const char *text, size_t length, bool named) {
    if (named)
        hide(mask, text, length);
    hide_words(mask, text, length, VALUE_LEAST);
}

/* name=value, with a separator between them; where a name has no value, it may be one itself. */
static void hide_pairs(struct scoop_mask *mask, const char *text, const char *end,
                       const char *separators, bool bare) {
    while (text < end) {
        size_t pair = until(text, end, separators), name = until(text, text + pair, "=");
        bool has_value = name + 1 < pair;
        size_t value = has_value ? name + 1 : 0, length = pair - value;
        bool long_enough = length >= VALUE_LEAST && !is_plain(text + value, length);
        bool named = has_value && is_named_secret(text, name);
        if (has_value || bare)
            hide_value(mask, text + value, length, named || long_enough);
        text += pair + 1;
    }
}

/* "user:password" or a token alone. */
static void hide_login(struct scoop_mask *mask, const char *login, size_t length) {
    const char *colon = memchr(login, ':', length);
    size_t user = colon == NULL ? length : (size_t)(colon - login);
    hide(mask, login, length);
    if (user >= HEADER_LEAST)
        hide(mask, login, user);
    if (colon != NULL)
        hide(mask, colon + 1, length - user - 1);
}

/* What libcurl makes of a login in the address: the base64 of "Authorization: Basic". */
static int hide_login_header(struct scoop_mask *mask, const char *login, size_t length) {
    struct scoop_buf plain, encoded;
    struct scoop_error error = {0};
    scoop_buf_init(&plain, SIZE_MAX);
    scoop_buf_init(&encoded, SIZE_MAX);
    int result = scoop_buf_reserve(&plain, length + 1, &error);
    if (result == 0) {
        for (size_t i = 0; i < length; plain.length++)
            i += take_byte(login + i, length - i, '+', (char *)plain.data + plain.length);
        if (memchr(plain.data, ':', plain.length) == NULL)
            plain.data[plain.length++] = ':';
        result = scoop_base64_encode(&encoded, plain.data, plain.length, &error);
    }
    if (result == 0) {
        size_t digits = encoded.length;
        while (encoded.data[digits - 1] == '=')
            digits--;
        scoop_mask_secret(mask, (const char *)encoded.data, digits);
        scoop_wipe(encoded.data, encoded.length);
    }
    if (plain.data != NULL)
        scoop_wipe(plain.data, plain.length);
    scoop_buf_free(&plain);
    scoop_buf_free(&encoded);
    return result;
}

static int hide_address(struct scoop_mask *mask, const char *address) {
    struct scoop_address parts;
    if (address == NULL || !scoop_address_split(address, &parts))
        return 0;
    const char *path = parts.path, *query = path + strcspn(path, "?"), *end = query + strlen(query);
    hide_pairs(mask, path + strcspn(path, ";?"), query, ";/", false);
    hide_pairs(mask, query < end ? query + 1 : end, end, "&", true);
    if (parts.user_length == 0)
        return 0;
    hide_login(mask, parts.user, parts.user_length);
    return hide_login_header(mask, parts.user, parts.user_length);
}

/* User and password of "Basic …". */
static void hide_basic(struct scoop_mask *mask, const char *text, size_t length) {
    char login[SECRET_BYTES];
    for (; length > 0 && (*text == ' ' || *text == '\t'); length--)
        text++;
    hide_login(mask, login, scoop_base64_decode(text, length, login, sizeof login));
    scoop_wipe(login, sizeof login);
}

/* But for those that say what is wanted. */
static void hide_headers(struct scoop_mask *mask, const char *lines) {
    static const char *const open[] = {"Accept", "Accept-Language", "Content-Type", "User-Agent",
                                       "Cache-Control"};
    struct scoop_header_line line;
    while (lines != NULL && scoop_header_line_next(&lines, &line)) {
        bool shown = false;
        for (size_t i = 0; i < sizeof open / sizeof *open; i++)
            shown = shown || scoop_header_line_is(&line, open[i]);
        if (shown)
            continue;
        if (line.value_length >= HEADER_LEAST || is_named_secret(line.name, line.name_length))
            hide(mask, line.value, line.value_length);
        hide_words(mask, line.value, line.value_length, HEADER_LEAST);
        if (line.value_length > 6 && strncasecmp(line.value, "Basic", 5) == 0 &&
            (line.value[5] == ' ' || line.value[5] == '\t'))
            hide_basic(mask, line.value + 6, line.value_length - 6);
    }
}

static void hide_string(struct scoop_mask *mask, const struct scoop_json_span *text, bool named) {
    char decoded[SECRET_BYTES];
    hide_value(mask, (const char *)text->data, text->length, named);
    if (memchr(text->data, '\\', text->length) == NULL)
        return;
    scoop_json_decode(text, decoded, sizeof decoded);
    hide_value(mask, decoded, strlen(decoded), named);
    scoop_wipe(decoded, sizeof decoded);
}

/* The values, not the names, wherever they are. */
static void hide_json(struct scoop_mask *mask, const char *at, const char *end) {
    bool named = false;
    while (at < end) {
        struct scoop_json_reader reader = {(const unsigned char *)at, (const unsigned char *)end};
        struct scoop_json_span string;
        size_t bare = until(at, end, "{}[],:\" \t\r\n");
        if (bare > 0) { /* a number, or a word that is no secret */
            hide_value(mask, at, bare, named && strchr("tfn", *at) == NULL);
            at += bare;
        } else if (*at != '"') {
            at++;
        } else if (scoop_json_string(&reader, &string)) {
            at = (const char *)reader.at;
            while (at < end && memchr(" \t\r\n", *at, 4) != NULL)
                at++;
            if (at < end && *at == ':')
                named = is_named_secret((const char *)string.data, string.length);
            else
                hide_string(mask, &string, named);
        } else {
            hide_words(mask, at, (size_t)(end - at), VALUE_LEAST);
            return;
        }
    }
}

/* JSON, a form, or another text. */
static void hide_body(struct scoop_mask *mask, const char *text, size_t length) {
    const char *end = text + length;
    while (text < end && memchr(" \t\r\n", *text, 4) != NULL)
        text++;
    size_t name = until(text, end, "=< \t\r\n");
    if (text < end && (*text == '{' || *text == '['))
        hide_json(mask, text, end);
    else if (text + name < end && text[name] == '=')
        hide_pairs(mask, text, end, "&\r\n", false);
    else
        hide_words(mask, text, (size_t)(end - text), VALUE_LEAST);
}

void scoop_http_add_words(struct scoop_http_exchange *exchange) {
    char words[SCOOP_MASK_SIZE];
    struct scoop_mask mask;
    const struct scoop_http_request *request = &exchange->request;
    scoop_server_words_find(exchange->body.data, exchange->body.length, words, sizeof words);
    if (words[0] == 0)
        return;
    scoop_mask_begin(&mask, words, sizeof words);
    hide_headers(&mask, request->own_headers);
    if (hide_address(&mask, exchange->home) != 0 || hide_address(&mask, exchange->url) != 0)
        return;
    if (request->body != NULL)
        hide_body(&mask, request->body, request->body_length);
    scoop_mask_end(&mask);
    scoop_server_words_mask_queries(words);
    scoop_server_words_cut(words);
    if (words[0] != 0)
        scoop_error_say(&exchange->error, "%s: %s", exchange->error.message, words);
}
