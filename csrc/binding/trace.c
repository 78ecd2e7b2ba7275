/* The trace for Python: lines wait in a ring until somebody with the GIL takes them to
 * airscoop.tracing, which gives them to logging. */
#include "binding/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scoop/trace.h"

enum { RING_LINES = 512 };

static struct scoop_trace_line ring[RING_LINES];
static struct {
    pthread_mutex_t lock; /* nothing is called while it is held */
    size_t first, count;
    unsigned long lost;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Any thread. A full ring loses what comes, and counts it. */
static void keep(const struct scoop_trace_line *line) {
    pthread_mutex_lock(&state.lock);
    if (state.count < RING_LINES)
        ring[(state.first + state.count++) % RING_LINES] = *line;
    else
        state.lost++;
    pthread_mutex_unlock(&state.lock);
}

static bool take(struct scoop_trace_line *line) {
    pthread_mutex_lock(&state.lock);
    bool found = state.count > 0;
    if (found) {
        *line = ring[state.first];
        state.first = (state.first + 1) % RING_LINES;
        state.count--;
    }
    pthread_mutex_unlock(&state.lock);
    return found;
}

static unsigned long take_lost(void) {
    pthread_mutex_lock(&state.lock);
    unsigned long lost = state.lost;
    state.lost = 0;
    pthread_mutex_unlock(&state.lock);
    return lost;
}

static bool is_empty(void) {
    pthread_mutex_lock(&state.lock);
    bool empty = state.count == 0 && state.lost == 0;
    pthread_mutex_unlock(&state.lock);
    return empty;
}

/* A fork finds the ring whole; the lines in it stay the parent's. */
static void before_fork(void) {
    pthread_mutex_lock(&state.lock);
}

static void in_parent(void) {
    pthread_mutex_unlock(&state.lock);
}

static void in_child(void) {
    state.count = state.lost = 0;
    pthread_mutex_unlock(&state.lock);
}

static PyObject *tracing(void) {
    return PyImport_ImportModule("airscoop.tracing");
}

/* Whether somebody has asked logging for the lines: nobody has who has not imported it. */
static int is_wanted(void) {
    PyObject *name = PyUnicode_FromString("logging");
    PyObject *logging = name == NULL ? NULL : PyImport_GetModule(name);
    Py_XDECREF(name);
    if (logging == NULL)
        return PyErr_Occurred() != NULL ? -1 : 0;
    Py_DECREF(logging);
    PyObject *module = tracing();
    PyObject *answer = module == NULL ? NULL : PyObject_CallMethod(module, "wanted", NULL);
    int wanted = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(module);
    Py_XDECREF(answer);
    return wanted;
}

int airscoop_trace_begin(void) {
    int wanted = is_wanted();
    if (wanted >= 0)
        scoop_trace_to(wanted ? keep : NULL);
    return wanted < 0 ? -1 : 0;
}

static int append(PyObject *list, const struct scoop_trace_line *line) {
    PyObject *text = PyUnicode_DecodeUTF8(line->text, (Py_ssize_t)strlen(line->text), "replace");
    PyObject *entry = text == NULL ? NULL
                                   : Py_BuildValue("(dlsO)", (double)line->time_ms / 1000.0,
                                                   line->thread, line->subject, text);
    int status = entry == NULL ? -1 : PyList_Append(list, entry);
    Py_XDECREF(text);
    Py_XDECREF(entry);
    return status;
}

static PyObject *take_lines(void) {
    struct scoop_trace_line line;
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < RING_LINES && take(&line); i++)
        if (append(list, &line) != 0)
            Py_CLEAR(list);
    return list;
}

int airscoop_trace_tell(void) {
    if (is_empty())
        return 0;
    PyObject *lines = take_lines();
    PyObject *module = lines == NULL ? NULL : tracing();
    PyObject *answer =
        module == NULL ? NULL : PyObject_CallMethod(module, "log", "Ok", lines, take_lost());
    Py_XDECREF(lines);
    Py_XDECREF(module);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

PyObject *airscoop_trace_to_descriptor(PyObject *module, PyObject *args) {
    int fd;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:trace_to_descriptor", &fd))
        return NULL;
    if (scoop_trace_to_fd(fd) != 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* Standard error, unless the process was started without one: then another file has its number. */
static void trace_to_stderr(void) {
    if (PySys_GetObject("__stderr__") != Py_None)
        scoop_trace_to_fd(STDERR_FILENO);
}

static void trace_to_file(const char *path) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || scoop_trace_to_fd(fd) != 0)
        PySys_WriteStderr("airscoop: AIRSCOOP_TRACE: %.300s cannot be written: %s\n", path,
                          strerror(errno));
    if (fd >= 0)
        close(fd);
}

void airscoop_start_trace(void) {
    static bool started;
    const char *to = getenv("AIRSCOOP_TRACE");
    if (started)
        return;
    started = true;
    pthread_atfork(before_fork, in_parent, in_child);
    if (to == NULL || to[0] == 0 || strcmp(to, "0") == 0)
        return;
    if (strcmp(to, "1") == 0)
        trace_to_stderr();
    else
        trace_to_file(to);
}
