#include "source/read_ahead_internal.h"

enum {
    TINY_BYTES = 4 * 1024,     /* so small a read is seldom the only one there */
    LARGE_BYTES = 1024 * 1024, /* a read that is worth a request of its own */
    SHARE = 4,                 /* of what was read in order, for small reads */
    SMALL_SHARE = 16,          /* … for large ones */
};

static uint64_t most(uint64_t one, uint64_t other) {
    return one > other ? one : other;
}

static uint64_t least(uint64_t one, uint64_t other) {
    return one < other ? one : other;
}

/* Twice as much each time at first; later a share, so that what is asked for in vain stays one. */
static uint64_t ahead(uint64_t wanted, uint64_t in_order) {
    if (wanted > LARGE_BYTES)
        return in_order / SMALL_SHARE;
    return most(least(in_order, LARGE_BYTES), in_order / SHARE);
}

struct scoop_byte_range scoop_read_ahead(uint64_t offset, uint64_t wanted, uint64_t in_order,
                                         uint64_t size) {
    uint64_t length = most(wanted, ahead(wanted, in_order));
    if (wanted < TINY_BYTES)
        length = most(length, SCOOP_LEAST_RANGE_BYTES);
    length = least(length, size - offset);
    uint64_t first = offset;
    /* What ends a file is read from back to front. */
    if (wanted < TINY_BYTES && length < SCOOP_LEAST_RANGE_BYTES)
        first = size - least(size, SCOOP_LEAST_RANGE_BYTES);
    return (struct scoop_byte_range){first, offset + length - 1};
}
