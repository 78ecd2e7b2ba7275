/* airscoop._native.Publish: changes published on a Kinesis stream. */
#include <unistd.h>

#include "binding.h"
#include "options.h"
#include "scoop/publish.h"

struct publish_object {
    PyObject_HEAD struct scoop_publish *publish;
    PyObject *options; /* the dict, which holds the source's strings */
    struct airscoop_providers providers;
    pid_t owner; /* the process that made it: a forked child has none of its threads */
    int busy;
    enum scoop_publish_state state;
};

static struct airscoop_state *state_of(struct publish_object *self) {
    return airscoop_state_of(Py_TYPE((PyObject *)self));
}

static int refuse(struct publish_object *self, const char *why) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "%s", why);
    airscoop_raise(state_of(self), &error);
    return -1;
}

/* The stream's endpoint and keys stand in the dict as the destination's. */
static int make(struct publish_object *self, struct scoop_publish_options *options) {
    struct scoop_transfer_options changes = {0};
    struct scoop_error error = {0};
    if (airscoop_read_options(state_of(self), self->options, &changes, &self->providers) != 0)
        return -1;
    const struct scoop_s3_options *end = &changes.destination.s3;
    options->changes = &changes;
    options->kinesis = (struct scoop_kinesis_options){end->endpoint_url, end->region,
                                                      end->credentials, end->provider};
    self->publish = scoop_publish_new(options, &error);
    if (self->publish == NULL)
        airscoop_raise(state_of(self), &error);
    return self->publish == NULL ? -1 : 0;
}

static int publish_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"options",   "stream",        "start_at",   "any_order",
                            "max_tries", "max_in_flight", "max_age_ms", NULL};
    struct publish_object *self = (struct publish_object *)object;
    struct scoop_publish_options options = {0};
    PyObject *dict;
    unsigned long long start_at;
    int any_order;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!s$KpIII:Publish", names, &PyDict_Type, &dict,
                                     &options.stream, &start_at, &any_order, &options.max_tries,
                                     &options.max_in_flight, &options.max_age_ms))
        return -1;
    if (self->publish != NULL || self->options != NULL)
        return refuse(self, "a Publish is set up once");
    self->options = PyDict_Copy(dict);
    if (self->options == NULL)
        return -1;
    options.start_at = start_at;
    options.any_order = any_order;
    self->state = SCOOP_PUBLISH_RUNNING;
    self->owner = getpid();
    return make(self, &options);
}

static void publish_dealloc(PyObject *object) {
    struct publish_object *self = (struct publish_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->owner == getpid()) {
        PyThreadState *thread = PyEval_SaveThread();
        scoop_publish_free(self->publish);
        PyEval_RestoreThread(thread);
    }
    airscoop_providers_free(&self->providers);
    Py_XDECREF(self->options);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
    PyErr_Restore(kind, value, trace);
}

static int check_set_up(struct publish_object *self) {
    if (self->publish != NULL && self->owner != getpid())
        return refuse(self, "this Publish belongs to the process that this one was forked from");
    return self->publish == NULL ? refuse(self, "this Publish is not set up") : 0;
}

static int add_shard(void *user, const char *name, uint64_t records) {
    PyObject *shown = airscoop_text(name), *count = PyLong_FromUnsignedLongLong(records);
    int status = shown == NULL || count == NULL ? -1 : PyDict_SetItem(user, shown, count);
    Py_XDECREF(shown);
    Py_XDECREF(count);
    return status;
}

static PyObject *publish_facts(PyObject *object, PyObject *unused) {
    struct publish_object *self = (struct publish_object *)object;
    struct scoop_publish_facts facts;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    PyObject *shards = PyDict_New();
    if (shards == NULL || scoop_publish_each_shard(self->publish, add_shard, shards) != 0) {
        Py_XDECREF(shards);
        return NULL;
    }
    scoop_publish_facts(self->publish, &facts);
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

/* Runs to the end; a Python exception raised meanwhile cancels, and wins. */
static PyObject *publish_run(PyObject *object, PyObject *progress) {
    struct publish_object *self = (struct publish_object *)object;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    if (check_set_up(self) != 0)
        return NULL;
    if (self->busy || self->state != SCOOP_PUBLISH_RUNNING) {
        refuse(self, "a Publish runs once");
        return NULL;
    }
    self->busy = 1;
    airscoop_waiting_begin(&waiting, progress == Py_None ? NULL : progress);
    do {
        self->state = scoop_publish_run(self->publish, SCOOP_SLICE_MS, &error);
        if (self->state == SCOOP_PUBLISH_RUNNING && waiting.interrupt.check(&waiting))
            scoop_publish_cancel(self->publish);
    } while (self->state == SCOOP_PUBLISH_RUNNING);
    airscoop_waiting_end(&waiting);
    self->busy = 0;
    if (waiting.raised)
        return NULL;
    if (self->state == SCOOP_PUBLISH_FAILED)
        return airscoop_raise(state_of(self), &error);
    return publish_facts(object, NULL);
}

static PyObject *publish_cancel(PyObject *object, PyObject *unused) {
    struct publish_object *self = (struct publish_object *)object;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    scoop_publish_cancel(self->publish);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", publish_run, METH_O, "Publishes to the end; returns the facts."},
    {"facts", publish_facts, METH_NOARGS, "The facts so far."},
    {"cancel", publish_cancel, METH_NOARGS, "Makes run end in Cancelled. Any thread."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One publishing of a file of changes."},
    {Py_tp_init, publish_init},
    {Py_tp_dealloc, publish_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Publish",
    .basicsize = sizeof(struct publish_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int airscoop_add_publish(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}
