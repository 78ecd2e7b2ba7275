/* airscoop._native.Delta: the comparison of two exports. */
#include <unistd.h>

#include "binding.h"
#include "options.h"
#include "scoop/delta.h"

struct delta_object {
    PyObject_HEAD struct scoop_delta *delta;
    struct airscoop_providers *providers; /* one an object; called by the threads that read */
    Py_ssize_t objects;                   /* of both exports */
    pid_t owner; /* the process that made it: a forked child has none of its threads */
    int busy;
    enum scoop_delta_state state;
};

static struct airscoop_state *state_of(struct delta_object *self) {
    return airscoop_state_of(Py_TYPE((PyObject *)self));
}

static int refuse(struct delta_object *self, const char *why) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "%s", why);
    airscoop_raise(state_of(self), &error);
    return -1;
}

/* Borrows the strings. The list is the caller's to free. */
static const char **read_keys(PyObject *tuple, size_t *count) {
    Py_ssize_t size = PyTuple_Size(tuple);
    const char **keys = PyMem_Calloc((size_t)size + 1, sizeof *keys);
    if (keys == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        keys[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(tuple, i), NULL);
        if (keys[i] == NULL) {
            PyMem_Free(keys);
            return NULL;
        }
    }
    *count = (size_t)size;
    return keys;
}

/* Reads the options of all objects, the old export's first, into `objects`. */
static int read_objects(struct delta_object *self, PyObject *old, PyObject *new,
                        struct scoop_transfer_options *objects) {
    Py_ssize_t before = PyTuple_Size(old);
    for (Py_ssize_t i = 0; i < self->objects; i++) {
        PyObject *dict = i < before ? PyTuple_GetItem(old, i) : PyTuple_GetItem(new, i - before);
        if (dict == NULL ||
            airscoop_read_options(state_of(self), dict, &objects[i], &self->providers[i]) != 0)
            return -1;
    }
    return 0;
}

static int make_of(struct delta_object *self, struct scoop_delta_options *options, PyObject *old,
                   PyObject *new, PyObject *keys, struct scoop_transfer_options *objects) {
    struct scoop_error error = {0};
    if (read_objects(self, old, new, objects) != 0)
        return -1;
    Py_ssize_t before = PyTuple_Size(old);
    options->side_objects[0] = (size_t)before;
    options->side_objects[1] = (size_t)(self->objects - before);
    options->sides[0] = before == 0 ? NULL : objects;
    options->sides[1] = objects + before;
    options->max_record_bytes = objects[before].max_record_bytes;
    const char **names = read_keys(keys, &options->key_count);
    if (names == NULL)
        return -1;
    options->keys = names;
    self->delta = scoop_delta_new(options, &error);
    PyMem_Free(names);
    if (self->delta == NULL)
        airscoop_raise(state_of(self), &error);
    return self->delta == NULL ? -1 : 0;
}

static int make(struct delta_object *self, struct scoop_delta_options *options, PyObject *old,
                PyObject *new, PyObject *keys) {
    if (PyTuple_Size(new) == 0)
        return refuse(self, "a delta needs a new export");
    self->objects = PyTuple_Size(old) + PyTuple_Size(new);
    size_t count = (size_t)self->objects;
    self->providers = PyMem_Calloc(count, sizeof *self->providers);
    struct scoop_transfer_options *objects = PyMem_Calloc(count, sizeof *objects);
    int status = -1;
    if (self->providers == NULL || objects == NULL)
        PyErr_NoMemory();
    else
        status = make_of(self, options, old, new, keys, objects);
    PyMem_Free(objects);
    return status;
}

static int delta_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"old",
                            "new",
                            "keys",
                            "format",
                            "keep_last",
                            "common_only",
                            "max_delete_ratio",
                            "min_rows",
                            "memory_limit",
                            "temp_dir",
                            "version",
                            NULL};
    struct delta_object *self = (struct delta_object *)object;
    struct scoop_delta_options options = {0};
    PyObject *old, *new, *keys;
    int format, keep_last, common_only;
    unsigned long long min_rows;
    Py_ssize_t memory_limit;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O!$ippdKnzz:Delta", names, &PyTuple_Type,
                                     &old, &PyTuple_Type, &new, &PyTuple_Type, &keys, &format,
                                     &keep_last, &common_only, &options.max_delete_ratio, &min_rows,
                                     &memory_limit, &options.temp_dir, &options.version))
        return -1;
    if (self->providers != NULL)
        return refuse(self, "a Delta is set up once");
    if (memory_limit < 0)
        return refuse(self, "memory_limit is not a whole number, or out of range");
    options.format = (enum scoop_table_format)format;
    options.keep_last = keep_last;
    options.common_only = common_only;
    options.min_rows = min_rows;
    options.memory_limit_bytes = (size_t)memory_limit;
    self->state = SCOOP_DELTA_RUNNING;
    self->owner = getpid();
    return make(self, &options, old, new, keys);
}

static void delta_dealloc(PyObject *object) {
    struct delta_object *self = (struct delta_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->owner == getpid()) {
        PyThreadState *thread = PyEval_SaveThread();
        scoop_delta_free(self->delta);
        PyEval_RestoreThread(thread);
    }
    for (Py_ssize_t i = 0; self->providers != NULL && i < self->objects; i++)
        airscoop_providers_free(&self->providers[i]);
    PyMem_Free(self->providers);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
    PyErr_Restore(kind, value, trace);
}

static int check_set_up(struct delta_object *self) {
    if (self->delta != NULL && self->owner != getpid())
        return refuse(self, "this Delta belongs to the process that this one was forked from");
    return self->delta == NULL ? refuse(self, "this Delta is not set up") : 0;
}

static PyObject *side_dict(const struct scoop_delta_side_facts *side) {
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:N,s:I}", "rows", side->rows, "duplicates",
                         side->duplicates, "source_bytes", side->source_bytes, "text_bytes",
                         side->text_bytes, "etag", airscoop_text(side->etag), "retries",
                         side->retries);
}

static PyObject *delta_facts(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    struct scoop_delta_facts facts;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    scoop_delta_facts(self->delta, &facts);
    return Py_BuildValue("{s:N,s:N,s:K,s:K,s:K,s:K,s:O,s:K}", "old", side_dict(&facts.sides[0]),
                         "new", side_dict(&facts.sides[1]), "inserted", facts.inserted, "updated",
                         facts.updated, "deleted", facts.deleted, "unchanged", facts.unchanged,
                         "sorted", facts.sorted ? Py_True : Py_False, "spilled_bytes",
                         facts.spilled_bytes);
}

/* Runs to the end; a Python exception raised meanwhile cancels, and wins. */
static PyObject *delta_run(PyObject *object, PyObject *progress) {
    struct delta_object *self = (struct delta_object *)object;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    if (check_set_up(self) != 0)
        return NULL;
    if (self->busy || self->state != SCOOP_DELTA_RUNNING) {
        refuse(self, "a Delta runs once");
        return NULL;
    }
    self->busy = 1;
    airscoop_waiting_begin(&waiting, progress == Py_None ? NULL : progress);
    do {
        self->state = scoop_delta_run(self->delta, SCOOP_SLICE_MS, &error);
        if (self->state == SCOOP_DELTA_RUNNING && waiting.interrupt.check(&waiting))
            scoop_delta_cancel(self->delta);
    } while (self->state == SCOOP_DELTA_RUNNING);
    airscoop_waiting_end(&waiting);
    self->busy = 0;
    if (waiting.raised)
        return NULL;
    if (self->state == SCOOP_DELTA_FAILED)
        return airscoop_raise(state_of(self), &error);
    return delta_facts(object, NULL);
}

static PyObject *delta_changes(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    if (self->state != SCOOP_DELTA_DONE) {
        refuse(self, "there are changes only after a run");
        return NULL;
    }
    return airscoop_new_changes(state_of(self), scoop_delta_changes(self->delta));
}

static PyObject *delta_cancel(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    scoop_delta_cancel(self->delta);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", delta_run, METH_O, "Compares to the end; returns the facts."},
    {"facts", delta_facts, METH_NOARGS, "The facts so far."},
    {"changes", delta_changes, METH_NOARGS, "What run has found."},
    {"cancel", delta_cancel, METH_NOARGS, "Makes run end in Cancelled. Any thread."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One comparison of two exports."},
    {Py_tp_init, delta_init},
    {Py_tp_dealloc, delta_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Delta",
    .basicsize = sizeof(struct delta_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int airscoop_add_delta(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}
