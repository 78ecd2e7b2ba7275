/* The type airscoop._native.Session: one warehouse session. Only one thread at a time may wait in
 * it; cancel() is for the others. */
#include "binding/session.h"

#include <string.h>

#include "binding/lists.h"
#include "binding/session_arguments.h"
#include "scoop/memory.h"
#include "scoop/refresh.h"

static enum scoop_committed committed(const void *object) {
    return ((const struct airscoop_session *)object)->made;
}

static void settle(void *object) {
    scoop_session_rest(((struct airscoop_session *)object)->session);
}

static const struct airscoop_runner_type runner_type = {
    .name = "warehouse session",
    .advice = "; give each thread a session of its own",
    .settle = settle,
    .committed = committed,
};

static int tell(void *user) {
    struct airscoop_session *self = user;
    PyObject *shown = airscoop_text(scoop_session_waits_for(self->session));
    PyObject *answer =
        shown == NULL ? NULL : PyObject_CallFunctionObjArgs(self->on_wait, shown, NULL);
    Py_XDECREF(shown);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* Tells once what the call waits for. An exception ends the call as one of a signal does. */
static int check(void *user) {
    struct airscoop_session *self = user;
    bool waits = scoop_session_waits_for(self->session)[0] != 0, telling = waits && !self->told;
    self->told = waits;
    if (telling && airscoop_runner_ask(&self->runner, tell, self))
        return 1;
    return airscoop_runner_look(&self->runner);
}

int airscoop_session_call(struct airscoop_session *self,
                          int (*work)(void *user, struct scoop_error *error), void *user,
                          enum scoop_committed made) {
    if (self->session == NULL)
        return airscoop_runner_refuse(&self->runner, "the warehouse session is closed");
    if (airscoop_runner_begin(&self->runner, NULL) != 0)
        return -1;
    self->told = false;
    self->made = made;
    return airscoop_runner_call(&self->runner, work, user);
}

static int dialect_of(const char *name, enum scoop_dialect *dialect) {
    if (strcmp(name, "redshift") == 0)
        *dialect = SCOOP_REDSHIFT;
    else if (strcmp(name, "postgres") == 0)
        *dialect = SCOOP_POSTGRES;
    else if (strcmp(name, "auto") == 0)
        *dialect = SCOOP_AUTO;
    else
        return -1;
    return 0;
}

static struct scoop_session *open_session(struct airscoop_state *state, PyObject *conninfo,
                                          struct scoop_session_options *options) {
    struct scoop_error error = {0};
    struct airscoop_pairs pairs = {0};
    struct scoop_session *session = NULL;
    int result = 0;
    if (PyDict_Check(conninfo))
        result = airscoop_pairs_fill(&pairs, conninfo);
    else if ((options->conninfo = airscoop_sql_text(conninfo)) == NULL)
        result = -1;
    if (result == 0) {
        if (options->conninfo == NULL) {
            options->keywords = pairs.names.texts;
            options->values = pairs.values.texts;
        }
        session = scoop_session_new(options, &error);
        if (session == NULL)
            airscoop_raise(state, &error);
    }
    airscoop_pairs_free(&pairs);
    return session;
}

static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {
        "conninfo", "dialect", "ca_file", "label", "lock_timeout_ms", "statement_timeout_ms",
        "on_wait",  NULL};
    struct scoop_session_options options = {0};
    PyObject *conninfo = NULL, *on_wait = NULL;
    const char *dialect = NULL;
    long long lock_ms = 0, statement_ms = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O$szzLLO:Session", names, &conninfo,
                                     &dialect, &options.ca_file, &options.label, &lock_ms,
                                     &statement_ms, &on_wait))
        return NULL;
    struct airscoop_state *state = airscoop_state_of(type);
    options.lock_timeout_ms = lock_ms;
    options.statement_timeout_ms = statement_ms;
    if (dialect_of(dialect, &options.dialect) != 0) {
        struct scoop_error error = {0};
        scoop_fail(&error, SCOOP_USAGE,
                   "the dialect '%.40s' is unknown; use auto, redshift or postgres", dialect);
        return airscoop_raise(state, &error);
    }
    struct airscoop_session *self = airscoop_allocate(type);
    if (self == NULL)
        return NULL;
    airscoop_runner_init(&self->runner, &runner_type, state, self);
    self->interrupt = (struct scoop_interrupt){check, self};
    self->on_wait = Py_NewRef(on_wait);
    self->session = open_session(state, conninfo, &options);
    if (self->session == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    airscoop_runner_set_up(&self->runner);
    return (PyObject *)self;
}

static int session_traverse(PyObject *object, visitproc visit, void *arg) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->on_wait);
    Py_VISIT(self->query_failure);
    return airscoop_runner_traverse(&self->runner, visit, arg);
}

static int session_clear(PyObject *object) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    Py_CLEAR(self->on_wait);
    Py_CLEAR(self->query_failure);
    airscoop_runner_clear(&self->runner);
    return 0;
}

static void session_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    scoop_session_free(((struct airscoop_session *)object)->session);
    session_clear(object);
    airscoop_release(object);
}

static int do_connect(void *user, struct scoop_error *error) {
    struct airscoop_session *self = user;
    return scoop_session_connect(self->session, &self->interrupt, error);
}

static PyObject *call_for_none(PyObject *object, int (*work)(void *, struct scoop_error *),
                               enum scoop_committed made) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    if (airscoop_session_call(self, work, self, made) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *session_connect(PyObject *object, PyObject *nothing) {
    (void)nothing;
    return call_for_none(object, do_connect, SCOOP_COMMITTED_NO);
}

static PyObject *row_of(const void *from, size_t row) {
    const struct scoop_rows *rows = from;
    size_t columns = scoop_rows_columns(rows);
    PyObject *tuple = PyTuple_New((Py_ssize_t)columns);
    for (size_t i = 0; tuple != NULL && i < columns; i++) {
        const char *text = scoop_rows_value(rows, row, i);
        PyObject *value = text == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(text);
        if (value == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)i, value) != 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

struct execution {
    struct airscoop_session *self;
    struct scoop_statement statement;
    struct scoop_rows *rows;
};

static int do_execute(void *user, struct scoop_error *error) {
    struct execution *run = user;
    struct airscoop_session *self = run->self;
    int status =
        scoop_session_execute(self->session, &run->statement, &self->interrupt, &run->rows, error);
    self->made = scoop_session_made(self->session);
    return status;
}

static PyObject *session_execute(PyObject *object, PyObject *arguments) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct execution run = {.self = self};
    struct airscoop_texts parameters;
    PyObject *sql = NULL, *sequence = NULL, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "OO:execute", &sql, &sequence))
        return NULL;
    run.statement.sql = airscoop_sql_text(sql);
    if (run.statement.sql == NULL)
        return NULL;
    if (airscoop_texts_fill(&parameters, sequence) == 0) {
        run.statement.parameters = parameters.texts;
        run.statement.parameter_count = parameters.count;
        if (airscoop_session_call(self, do_execute, &run, SCOOP_COMMITTED_NO) == 0)
            list = airscoop_list_of(scoop_rows_count(run.rows), row_of, run.rows);
        scoop_rows_free(run.rows);
    }
    airscoop_texts_free(&parameters);
    return list;
}

static int do_begin(void *user, struct scoop_error *error) {
    struct airscoop_session *self = user;
    return scoop_session_begin(self->session, &self->interrupt, error);
}

static int do_commit(void *user, struct scoop_error *error) {
    struct airscoop_session *self = user;
    return scoop_session_commit(self->session, &self->interrupt, error);
}

static int do_rollback(void *user, struct scoop_error *error) {
    (void)error;
    scoop_session_abandon(((struct airscoop_session *)user)->session);
    return 0;
}

static PyObject *session_begin(PyObject *object, PyObject *nothing) {
    (void)nothing;
    return call_for_none(object, do_begin, SCOOP_COMMITTED_NO);
}

static PyObject *session_commit(PyObject *object, PyObject *nothing) {
    (void)nothing;
    return call_for_none(object, do_commit, SCOOP_COMMITTED_YES);
}

static PyObject *session_rollback(PyObject *object, PyObject *nothing) {
    (void)nothing;
    return call_for_none(object, do_rollback, SCOOP_COMMITTED_NO);
}

struct refreshing {
    struct airscoop_session *self;
    const char *view;
};

static int do_refresh(void *user, struct scoop_error *error) {
    struct refreshing *run = user;
    return scoop_refresh(run->self->session, run->view, &run->self->interrupt, error);
}

static PyObject *session_refresh(PyObject *object, PyObject *arguments) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct refreshing run = {.self = self};
    if (!PyArg_ParseTuple(arguments, "s:refresh", &run.view) ||
        airscoop_session_call(self, do_refresh, &run, SCOOP_COMMITTED_YES) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *session_cancel(PyObject *object, PyObject *nothing) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    (void)nothing;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->session != NULL)
        scoop_session_cancel(self->session);
    if (self->session != NULL && !self->runner.busy)
        scoop_session_rest(self->session);
    Py_RETURN_NONE;
}

static PyObject *session_close(PyObject *object, PyObject *nothing) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct scoop_session *session = self->session;
    (void)nothing;
    if (self->runner.busy && airscoop_runner_is_ours(&self->runner)) {
        airscoop_runner_refuse(&self->runner, "the warehouse session is in use by another thread; "
                                              "cancel it first");
        return NULL;
    }
    bool ours = airscoop_runner_is_ours(&self->runner), open = false;
    self->session = NULL;
    Py_BEGIN_ALLOW_THREADS;
    if (session != NULL && ours)
        open = scoop_session_take_back(session);
    scoop_session_free(session);
    Py_END_ALLOW_THREADS;
    return PyBool_FromLong(open);
}

static PyMethodDef methods[] = {
    {"connect", session_connect, METH_NOARGS, "Connects, unless it is connected."},
    {"execute", session_execute, METH_VARARGS, "execute(sql, parameters) -> rows"},
    {"begin", session_begin, METH_NOARGS, "Begins a transaction that commit or rollback ends."},
    {"commit", session_commit, METH_NOARGS, "Commits it, or leaves nothing of it."},
    {"rollback", session_rollback, METH_NOARGS, "Takes it back, if it is open."},
    {"query_open", airscoop_session_query_open, METH_VARARGS,
     "query_open(sql, parameters) -> (its number, [(name, type, modifier)])"},
    {"query_next", airscoop_session_query_next, METH_VARARGS,
     "query_next(number) -> some rows, or none"},
    {"query_arrow", airscoop_session_query_arrow, METH_VARARGS,
     "query_arrow(number) -> the rows as an Arrow C stream"},
    {"query_failure", airscoop_session_query_failure, METH_NOARGS,
     "query_failure() -> what ended an Arrow stream, or None; once"},
    {"query_close", airscoop_session_query_close, METH_VARARGS,
     "query_close(number): ends the query before its end."},
    {"partitions", airscoop_session_partitions, METH_VARARGS,
     "partitions(table) -> [(values, location)]"},
    {"add_partitions", airscoop_session_add_partitions, METH_VARARGS,
     "add_partitions(table, [(values, location)]) -> statuses"},
    {"insert_distinct", (PyCFunction)(void (*)(void))airscoop_session_insert_distinct,
     METH_VARARGS | METH_KEYWORDS, "insert_distinct(*, …) -> counts"},
    {"apply", (PyCFunction)(void (*)(void))airscoop_session_apply, METH_VARARGS | METH_KEYWORDS,
     "apply(*, …) -> facts"},
    {"init", airscoop_session_init, METH_VARARGS,
     "init(grantees) -> ([(table, version before, after)], SQL for owners of older locks)"},
    {"refresh", session_refresh, METH_VARARGS, "refresh(view)"},
    {"run_script", airscoop_session_run_script, METH_VARARGS,
     "run_script(path, variables) -> how many statements"},
    {"read_script", airscoop_session_read_script, METH_VARARGS,
     "read_script(path, variables) -> the statements"},
    {"cancel", session_cancel, METH_NOARGS, "Ends this session's work; any thread."},
    {"close", session_close, METH_NOARGS, "close() -> whether an open transaction was rolled back"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, session_new},
    {Py_tp_traverse, session_traverse},
    {Py_tp_clear, session_clear},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "One warehouse session; see airscoop.Warehouse."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Session",
    .basicsize = sizeof(struct airscoop_session),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_session(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
