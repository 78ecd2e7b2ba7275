/* What a transfer does about gzip: by the two names and the options, and by the content only where
 * those two ask for it. Pure. */
#ifndef SCOOP_COPY_COMPRESSION_H
#define SCOOP_COPY_COMPRESSION_H

#include <stdbool.h>

#include "scoop/transfer.h"

/* Whether the name says that what it stands for is gzip data: .gz, .tgz, .svgz …, in any case. Of
 * an address its path is the name, decoded and without parameters, of an object its key. NULL and
 * "-" are no names. */
bool scoop_name_is_gzip(const char *uri);
/* Whether the destination is to be gzip data if what comes is none: it is packed. Known before the
 * content is. */
bool scoop_compression_packs(const struct scoop_transfer_options *options);
/* Whether the source has to be gzip data because its name says so. */
bool scoop_compression_wants_gzip(const struct scoop_transfer_options *options);
/* Whether gzip data that is kept has to be whole: its name says gzip, or the destination's does, or
 * nothing else tells its end. Elsewhere kept bytes are nobody's concern. */
bool scoop_compression_proves(const struct scoop_transfer_options *options, bool length_known);
/* What becomes of the bytes. `gzip`: what the source is found to be. PACKED of gzip data is
 * inflated first. */
enum scoop_handling scoop_compression_decide(const struct scoop_transfer_options *options,
                                             bool gzip);
/* Options that contradict each other. 0, or -1 with USAGE. */
int scoop_compression_check(const struct scoop_transfer_options *options,
                            struct scoop_error *error);

#endif
