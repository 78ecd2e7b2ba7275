/* When to try again: of AWS's services the SDKs' standard mode, of web sources what an outage is
 * waited for. Pure. */
#ifndef SCOOP_BASE_RETRY_H
#define SCOOP_BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SCOOP_RETRY_MAX_ATTEMPTS = 3, /* the first try included */
    SCOOP_RETRY_BASE_MS = 50,
    SCOOP_RETRY_THROTTLED_BASE_MS = 1000,
    SCOOP_RETRY_CAP_MS = 20000,
    SCOOP_RETRY_AFTER_EXTRA_MS = 5000,
    SCOOP_RETRY_QUOTA = 500,
    SCOOP_RETRY_COST = 14,
    SCOOP_RETRY_THROTTLED_COST = 5,
};

/* random01 * min(base * 2^retry, cap). retry is 0 before the second attempt; random01 in [0, 1). */
uint32_t scoop_retry_delay_ms(uint32_t retry, bool throttled, double random01);
/* The delay once the server has named one (x-amz-retry-after, in ms): no shorter than ours, at most
 * SCOOP_RETRY_AFTER_EXTRA_MS longer. */
uint32_t scoop_retry_after_ms(uint32_t delay_ms, uint32_t server_ms);

enum { SCOOP_PATIENCE_STEP_MS = 80 * 1000 };

/* For how long nothing has come of what is tried again and again. A try, with the wait before it,
 * counts SCOOP_PATIENCE_STEP_MS at most: while a process is stopped nobody tries. */
struct scoop_patience {
    uint64_t since_ms, spent_ms;
};

/* The first try begins. */
void scoop_patience_begin(struct scoop_patience *patience, uint64_t now_ms);
/* One has failed. Whether that was all of most_ms. */
bool scoop_patience_ends(struct scoop_patience *patience, uint64_t now_ms, uint64_t most_ms);

/* A bucket of tokens shared by all requests of one client, so that an outage is not met with a
 * storm of retries. Not thread-safe: it belongs to the engine's thread. */
struct scoop_retry_quota {
    uint32_t tokens;
};

void scoop_retry_quota_init(struct scoop_retry_quota *quota);
/* Pays for one retry. Returns its cost, to be kept for the refund, or 0: too little is left, fail
 * now. */
uint32_t scoop_retry_quota_take(struct scoop_retry_quota *quota, bool throttled);
/* After a success: gives back `cost` of the request's last retry, or 1 when cost is 0 (no retry).
 */
void scoop_retry_quota_refund(struct scoop_retry_quota *quota, uint32_t cost);

/* --- web sources --- */

enum { SCOOP_RETRY_AFTER_MOST_MS = 60000 };

/* From the first failure on, until something comes. Zero-initialise. */
struct scoop_outage {
    uint32_t waits;
    uint64_t waited_ms;
};

struct scoop_outage_rule {
    uint64_t base_ms; /* of the first wait; each is twice as long as the one before */
    uint64_t most_ms; /* of all waits together */
};

/* The wait before the next try: a quarter shorter to a quarter longer than is its turn, and no
 * longer than what is left of most_ms. What the server asks for (-1: nothing) is obeyed, beyond
 * that, too. -1: there is no next try, because nothing is left, or more than
 * SCOOP_RETRY_AFTER_MOST_MS is asked for. */
int64_t scoop_outage_next_ms(struct scoop_outage *outage, const struct scoop_outage_rule *rule,
                             int64_t server_ms, double random01);

#endif
