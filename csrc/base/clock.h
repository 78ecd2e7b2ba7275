/* Clocks, and waits that end. Any thread. */
#ifndef SCOOP_BASE_CLOCK_H
#define SCOOP_BASE_CLOCK_H

#include <pthread.h>
#include <time.h>

#include "scoop/clock.h"

/* The same clock, finer. */
uint64_t scoop_now_ns(void);
/* The time of day, as the system has it: since 1970-01-01 in UTC. */
int64_t scoop_unix_ms(void);
int64_t scoop_unix_seconds(void);

/* A condition variable whose waits are measured by scoop_now_ms's clock, and when such a wait ends
 * that begins now: for pthread_cond_timedwait. */
void scoop_timed_condition_init(pthread_cond_t *condition);
struct timespec scoop_time_after_ms(uint64_t wait_ms);

#endif
