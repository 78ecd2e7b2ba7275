/* airscoop._native.Changes and ChangesReader: the changes of a delta, as JSON lines or Arrow. */
#include "binding/arrow_stream.h"
#include "binding/binding.h"
#include "scoop/changes.h"

enum { JSON_CEILING = 1 << 30 };

struct changes_object {
    PyObject_HEAD struct scoop_changes *changes;
};

struct reader_object {
    PyObject_HEAD struct scoop_changes_reader *reader;
    int busy;
};

static void changes_dealloc(PyObject *object) {
    scoop_changes_give(((struct changes_object *)object)->changes);
    airscoop_release(object);
}

static void reader_dealloc(PyObject *object) {
    scoop_changes_reader_free(((struct reader_object *)object)->reader);
    airscoop_release(object);
}

PyObject *airscoop_new_changes(struct airscoop_state *state, struct scoop_changes *changes) {
    struct changes_object *self =
        (struct changes_object *)PyType_GenericAlloc(state->changes_type, 0);
    if (self == NULL)
        scoop_changes_give(changes);
    else
        self->changes = changes;
    return (PyObject *)self;
}

struct scoop_changes *airscoop_changes_of(struct airscoop_state *state, PyObject *object) {
    if (Py_TYPE(object) == state->changes_type)
        return ((struct changes_object *)object)->changes;
    PyErr_SetString(PyExc_TypeError, "the changes of a delta are needed");
    return NULL;
}

static PyObject *changes_reader(PyObject *object, PyObject *unused) {
    struct airscoop_state *state = airscoop_state_of(Py_TYPE(object));
    struct scoop_error error = {0};
    (void)unused;
    struct reader_object *self =
        (struct reader_object *)PyType_GenericAlloc(state->changes_reader_type, 0);
    if (self == NULL)
        return NULL;
    self->reader = scoop_changes_reader_new(((struct changes_object *)object)->changes, &error);
    if (self->reader != NULL)
        return (PyObject *)self;
    Py_DECREF((PyObject *)self);
    return airscoop_raise(state, &error);
}

static PyObject *reader_read(PyObject *object, PyObject *size) {
    struct reader_object *self = (struct reader_object *)object;
    struct airscoop_state *state = airscoop_state_of(Py_TYPE(object));
    struct scoop_error error = {0};
    struct scoop_buf out;
    size_t at_least = PyLong_AsSize_t(size);
    if (PyErr_Occurred())
        return NULL;
    if (self->busy) {
        scoop_fail(&error, SCOOP_USAGE, "this reader is in use by another thread");
        return airscoop_raise(state, &error);
    }
    scoop_buf_init(&out, JSON_CEILING);
    self->busy = 1;
    PyThreadState *thread = PyEval_SaveThread();
    int status = scoop_changes_read_json(self->reader, at_least, &out, &error);
    PyEval_RestoreThread(thread);
    self->busy = 0;
    PyObject *data =
        status < 0 ? airscoop_raise(state, &error)
                   : PyBytes_FromStringAndSize((const char *)out.data, (Py_ssize_t)out.length);
    scoop_buf_free(&out);
    return data;
}

static PyObject *changes_arrow(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested = Py_None;
    struct scoop_error error = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:__arrow_c_stream__", names, &requested))
        return NULL;
    struct ArrowArrayStream *stream = PyMem_Calloc(1, sizeof *stream);
    if (stream == NULL)
        return PyErr_NoMemory();
    if (scoop_changes_arrow(((struct changes_object *)object)->changes, stream, &error) != 0) {
        PyMem_Free(stream);
        return airscoop_raise(airscoop_state_of(Py_TYPE(object)), &error);
    }
    return airscoop_stream_capsule(stream);
}

/* Names and numbers of rows, of the columns that changed in any. */
static PyObject *changes_updated_columns(PyObject *object, PyObject *unused) {
    const struct scoop_changes *changes = ((struct changes_object *)object)->changes;
    PyObject *list = PyList_New(0);
    (void)unused;
    for (size_t i = 0; list != NULL && i < scoop_changes_columns(changes); i++) {
        uint64_t rows;
        const char *name = scoop_changes_column(changes, i, &rows);
        if (rows == 0)
            continue;
        PyObject *pair = Py_BuildValue("(NK)", airscoop_text(name), (unsigned long long)rows);
        if (pair == NULL || PyList_Append(list, pair) != 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *list_alone(const struct scoop_changes *changes, int side) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < scoop_changes_alone(changes, side); i++) {
        PyObject *name = airscoop_text(scoop_changes_alone_name(changes, side, i));
        if (name == NULL || PyList_Append(list, name) != 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

static PyObject *changes_schema_change(PyObject *object, PyObject *unused) {
    const struct scoop_changes *changes = ((struct changes_object *)object)->changes;
    (void)unused;
    return Py_BuildValue("{s:N,s:N}", "added", list_alone(changes, 1), "gone",
                         list_alone(changes, 0));
}

static PyMethodDef changes_methods[] = {
    {"reader", changes_reader, METH_NOARGS, "A reader at the first change."},
    {"updated_columns", changes_updated_columns, METH_NOARGS,
     "The columns that changed, each with the number of updated rows in which it did."},
    {"schema_change", changes_schema_change, METH_NOARGS,
     "The columns that were added, and those that are gone."},
    {"__arrow_c_stream__", (PyCFunction)(void (*)(void))changes_arrow, METH_VARARGS | METH_KEYWORDS,
     "The changes as an Arrow C stream."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_O, "JSON lines of at least so many bytes; b'' at the end."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot changes_slots[] = {
    {Py_tp_doc, "The changes of a delta."},
    {Py_tp_dealloc, changes_dealloc},
    {Py_tp_methods, changes_methods},
    {0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "Reads changes as JSON lines."},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

static PyType_Spec changes_spec = {
    .name = "airscoop._native.Changes",
    .basicsize = sizeof(struct changes_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = changes_slots,
};

static PyType_Spec reader_spec = {
    .name = "airscoop._native.ChangesReader",
    .basicsize = sizeof(struct reader_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reader_slots,
};

int airscoop_add_changes(PyObject *module) {
    struct airscoop_state *state = PyModule_GetState(module);
    state->changes_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &changes_spec, NULL);
    state->changes_reader_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &reader_spec, NULL);
    if (state->changes_type == NULL || state->changes_reader_type == NULL ||
        PyModule_AddType(module, state->changes_type) != 0)
        return -1;
    return PyModule_AddType(module, state->changes_reader_type);
}
