/* Whether what is written to one place would replace what is read from another: by links, dots, and
 * other ways to reach S3, too. */
#ifndef SCOOP_SAME_PLACE_H
#define SCOOP_SAME_PLACE_H

#include <stdbool.h>

#include "scoop/transfer.h"

/* *same: in doubt they are. "-" never is; a web address as `one` is where it is that of an object.
 * 0, or -1 with USAGE or with an errno for folders that cannot be looked into. */
int scoop_same_place(const struct scoop_place *one, const struct scoop_place *other, bool *same,
                     struct scoop_error *error);

#endif
