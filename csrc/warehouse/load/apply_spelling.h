/* What to say where several changes have one key. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_SPELLING_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_SPELLING_H

#include "scoop/apply.h"

/* DUPLICATE_KEY for the changes `first` and `last`, whose key the server shows as `key`. The file
 * is read again for their own texts: two texts may be one value of the key's type. Always -1. */
int scoop_apply_fail_repeated(const struct scoop_apply_options *options, uint64_t first,
                              uint64_t last, const char *key,
                              const struct scoop_interrupt *interrupt, struct scoop_error *error);

#endif
