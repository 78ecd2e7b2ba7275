#include "scoop/part_plan.h"

enum {
    FLAT_PARTS = 400,  /* of 8 MiB: 3 GB without a thought of growth */
    GROWTH_PARTS = 35, /* nine such steps lead from 8 MiB to 5 GiB */
    MOST_PARTS = 10000,
    MIB = 1 << 20,
};

struct scoop_part_plan scoop_part_plan_growing(uint64_t first_bytes) {
    return (struct scoop_part_plan){first_bytes, SCOOP_PART_LARGEST_BYTES, FLAT_PARTS,
                                    GROWTH_PARTS};
}

int scoop_part_plan_even(uint64_t first_bytes, uint64_t total_bytes, struct scoop_part_plan *plan,
                         struct scoop_error *error) {
    if (total_bytes > SCOOP_OBJECT_LARGEST_BYTES)
        return scoop_fail(
            error, SCOOP_TOO_LARGE, "%llu bytes are more than S3 takes in one object (%llu)",
            (unsigned long long)total_bytes, (unsigned long long)SCOOP_OBJECT_LARGEST_BYTES);
    uint64_t needed = (total_bytes + MOST_PARTS - 1) / MOST_PARTS;
    needed = (needed + MIB - 1) / MIB * MIB;
    uint64_t bytes = needed > first_bytes ? needed : first_bytes;
    *plan = (struct scoop_part_plan){bytes, bytes, 0, 0};
    return 0;
}

static uint64_t next_bytes(const struct scoop_part_plan *plan, uint64_t bytes) {
    return bytes > plan->largest_bytes / 2 ? plan->largest_bytes : bytes * 2;
}

uint64_t scoop_part_plan_bytes(const struct scoop_part_plan *plan, uint32_t number) {
    uint64_t bytes = plan->first_bytes;
    if (plan->growth_parts == 0 || number <= plan->flat_parts)
        return bytes;
    uint64_t doublings = (number - plan->flat_parts - 1) / plan->growth_parts + 1;
    while (doublings-- > 0 && bytes < plan->largest_bytes)
        bytes = next_bytes(plan, bytes);
    return bytes;
}

uint64_t scoop_part_plan_offset(const struct scoop_part_plan *plan, uint32_t number) {
    uint64_t before = number - 1, bytes = plan->first_bytes, offset = 0;
    if (plan->growth_parts == 0 || before <= plan->flat_parts)
        return before * bytes;
    offset = plan->flat_parts * bytes;
    for (before -= plan->flat_parts; before > 0 && bytes < plan->largest_bytes;) {
        uint64_t run = before < plan->growth_parts ? before : plan->growth_parts;
        bytes = next_bytes(plan, bytes);
        offset += run * bytes;
        before -= run;
    }
    return offset + before * bytes;
}
