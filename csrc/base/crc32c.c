#include <isa-l/crc.h>

#include "base/crc.h"
#include "base/crc_shift.h"

enum { MAX_STEP_BYTES = 1 << 30 }; /* ISA-L takes the length as an int */

/* ISA-L's crc32_iscsi neither inverts what goes in nor what comes out. */
uint32_t scoop_crc32c(uint32_t crc, const void *data, size_t length) {
    unsigned char *bytes = (unsigned char *)(uintptr_t)data; /* ISA-L does not write to it */
    crc = ~crc;
    while (length > 0) {
        size_t step = length < MAX_STEP_BYTES ? length : MAX_STEP_BYTES;
        crc = crc32_iscsi(bytes, (int)step, crc);
        bytes += step;
        length -= step;
    }
    return ~crc;
}

uint32_t scoop_crc32c_combine(uint32_t first, uint32_t second, uint64_t second_length) {
    static const struct scoop_crc_field field = {0x82f63b78, 32};
    return (uint32_t)scoop_crc_shift(field, first, second_length) ^ second;
}
