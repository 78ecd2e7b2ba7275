/* Whether the rows of an export come in the order of their keys. */
#ifndef SCOOP_TABLE_COMPARE_KEY_ORDER_H
#define SCOOP_TABLE_COMPARE_KEY_ORDER_H

#include "table/rows/batch.h"

struct scoop_key_order {
    struct scoop_buf last; /* the last key of the batches before */
    bool any;
    bool broken[SCOOP_ORDERS];
};

void scoop_key_order_init(struct scoop_key_order *keys);
void scoop_key_order_free(struct scoop_key_order *keys);
/* Whether one of the orders holds so far. */
bool scoop_key_order_holds(const struct scoop_key_order *keys);
/* Sets batch->sorted and the rows' `repeats`. 0, or -1 with NO_MEMORY. */
int scoop_key_order_check(struct scoop_key_order *keys, struct scoop_batch *batch,
                          struct scoop_error *error);

#endif
