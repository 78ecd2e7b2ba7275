/* What must hold between structures that rely on each other. */
#ifndef SCOOP_BASE_INVARIANT_H
#define SCOOP_BASE_INVARIANT_H

#include <stdbool.h>

#include "scoop/error.h"

/* True when `condition` holds. A false one is a defect of ours: the flavours built for finding
 * defects (SCOOP_ABORTS_ON_DEFECT: sanitized, threads, fuzz) abort with the place; others fill
 * *error with INTERNAL and give false. error may be NULL where nobody can be told; then the caller
 * goes on without what it would have done. Use: if (!SCOOP_INVARIANT(used <= capacity, error))
 *         return -1; */
#define SCOOP_INVARIANT(condition, error)                                                          \
    (__builtin_expect(!!(condition), 1) ||                                                         \
     scoop_invariant_broken(#condition, __FILE__, __LINE__, error))

/* Always false; called by the macro only. */
bool scoop_invariant_broken(const char *condition, const char *file, int line,
                            struct scoop_error *error);

#endif
