/* How much is asked for at once by who reads here and there. Pure. */
#ifndef SCOOP_SOURCE_READ_AHEAD_INTERNAL_H
#define SCOOP_SOURCE_READ_AHEAD_INTERNAL_H

#include <stdint.h>

enum { SCOOP_LEAST_RANGE_BYTES = 16 * 1024 };

struct scoop_byte_range {
    uint64_t first, last;
};

/* The range to ask for: the `wanted` bytes from `offset` on (0: a few), which lies below `size`,
 * and what is worth while beyond them, after `in_order` bytes were read in order up to there. */
struct scoop_byte_range scoop_read_ahead(uint64_t offset, uint64_t wanted, uint64_t in_order,
                                         uint64_t size);

#endif
