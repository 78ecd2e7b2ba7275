/* Rows of one export, some thousands at a time, on their way from its reader to the comparison. */
#ifndef SCOOP_TABLE_ROWS_BATCH_H
#define SCOOP_TABLE_ROWS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "text/key_hash.h"

enum scoop_side { SCOOP_OLD, SCOOP_NEW };

/* A row in its canonical form (row_text.h) and its key; offsets into text or extra. */
struct scoop_row {
    struct scoop_key_hash hash;
    struct scoop_key_hash digest; /* of what is compared, if the batch is digested */
    uint32_t at, length;
    uint32_t compared; /* its first bytes, which hold the columns that both exports have */
    uint32_t key_at, key_length;
    uint32_t line; /* from the batch's first line */
    bool row_in_extra, key_in_extra;
    bool repeats; /* the row before it, in the same export, has the same key */
};

/* Orders that exports come in. */
enum scoop_order {
    SCOOP_ORDER_BYTES,   /* 1 10 2 */
    SCOOP_ORDER_NUMBERS, /* 1 2 10: the shorter key first */
    SCOOP_ORDERS
};

struct scoop_batch {
    struct scoop_buf text;
    struct scoop_buf extra; /* what does not stand in the text as it is needed */
    struct scoop_row *rows;
    size_t count, capacity;
    uint64_t first_line;
    bool sorted[SCOOP_ORDERS]; /* all rows so far, this batch's included, are in that order */
    bool last;                 /* no batch follows */
    bool digested;             /* rows have a digest */
};

static inline const unsigned char *scoop_row_data(const struct scoop_batch *batch,
                                                  const struct scoop_row *row) {
    return (row->row_in_extra ? batch->extra.data : batch->text.data) + row->at;
}

static inline const unsigned char *scoop_row_key(const struct scoop_batch *batch,
                                                 const struct scoop_row *row) {
    return (row->key_in_extra ? batch->extra.data : batch->text.data) + row->key_at;
}

/* Negative, 0, positive. */
int scoop_key_compare(enum scoop_order order, const unsigned char *a, size_t a_length,
                      const unsigned char *b, size_t b_length);
void scoop_batch_init(struct scoop_batch *batch);
void scoop_batch_free(struct scoop_batch *batch);
/* Forgets the rows and the text, not the memory. */
void scoop_batch_clear(struct scoop_batch *batch);
/* Gives the rows a digest. */
void scoop_batch_digest(struct scoop_batch *batch);
/* A zeroed row at the end; NULL with NO_MEMORY. */
struct scoop_row *scoop_batch_add(struct scoop_batch *batch, struct scoop_error *error);

#endif
