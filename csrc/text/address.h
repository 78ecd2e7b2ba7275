/* Addresses of the web, as browsers send them (WHATWG's URL Standard; RFC 3986 where that says the
 * same). Pure, any thread; nothing is trusted. */
#ifndef SCOOP_TEXT_ADDRESS_H
#define SCOOP_TEXT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* http:// or https://, after white space, which browsers drop. */
bool scoop_address_is_web(const char *address);
bool scoop_address_is_secure(const char *address);

/* Whether a line break or another control character stands in it, not just around it: nobody means
 * that, so it is not to be sent. */
bool scoop_address_has_control(const char *address);

/* What scoop_address_send and scoop_address_resolve write at most, with the NUL, for so many bytes
 * (of base and reference together). */
static inline size_t scoop_address_size(size_t length) {
    return 3 * length + 4;
}

/* Writes a web address as it is sent: without white space around it and without its fragment; dot
 * segments removed; spaces, control characters and what is no ASCII as %XX. The path of a signed
 * one keeps its dots. A host's name stays as it is. Returns the bytes written. */
size_t scoop_address_send(const char *address, char *to);

/* The same for a reference, as Location holds one, to be read where `base` was: an address as
 * scoop_address_send wrote it. What names a scheme of its own is written, and may be no web
 * address. */
size_t scoop_address_resolve(const char *base, const char *reference, char *to);

/* Of an address as scoop_address_send wrote it; pointers into it. */
struct scoop_address {
    const char *user; /* "user:password" */
    size_t user_length;
    const char *host; /* [IPv6] with its brackets */
    size_t host_length;
    unsigned port; /* the scheme's, where none is told; 0: not a port */
    const char *path;
    bool secure;
};
/* False: it is no web address. */
bool scoop_address_split(const char *address, struct scoop_address *parts);

/* Whether scheme, host and port are the same. */
bool scoop_address_same_origin(const char *address, const char *other);

#endif
