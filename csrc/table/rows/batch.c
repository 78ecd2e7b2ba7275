#include "table/rows/batch.h"

#include <string.h>

#include "scoop/memory.h"

enum { FIRST_ROWS = 512, BATCH_CEILING = 1 << 30 };

int scoop_key_compare(enum scoop_order order, const unsigned char *a, size_t a_length,
                      const unsigned char *b, size_t b_length) {
    if (order == SCOOP_ORDER_NUMBERS && a_length != b_length)
        return a_length < b_length ? -1 : 1;
    int difference = memcmp(a, b, a_length < b_length ? a_length : b_length);
    if (difference != 0 || a_length == b_length)
        return difference;
    return a_length < b_length ? -1 : 1;
}

void scoop_batch_init(struct scoop_batch *batch) {
    memset(batch, 0, sizeof *batch);
    scoop_buf_init(&batch->text, BATCH_CEILING);
    scoop_buf_init(&batch->extra, BATCH_CEILING);
}

void scoop_batch_free(struct scoop_batch *batch) {
    scoop_buf_free(&batch->text);
    scoop_buf_free(&batch->extra);
    scoop_free(batch->rows);
    batch->rows = NULL;
    batch->count = batch->capacity = 0;
}

void scoop_batch_clear(struct scoop_batch *batch) {
    batch->text.length = batch->extra.length = 0;
    batch->count = 0;
    batch->last = batch->digested = false;
}

void scoop_batch_digest(struct scoop_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct scoop_row *row = &batch->rows[i];
        row->digest = scoop_key_hash_of(scoop_row_data(batch, row), row->compared);
    }
    batch->digested = true;
}

struct scoop_row *scoop_batch_add(struct scoop_batch *batch, struct scoop_error *error) {
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity == 0 ? FIRST_ROWS : batch->capacity * 2;
        struct scoop_row *grown = scoop_realloc(batch->rows, capacity * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        batch->rows = grown;
        batch->capacity = capacity;
    }
    struct scoop_row *row = &batch->rows[batch->count++];
    memset(row, 0, sizeof *row);
    return row;
}
