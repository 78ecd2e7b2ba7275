#include <time.h>

#include "provider.h"
#include "trace.h"

enum { PROGRESS_MS = 1000 };

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int call_progress(struct airscoop_waiting *waiting) {
    long long now = now_ms();
    if (waiting->progress == NULL || now - waiting->last_progress_ms < PROGRESS_MS)
        return 0;
    waiting->last_progress_ms = now;
    PyObject *answer = PyObject_CallNoArgs(waiting->progress);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int check(void *user) {
    struct airscoop_waiting *waiting = user;
    if (waiting->raised)
        return 1;
    PyEval_RestoreThread(waiting->thread);
    if (PyErr_CheckSignals() != 0 || airscoop_trace_tell() != 0 || call_progress(waiting) != 0)
        waiting->raised = 1;
    /* The exception stays with the thread state while the GIL is given up again. */
    waiting->thread = PyEval_SaveThread();
    return waiting->raised;
}

void airscoop_waiting_begin(struct airscoop_waiting *waiting, PyObject *progress) {
    waiting->interrupt.check = check;
    waiting->interrupt.user = waiting;
    waiting->progress = progress;
    waiting->last_progress_ms = now_ms();
    waiting->raised = airscoop_trace_begin() != 0;
    airscoop_forget_failure();
    waiting->thread = PyEval_SaveThread();
}

void airscoop_waiting_end(struct airscoop_waiting *waiting) {
    PyEval_RestoreThread(waiting->thread);
    airscoop_trace_end();
}
