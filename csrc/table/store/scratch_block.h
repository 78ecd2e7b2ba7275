/* A block of bytes in the scratch file, compressed (LZ4) if that is long. */
#ifndef SCOOP_TABLE_STORE_SCRATCH_BLOCK_H
#define SCOOP_TABLE_STORE_SCRATCH_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "table/store/scratch.h"

/* What is written beyond this is compressed: a short temporary file stays in the page cache, where
 * compressing costs more than it saves. */
#define SCOOP_SCRATCH_PLAIN_BYTES ((uint64_t)512 * 1024 * 1024)

struct scoop_scratch_block {
    uint64_t offset, stored_bytes, bytes;
};

/* Appends the pieces, as scoop_scratch_write does, as one block. 0, or -1 with NO_MEMORY or what
 * scoop_scratch_write says. */
int scoop_scratch_write_block(struct scoop_scratch *scratch, struct iovec *pieces, size_t count,
                              struct scoop_scratch_block *stored, struct scoop_error *error);
/* Reads the block into *block, whose length it becomes. 0, or -1 with NO_MEMORY, CORRUPT or what
 * scoop_scratch_read says. */
int scoop_scratch_read_block(const struct scoop_scratch *scratch,
                             const struct scoop_scratch_block *stored, struct scoop_buf *block,
                             struct scoop_error *error);

#endif
