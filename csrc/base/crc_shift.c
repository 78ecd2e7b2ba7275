#include "base/crc_shift.h"

/* Reflected: the highest bit stands for x^0. */
static uint64_t one(struct scoop_crc_field field) {
    return (uint64_t)1 << (field.bits - 1);
}

static uint64_t multiply(struct scoop_crc_field field, uint64_t a, uint64_t b) {
    uint64_t product = 0;
    for (uint64_t bit = one(field); bit != 0; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? (b >> 1) ^ field.polynomial : b >> 1;
    }
    return product;
}

uint64_t scoop_crc_shift(struct scoop_crc_field field, uint64_t crc, uint64_t length) {
    uint64_t power = one(field) >> 8; /* x^8, squared at each step */
    for (; length > 0; length >>= 1) {
        if (length & 1)
            crc = multiply(field, crc, power);
        power = multiply(field, power, power);
    }
    return crc;
}
