/* Transfer options from a dict. */
#ifndef AIRSCOOP_OPTIONS_H
#define AIRSCOOP_OPTIONS_H

#include "binding.h"
#include "scoop/transfer.h"

/* Fills *options; None means the default. Strings are borrowed from the dict's values. 0, or -1
 * with an exception set (UsageError for an unknown name or choice). */
int airscoop_read_options(struct airscoop_state *state, PyObject *dict,
                          struct scoop_transfer_options *options);

#endif
