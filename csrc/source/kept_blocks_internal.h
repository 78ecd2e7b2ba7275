/* Small ranges that were read lately, for who comes back to them. Pure. */
#ifndef SCOOP_SOURCE_KEPT_BLOCKS_INTERNAL_H
#define SCOOP_SOURCE_KEPT_BLOCKS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

enum { SCOOP_KEPT_BLOCKS = 16, SCOOP_KEPT_BLOCK_BYTES = 64 * 1024 };

struct scoop_kept_block {
    uint64_t first;
    size_t length; /* as much as has arrived */
    size_t capacity;
    uint64_t used;       /* when it was asked for last */
    unsigned char *data; /* NULL: none */
};

/* Zero-initialise. */
struct scoop_kept_blocks {
    struct scoop_kept_block each[SCOOP_KEPT_BLOCKS];
    uint64_t uses;
};

/* An empty block for `length` bytes from `first` on, in the place of the one that nobody has asked
 * for the longest. Valid until the next call. NULL with *error. */
struct scoop_kept_block *scoop_kept_blocks_begin(struct scoop_kept_blocks *blocks, uint64_t first,
                                                 size_t length, struct scoop_error *error);
/* Puts arriving bytes at its end, as many as it was made for; returns how many. */
size_t scoop_kept_block_add(struct scoop_kept_block *block, const void *data, size_t length);
/* Copies what is kept from `offset` on; 0: nothing is. */
size_t scoop_kept_blocks_take(struct scoop_kept_blocks *blocks, uint64_t offset, void *data,
                              size_t length);
void scoop_kept_blocks_free(struct scoop_kept_blocks *blocks);

#endif
