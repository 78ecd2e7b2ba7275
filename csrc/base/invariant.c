#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name without folders: builds in other places say the same. */
static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash == NULL ? file : slash + 1;
}

bool scoop_invariant_broken(const char *condition, const char *file, int line,
                            struct scoop_error *error) {
#ifdef SCOOP_ABORTS_ON_DEFECT
    fprintf(stderr, "%s:%d: does not hold: %s\n", base_name(file), line, condition);
    abort();
#endif
    if (error != NULL)
        scoop_fail(error, SCOOP_INTERNAL, "a defect in airscoop (%s:%d: %s does not hold)",
                   base_name(file), line, condition);
    return false;
}
