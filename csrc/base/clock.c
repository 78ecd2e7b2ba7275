#include "base/clock.h"

enum { NS_OF_MS = 1000000, NS_OF_SECOND = 1000000000 };

static struct timespec read_clock(clockid_t id) {
    struct timespec now = {0};
    clock_gettime(id, &now);
    return now;
}

uint64_t scoop_now_ns(void) {
    struct timespec now = read_clock(CLOCK_MONOTONIC);
    return (uint64_t)now.tv_sec * NS_OF_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t scoop_now_ms(void) {
    return scoop_now_ns() / NS_OF_MS;
}

uint64_t scoop_boottime_ms(void) {
    struct timespec now = read_clock(CLOCK_BOOTTIME);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_OF_MS;
}

int64_t scoop_unix_ms(void) {
    struct timespec now = read_clock(CLOCK_REALTIME);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_OF_MS;
}

int64_t scoop_unix_seconds(void) {
    return read_clock(CLOCK_REALTIME).tv_sec;
}

void scoop_timed_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct timespec scoop_time_after_ms(uint64_t wait_ms) {
    struct timespec until = read_clock(CLOCK_MONOTONIC);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * NS_OF_MS;
    if (until.tv_nsec >= NS_OF_SECOND) {
        until.tv_sec++;
        until.tv_nsec -= NS_OF_SECOND;
    }
    return until;
}
