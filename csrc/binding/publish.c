/* airscoop._native.Publish: changes published on a Kinesis stream. */
#include "binding/options.h"
#include "scoop/publish.h"

struct publish_object {
    PyObject_HEAD struct scoop_publish *publish; /* NULL: not set up, or ended */
    struct airscoop_runner runner;
    PyObject *options; /* the dict, which holds the source's strings */
    struct airscoop_providers providers;
    enum scoop_publish_state state;
    struct scoop_publish_facts noted; /* told while run works, and after the end */
    PyObject *shards;                 /* the same */
};

static struct airscoop_state *state_of(struct publish_object *self) {
    return self->runner.state;
}

static int refuse(struct publish_object *self, const char *why) {
    return airscoop_runner_refuse(&self->runner, why);
}

static int add_shard(void *user, const char *name, uint64_t records) {
    PyObject *shown = airscoop_text(name), *count = PyLong_FromUnsignedLongLong(records);
    int status = shown == NULL || count == NULL ? -1 : PyDict_SetItem(user, shown, count);
    Py_XDECREF(shown);
    Py_XDECREF(count);
    return status;
}

static int note(void *object) {
    struct publish_object *self = object;
    if (self->publish == NULL)
        return 0;
    PyObject *shards = PyDict_New(), *earlier = self->shards;
    if (shards == NULL || scoop_publish_each_shard(self->publish, add_shard, shards) != 0) {
        Py_XDECREF(shards);
        return -1;
    }
    scoop_publish_facts(self->publish, &self->noted);
    self->shards = shards;
    Py_XDECREF(earlier);
    return 0;
}

static void free_options(struct publish_object *self) {
    airscoop_providers_free(&self->providers);
    Py_CLEAR(self->options);
}

static void let_go(struct publish_object *self) {
    struct scoop_publish *publish = self->publish;
    self->runner.ended = true;
    self->publish = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    scoop_publish_free(publish);
    PyEval_RestoreThread(thread);
    free_options(self);
}

static void settle(void *object) {
    struct publish_object *self = object;
    if (self->state == SCOOP_PUBLISH_RUNNING)
        return;
    if (note(self) != 0)
        PyErr_Clear(); /* what was known before will do */
    let_go(self);
}

static const struct airscoop_runner_type runner_type = {
    .name = "Publish", .advice = "", .note = note, .settle = settle};

static PyObject *publish_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct publish_object *self = airscoop_allocate(type);
    (void)args, (void)kwargs;
    if (self != NULL)
        airscoop_runner_init(&self->runner, &runner_type, airscoop_state_of(type), self);
    return (PyObject *)self;
}

/* The stream's endpoint and keys stand in the dict as the destination's. */
static int make(struct publish_object *self, struct scoop_publish_options *options) {
    struct scoop_transfer_options changes = {0};
    struct scoop_error error = {0};
    if (airscoop_read_options(&self->runner, self->options, &changes, &self->providers) != 0)
        return -1;
    const struct scoop_s3_options *end = &changes.destination.s3;
    options->changes = &changes;
    options->kinesis = (struct scoop_kinesis_options){
        end->endpoint_url, end->region, end->credentials, end->provider, end->proxy, end->limits};
    self->publish = scoop_publish_new(options, &error);
    if (self->publish == NULL)
        airscoop_raise(state_of(self), &error);
    return self->publish == NULL ? -1 : 0;
}

static int publish_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"options",  "stream",        "start_at",   "any_order",
                            "retry_ms", "max_in_flight", "max_age_ms", NULL};
    struct publish_object *self = (struct publish_object *)object;
    struct scoop_publish_options options = {0};
    PyObject *dict, *stream;
    unsigned long long start_at, retry_ms;
    int any_order;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O$KpKII:Publish", names, &PyDict_Type, &dict,
                                     &stream, &start_at, &any_order, &retry_ms,
                                     &options.max_in_flight, &options.max_age_ms))
        return -1;
    if (self->runner.owner != 0 || self->options != NULL)
        return refuse(self, "a Publish is set up once");
    options.stream = airscoop_given_text(state_of(self), "stream", stream);
    if (options.stream == NULL)
        return -1;
    self->options = PyDict_Copy(dict);
    if (self->options == NULL)
        return -1;
    options.start_at = start_at;
    options.retry_ms = retry_ms;
    options.any_order = any_order;
    self->state = SCOOP_PUBLISH_RUNNING;
    if (make(self, &options) != 0) {
        free_options(self);
        return -1;
    }
    airscoop_runner_set_up(&self->runner);
    return 0;
}

static void publish_finalize(PyObject *object) {
    struct publish_object *self = (struct publish_object *)object;
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->publish != NULL && airscoop_runner_is_ours(&self->runner))
        let_go(self);
    PyErr_Restore(kind, value, trace);
}

static int publish_traverse(PyObject *object, visitproc visit, void *arg) {
    struct publish_object *self = (struct publish_object *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->options);
    Py_VISIT(self->shards);
    int status = airscoop_runner_traverse(&self->runner, visit, arg);
    return status != 0 ? status : airscoop_providers_traverse(&self->providers, visit, arg);
}

static int publish_clear(PyObject *object) {
    struct publish_object *self = (struct publish_object *)object;
    airscoop_runner_clear(&self->runner);
    free_options(self);
    Py_CLEAR(self->shards);
    return 0;
}

static void publish_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    publish_finalize(object);
    publish_clear(object);
    airscoop_release(object);
}

static PyObject *publish_facts(PyObject *object, PyObject *unused) {
    struct publish_object *self = (struct publish_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0 ||
        (airscoop_runner_rests(&self->runner) && note(self) != 0))
        return NULL;
    const struct scoop_publish_facts facts = self->noted;
    PyObject *shards = self->shards == NULL ? PyDict_New() : PyDict_Copy(self->shards);
    if (shards == NULL)
        return NULL;
    return Py_BuildValue(
        "{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:I,s:I,s:K,s:L,s:I,s:N,s:K,s:n,s:N}", "changes",
        facts.changes, "skipped", facts.skipped, "acknowledged", facts.acknowledged, "sent",
        facts.sent, "sent_bytes", facts.sent_bytes, "retried", facts.retried, "throttled",
        facts.throttled, "calls", facts.calls, "in_flight", facts.in_flight, "window", facts.window,
        "source_bytes", facts.source_bytes, "source_total_bytes", facts.source_total_bytes,
        "source_retries", facts.source_retries, "source_etag", airscoop_text(facts.source_etag),
        "open_shards", facts.stream.open_shards, "max_record_bytes",
        (Py_ssize_t)facts.stream.record_bytes, "shards", shards);
}

/* Without the GIL: a Python exception raised meanwhile cancels. */
static int advance(void *user, struct scoop_error *error) {
    struct publish_object *self = user;
    do {
        self->state = scoop_publish_run(self->publish, SCOOP_SLICE_MS, error);
        if (self->state == SCOOP_PUBLISH_RUNNING && airscoop_runner_look(&self->runner))
            scoop_publish_cancel(self->publish);
    } while (self->state == SCOOP_PUBLISH_RUNNING);
    return self->state == SCOOP_PUBLISH_FAILED ? -1 : 0;
}

static PyObject *publish_run(PyObject *object, PyObject *progress) {
    struct publish_object *self = (struct publish_object *)object;
    if (airscoop_runner_begin(&self->runner, progress == Py_None ? NULL : progress) != 0 ||
        airscoop_runner_call(&self->runner, advance, self) != 0)
        return NULL;
    return publish_facts(object, NULL);
}

static PyObject *publish_cancel(PyObject *object, PyObject *unused) {
    struct publish_object *self = (struct publish_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->publish != NULL)
        scoop_publish_cancel(self->publish);
    Py_RETURN_NONE;
}

static PyObject *publish_allow_until(PyObject *object, PyObject *until_ms) {
    struct publish_object *self = (struct publish_object *)object;
    unsigned long long until = PyLong_AsUnsignedLongLong(until_ms);
    if (PyErr_Occurred() != NULL || airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->publish != NULL)
        scoop_publish_allow_until(self->publish, until);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", publish_run, METH_O, "Publishes to the end; returns the facts."},
    {"facts", publish_facts, METH_NOARGS, "The facts so far."},
    {"cancel", publish_cancel, METH_NOARGS, "Makes run end in Cancelled. Any thread."},
    {"allow_until", publish_allow_until, METH_O,
     "Nothing is sent after so many ms of CLOCK_BOOTTIME, until the next call. Any thread."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One publishing of a file of changes."},
    {Py_tp_new, publish_new},
    {Py_tp_init, publish_init},
    {Py_tp_traverse, publish_traverse},
    {Py_tp_clear, publish_clear},
    {Py_tp_finalize, publish_finalize},
    {Py_tp_dealloc, publish_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Publish",
    .basicsize = sizeof(struct publish_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_publish(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
