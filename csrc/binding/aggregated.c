/* airscoop._native.Aggregated and GroupsReader: the result of an Aggregate, as JSON lines or Arrow.
 */
#include "binding/arrow_stream.h"
#include "binding/binding.h"
#include "scoop/aggregate.h"

enum { JSON_CEILING = 1 << 30 };

struct aggregated_object {
    PyObject_HEAD struct scoop_aggregated *result;
};

struct reader_object {
    PyObject_HEAD struct scoop_groups_reader *reader;
    int busy;
};

static void aggregated_dealloc(PyObject *object) {
    scoop_aggregated_give(((struct aggregated_object *)object)->result);
    airscoop_release(object);
}

static void reader_dealloc(PyObject *object) {
    scoop_groups_reader_free(((struct reader_object *)object)->reader);
    airscoop_release(object);
}

PyObject *airscoop_new_aggregated(struct airscoop_state *state, struct scoop_aggregated *result) {
    struct aggregated_object *self =
        (struct aggregated_object *)PyType_GenericAlloc(state->aggregated_type, 0);
    if (self == NULL)
        scoop_aggregated_give(result);
    else
        self->result = result;
    return (PyObject *)self;
}

/* The number of a grouping; false with IndexError. */
static bool read_number(const struct scoop_aggregated *result, PyObject *given, size_t *number) {
    Py_ssize_t at = PyNumber_AsSsize_t(given, PyExc_IndexError);
    if (at == -1 && PyErr_Occurred())
        return false;
    *number = (size_t)at;
    if (at >= 0 && *number < scoop_aggregated_count(result))
        return true;
    PyErr_SetString(PyExc_IndexError, "there is no such grouping");
    return false;
}

static PyObject *aggregated_facts(PyObject *object, PyObject *unused) {
    const struct scoop_aggregated *result = ((struct aggregated_object *)object)->result;
    PyObject *list = PyList_New(0);
    (void)unused;
    for (size_t i = 0; list != NULL && i < scoop_aggregated_count(result); i++) {
        struct scoop_grouping_facts facts;
        scoop_aggregated_facts(result, i, &facts);
        PyObject *dict =
            Py_BuildValue("{s:N,s:K,s:K,s:K,s:K}", "name", airscoop_text(facts.name), "groups",
                          facts.groups, "records", facts.records, "other_groups",
                          facts.other_groups, "other_records", facts.other_records);
        if (dict == NULL || PyList_Append(list, dict) != 0)
            Py_CLEAR(list);
        Py_XDECREF(dict);
    }
    return list;
}

static PyObject *aggregated_reader(PyObject *object, PyObject *given) {
    struct airscoop_state *state = airscoop_state_of(Py_TYPE(object));
    struct scoop_aggregated *result = ((struct aggregated_object *)object)->result;
    struct scoop_error error = {0};
    size_t grouping;
    if (!read_number(result, given, &grouping))
        return NULL;
    struct reader_object *self =
        (struct reader_object *)PyType_GenericAlloc(state->groups_reader_type, 0);
    if (self == NULL)
        return NULL;
    self->reader = scoop_aggregated_reader(result, grouping, &error);
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
    int status = scoop_groups_read_json(self->reader, at_least, &out, &error);
    PyEval_RestoreThread(thread);
    self->busy = 0;
    PyObject *data =
        status < 0 ? airscoop_raise(state, &error)
                   : PyBytes_FromStringAndSize((const char *)out.data, (Py_ssize_t)out.length);
    scoop_buf_free(&out);
    return data;
}

static PyObject *aggregated_arrow(PyObject *object, PyObject *given) {
    struct scoop_aggregated *result = ((struct aggregated_object *)object)->result;
    struct scoop_error error = {0};
    size_t grouping;
    if (!read_number(result, given, &grouping))
        return NULL;
    struct ArrowArrayStream *stream = PyMem_Calloc(1, sizeof *stream);
    if (stream == NULL)
        return PyErr_NoMemory();
    if (scoop_aggregated_arrow(result, grouping, stream, &error) == 0)
        return airscoop_stream_capsule(stream);
    PyMem_Free(stream);
    return airscoop_raise(airscoop_state_of(Py_TYPE(object)), &error);
}

static PyMethodDef aggregated_methods[] = {
    {"facts", aggregated_facts, METH_NOARGS, "Of each grouping, how many groups and records."},
    {"reader", aggregated_reader, METH_O, "A reader of a grouping, by its number."},
    {"arrow", aggregated_arrow, METH_O, "A grouping, by its number, as an Arrow C stream."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_O, "JSON lines of at least so many bytes; b'' at the end."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot aggregated_slots[] = {
    {Py_tp_doc, "The groups of an Aggregate."},
    {Py_tp_dealloc, aggregated_dealloc},
    {Py_tp_methods, aggregated_methods},
    {0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "Reads groups as JSON lines."},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

static PyType_Spec aggregated_spec = {
    .name = "airscoop._native.Aggregated",
    .basicsize = sizeof(struct aggregated_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = aggregated_slots,
};

static PyType_Spec reader_spec = {
    .name = "airscoop._native.GroupsReader",
    .basicsize = sizeof(struct reader_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reader_slots,
};

int airscoop_add_aggregated(PyObject *module) {
    struct airscoop_state *state = PyModule_GetState(module);
    state->aggregated_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &aggregated_spec, NULL);
    state->groups_reader_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &reader_spec, NULL);
    if (state->aggregated_type == NULL || state->groups_reader_type == NULL ||
        PyModule_AddType(module, state->aggregated_type) != 0)
        return -1;
    return PyModule_AddType(module, state->groups_reader_type);
}
