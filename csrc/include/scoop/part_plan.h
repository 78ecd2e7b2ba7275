/* Where the parts of a multipart upload begin: a pure function of their numbers, so that an upload
 * can be taken up again by whoever knows the plan. Pure, any thread. */
#ifndef SCOOP_PART_PLAN_H
#define SCOOP_PART_PLAN_H

#include <stdint.h>

#include "scoop/error.h"

#define SCOOP_PART_SMALLEST_BYTES ((uint64_t)5 << 20) /* but for the last part */
#define SCOOP_PART_LARGEST_BYTES ((uint64_t)5 << 30)
#define SCOOP_OBJECT_LARGEST_BYTES (10000 * SCOOP_PART_LARGEST_BYTES)

/* The first `flat_parts` parts have first_bytes; then the size doubles every growth_parts parts, up
 * to largest_bytes. growth_parts 0: all parts have first_bytes. */
struct scoop_part_plan {
    uint64_t first_bytes;
    uint64_t largest_bytes;
    uint64_t flat_parts;
    uint64_t growth_parts;
};

/* For a length that nobody knows: small parts at first, and room for the 50 TB that S3 names as the
 * largest object. first_bytes at least SCOOP_PART_SMALLEST_BYTES. */
struct scoop_part_plan scoop_part_plan_growing(uint64_t first_bytes);
/* For total_bytes: parts of first_bytes, or as much larger, in whole MiB, as 10,000 parts need. 0,
 * or -1 with TOO_LARGE beyond SCOOP_OBJECT_LARGEST_BYTES. */
int scoop_part_plan_even(uint64_t first_bytes, uint64_t total_bytes, struct scoop_part_plan *plan,
                         struct scoop_error *error);

/* The size of part `number` (from 1) unless the object ends in it. */
uint64_t scoop_part_plan_bytes(const struct scoop_part_plan *plan, uint32_t number);
/* Where part `number` begins. */
uint64_t scoop_part_plan_offset(const struct scoop_part_plan *plan, uint32_t number);

#endif
