#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "scoop/trace.h"

/* A fault of the thread's own ends in a core dump, and in Python's faulthandler, only if it can be
 * delivered: while it is blocked the process ends without a word. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

bool scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user) {
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        SCOOP_TRACE("thread", "none can be started: error %d", failed);
    return failed == 0;
}

int scoop_fail_thread(struct scoop_error *error, const char *doing) {
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    getrlimit(RLIMIT_NPROC, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        scoop_fail_errno(error, EAGAIN, "%s: the system gives no further thread", doing);
    else
        scoop_fail_errno(error, EAGAIN,
                         "%s: the system gives no further thread; the user may have %llu (ulimit "
                         "-u), the container maybe fewer",
                         doing, (unsigned long long)limit.rlim_cur);
    error->retryable = true;
    return -1;
}

unsigned scoop_processors(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}

int scoop_waker_open(struct scoop_waker *waker, struct scoop_error *error) {
    atomic_store(&waker->armed, false);
    waker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return waker->fd >= 0 ? 0 : scoop_fail_errno(error, errno, "making an eventfd");
}

void scoop_waker_close(struct scoop_waker *waker) {
    if (waker->fd >= 0)
        close(waker->fd);
    waker->fd = -1;
}

void scoop_waker_arm(struct scoop_waker *waker) {
    atomic_store(&waker->armed, true);
}

void scoop_waker_disarm(struct scoop_waker *waker) {
    uint64_t count;
    /* Not armed any more: it was, or is about to be, written to. */
    if (!atomic_exchange(&waker->armed, false) && read(waker->fd, &count, sizeof count) < 0)
        return;
}

void scoop_waker_wake(struct scoop_waker *waker) {
    const uint64_t one = 1;
    if (waker != NULL && atomic_exchange(&waker->armed, false) &&
        write(waker->fd, &one, sizeof one) < 0)
        return; /* the counter is full: it is readable anyway */
}
