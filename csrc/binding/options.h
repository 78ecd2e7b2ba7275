/* Transfer options from a dict. */
#ifndef SCOOP_BINDING_OPTIONS_H
#define SCOOP_BINDING_OPTIONS_H

#include "binding/binding.h"
#include "binding/provider.h"
#include "scoop/transfer.h"

/* Fills *options; None means the default. Strings are borrowed from the dict's values; callables
 * are kept by *providers, which outlives what is made from the options, and called as a part of the
 * runner's calls. No Python code runs. 0, or -1 with an exception set (UsageError for an unknown
 * name or choice); *providers is to be freed in any case. */
int airscoop_read_options(struct airscoop_runner *runner, PyObject *dict,
                          struct scoop_transfer_options *options,
                          struct airscoop_providers *providers);

#endif
