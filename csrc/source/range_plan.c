#include "source/range_plan_internal.h"

enum { FIRST_WANTED = 2 };

static void open_window(struct scoop_range_plan *plan, uint64_t now_ms, uint64_t arrived_bytes) {
    plan->since_ms = now_ms;
    plan->since_bytes = arrived_bytes;
}

void scoop_range_plan_begin(struct scoop_range_plan *plan, unsigned most, uint64_t now_ms,
                            uint64_t arrived_bytes, uint64_t per_sec) {
    plan->most = most;
    plan->wanted = FIRST_WANTED < most ? FIRST_WANTED : most;
    plan->best_per_sec = per_sec;
    open_window(plan, now_ms, arrived_bytes);
}

void scoop_range_plan_note(struct scoop_range_plan *plan, uint64_t now_ms, uint64_t arrived_bytes) {
    uint64_t elapsed_ms = now_ms - plan->since_ms;
    if (plan->settled || elapsed_ms < SCOOP_RANGE_WINDOW_MS)
        return;
    uint64_t per_sec = (arrived_bytes - plan->since_bytes) * 1000 / elapsed_ms;
    open_window(plan, now_ms, arrived_bytes);
    if (!plan->warm) {
        plan->warm = true;
        return;
    }
    plan->warm = false;
    if (per_sec < plan->best_per_sec + plan->best_per_sec / 4) {
        plan->wanted = plan->wanted > FIRST_WANTED ? plan->wanted / 2 : plan->wanted;
        plan->settled = true;
        return;
    }
    plan->best_per_sec = per_sec;
    plan->settled = plan->wanted == plan->most;
    plan->wanted = 2 * plan->wanted < plan->most ? 2 * plan->wanted : plan->most;
}
