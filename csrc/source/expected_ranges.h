/* Ranges of an S3 object that will probably be read, fetched side by side before they are. What
 * goes wrong with one is told to who reads it, and to nobody else. */
#ifndef SCOOP_SOURCE_EXPECTED_RANGES_H
#define SCOOP_SOURCE_EXPECTED_RANGES_H

#include "source/source.h"

enum { SCOOP_EXPECTED_RANGES = 8, SCOOP_EXPECTED_BYTES = 16 * 1024 * 1024 };

struct scoop_expected_range {
    struct scoop_source *stream; /* NULL: a free place */
    uint64_t first, last;
};
/* Zero-initialise. */
struct scoop_expected_ranges {
    struct scoop_expected_range ranges[SCOOP_EXPECTED_RANGES];
};

/* Starts a range, all of which may lie in memory, unless there are eight already, or all of them,
 * with `held` bytes that the caller keeps, would hold more than 16 MiB. False: it was not started.
 */
bool scoop_expected_ranges_add(struct scoop_expected_ranges *expected,
                               struct scoop_s3_client *client,
                               const struct scoop_range_request *request, uint64_t held);
bool scoop_expected_ranges_is_empty(const struct scoop_expected_ranges *expected);
/* Hands the range that begins at `first` over to the caller. NULL: there is none. */
struct scoop_source *scoop_expected_ranges_take(struct scoop_expected_ranges *expected,
                                                uint64_t first, uint64_t *last);
void scoop_expected_ranges_forget(struct scoop_expected_ranges *expected);

#endif
