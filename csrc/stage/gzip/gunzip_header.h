/* The gzip header's parser, a byte at a time; see RFC 1952. */
#ifndef SCOOP_STAGE_GZIP_GUNZIP_HEADER_H
#define SCOOP_STAGE_GZIP_GUNZIP_HEADER_H

#include <stdint.h>

enum gunzip_field {
    GUNZIP_FIXED,
    GUNZIP_EXTRA_LENGTH,
    GUNZIP_EXTRA,
    GUNZIP_NAME,
    GUNZIP_COMMENT,
    GUNZIP_HEADER_CRC,
    GUNZIP_HEADER_DONE
};

struct gunzip_header {
    enum gunzip_field field; /* the one that the next byte belongs to */
    uint32_t taken;          /* bytes of that field */
    uint32_t number;         /* the field's value so far, when it is a number */
    uint32_t left;           /* bytes of EXTRA still to come */
    uint32_t crc;
    unsigned char method;
    unsigned char flags;
};

/* Starts anew, after the two magic bytes, which the caller has seen. */
void scoop_gunzip_header_begin(struct gunzip_header *header);

/* NULL, or what is wrong with the header at this byte (static text). Not to be called once field is
 * GUNZIP_HEADER_DONE. */
const char *scoop_gunzip_header_take(struct gunzip_header *header, unsigned char byte);

#endif
