/* How many ranges of an object are fetched at once: more while that brings more. Pure. */
#ifndef SCOOP_SOURCE_RANGE_PLAN_INTERNAL_H
#define SCOOP_SOURCE_RANGE_PLAN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

enum { SCOOP_RANGE_WINDOW_MS = 250 };

/* Zero-initialise, then begin. */
struct scoop_range_plan {
    unsigned wanted; /* ranges under way at once */
    unsigned most;
    bool settled;
    bool warm; /* a window has passed since the last change, so that the next one counts */
    uint64_t since_ms;
    uint64_t since_bytes;  /* what had arrived then */
    uint64_t best_per_sec; /* with half as many */
};

/* Two ranges first; per_sec is what the one stream before them brought. */
void scoop_range_plan_begin(struct scoop_range_plan *plan, unsigned most, uint64_t now_ms,
                            uint64_t arrived_bytes, uint64_t per_sec);
/* Looks at what has arrived in all: at the end of a window in which twice as many ranges brought at
 * least a quarter more, their number is doubled; else it goes back and stays. */
void scoop_range_plan_note(struct scoop_range_plan *plan, uint64_t now_ms, uint64_t arrived_bytes);

#endif
