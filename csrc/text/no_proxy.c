#include "text/no_proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { ADDRESS_BYTES = 16, TEXT_BYTES = 64 };

struct name {
    const char *text;
    size_t length;
};

/* The bytes of an IP address; 0: it is none. */
static size_t read_ip(struct name name, unsigned char bytes[ADDRESS_BYTES]) {
    char text[TEXT_BYTES];
    if (name.length >= 2 && name.text[0] == '[' && name.text[name.length - 1] == ']')
        name = (struct name){name.text + 1, name.length - 2};
    if (name.length >= sizeof text)
        return 0;
    memcpy(text, name.text, name.length);
    text[name.length] = 0;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

/* Digits up to `most`; -1: it is no such number. */
static int read_number(struct name name, int most) {
    int number = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (name.text[i] < '0' || name.text[i] > '9')
            return -1;
        number = number * 10 + (name.text[i] - '0');
        if (number > most)
            return -1;
    }
    return name.length > 0 ? number : -1;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits) {
    size_t whole = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* Whether an entry is an address, or a network as "10.0.0.0/8", that holds this one. */
static bool holds_ip(struct name entry, const unsigned char *ip, size_t ip_bytes) {
    unsigned char bytes[ADDRESS_BYTES];
    int most = (int)ip_bytes * 8, bits = most;
    const char *slash = memchr(entry.text, '/', entry.length);
    if (slash != NULL) {
        struct name tail = {slash + 1, entry.length - (size_t)(slash - entry.text) - 1};
        bits = read_number(tail, most);
        entry.length = (size_t)(slash - entry.text);
    }
    return read_ip(entry, bytes) == ip_bytes && bits > 0 && same_bits(bytes, ip, bits);
}

/* Takes ":8080" off; 0: there is none. -1: it is no port, so nothing is at it. */
static int take_port(struct name *entry) {
    const char *colon = memchr(entry->text, ':', entry->length);
    const char *bracket = memchr(entry->text, ']', entry->length);
    if (entry->text[0] == '[')
        colon = bracket != NULL && bracket + 1 < entry->text + entry->length ? bracket + 1 : NULL;
    else if (colon != NULL &&
             memchr(colon + 1, ':', entry->length - (size_t)(colon - entry->text) - 1) != NULL)
        colon = NULL; /* IPv6 */
    if (colon == NULL)
        return 0;
    struct name tail = {colon + 1, entry->length - (size_t)(colon - entry->text) - 1};
    entry->length = (size_t)(colon - entry->text);
    return *colon == ':' ? read_number(tail, UINT16_MAX) : -1;
}

/* Whether the host is the name, or below it. */
static bool is_below(struct name host, struct name entry) {
    if (entry.length == 0 || entry.length > host.length)
        return false;
    const char *tail = host.text + host.length - entry.length;
    return strncasecmp(tail, entry.text, entry.length) == 0 &&
           (tail == host.text || tail[-1] == '.');
}

static bool matches(struct name entry, struct name host, unsigned port) {
    unsigned char ip[ADDRESS_BYTES];
    size_t ip_bytes = read_ip(host, ip);
    if (entry.length == 1 && entry.text[0] == '*')
        return true;
    int wanted = take_port(&entry);
    if (wanted < 0 || (wanted > 0 && (unsigned)wanted != port))
        return false;
    if (ip_bytes > 0)
        return holds_ip(entry, ip, ip_bytes);
    size_t skipped = entry.length > 1 && entry.text[0] == '*' && entry.text[1] == '.';
    while (skipped < entry.length && entry.text[skipped] == '.')
        skipped++;
    return is_below(host, (struct name){entry.text + skipped, entry.length - skipped});
}

bool scoop_no_proxy_has(const char *list, const char *host, size_t host_length, unsigned port) {
    static const char between[] = ", \t";
    while (host_length > 0 && host[host_length - 1] == '.')
        host_length--;
    for (const char *at = list + strspn(list, between); *at != 0; at += strspn(at, between)) {
        struct name entry = {at, strcspn(at, between)};
        if (matches(entry, (struct name){host, host_length}, port))
            return true;
        at += entry.length;
    }
    return false;
}
