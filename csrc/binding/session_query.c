/* Session.query_open, query_next, query_arrow and query_close: rows as they come. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/lists.h"
#include "binding/session.h"
#include "binding/session_arguments.h"
#include "scoop/buffer.h"
#include "scoop/query.h"

enum {
    ARROW_ROWS = 16384,
    BATCH_ROWS = 1000,
    BATCH_BYTES = 256 * 1024,
    BATCH_CEILING = 0x7fffffff
};

struct opening {
    struct airscoop_session *self;
    struct scoop_statement statement;
};

static int do_open(void *user, struct scoop_error *error) {
    struct opening *run = user;
    return scoop_query_open(run->self->session, &run->statement, &run->self->interrupt, error);
}

static PyObject *column_of(const void *from, size_t column) {
    struct scoop_query_column found = scoop_query_column(from, column);
    return Py_BuildValue("(NIi)", airscoop_text(found.name), (unsigned)found.type, found.modifier);
}

PyObject *airscoop_session_query_open(PyObject *object, PyObject *arguments) {
    struct opening run = {.self = (struct airscoop_session *)object};
    struct airscoop_texts parameters;
    PyObject *sql = NULL, *sequence = NULL, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "OO:query_open", &sql, &sequence))
        return NULL;
    run.statement.sql = airscoop_sql_text(sql);
    if (run.statement.sql == NULL)
        return NULL;
    if (airscoop_texts_fill(&parameters, sequence) == 0) {
        run.statement.parameters = parameters.texts;
        run.statement.parameter_count = parameters.count;
        if (airscoop_session_call(run.self, do_open, &run, SCOOP_COMMITTED_NO) == 0)
            list = Py_BuildValue("(KN)", (unsigned long long)scoop_query_number(run.self->session),
                                 airscoop_list_of(scoop_query_columns(run.self->session), column_of,
                                                  run.self->session));
    }
    airscoop_texts_free(&parameters);
    return list;
}

/* Rows that were read: of each value its length, -1 for NULL, and its bytes. */
struct fetching {
    struct airscoop_session *self;
    unsigned long long query; /* its number */
    struct scoop_buf values;
    size_t rows, columns;
};

static int put_row(struct fetching *run, struct scoop_error *error) {
    for (size_t i = 0; i < run->columns; i++) {
        size_t length = 0;
        const char *value = scoop_query_value(run->self->session, i, &length);
        int64_t told = value == NULL ? -1 : (int64_t)length;
        if (scoop_buf_append(&run->values, &told, sizeof told, error) != 0 ||
            scoop_buf_append(&run->values, value == NULL ? "" : value, length, error) != 0)
            return -1;
    }
    run->rows++;
    return 0;
}

static int do_fetch(void *user, struct scoop_error *error) {
    struct fetching *run = user;
    struct scoop_session *session = run->self->session;
    if (scoop_query_number(session) != run->query)
        return 0; /* all of it was read, and another one was begun */
    run->columns = scoop_query_columns(session);
    while (run->rows < BATCH_ROWS && run->values.length < BATCH_BYTES) {
        int status = scoop_query_next(session, &run->self->interrupt, error);
        if (status > 0)
            status = put_row(run, error) == 0 ? 1 : -1;
        if (status < 1) {
            run->self->made = scoop_session_made(session);
            return status;
        }
    }
    return 0;
}

static PyObject *take_value(const unsigned char **at) {
    int64_t length = 0;
    memcpy(&length, *at, sizeof length);
    *at += sizeof length;
    if (length < 0)
        return Py_NewRef(Py_None);
    PyObject *value = PyUnicode_DecodeUTF8((const char *)*at, (Py_ssize_t)length, "replace");
    *at += length;
    return value;
}

static PyObject *take_row(const unsigned char **at, size_t columns) {
    PyObject *row = PyTuple_New((Py_ssize_t)columns);
    for (size_t i = 0; row != NULL && i < columns; i++) {
        PyObject *value = take_value(at);
        if (value == NULL || PyTuple_SetItem(row, (Py_ssize_t)i, value) != 0)
            Py_CLEAR(row);
    }
    return row;
}

PyObject *airscoop_session_query_next(PyObject *object, PyObject *arguments) {
    struct fetching run = {.self = (struct airscoop_session *)object};
    PyObject *list = NULL;
    if (!PyArg_ParseTuple(arguments, "K:query_next", &run.query))
        return NULL;
    scoop_buf_init(&run.values, BATCH_CEILING);
    if (airscoop_session_call(run.self, do_fetch, &run, SCOOP_COMMITTED_NO) == 0)
        list = PyList_New((Py_ssize_t)run.rows);
    const unsigned char *at = run.values.data;
    for (size_t i = 0; list != NULL && i < run.rows; i++) {
        PyObject *row = take_row(&at, run.columns);
        if (row == NULL || PyList_SetItem(list, (Py_ssize_t)i, row) != 0)
            Py_CLEAR(list);
    }
    scoop_buf_free(&run.values);
    return list;
}

struct closing {
    struct airscoop_session *self;
    unsigned long long query; /* its number */
};

static int do_close(void *user, struct scoop_error *error) {
    struct closing *run = user;
    (void)error;
    if (scoop_query_number(run->self->session) == run->query)
        scoop_query_close(run->self->session);
    return 0;
}

static int close_query(struct airscoop_session *self, unsigned long long query) {
    struct closing run = {self, query};
    return self->session != NULL && airscoop_runner_is_ours(&self->runner)
               ? airscoop_session_call(self, do_close, &run, SCOOP_COMMITTED_NO)
               : 0;
}

PyObject *airscoop_session_query_close(PyObject *object, PyObject *arguments) {
    unsigned long long query;
    if (!PyArg_ParseTuple(arguments, "K:query_close", &query) ||
        close_query((struct airscoop_session *)object, query) != 0)
        return NULL;
    Py_RETURN_NONE;
}

/* An Arrow stream over the session: consumers call it with the GIL or without. */
struct stream {
    struct airscoop_session *self; /* a reference */
    uint64_t query;                /* its number */
    char message[1200];
};

struct reading {
    struct airscoop_session *self;
    struct ArrowArray *array;
};

static int do_batch(void *user, struct scoop_error *error) {
    struct reading *run = user;
    int status =
        scoop_query_batch(run->self->session, ARROW_ROWS, &run->self->interrupt, run->array, error);
    run->self->made = scoop_session_made(run->self->session);
    return status;
}

/* What the exception that is set says, which a consumer of Arrow hears of as a text alone. */
static void keep_failure(struct stream *stream) {
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    PyObject *text = value == NULL ? NULL : PyObject_Str(value);
    const char *shown = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    snprintf(stream->message, sizeof stream->message, "%s",
             shown == NULL || shown[0] == 0 ? "the query was interrupted" : shown);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(kind);
    Py_XDECREF(trace);
    PyObject *before = stream->self->query_failure;
    stream->self->query_failure = value;
    Py_XDECREF(before);
}

PyObject *airscoop_session_query_failure(PyObject *object, PyObject *nothing) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    PyObject *failure = self->query_failure;
    (void)nothing;
    self->query_failure = NULL;
    return failure == NULL ? Py_NewRef(Py_None) : failure;
}

/* Whether the session still has the stream's query, or the end of it. */
static bool is_current(const struct stream *stream) {
    const struct airscoop_session *self = stream->self;
    return self->session != NULL && scoop_query_number(self->session) == stream->query;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array) {
    struct stream *own = stream->private_data;
    struct reading run = {own->self, array};
    PyGILState_STATE held = PyGILState_Ensure();
    int status =
        is_current(own)
            ? airscoop_session_call(own->self, do_batch, &run, SCOOP_COMMITTED_NO)
            : airscoop_runner_refuse(&own->self->runner, "the query of these rows has ended");
    if (status != 0)
        keep_failure(own);
    PyGILState_Release(held);
    return status == 0 ? 0 : EIO;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema) {
    struct stream *own = stream->private_data;
    struct scoop_error error = {0};
    PyGILState_STATE held = PyGILState_Ensure();
    int status = -1;
    if (!is_current(own))
        scoop_fail(&error, SCOOP_USAGE, "the query of these rows has ended");
    else
        status = scoop_query_schema(own->self->session, schema, &error);
    snprintf(own->message, sizeof own->message, "%s", error.message);
    PyGILState_Release(held);
    return status == 0 ? 0 : EIO;
}

static const char *get_last_error(struct ArrowArrayStream *stream) {
    const struct stream *own = stream->private_data;
    return own->message[0] == 0 ? NULL : own->message;
}

static void release_stream(struct ArrowArrayStream *stream) {
    struct stream *own = stream->private_data;
    PyGILState_STATE held = PyGILState_Ensure();
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    close_query(own->self, own->query);
    PyErr_Clear(); /* another thread has the session */
    PyErr_Restore(kind, value, trace);
    Py_DECREF((PyObject *)own->self);
    PyMem_Free(own);
    PyGILState_Release(held);
    stream->release = NULL;
}

static const char stream_name[] = "arrow_array_stream";

static void release_capsule(PyObject *capsule) {
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, stream_name);
    if (stream == NULL)
        return;
    if (stream->release != NULL)
        stream->release(stream);
    PyMem_Free(stream);
}

PyObject *airscoop_session_query_arrow(PyObject *object, PyObject *arguments) {
    unsigned long long query;
    if (!PyArg_ParseTuple(arguments, "K:query_arrow", &query))
        return NULL;
    struct ArrowArrayStream *stream = PyMem_Calloc(1, sizeof *stream);
    struct stream *own = PyMem_Calloc(1, sizeof *own);
    PyObject *capsule = NULL;
    if (stream != NULL && own != NULL)
        capsule = PyCapsule_New(stream, stream_name, release_capsule);
    else
        PyErr_NoMemory();
    if (capsule == NULL) {
        PyMem_Free(stream);
        PyMem_Free(own);
        return NULL;
    }
    own->self = (struct airscoop_session *)Py_NewRef(object);
    own->query = query;
    *stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, own};
    return capsule;
}
