/* A slab of rows: slots in chunks, reused by size. A slot is known by 32 bits. */
#ifndef SCOOP_TABLE_COMPARE_ROW_SLAB_H
#define SCOOP_TABLE_COMPARE_ROW_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "table/rows/batch.h"
#include "table/rows/row_text.h"

enum { SCOOP_SLAB_CLASSES = 2048 };

/* What is kept of a row. */
struct scoop_slab_slot {
    uint64_t number;
    uint32_t length;
    uint32_t beyond : 31; /* length - compared */
    uint32_t side : 1;
    unsigned char data[];
};

struct scoop_row_slab {
    unsigned char **chunks;
    uint32_t *sizes; /* of the chunks that hold one large row, in units; else 0 */
    uint32_t count, capacity;
    uint32_t bump, bump_end;           /* the rest of the last chunk */
    uint32_t free[SCOOP_SLAB_CLASSES]; /* the first free slot of each size in units; 0: none */
    uint32_t free_chunk;               /* the first freed place in chunks + 1 */
    unsigned char *block;              /* its first block_left bytes are to become chunks */
    size_t block_left;
    size_t bytes;
};

/* 0 is no slot. */
void scoop_row_slab_init(struct scoop_row_slab *slab);
void scoop_row_slab_free(struct scoop_row_slab *slab);
/* How many bytes more scoop_row_slab_put would take from the system for such a row. */
size_t scoop_row_slab_needs(const struct scoop_row_slab *slab, size_t row_bytes);
/* Copies a row. Its slot, or 0 with NO_MEMORY. */
uint32_t scoop_row_slab_put(struct scoop_row_slab *slab, enum scoop_side side, uint64_t number,
                            const struct scoop_row_bytes *row, struct scoop_error *error);
struct scoop_slab_slot *scoop_row_slab_at(const struct scoop_row_slab *slab, uint32_t ref);
void scoop_row_slab_drop(struct scoop_row_slab *slab, uint32_t ref);

#endif
