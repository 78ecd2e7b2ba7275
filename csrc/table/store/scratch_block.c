#include "table/store/scratch_block.h"

#include <lz4.h>
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum { ACCELERATION = 4 };

static unsigned char *joined(const struct iovec *pieces, size_t count, size_t bytes) {
    unsigned char *all = scoop_malloc(bytes), *at = all;
    for (size_t i = 0; all != NULL && i < count; at += pieces[i++].iov_len)
        if (pieces[i].iov_len > 0)
            memcpy(at, pieces[i].iov_base, pieces[i].iov_len);
    return all;
}

static int write_packed(struct scoop_scratch *scratch, unsigned char *data, size_t bytes,
                        struct scoop_scratch_block *stored, struct scoop_error *error) {
    int bound = LZ4_compressBound((int)bytes);
    char *packed = scoop_malloc((size_t)bound);
    if (packed == NULL)
        return scoop_fail_memory(error);
    int length = LZ4_compress_fast((const char *)data, packed, (int)bytes, bound, ACCELERATION);
    bool smaller = length > 0 && (size_t)length < bytes;
    struct iovec piece = {smaller ? (void *)packed : data, smaller ? (size_t)length : bytes};
    stored->stored_bytes = piece.iov_len;
    int status = scoop_scratch_write(scratch, &piece, 1, error);
    scoop_free(packed);
    return status;
}

int scoop_scratch_write_block(struct scoop_scratch *scratch, struct iovec *pieces, size_t count,
                              struct scoop_scratch_block *stored, struct scoop_error *error) {
    *stored = (struct scoop_scratch_block){.offset = scratch->length_bytes};
    for (size_t i = 0; i < count; i++)
        stored->bytes += pieces[i].iov_len;
    stored->stored_bytes = stored->bytes;
    if (scratch->length_bytes < SCOOP_SCRATCH_PLAIN_BYTES || stored->bytes > LZ4_MAX_INPUT_SIZE)
        return scoop_scratch_write(scratch, pieces, count, error);
    if (count == 1)
        return write_packed(scratch, pieces->iov_base, stored->bytes, stored, error);
    unsigned char *all = joined(pieces, count, stored->bytes);
    if (all == NULL)
        return scoop_fail_memory(error);
    int status = write_packed(scratch, all, stored->bytes, stored, error);
    scoop_free(all);
    return status;
}

static int unpack(const struct scoop_scratch *scratch, const struct scoop_scratch_block *stored,
                  unsigned char *data, struct scoop_error *error) {
    char *packed = scoop_malloc(stored->stored_bytes);
    if (packed == NULL)
        return scoop_fail_memory(error);
    int status = scoop_scratch_read(scratch, stored->offset, packed, stored->stored_bytes, error);
    if (status == 0 && LZ4_decompress_safe(packed, (char *)data, (int)stored->stored_bytes,
                                           (int)stored->bytes) != (int)stored->bytes)
        status = scoop_fail(error, SCOOP_CORRUPT,
                            "a temporary file does not hold what was written to it");
    scoop_free(packed);
    return status;
}

int scoop_scratch_read_block(const struct scoop_scratch *scratch,
                             const struct scoop_scratch_block *stored, struct scoop_buf *block,
                             struct scoop_error *error) {
    block->length = 0;
    if (!SCOOP_INVARIANT(stored->stored_bytes <= stored->bytes, error))
        return -1;
    if (scoop_buf_reserve(block, stored->bytes, error) != 0)
        return -1;
    int status =
        stored->stored_bytes == stored->bytes
            ? scoop_scratch_read(scratch, stored->offset, block->data, stored->bytes, error)
            : unpack(scratch, stored, block->data, error);
    block->length = status == 0 ? stored->bytes : 0;
    return status;
}
