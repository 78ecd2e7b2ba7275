#include "scoop/budget.h"

#include "scoop/memory.h"

void *scoop_budget_take(struct scoop_budget *budget, size_t bytes, struct scoop_error *error) {
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
    budget->used_bytes -= bytes;
}
