/* airscoop._native.Aggregate: grouped counts of sources that are given one after the other. */
#include "binding/options.h"
#include "scoop/aggregate.h"

struct aggregate_object {
    PyObject_HEAD struct scoop_aggregate *aggregate; /* NULL: not set up, or ended */
    struct airscoop_runner runner;
    struct airscoop_providers providers[SCOOP_AGGREGATE_AHEAD]; /* of sources, in turn */
    size_t next_providers, open;
    struct scoop_aggregate_source_facts source; /* that was counted last */
    enum scoop_aggregate_state state;
    struct scoop_aggregated *result; /* once it is there */
    struct scoop_aggregate_facts noted;
};

static struct airscoop_state *state_of(struct aggregate_object *self) {
    return self->runner.state;
}

static int refuse(struct aggregate_object *self, const char *why) {
    return airscoop_runner_refuse(&self->runner, why);
}

static int note(void *object) {
    struct aggregate_object *self = object;
    if (self->aggregate != NULL)
        scoop_aggregate_facts(self->aggregate, &self->noted);
    return 0;
}

static void free_providers(struct aggregate_object *self) {
    for (size_t i = 0; i < SCOOP_AGGREGATE_AHEAD; i++)
        airscoop_providers_free(&self->providers[i]);
}

/* Stops the threads that read, and waits for them. */
static void let_go(struct aggregate_object *self) {
    struct scoop_aggregate *aggregate = self->aggregate;
    self->runner.ended = true;
    self->aggregate = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    scoop_aggregate_free(aggregate);
    PyEval_RestoreThread(thread);
    free_providers(self);
}

static void settle(void *object) {
    struct aggregate_object *self = object;
    note(self);
    if (self->state == SCOOP_AGGREGATE_DONE && self->result == NULL)
        self->result = scoop_aggregate_result(self->aggregate);
    if (self->state == SCOOP_AGGREGATE_FAILED)
        let_go(self);
}

static const struct airscoop_runner_type runner_type = {
    .name = "Aggregate", .advice = "", .note = note, .settle = settle};

static PyObject *aggregate_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct aggregate_object *self = airscoop_allocate(type);
    (void)args, (void)kwargs;
    if (self != NULL)
        airscoop_runner_init(&self->runner, &runner_type, airscoop_state_of(type), self);
    return (PyObject *)self;
}

/* --- options: strings are borrowed, until libscoop has copied them --- */

/* (field or None, type, name). */
static int read_column(struct aggregate_object *self, PyObject *tuple,
                       struct scoop_group_column *column) {
    PyObject *field, *name;
    int type;
    if (!PyArg_ParseTuple(tuple, "OiO", &field, &type, &name))
        return -1;
    column->type = (enum scoop_value_type)type;
    column->name = airscoop_given_text(state_of(self), "a column's name", name);
    return column->name == NULL
               ? -1
               : airscoop_given_text_or_none(state_of(self), "a field", field, &column->field);
}

struct given {
    struct scoop_grouping groupings[SCOOP_MOST_GROUPINGS];
    struct scoop_group_column columns[SCOOP_MOST_GROUPINGS][SCOOP_MOST_GROUP_COLUMNS];
    struct scoop_measure measures[SCOOP_MOST_MEASURES];
};

/* The size of a tuple that is no longer than `most`; beyond that libscoop tells what is wrong. */
static size_t size_of(PyObject *tuple, size_t most) {
    size_t size = (size_t)PyTuple_Size(tuple);
    return size < most ? size : most;
}

static int read_grouping(struct aggregate_object *self, PyObject *tuple, size_t at,
                         struct given *given) {
    PyObject *name, *columns;
    struct scoop_grouping *grouping = &given->groupings[at];
    if (!PyArg_ParseTuple(tuple, "OO!", &name, &PyTuple_Type, &columns))
        return -1;
    grouping->name = airscoop_given_text(state_of(self), "a grouping's name", name);
    if (grouping->name == NULL)
        return -1;
    grouping->columns = given->columns[at];
    grouping->count = (size_t)PyTuple_Size(columns);
    for (size_t i = 0; i < size_of(columns, SCOOP_MOST_GROUP_COLUMNS); i++)
        if (read_column(self, PyTuple_GetItem(columns, (Py_ssize_t)i), &given->columns[at][i]) != 0)
            return -1;
    return 0;
}

static int read_measure(struct aggregate_object *self, PyObject *tuple,
                        struct scoop_measure *measure) {
    PyObject *column;
    int kind;
    if (!PyArg_ParseTuple(tuple, "iO!", &kind, &PyTuple_Type, &column))
        return -1;
    measure->kind = (enum scoop_measure_kind)kind;
    return read_column(self, column, &measure->column);
}

static int read_given(struct aggregate_object *self, PyObject *groupings, PyObject *measures,
                      struct given *given, struct scoop_aggregate_options *options) {
    options->groupings = given->groupings;
    options->grouping_count = (size_t)PyTuple_Size(groupings);
    options->measures = given->measures;
    options->measure_count = (size_t)PyTuple_Size(measures);
    for (size_t i = 0; i < size_of(groupings, SCOOP_MOST_GROUPINGS); i++)
        if (read_grouping(self, PyTuple_GetItem(groupings, (Py_ssize_t)i), i, given) != 0)
            return -1;
    for (size_t i = 0; i < size_of(measures, SCOOP_MOST_MEASURES); i++)
        if (read_measure(self, PyTuple_GetItem(measures, (Py_ssize_t)i), &given->measures[i]) != 0)
            return -1;
    return 0;
}

static int make(struct aggregate_object *self, PyObject *groupings, PyObject *measures,
                struct scoop_aggregate_options *options) {
    struct scoop_error error = {0};
    struct given *given = PyMem_Calloc(1, sizeof *given);
    int status = -1;
    if (given == NULL)
        PyErr_NoMemory();
    else if (read_given(self, groupings, measures, given, options) == 0) {
        self->aggregate = scoop_aggregate_new(options, &error);
        status = self->aggregate == NULL ? -1 : 0;
        if (status != 0)
            airscoop_raise(state_of(self), &error);
    }
    PyMem_Free(given);
    return status;
}

static int aggregate_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {
        "groupings",    "measures",     "reject_missing", "reject_other_type", "top",
        "max_rejected", "keep_rejects", "memory_limit",   "temp_dir",          NULL};
    struct aggregate_object *self = (struct aggregate_object *)object;
    struct scoop_aggregate_options options = {0};
    PyObject *groupings, *measures, *temp_dir;
    int reject_missing, reject_other_type, keep_rejects;
    unsigned long long max_rejected;
    Py_ssize_t top, memory_limit;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!$ppnKpnO:Aggregate", names, &PyTuple_Type,
                                     &groupings, &PyTuple_Type, &measures, &reject_missing,
                                     &reject_other_type, &top, &max_rejected, &keep_rejects,
                                     &memory_limit, &temp_dir))
        return -1;
    if (self->runner.owner != 0)
        return refuse(self, "an Aggregate is set up once");
    if (airscoop_given_text_or_none(state_of(self), "temp_dir", temp_dir, &options.temp_dir) != 0)
        return -1;
    if (memory_limit < 0 || top < 0)
        return refuse(self, "memory_limit or top is not a whole number, or out of range");
    options.reject_missing = reject_missing;
    options.reject_other_type = reject_other_type;
    options.top = (size_t)top;
    options.max_rejected = max_rejected;
    options.keep_rejects = keep_rejects;
    options.memory_limit_bytes = (size_t)memory_limit;
    self->state = SCOOP_AGGREGATE_RUNNING;
    if (make(self, groupings, measures, &options) != 0)
        return -1;
    airscoop_runner_set_up(&self->runner);
    return 0;
}

/* --- the end --- */

static void aggregate_finalize(PyObject *object) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->aggregate != NULL && airscoop_runner_is_ours(&self->runner))
        let_go(self);
    PyErr_Restore(kind, value, trace);
}

static int aggregate_traverse(PyObject *object, visitproc visit, void *arg) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    Py_VISIT(Py_TYPE(object));
    int status = airscoop_runner_traverse(&self->runner, visit, arg);
    for (size_t i = 0; status == 0 && i < SCOOP_AGGREGATE_AHEAD; i++)
        status = airscoop_providers_traverse(&self->providers[i], visit, arg);
    return status;
}

static int aggregate_clear(PyObject *object) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    airscoop_runner_clear(&self->runner);
    free_providers(self);
    return 0;
}

static void aggregate_dealloc(PyObject *object) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    PyObject_GC_UnTrack(object);
    aggregate_finalize(object);
    scoop_aggregated_give(self->result);
    aggregate_clear(object);
    airscoop_release(object);
}

/* --- methods --- */

static PyObject *facts_dict(const struct scoop_aggregate_facts *facts) {
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:I,s:N}", "records", facts->records,
                         "counted", facts->counted, "rejected", facts->rejected, "missing",
                         facts->missing, "other_type", facts->other_type, "source_bytes",
                         facts->source_bytes, "text_bytes", facts->text_bytes, "spilled_bytes",
                         facts->spilled_bytes, "retries", facts->retries, "first_reject",
                         airscoop_text(facts->first_reject));
}

static PyObject *aggregate_facts(PyObject *object, PyObject *unused) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (airscoop_runner_rests(&self->runner))
        note(self);
    return facts_dict(&self->noted);
}

struct added {
    struct scoop_aggregate *aggregate;
    struct scoop_transfer_options options;
};

static int add(void *user, struct scoop_error *error) {
    struct added *added = user;
    return scoop_aggregate_add(added->aggregate, &added->options, error);
}

/* A source's providers stay where they are while it is open: sources close in their order. */
static PyObject *aggregate_add(PyObject *object, PyObject *dict) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    struct airscoop_providers *providers = &self->providers[self->next_providers];
    struct added added = {.aggregate = self->aggregate};
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->open == SCOOP_AGGREGATE_AHEAD) {
        refuse(self, "a source is added while others are open");
        return NULL;
    }
    if (airscoop_read_options(&self->runner, dict, &added.options, providers) != 0 ||
        airscoop_runner_begin(&self->runner, NULL) != 0 ||
        airscoop_runner_call(&self->runner, add, &added) != 0) {
        airscoop_providers_free(providers);
        return NULL;
    }
    self->next_providers = (self->next_providers + 1) % SCOOP_AGGREGATE_AHEAD;
    self->open++;
    Py_RETURN_NONE;
}

/* Without the GIL: a Python exception raised meanwhile cancels. */
static int advance(void *user, struct scoop_error *error) {
    struct aggregate_object *self = user;
    do {
        self->state = scoop_aggregate_run(self->aggregate, SCOOP_SLICE_MS, error);
        if (self->state == SCOOP_AGGREGATE_RUNNING && airscoop_runner_look(&self->runner))
            scoop_aggregate_cancel(self->aggregate);
    } while (self->state == SCOOP_AGGREGATE_RUNNING);
    if (self->state == SCOOP_AGGREGATE_READ)
        scoop_aggregate_close_source(self->aggregate, &self->source);
    return self->state == SCOOP_AGGREGATE_FAILED ? -1 : 0;
}

static int run(struct aggregate_object *self, PyObject *progress) {
    if (airscoop_runner_begin(&self->runner, progress == Py_None ? NULL : progress) != 0)
        return -1;
    return airscoop_runner_call(&self->runner, advance, self);
}

static PyObject *aggregate_count(PyObject *object, PyObject *progress) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->open == 0) {
        refuse(self, "there is no source to count");
        return NULL;
    }
    if (run(self, progress) != 0)
        return NULL;
    self->open--;
    const struct scoop_aggregate_source_facts *facts = &self->source;
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:I,s:N}", "records", facts->records, "counted",
                         facts->counted, "rejected", facts->rejected, "source_bytes",
                         facts->source_bytes, "text_bytes", facts->text_bytes, "retries",
                         facts->retries, "etag", airscoop_text(facts->etag));
}

static PyObject *aggregate_finish(PyObject *object, PyObject *progress) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->open > 0 || self->aggregate == NULL) {
        refuse(self, self->open > 0 ? "sources are still open" : "this Aggregate has ended");
        return NULL;
    }
    scoop_aggregate_finish(self->aggregate);
    if (run(self, progress) != 0)
        return NULL;
    return airscoop_new_aggregated(state_of(self), scoop_aggregated_hold(self->result));
}

static PyObject *aggregate_rejects(PyObject *object, PyObject *unused) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->aggregate == NULL || !airscoop_runner_rests(&self->runner)) {
        refuse(self, "rejected records are told once all are counted");
        return NULL;
    }
    const struct scoop_buf *lines = scoop_aggregate_rejects(self->aggregate);
    return PyBytes_FromStringAndSize((const char *)lines->data, (Py_ssize_t)lines->length);
}

static PyObject *aggregate_cancel(PyObject *object, PyObject *unused) {
    struct aggregate_object *self = (struct aggregate_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->aggregate != NULL)
        scoop_aggregate_cancel(self->aggregate);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"add", aggregate_add, METH_O, "Opens one more source, to be counted after those before."},
    {"count", aggregate_count, METH_O, "Counts the first open source; returns its facts."},
    {"finish", aggregate_finish, METH_O, "No source follows: makes the result."},
    {"facts", aggregate_facts, METH_NOARGS, "The facts of all sources so far."},
    {"rejects", aggregate_rejects, METH_NOARGS, "The rejected records, as in a reject file."},
    {"cancel", aggregate_cancel, METH_NOARGS, "Makes the call under way end in Cancelled."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One count of the records of many sources, in groups."},
    {Py_tp_new, aggregate_new},
    {Py_tp_init, aggregate_init},
    {Py_tp_traverse, aggregate_traverse},
    {Py_tp_clear, aggregate_clear},
    {Py_tp_finalize, aggregate_finalize},
    {Py_tp_dealloc, aggregate_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Aggregate",
    .basicsize = sizeof(struct aggregate_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_aggregate(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
