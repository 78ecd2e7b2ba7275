/* airscoop._native.Reader: reading here and there in one source. */
#include "binding/reader.h"

#include "binding/options.h"
#include "scoop/reader.h"

struct reader_object {
    PyObject_HEAD struct scoop_reader *reader; /* NULL: not set up, or closed */
    struct airscoop_runner runner;
    struct airscoop_providers providers;
    PyObject *options; /* whose texts are borrowed */
};

static const struct airscoop_runner_type runner_type = {.name = "Reader", .advice = ""};

static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct reader_object *self = airscoop_allocate(type);
    (void)args, (void)kwargs;
    if (self != NULL)
        airscoop_runner_init(&self->runner, &runner_type, airscoop_state_of(type), self);
    return (PyObject *)self;
}

static int reader_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"options", "identity", NULL};
    struct reader_object *self = (struct reader_object *)object;
    struct scoop_transfer_options options = {0};
    struct scoop_error error = {0};
    PyObject *dict;
    const char *identity;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!z:Reader", names, &PyDict_Type, &dict,
                                     &identity))
        return -1;
    if (self->runner.owner != 0)
        return airscoop_runner_refuse(&self->runner, "a Reader is set up once");
    if (airscoop_read_options(&self->runner, dict, &options, &self->providers) != 0)
        return -1;
    self->options = PyDict_Copy(dict);
    if (self->options == NULL)
        return -1;
    self->reader = scoop_reader_new(&options, identity, &error);
    if (self->reader == NULL) {
        airscoop_raise(self->runner.state, &error);
        return -1;
    }
    airscoop_runner_set_up(&self->runner);
    return 0;
}

struct reading {
    struct reader_object *self;
    Py_buffer view;
    uint64_t offset, wanted;
    size_t got;
};

/* Without the GIL. */
static int read_some(void *user, struct scoop_error *error) {
    struct reading *reading = user;
    return scoop_reader_read(reading->self->reader, reading->offset, reading->view.buf,
                             (size_t)reading->view.len, reading->wanted, &reading->got,
                             &reading->self->runner.interrupt, error);
}

static PyObject *reader_read_into(PyObject *object, PyObject *args) {
    struct reading reading = {.self = (struct reader_object *)object};
    PyObject *buffer, *result = NULL;
    unsigned long long offset, wanted;
    if (!PyArg_ParseTuple(args, "OKK:read_into", &buffer, &offset, &wanted) ||
        PyObject_GetBuffer(buffer, &reading.view, PyBUF_WRITABLE) != 0)
        return NULL;
    reading.offset = offset;
    reading.wanted = wanted;
    if (airscoop_runner_begin(&reading.self->runner, NULL) == 0 &&
        airscoop_runner_call(&reading.self->runner, read_some, &reading) == 0)
        result = PyLong_FromSize_t(reading.got);
    PyBuffer_Release(&reading.view);
    return result;
}

static PyObject *reader_expect(PyObject *object, PyObject *args) {
    struct reader_object *self = (struct reader_object *)object;
    unsigned long long first, length;
    if (!PyArg_ParseTuple(args, "KK:expect", &first, &length) ||
        airscoop_runner_begin(&self->runner, NULL) != 0)
        return NULL;
    bool begun = scoop_reader_expect(self->reader, first, length);
    self->runner.busy = false;
    return PyBool_FromLong(begun);
}

static PyObject *reader_expect_nothing(PyObject *object, PyObject *unused) {
    struct reader_object *self = (struct reader_object *)object;
    (void)unused;
    if (airscoop_runner_begin(&self->runner, NULL) != 0)
        return NULL;
    scoop_reader_expect_nothing(self->reader);
    self->runner.busy = false;
    Py_RETURN_NONE;
}

static PyObject *reader_facts(PyObject *object, PyObject *unused) {
    struct reader_object *self = (struct reader_object *)object;
    struct scoop_reader_facts facts;
    (void)unused;
    if (airscoop_runner_begin(&self->runner, NULL) != 0)
        return NULL;
    scoop_reader_facts(self->reader, &facts);
    self->runner.busy = false;
    return Py_BuildValue("(LOON)", (long long)facts.size_bytes, facts.seekable ? Py_True : Py_False,
                         facts.proven ? Py_True : Py_False, airscoop_text(facts.identity));
}

/* What a forked child has is its parent's. */
static void let_go(struct reader_object *self) {
    struct scoop_reader *reader = self->reader;
    self->reader = NULL;
    self->runner.ended = true;
    if (!airscoop_runner_is_ours(&self->runner))
        return;
    PyThreadState *thread = PyEval_SaveThread();
    scoop_reader_free(reader);
    PyEval_RestoreThread(thread);
}

static PyObject *reader_close(PyObject *object, PyObject *unused) {
    struct reader_object *self = (struct reader_object *)object;
    (void)unused;
    if (self->runner.busy) {
        airscoop_runner_refuse(&self->runner, "this Reader is in use by another thread");
        return NULL;
    }
    let_go(self);
    Py_RETURN_NONE;
}

int airscoop_reader_give_engine(struct airscoop_state *state, PyObject *object,
                                struct scoop_engine **engine) {
    struct reader_object *self = (struct reader_object *)object;
    *engine = NULL;
    if (!PyObject_TypeCheck(object, state->reader_type)) {
        PyErr_SetString(PyExc_TypeError, "it is no Reader");
        return -1;
    }
    if (airscoop_runner_begin(&self->runner, NULL) != 0)
        return -1;
    *engine = scoop_reader_give_engine(self->reader);
    self->runner.busy = false;
    let_go(self);
    return 0;
}

static int reader_traverse(PyObject *object, visitproc visit, void *arg) {
    struct reader_object *self = (struct reader_object *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->options);
    int status = airscoop_runner_traverse(&self->runner, visit, arg);
    return status != 0 ? status : airscoop_providers_traverse(&self->providers, visit, arg);
}

static int reader_clear(PyObject *object) {
    struct reader_object *self = (struct reader_object *)object;
    airscoop_runner_clear(&self->runner);
    airscoop_providers_free(&self->providers);
    Py_CLEAR(self->options);
    return 0;
}

static void reader_dealloc(PyObject *object) {
    struct reader_object *self = (struct reader_object *)object;
    PyObject_GC_UnTrack(object);
    let_go(self);
    reader_clear(object);
    airscoop_release(object);
}

static PyMethodDef methods[] = {
    {"read_into", reader_read_into, METH_VARARGS,
     "Fills some of a buffer from an offset; returns how much."},
    {"expect", reader_expect, METH_VARARGS,
     "Begins to fetch a range before it is read; whether it did."},
    {"expect_nothing", reader_expect_nothing, METH_NOARGS, "Drops what was not read of them."},
    {"facts", reader_facts, METH_NOARGS, "Size, whether it can be sought in, proven, identity."},
    {"close", reader_close, METH_NOARGS, "Drops the connection."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Reading here and there in one source."},
    {Py_tp_new, reader_new},
    {Py_tp_init, reader_init},
    {Py_tp_traverse, reader_traverse},
    {Py_tp_clear, reader_clear},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Reader",
    .basicsize = sizeof(struct reader_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_reader(PyObject *module) {
    struct airscoop_state *state = PyModule_GetState(module);
    state->reader_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return state->reader_type == NULL ? -1 : PyModule_AddType(module, state->reader_type);
}
