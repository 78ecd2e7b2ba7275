#include "table/compare/key_order.h"

#include <string.h>

enum { KEY_CEILING = 1 << 30 };

void scoop_key_order_init(struct scoop_key_order *keys) {
    memset(keys, 0, sizeof *keys);
    scoop_buf_init(&keys->last, KEY_CEILING);
}

void scoop_key_order_free(struct scoop_key_order *keys) {
    scoop_buf_free(&keys->last);
}

static void look(struct scoop_key_order *keys, const unsigned char *before, size_t before_length,
                 const unsigned char *key, struct scoop_row *row) {
    int by_bytes =
        scoop_key_compare(SCOOP_ORDER_BYTES, before, before_length, key, row->key_length);
    row->repeats = by_bytes == 0;
    if (by_bytes > 0)
        keys->broken[SCOOP_ORDER_BYTES] = true;
    if (before_length > row->key_length || (before_length == row->key_length && by_bytes > 0))
        keys->broken[SCOOP_ORDER_NUMBERS] = true;
}

bool scoop_key_order_holds(const struct scoop_key_order *keys) {
    for (int order = 0; order < SCOOP_ORDERS; order++)
        if (!keys->broken[order])
            return true;
    return false;
}

int scoop_key_order_check(struct scoop_key_order *keys, struct scoop_batch *batch,
                          struct scoop_error *error) {
    if (!scoop_key_order_holds(keys)) {
        batch->sorted[SCOOP_ORDER_BYTES] = batch->sorted[SCOOP_ORDER_NUMBERS] = false;
        return 0;
    }
    const unsigned char *before = keys->last.data;
    size_t before_length = keys->last.length;
    for (size_t i = 0; i < batch->count; i++) {
        struct scoop_row *row = &batch->rows[i];
        const unsigned char *key = scoop_row_key(batch, row);
        if (i > 0 || keys->any)
            look(keys, before, before_length, key, row);
        before = key;
        before_length = row->key_length;
    }
    for (int order = 0; order < SCOOP_ORDERS; order++)
        batch->sorted[order] = !keys->broken[order];
    if (batch->count == 0)
        return 0;
    keys->any = true;
    keys->last.length = 0;
    return scoop_buf_append(&keys->last, before, before_length, error);
}
