/* airscoop._native.Delta: the comparison of two exports. */
#include "binding/options.h"
#include "scoop/delta.h"

struct delta_object {
    PyObject_HEAD struct scoop_delta *delta; /* NULL: not set up, or ended */
    struct airscoop_runner runner;
    struct airscoop_providers *providers; /* one an object; called by the threads that read */
    Py_ssize_t objects;                   /* of both exports */
    struct scoop_changes *changes;        /* of a run that ended well, until they are taken */
    enum scoop_delta_state state;
    struct scoop_delta_facts noted; /* told while run works, and after the end */
};

static struct airscoop_state *state_of(struct delta_object *self) {
    return self->runner.state;
}

static int refuse(struct delta_object *self, const char *why) {
    return airscoop_runner_refuse(&self->runner, why);
}

static int note(void *object) {
    struct delta_object *self = object;
    if (self->delta != NULL)
        scoop_delta_facts(self->delta, &self->noted);
    return 0;
}

static void free_providers(struct delta_object *self) {
    struct airscoop_providers *providers = self->providers;
    self->providers = NULL;
    for (Py_ssize_t i = 0; providers != NULL && i < self->objects; i++)
        airscoop_providers_free(&providers[i]);
    PyMem_Free(providers);
}

/* Stops the threads that read, and waits for them. */
static void let_go(struct delta_object *self) {
    struct scoop_delta *delta = self->delta;
    self->runner.ended = true;
    self->delta = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    scoop_delta_free(delta);
    PyEval_RestoreThread(thread);
    free_providers(self);
}

static void settle(void *object) {
    struct delta_object *self = object;
    if (self->state == SCOOP_DELTA_RUNNING)
        return;
    note(self);
    if (self->state == SCOOP_DELTA_DONE)
        self->changes = scoop_delta_changes(self->delta);
    let_go(self);
}

static const struct airscoop_runner_type runner_type = {
    .name = "Delta", .advice = "", .note = note, .settle = settle};

static PyObject *delta_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct delta_object *self = airscoop_allocate(type);
    (void)args, (void)kwargs;
    if (self != NULL)
        airscoop_runner_init(&self->runner, &runner_type, airscoop_state_of(type), self);
    return (PyObject *)self;
}

/* Borrows the strings. The list is the caller's to free. */
static const char **read_keys(struct delta_object *self, PyObject *tuple, size_t *count) {
    Py_ssize_t size = PyTuple_Size(tuple);
    const char **keys = PyMem_Calloc((size_t)size + 1, sizeof *keys);
    if (keys == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        keys[i] = airscoop_given_text(state_of(self), "key", PyTuple_GetItem(tuple, i));
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
            airscoop_read_options(&self->runner, dict, &objects[i], &self->providers[i]) != 0)
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
    const char **names = read_keys(self, keys, &options->key_count);
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
    if (status != 0)
        free_providers(self);
    return status;
}

static int delta_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"old",
                            "new",
                            "keys",
                            "format",
                            "keep_last",
                            "empty_keys",
                            "schema_change",
                            "drop_gone",
                            "any_case",
                            "numbers_by_value",
                            "max_delete_ratio",
                            "max_update_ratio",
                            "min_rows",
                            "memory_limit",
                            "temp_dir",
                            "version",
                            "stamp",
                            NULL};
    struct delta_object *self = (struct delta_object *)object;
    struct scoop_delta_options options = {0};
    PyObject *old, *new, *keys, *temp_dir, *version, *stamp, *update_ratio;
    int format, keep_last, empty_keys, schema_change, drop_gone, any_case, by_value;
    unsigned long long min_rows;
    Py_ssize_t memory_limit;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O!$ippipppdOKnOOO:Delta", names,
                                     &PyTuple_Type, &old, &PyTuple_Type, &new, &PyTuple_Type, &keys,
                                     &format, &keep_last, &empty_keys, &schema_change, &drop_gone,
                                     &any_case, &by_value, &options.max_delete_ratio, &update_ratio,
                                     &min_rows, &memory_limit, &temp_dir, &version, &stamp))
        return -1;
    if (self->runner.owner != 0)
        return refuse(self, "a Delta is set up once");
    if (airscoop_given_text_or_none(state_of(self), "temp_dir", temp_dir, &options.temp_dir) != 0 ||
        airscoop_given_text_or_none(state_of(self), "version", version, &options.version) != 0 ||
        airscoop_given_text_or_none(state_of(self), "stamp", stamp, &options.stamp) != 0)
        return -1;
    if (memory_limit < 0)
        return refuse(self, "memory_limit is not a whole number, or out of range");
    if (update_ratio != Py_None) {
        options.limits_updates = true;
        options.max_update_ratio = PyFloat_AsDouble(update_ratio);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return refuse(self, "max_update_ratio is not a number");
        }
    }
    options.format = (enum scoop_table_format)format;
    options.keep_last = keep_last;
    options.empty_keys = empty_keys;
    options.schema_change = (enum scoop_schema_change)schema_change;
    options.drop_gone = drop_gone;
    options.any_case = any_case;
    options.numbers_by_value = by_value;
    options.min_rows = min_rows;
    options.memory_limit_bytes = (size_t)memory_limit;
    self->state = SCOOP_DELTA_RUNNING;
    if (make(self, &options, old, new, keys) != 0)
        return -1;
    airscoop_runner_set_up(&self->runner);
    return 0;
}

static void delta_finalize(PyObject *object) {
    struct delta_object *self = (struct delta_object *)object;
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->delta != NULL && airscoop_runner_is_ours(&self->runner))
        let_go(self);
    PyErr_Restore(kind, value, trace);
}

static int delta_traverse(PyObject *object, visitproc visit, void *arg) {
    struct delta_object *self = (struct delta_object *)object;
    Py_VISIT(Py_TYPE(object));
    int status = airscoop_runner_traverse(&self->runner, visit, arg);
    for (Py_ssize_t i = 0; self->providers != NULL && status == 0 && i < self->objects; i++)
        status = airscoop_providers_traverse(&self->providers[i], visit, arg);
    return status;
}

static int delta_clear(PyObject *object) {
    struct delta_object *self = (struct delta_object *)object;
    airscoop_runner_clear(&self->runner);
    free_providers(self);
    return 0;
}

static void delta_dealloc(PyObject *object) {
    struct delta_object *self = (struct delta_object *)object;
    PyObject_GC_UnTrack(object);
    delta_finalize(object);
    scoop_changes_give(self->changes);
    delta_clear(object);
    airscoop_release(object);
}

static PyObject *side_dict(const struct scoop_delta_side_facts *side) {
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:N,s:I}", "rows", side->rows, "duplicates",
                         side->duplicates, "source_bytes", side->source_bytes, "text_bytes",
                         side->text_bytes, "etag", airscoop_text(side->etag), "retries",
                         side->retries);
}

static PyObject *delta_facts(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (airscoop_runner_rests(&self->runner))
        note(self);
    const struct scoop_delta_facts facts = self->noted;
    return Py_BuildValue("{s:N,s:N,s:K,s:K,s:K,s:K,s:O,s:O,s:K}", "old", side_dict(&facts.sides[0]),
                         "new", side_dict(&facts.sides[1]), "inserted", facts.inserted, "updated",
                         facts.updated, "deleted", facts.deleted, "unchanged", facts.unchanged,
                         "json", facts.json ? Py_True : Py_False, "sorted",
                         facts.sorted ? Py_True : Py_False, "spilled_bytes", facts.spilled_bytes);
}

/* Without the GIL: a Python exception raised meanwhile cancels. */
static int advance(void *user, struct scoop_error *error) {
    struct delta_object *self = user;
    do {
        self->state = scoop_delta_run(self->delta, SCOOP_SLICE_MS, error);
        if (self->state == SCOOP_DELTA_RUNNING && airscoop_runner_look(&self->runner))
            scoop_delta_cancel(self->delta);
    } while (self->state == SCOOP_DELTA_RUNNING);
    return self->state == SCOOP_DELTA_FAILED ? -1 : 0;
}

static PyObject *delta_run(PyObject *object, PyObject *progress) {
    struct delta_object *self = (struct delta_object *)object;
    if (airscoop_runner_begin(&self->runner, progress == Py_None ? NULL : progress) != 0 ||
        airscoop_runner_call(&self->runner, advance, self) != 0)
        return NULL;
    return delta_facts(object, NULL);
}

/* They belong to the caller afterwards: the Delta is not to keep them for as long as it lives. */
static PyObject *delta_changes(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    struct scoop_changes *changes = self->changes;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (changes == NULL) {
        refuse(self, "there are changes only after a run, and only once");
        return NULL;
    }
    self->changes = NULL;
    return airscoop_new_changes(state_of(self), changes);
}

static PyObject *delta_cancel(PyObject *object, PyObject *unused) {
    struct delta_object *self = (struct delta_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->delta != NULL)
        scoop_delta_cancel(self->delta);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", delta_run, METH_O, "Compares to the end; returns the facts."},
    {"facts", delta_facts, METH_NOARGS, "The facts so far."},
    {"changes", delta_changes, METH_NOARGS, "What run has found, once."},
    {"cancel", delta_cancel, METH_NOARGS, "Makes run end in Cancelled. Any thread."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One comparison of two exports."},
    {Py_tp_new, delta_new},
    {Py_tp_init, delta_init},
    {Py_tp_traverse, delta_traverse},
    {Py_tp_clear, delta_clear},
    {Py_tp_finalize, delta_finalize},
    {Py_tp_dealloc, delta_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Delta",
    .basicsize = sizeof(struct delta_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_delta(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
