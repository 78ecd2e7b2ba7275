/* Kinds of names, and which of them go together in one transfer. */
#ifndef SCOOP_COPY_PLACES_H
#define SCOOP_COPY_PLACES_H

#include <stdbool.h>

#include "scoop/transfer.h"

/* A NULL name is neither. */
bool scoop_place_is_s3(const char *uri);
bool scoop_place_is_http(const char *uri);
/* Empty names, destinations that nobody writes, a destination or a reject file in the way of the
 * source, and a reject file in that of the destination or its partition. 0, or -1 with USAGE or
 * with an errno for folders that cannot be looked into. */
int scoop_places_check(const struct scoop_transfer_options *options, struct scoop_error *error);

#endif
