#include "table/compare/key_order.h"

#include <string.h>

enum { KEY_CEILING = 1 << 30 };

void scoop_order_watch_init(struct scoop_order_watch *watch) {
    memset(watch, 0, sizeof *watch);
    scoop_buf_init(&watch->last, KEY_CEILING);
}

void scoop_order_watch_free(struct scoop_order_watch *watch) {
    scoop_buf_free(&watch->last);
}

static void look(struct scoop_order_watch *watch, const unsigned char *before, size_t before_length,
                 const unsigned char *key, struct scoop_row *row) {
    int by_bytes =
        scoop_key_compare(SCOOP_ORDER_BYTES, before, before_length, key, row->key_length);
    row->repeats = by_bytes == 0;
    if (by_bytes > 0)
        watch->broken[SCOOP_ORDER_BYTES] = true;
    if (before_length > row->key_length || (before_length == row->key_length && by_bytes > 0))
        watch->broken[SCOOP_ORDER_NUMBERS] = true;
}

bool scoop_order_watch_holds(const struct scoop_order_watch *watch) {
    for (int order = 0; order < SCOOP_ORDERS; order++)
        if (!watch->broken[order])
            return true;
    return false;
}

int scoop_order_watch_batch(struct scoop_order_watch *watch, struct scoop_batch *batch,
                            struct scoop_error *error) {
    if (!scoop_order_watch_holds(watch)) {
        batch->sorted[SCOOP_ORDER_BYTES] = batch->sorted[SCOOP_ORDER_NUMBERS] = false;
        return 0;
    }
    const unsigned char *before = watch->last.data;
    size_t before_length = watch->last.length;
    for (size_t i = 0; i < batch->count; i++) {
        struct scoop_row *row = &batch->rows[i];
        const unsigned char *key = scoop_row_key(batch, row);
        if (i > 0 || watch->any)
            look(watch, before, before_length, key, row);
        before = key;
        before_length = row->key_length;
    }
    for (int order = 0; order < SCOOP_ORDERS; order++)
        batch->sorted[order] = !watch->broken[order];
    if (batch->count == 0)
        return 0;
    watch->any = true;
    watch->last.length = 0;
    return scoop_buf_append(&watch->last, before, before_length, error);
}
