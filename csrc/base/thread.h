/* Threads of the library's own, and how they wake the one that owns a transfer. */
#ifndef SCOOP_BASE_THREAD_H
#define SCOOP_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "scoop/error.h"

/* Starts a thread that takes no signals but those of a fault of its own: the others are for the
 * thread that has an interpreter. The caller joins or detaches it. False: the system gives none.
 * Whoever wanted one then does its work on the caller's, which takes longer: it is no error. */
bool scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user);
/* The error of whoever cannot do without: `doing` names what was to be done, and where. Returns -1.
 */
int scoop_fail_thread(struct scoop_error *error, const char *doing);
/* Processors that this process may use, at least 1. */
unsigned scoop_processors(void);

/* Wakes its owner out of a poll: the owner arms it, looks once more whether there is something to
 * do, polls `fd` for readability along with whatever else it waits for, and disarms it. */
struct scoop_waker {
    int fd; /* -1: not open */
    atomic_bool armed;
};

int scoop_waker_open(struct scoop_waker *waker, struct scoop_error *error);
void scoop_waker_close(struct scoop_waker *waker);
void scoop_waker_arm(struct scoop_waker *waker);
void scoop_waker_disarm(struct scoop_waker *waker);
/* Any thread, also when the waker is NULL; costs next to nothing unless it is armed. */
void scoop_waker_wake(struct scoop_waker *waker);

#endif
