#include "binding/runner.h"

#include <unistd.h>

#include "binding/trace.h"
#include "scoop/clock.h"

enum { PROGRESS_MS = 1000, FOLLOW_MS = 1000 };

static int check_interrupt(void *user) {
    return airscoop_runner_look(user);
}

void airscoop_runner_init(struct airscoop_runner *runner, const struct airscoop_runner_type *type,
                          struct airscoop_state *state, void *object) {
    *runner = (struct airscoop_runner){.type = type, .state = state, .object = object};
    runner->interrupt = (struct scoop_interrupt){check_interrupt, runner};
}

void airscoop_runner_set_up(struct airscoop_runner *runner) {
    runner->owner = getpid();
}

static int refuse(const struct airscoop_runner *runner, const char *format) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, format, runner->type->name, runner->type->advice);
    airscoop_raise(runner->state, &error);
    return -1;
}

int airscoop_runner_refuse(const struct airscoop_runner *runner, const char *why) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "%s", why);
    airscoop_raise(runner->state, &error);
    return -1;
}

bool airscoop_runner_is_ours(const struct airscoop_runner *runner) {
    return runner->owner == getpid();
}

static int refuse_forked(const struct airscoop_runner *runner) {
    return refuse(runner, "this %s belongs to the process that this one was forked from; make one "
                          "of its own in each process");
}

int airscoop_runner_check(const struct airscoop_runner *runner) {
    if (runner->owner == 0)
        return refuse(runner, "this %s is not set up");
    return airscoop_runner_is_ours(runner) ? 0 : refuse_forked(runner);
}

bool airscoop_runner_rests(const struct airscoop_runner *runner) {
    return !runner->busy || runner->asks;
}

static void keep_raised(struct airscoop_runner *runner) {
    if (runner->raised[0] == NULL)
        PyErr_Fetch(&runner->raised[0], &runner->raised[1], &runner->raised[2]);
    else
        PyErr_Clear(); /* the first one ended the call */
}

static int note(struct airscoop_runner *runner) {
    return runner->type->note == NULL ? 0 : runner->type->note(runner->object);
}

/* Asking logging takes longer than a short write: of an object's calls those ask that come a second
 * after the last one that did. */
static int follow_logger(struct airscoop_runner *runner) {
    uint64_t now = scoop_now_ms();
    if (runner->begun && now - runner->followed_ms < FOLLOW_MS)
        return 0;
    runner->followed_ms = now;
    return airscoop_trace_begin();
}

static int begin(struct airscoop_runner *runner, PyObject *progress, bool quiet) {
    if (airscoop_runner_check(runner) != 0)
        return -1;
    if (runner->busy)
        return refuse(runner, "this %s is in use by another thread%s");
    if (runner->ended)
        return refuse(runner, "this %s has ended; it runs once: make another");
    runner->busy = true; /* before Python code runs, which may let another thread in */
    if ((!quiet && follow_logger(runner) != 0) || note(runner) != 0) {
        runner->busy = false;
        return -1;
    }
    runner->begun = true;
    runner->quiet = quiet;
    runner->waiter = pthread_self();
    runner->progress = progress;
    runner->last_progress_ms = scoop_now_ms();
    return 0;
}

int airscoop_runner_begin(struct airscoop_runner *runner, PyObject *progress) {
    return begin(runner, progress, false);
}

int airscoop_runner_begin_last(struct airscoop_runner *runner) {
    return begin(runner, NULL, true);
}

/* The provider's exception goes on as it is when it is one of ours; else it is the cause of ours,
 * which is set. */
static void join_failure(const struct airscoop_runner *runner, PyObject *failure) {
    if (PyErr_GivenExceptionMatches(failure, runner->state->exceptions[SCOOP_OK])) {
        PyErr_SetObject((PyObject *)Py_TYPE(failure), failure);
        return;
    }
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    PyException_SetCause(value, Py_NewRef(failure));
    PyErr_Restore(kind, value, trace);
}

/* What a call that has ended made. */
static enum scoop_committed committed(const struct airscoop_runner *runner, int status,
                                      const struct scoop_error *error) {
    if (status != 0)
        return error->committed;
    return runner->type->committed == NULL ? SCOOP_COMMITTED_NO
                                           : runner->type->committed(runner->object);
}

/* The one place where it is decided what a call ends with: an exception of Python's own wins over
 * *error, by which the engine ended. It says what is committed nevertheless, also that of a signal
 * which came too late to be seen before. */
static int conclude(struct airscoop_runner *runner, bool ours, int status,
                    const struct scoop_error *error) {
    enum scoop_committed made = committed(runner, status, error);
    if (made != SCOOP_COMMITTED_NO && runner->raised[0] == NULL && PyErr_CheckSignals() != 0)
        keep_raised(runner);
    PyObject *failure = NULL;
    /* A call may go on without what a provider could not give: then the next one ends by it. */
    if (status != 0 || runner->ended) {
        failure = runner->failure;
        runner->failure = NULL;
    }
    if (runner->raised[0] != NULL) {
        status = -1;
        PyErr_Restore(runner->raised[0], runner->raised[1], runner->raised[2]);
        runner->raised[0] = runner->raised[1] = runner->raised[2] = NULL;
        airscoop_note_commit(made);
    } else if (!ours) {
        status = refuse_forked(runner);
    } else if (status != 0) {
        airscoop_raise(runner->state, error);
        if (failure != NULL && error->code == SCOOP_CREDENTIALS)
            join_failure(runner, failure);
    }
    Py_XDECREF(failure);
    return status != 0 ? -1 : 0;
}

/* A forked child comes back to where this was called. */
static int work_or_leave(struct airscoop_runner *runner,
                         int (*work)(void *user, struct scoop_error *error), void *user,
                         struct scoop_error *error) {
    return setjmp(runner->way_out) == 0 ? work(user, error) : -1;
}

int airscoop_runner_call(struct airscoop_runner *runner,
                         int (*work)(void *user, struct scoop_error *error), void *user) {
    struct scoop_error error = {0};
    runner->thread = PyEval_SaveThread();
    int status = work_or_leave(runner, work, user, &error);
    PyEval_RestoreThread(runner->thread);
    runner->progress = NULL;
    bool ours = airscoop_runner_is_ours(runner);
    if (ours && runner->type->settle != NULL)
        runner->type->settle(runner->object);
    if (ours && !runner->quiet && airscoop_trace_tell() != 0)
        keep_raised(runner);
    runner->busy = false;
    return conclude(runner, ours, status, &error);
}

int airscoop_runner_ask(struct airscoop_runner *runner, int (*ask)(void *user), void *user) {
    PyEval_RestoreThread(runner->thread);
    runner->asks = true;
    if (runner->raised[0] == NULL && ask(user) != 0)
        keep_raised(runner);
    if (airscoop_runner_is_ours(runner) && note(runner) != 0)
        keep_raised(runner);
    int stops = runner->raised[0] != NULL;
    runner->asks = false;
    runner->thread = PyEval_SaveThread();
    if (!airscoop_runner_is_ours(runner))
        airscoop_runner_leave_child(runner);
    return stops;
}

static int look(void *user) {
    struct airscoop_runner *runner = user;
    uint64_t now = scoop_now_ms();
    if (PyErr_CheckSignals() != 0 || airscoop_trace_tell() != 0)
        return -1;
    if (runner->progress == NULL || now - runner->last_progress_ms < PROGRESS_MS)
        return 0;
    runner->last_progress_ms = now;
    PyObject *answer = PyObject_CallNoArgs(runner->progress);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int airscoop_runner_look(struct airscoop_runner *runner) {
    return airscoop_runner_ask(runner, look, runner);
}

/* What is no Exception (KeyboardInterrupt, SystemExit, a task's time-out) ends the call by itself.
 */
void airscoop_runner_keep_failure(struct airscoop_runner *runner) {
    PyObject *kind, *value, *trace;
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        keep_raised(runner);
        return;
    }
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    if (trace != NULL)
        PyException_SetTraceback(value, trace);
    Py_XDECREF(kind);
    Py_XDECREF(trace);
    PyObject *earlier = runner->failure;
    runner->failure = value;
    Py_XDECREF(earlier);
}

void airscoop_runner_leave_child(struct airscoop_runner *runner) {
    static const char message[] = "airscoop: a forked child came back from a credentials provider "
                                  "that was called on a thread of the engine; the child ends\n";
    if (runner->busy && pthread_equal(pthread_self(), runner->waiter))
        longjmp(runner->way_out, 1);
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(1);
}

int airscoop_runner_traverse(struct airscoop_runner *runner, visitproc visit, void *arg) {
    for (size_t i = 0; i < 3; i++)
        Py_VISIT(runner->raised[i]);
    Py_VISIT(runner->failure);
    return 0;
}

void airscoop_runner_clear(struct airscoop_runner *runner) {
    for (size_t i = 0; i < 3; i++)
        Py_CLEAR(runner->raised[i]);
    Py_CLEAR(runner->failure);
}
