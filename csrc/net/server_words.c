/* What a web server says of an error goes into ours, without what must not be shown: servers repeat
 * what they were sent. */
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "net/engine_internal.h"
#include "text/address.h"
#include "text/hex.h"
#include "text/request_headers.h"
#include "text/secret_name.h"
#include "text/server_words.h"

enum {
    SECRET_BYTES = 4096,
    VALUE_LEAST = 8, /* of a query: shorter ones are dates, formats, pages */
    BODY_LEAST = 12, /* of what is POSTed: shorter ones are words */
};

/* What a text of an address stands for, cut to SECRET_BYTES; `plus` of a query is a space. */
static size_t decode(const char *text, size_t length, char plus, char *decoded) {
    size_t used = 0;
    for (size_t i = 0; i < length && used < SECRET_BYTES; i++) {
        bool hex = text[i] == '%' && length - i > 2 &&
                   scoop_hex_decode(text + i + 1, 2, (unsigned char *)decoded + used, 1) == 0;
        if (!hex)
            decoded[used] = text[i] == '+' ? plus : text[i];
        used++;
        i += hex ? 2 : 0;
    }
    return used;
}

/* Masks a text, and what it is when it is decoded. */
static void mask(char *words, const char *text, size_t length) {
    char decoded[SECRET_BYTES];
    scoop_server_words_mask(words, text, length);
    scoop_server_words_mask(words, decoded, decode(text, length, ' ', decoded));
    scoop_server_words_mask(words, decoded, decode(text, length, '+', decoded));
    scoop_wipe(decoded, sizeof decoded);
}

/* Whether the value of a query looks like dates or numbers: no secret is that plain. */
static bool is_plain(const char *text, size_t length) {
    char decoded[SECRET_BYTES];
    size_t used = decode(text, length, ' ', decoded), at = 0;
    while (at < used && decoded[at] != 0 && strchr("0123456789-:.,/ TZ", decoded[at]) != NULL)
        at++;
    return at == used;
}

/* The header that libcurl makes of a login in an address: "Basic " and this. */
static void mask_login(char *words, const char *text, size_t length) {
    char login[SECRET_BYTES + 1];
    struct scoop_buf encoded;
    struct scoop_error error;
    size_t used = decode(text, length, '+', login);
    if (memchr(text, ':', length) == NULL)
        login[used++] = ':';
    scoop_buf_init(&encoded, 2 * sizeof login);
    if (scoop_base64_encode(&encoded, login, used, &error) == 0) {
        while (encoded.length > 0 && encoded.data[encoded.length - 1] == '=')
            encoded.length--;
        scoop_server_words_mask(words, (const char *)encoded.data, encoded.length);
        scoop_wipe(encoded.data, encoded.length);
    } else {
        words[0] = 0; /* unread, they may hold it */
    }
    scoop_buf_free(&encoded);
    scoop_wipe(login, sizeof login);
}

static void mask_user(char *words, const char *text, size_t length) {
    const char *colon = memchr(text, ':', length);
    size_t user = colon == NULL ? length : (size_t)(colon - text);
    mask_login(words, text, length);
    mask(words, text, length);
    mask(words, text, user);
    if (colon != NULL)
        mask(words, colon + 1, length - user - 1);
}

static void mask_address(char *words, const char *address) {
    struct scoop_address parts;
    if (address == NULL || !scoop_address_split(address, &parts))
        return;
    if (parts.user_length > 0)
        mask_user(words, parts.user, parts.user_length);
    const char *path = parts.path, *end = path + strcspn(path, "?"), *secret;
    for (size_t length;
         (secret = scoop_secret_in_path(path, (size_t)(end - path), &length)) != NULL;
         path = secret + length)
        mask(words, secret, length);
    for (const char *at = end; *at != 0;) {
        size_t name = strcspn(++at, "=&"),
               value = at[name] == '=' ? strcspn(at + name + 1, "&") : 0;
        const char *text = value > 0 ? at + name + 1 : at;
        size_t length = value > 0 ? value : name;
        if (scoop_secret_name(at, name) || (length >= VALUE_LEAST && !is_plain(text, length)))
            mask(words, text, length);
        at = text + length;
        at += strcspn(at, "&");
    }
}

/* Each word of at least so many bytes. */
static void mask_words(char *words, const char *text, size_t length, size_t least) {
    const char *end = text + length;
    while (text < end) {
        size_t skipped = 0, word = 0;
        while (text + skipped < end && strchr(" \t\r\n;,:={}[]\"'&", text[skipped]) != NULL)
            skipped++;
        text += skipped;
        while (text + word < end && strchr(" \t\r\n;,:={}[]\"'&", text[word]) == NULL)
            word++;
        if (word >= least)
            mask(words, text, word);
        text += word;
    }
}

static int digit64(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* User and password of "Basic …". */
static void mask_basic(char *words, const char *text, size_t length) {
    char login[SECRET_BYTES];
    size_t used = 0;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < length && digit64(text[i]) >= 0 && used < sizeof login; i++) {
        bits = bits << 6 | (unsigned)digit64(text[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            login[used++] = (char)(bits >> held & 0xff);
        }
    }
    const char *colon = memchr(login, ':', used);
    size_t user = colon == NULL ? used : (size_t)(colon - login);
    scoop_server_words_mask(words, login, used);
    scoop_server_words_mask(words, login, user);
    if (colon != NULL)
        scoop_server_words_mask(words, colon + 1, used - user - 1);
    scoop_wipe(login, sizeof login);
}

/* But for those that say what is wanted. */
static void mask_headers(char *words, const char *lines) {
    static const char *const open[] = {"Accept", "Accept-Language", "Content-Type", "User-Agent",
                                       "Cache-Control"};
    struct scoop_header_line line;
    while (lines != NULL && scoop_header_line_next(&lines, &line)) {
        bool shown = false;
        for (size_t i = 0; i < sizeof open / sizeof *open; i++)
            shown = shown || scoop_header_line_is(&line, open[i]);
        if (shown)
            continue;
        scoop_server_words_mask(words, line.value, line.value_length);
        mask_words(words, line.value, line.value_length, 1);
        if (scoop_header_line_is(&line, "Authorization") && line.value_length > 6 &&
            strncasecmp(line.value, "Basic ", 6) == 0)
            mask_basic(words, line.value + 6, line.value_length - 6);
    }
}

void scoop_http_add_words(struct scoop_http_exchange *exchange) {
    char words[SECRET_BYTES];
    const struct scoop_http_request *request = &exchange->request;
    scoop_server_words_find(exchange->body.data, exchange->body.length, words, sizeof words);
    mask_headers(words, request->own_headers);
    mask_address(words, exchange->home);
    mask_address(words, exchange->url);
    if (request->body != NULL)
        mask_words(words, request->body, request->body_length, BODY_LEAST);
    scoop_server_words_mask_queries(words);
    scoop_server_words_cut(words);
    if (words[0] != 0)
        scoop_error_say(&exchange->error, "%s: %s", exchange->error.message, words);
}
