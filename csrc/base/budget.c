#include "base/budget.h"

#include "base/invariant.h"
#include "scoop/memory.h"

void *scoop_budget_take(struct scoop_budget *budget, size_t bytes, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(budget->used_bytes <= budget->limit_bytes, error))
        return NULL;
    if (bytes > budget->limit_bytes - budget->used_bytes) {
        scoop_fail(error, SCOOP_NO_MEMORY,
                   "the memory limit of %zu bytes leaves no room for a buffer of %zu bytes; "
                   "raise memory_limit",
                   budget->limit_bytes, bytes);
        return NULL;
    }
    void *block = scoop_malloc(bytes);
    if (block == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    budget->used_bytes += bytes;
    return block;
}

void scoop_budget_give(struct scoop_budget *budget, void *block, size_t bytes) {
    if (block == NULL)
        return;
    scoop_free(block);
    /* Else more were given back than taken: then the rest of the limit is not to be trusted. */
    if (SCOOP_INVARIANT(bytes <= budget->used_bytes, NULL))
        budget->used_bytes -= bytes;
}
