/* A memory budget: bytes are reserved before they are allocated. */
#ifndef SCOOP_BASE_BUDGET_H
#define SCOOP_BASE_BUDGET_H

#include <stddef.h>

#include "scoop/error.h"

#define SCOOP_MEMORY_LIMIT_BYTES ((size_t)40 * 1024 * 1024) /* the default */

/* One thread. */
struct scoop_budget {
    size_t limit_bytes;
    size_t used_bytes;
};

/* A block of exactly `bytes`, counted; NULL with NO_MEMORY (beyond the limit, or no memory). */
void *scoop_budget_take(struct scoop_budget *budget, size_t bytes, struct scoop_error *error);
/* Releases such a block; `bytes` as when it was taken. NULL is allowed. */
void scoop_budget_give(struct scoop_budget *budget, void *block, size_t bytes);

#endif
