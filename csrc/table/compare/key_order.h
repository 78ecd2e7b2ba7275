/* Whether the rows of an export come in the order of their keys. */
#ifndef SCOOP_TABLE_COMPARE_KEY_ORDER_H
#define SCOOP_TABLE_COMPARE_KEY_ORDER_H

#include "table/rows/batch.h"

struct scoop_order_watch {
    struct scoop_buf last; /* the last key of the batches before */
    bool any;
    bool broken[SCOOP_ORDERS];
};

void scoop_order_watch_init(struct scoop_order_watch *watch);
void scoop_order_watch_free(struct scoop_order_watch *watch);
/* Whether one of the orders holds so far. */
bool scoop_order_watch_holds(const struct scoop_order_watch *watch);
/* Sets batch->sorted and the rows' `repeats`. 0, or -1 with NO_MEMORY. */
int scoop_order_watch_batch(struct scoop_order_watch *watch, struct scoop_batch *batch,
                            struct scoop_error *error);

#endif
