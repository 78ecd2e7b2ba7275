/* A CRC as if zero bytes followed: what combining needs. For any reflected CRC of up to 64 bits. */
#ifndef SCOOP_BASE_CRC_SHIFT_H
#define SCOOP_BASE_CRC_SHIFT_H

#include <stdint.h>

struct scoop_crc_field {
    uint64_t polynomial; /* reflected */
    unsigned bits;       /* of the CRC */
};

/* crc * x^(8 * length) modulo the polynomial. */
uint64_t scoop_crc_shift(struct scoop_crc_field field, uint64_t crc, uint64_t length);

#endif
