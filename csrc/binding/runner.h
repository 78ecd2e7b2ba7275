/* How the binding runs the engine: one call at a time, without the GIL, with looks at signals, and
 * with what Python code may do meanwhile: raise, fork, ask for facts from another thread. */
#ifndef SCOOP_BINDING_RUNNER_H
#define SCOOP_BINDING_RUNNER_H

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "binding/binding.h"

/* The functions are called with the GIL, while the engine rests; each may be NULL. */
struct airscoop_runner_type {
    const char *name;   /* in messages: "Transfer" */
    const char *advice; /* what a thread should do that finds it in use; may be "" */
    /* Keeps the facts so far for those who ask while the engine works: it may free at any time what
     * it would tell them from. 0, or -1 with an exception set. */
    int (*note)(void *object);
    /* After each call: when that was the end, lets go of everything but the facts. */
    void (*settle)(void *object);
    /* Then, of a call that did not fail: whether what it was to make is there. */
    enum scoop_committed (*committed)(const void *object);
};

/* All of it is guarded by the GIL. */
struct airscoop_runner {
    const struct airscoop_runner_type *type;
    struct airscoop_state *state;
    void *object;
    pid_t owner; /* the process that set it up, which alone has its threads; 0: it is not set up */
    bool begun, busy, ended;
    bool asks;           /* busy, but the engine rests while Python code is asked */
    bool quiet;          /* the call tells nobody what it does */
    PyObject *raised[3]; /* an exception of Python's own, which ends the call (see PyErr_Fetch) */
    PyObject *failure;   /* the exception by which a credentials provider failed */
    PyObject *progress;  /* borrowed, during a call; NULL: none */
    uint64_t last_progress_ms, followed_ms; /* the latter: logging was asked for its level */
    PyThreadState *thread;
    pthread_t waiter; /* the thread of the call */
    jmp_buf way_out;
    struct scoop_interrupt interrupt; /* for what the engine is asked to do */
};

/* In tp_new: it can refuse now, nothing else. */
void airscoop_runner_init(struct airscoop_runner *runner, const struct airscoop_runner_type *type,
                          struct airscoop_state *state, void *object);
/* Once the engine's part is there. */
void airscoop_runner_set_up(struct airscoop_runner *runner);
/* A UsageError; always -1. */
int airscoop_runner_refuse(const struct airscoop_runner *runner, const char *why);
/* 0, or -1 with a UsageError: it is not set up, or another process did that. */
int airscoop_runner_check(const struct airscoop_runner *runner);
/* Whether this process set it up: what a forked child has is left as it is, since to end it would
 * be to speak to the parent's servers and to wait for threads that are not there. */
bool airscoop_runner_is_ours(const struct airscoop_runner *runner);
/* Whether the engine does nothing now, and nothing until the GIL is given up. */
bool airscoop_runner_rests(const struct airscoop_runner *runner);

/* Before a call. 0, or -1 with a UsageError (as check says; it is in use; it has ended). `progress`
 * is called without arguments about once a second, or NULL. */
int airscoop_runner_begin(struct airscoop_runner *runner, PyObject *progress);
/* The same in a finalizer, which may interrupt any code, also when no module is left: nothing is
 * given to logging. */
int airscoop_runner_begin_last(struct airscoop_runner *runner);
/* Calls work without the GIL. 0, or -1 with an exception set: what work says by -1 and *error, or
 * one of Python's own. A child that was forked meanwhile is led out of work, past all that the
 * engine was doing for its parent. */
int airscoop_runner_call(struct airscoop_runner *runner,
                         int (*work)(void *user, struct scoop_error *error), void *user);

/* During a call, on its thread, without the GIL: signals, progress, facts. Not 0: cancel. */
int airscoop_runner_look(struct airscoop_runner *runner);
/* The same for Python code of the caller's; `ask` returns 0, or -1 with an exception set. It is not
 * called any more once there is an exception. */
int airscoop_runner_ask(struct airscoop_runner *runner, int (*ask)(void *user), void *user);

/* Of a credentials provider, with the GIL, on any thread: keeps the exception that is set. */
void airscoop_runner_keep_failure(struct airscoop_runner *runner);
/* After Python code that the engine called has forked, in the child, without the GIL: goes back to
 * airscoop_runner_call, or ends the process where no Python code waits for an answer. */
_Noreturn void airscoop_runner_leave_child(struct airscoop_runner *runner);

int airscoop_runner_traverse(struct airscoop_runner *runner, visitproc visit, void *arg);
void airscoop_runner_clear(struct airscoop_runner *runner);

#endif
