#include "base/retry.h"

#include "base/invariant.h"

uint32_t scoop_retry_delay_ms(uint32_t retry, bool throttled, double random01) {
    uint32_t ceiling = throttled ? SCOOP_RETRY_THROTTLED_BASE_MS : SCOOP_RETRY_BASE_MS;
    while (retry-- > 0 && ceiling < SCOOP_RETRY_CAP_MS)
        ceiling *= 2;
    if (ceiling > SCOOP_RETRY_CAP_MS)
        ceiling = SCOOP_RETRY_CAP_MS;
    return (uint32_t)(random01 * ceiling);
}

uint32_t scoop_retry_after_ms(uint32_t delay_ms, uint32_t server_ms) {
    uint32_t longest = delay_ms + SCOOP_RETRY_AFTER_EXTRA_MS;
    if (server_ms > longest)
        return longest;
    return server_ms > delay_ms ? server_ms : delay_ms;
}

int64_t scoop_outage_next_ms(struct scoop_outage *outage, const struct scoop_outage_rule *rule,
                             int64_t server_ms, double random01) {
    uint64_t wait = rule->base_ms, left = rule->most_ms - outage->waited_ms;
    if (outage->waited_ms >= rule->most_ms || server_ms > SCOOP_RETRY_AFTER_MOST_MS)
        return -1;
    for (uint32_t i = 0; i < outage->waits && wait < left; i++)
        wait *= 2;
    wait = (uint64_t)((double)wait * (0.75 + random01 / 2));
    if (wait > left)
        wait = left;
    if (server_ms > 0 && (uint64_t)server_ms > wait)
        wait = (uint64_t)server_ms;
    outage->waits++;
    outage->waited_ms += wait;
    return (int64_t)wait;
}

void scoop_patience_begin(struct scoop_patience *patience, uint64_t now_ms) {
    *patience = (struct scoop_patience){.since_ms = now_ms};
}

bool scoop_patience_ends(struct scoop_patience *patience, uint64_t now_ms, uint64_t most_ms) {
    uint64_t step = now_ms - patience->since_ms;
    patience->since_ms = now_ms;
    patience->spent_ms += step < SCOOP_PATIENCE_STEP_MS ? step : SCOOP_PATIENCE_STEP_MS;
    return patience->spent_ms >= most_ms;
}

void scoop_retry_quota_init(struct scoop_retry_quota *quota) {
    quota->tokens = SCOOP_RETRY_QUOTA;
}

uint32_t scoop_retry_quota_take(struct scoop_retry_quota *quota, bool throttled) {
    uint32_t cost = throttled ? SCOOP_RETRY_THROTTLED_COST : SCOOP_RETRY_COST;
    if (cost > quota->tokens)
        return 0;
    quota->tokens -= cost;
    return cost;
}

void scoop_retry_quota_refund(struct scoop_retry_quota *quota, uint32_t cost) {
    uint32_t back = cost > 0 ? cost : 1;
    if (!SCOOP_INVARIANT(quota->tokens <= SCOOP_RETRY_QUOTA, NULL))
        return;
    uint32_t room = SCOOP_RETRY_QUOTA - quota->tokens;
    quota->tokens += back < room ? back : room;
}
