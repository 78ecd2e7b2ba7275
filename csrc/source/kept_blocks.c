#include "source/kept_blocks_internal.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

struct scoop_kept_block *scoop_kept_blocks_begin(struct scoop_kept_blocks *blocks, uint64_t first,
                                                 size_t length, struct scoop_error *error) {
    struct scoop_kept_block *oldest = &blocks->each[0];
    if (!SCOOP_INVARIANT(length > 0 && length <= SCOOP_KEPT_BLOCK_BYTES, error))
        return NULL;
    for (size_t i = 1; i < SCOOP_KEPT_BLOCKS; i++)
        if (blocks->each[i].used < oldest->used)
            oldest = &blocks->each[i];
    scoop_free(oldest->data);
    *oldest = (struct scoop_kept_block){first, 0, length, ++blocks->uses, scoop_malloc(length)};
    if (oldest->data != NULL)
        return oldest;
    *oldest = (struct scoop_kept_block){0};
    scoop_fail_memory(error);
    return NULL;
}

size_t scoop_kept_block_add(struct scoop_kept_block *block, const void *data, size_t length) {
    size_t room = block->capacity - block->length;
    if (length > room)
        length = room;
    memcpy(block->data + block->length, data, length);
    block->length += length;
    return length;
}

size_t scoop_kept_blocks_take(struct scoop_kept_blocks *blocks, uint64_t offset, void *data,
                              size_t length) {
    for (size_t i = 0; i < SCOOP_KEPT_BLOCKS; i++) {
        struct scoop_kept_block *block = &blocks->each[i];
        if (offset < block->first || offset - block->first >= block->length)
            continue;
        size_t start = (size_t)(offset - block->first), left = block->length - start;
        size_t taken = length < left ? length : left;
        memcpy(data, block->data + start, taken);
        block->used = ++blocks->uses;
        return taken;
    }
    return 0;
}

void scoop_kept_blocks_free(struct scoop_kept_blocks *blocks) {
    for (size_t i = 0; i < SCOOP_KEPT_BLOCKS; i++)
        scoop_free(blocks->each[i].data);
    memset(blocks, 0, sizeof *blocks);
}
