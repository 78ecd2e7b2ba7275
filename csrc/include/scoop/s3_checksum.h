/* S3's additional checksums of whole objects. Pure, any thread. */
#ifndef SCOOP_S3_CHECKSUM_H
#define SCOOP_S3_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

/* The default is CRC32C, which costs next to nothing. NONE is for servers that know none. */
enum scoop_s3_checksum {
    SCOOP_S3_CHECKSUM_CRC32C,
    SCOOP_S3_CHECKSUM_CRC64NVME,
    SCOOP_S3_CHECKSUM_NONE,
};

enum { SCOOP_S3_CHECKSUM_SIZE = 16 }; /* of the base64 text, with the NUL */

struct scoop_s3_checksum_names {
    const char *algorithm; /* "CRC32C", for x-amz-checksum-algorithm */
    const char *header;    /* "x-amz-checksum-crc32c" */
    const char *element;   /* "ChecksumCRC32C" */
};

/* Static; NULL for NONE. */
const struct scoop_s3_checksum_names *scoop_s3_checksum_names(enum scoop_s3_checksum kind);
/* The checksum of data appended to what has the checksum `value`; begin with 0. */
uint64_t scoop_s3_checksum_add(enum scoop_s3_checksum kind, uint64_t value, const void *data,
                               size_t length);
/* Of two parts after each other. */
uint64_t scoop_s3_checksum_join(enum scoop_s3_checksum kind, uint64_t first, uint64_t second,
                                uint64_t second_length);
/* Base64 of the big-endian bytes; "" for NONE. 0, or -1 with NO_MEMORY. */
int scoop_s3_checksum_text(enum scoop_s3_checksum kind, uint64_t value,
                           char text[SCOOP_S3_CHECKSUM_SIZE], struct scoop_error *error);

/* The value of such a text. False when it is not one of this kind. */
bool scoop_s3_checksum_parse(enum scoop_s3_checksum kind, const char *text, uint64_t *value);

#endif
