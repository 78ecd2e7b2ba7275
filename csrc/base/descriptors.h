/* Whether the process has a descriptor left: libraries say "couldn't connect" where it has none. */
#ifndef SCOOP_BASE_DESCRIPTORS_H
#define SCOOP_BASE_DESCRIPTORS_H

#include <stdbool.h>

#include "scoop/error.h"

/* Whether next to none can be opened at the moment. */
bool scoop_descriptors_are_spent(void);
/* The error about it: `doing` names what was to be done, and where. Returns -1. */
int scoop_fail_descriptors(struct scoop_error *error, const char *doing);

#endif
