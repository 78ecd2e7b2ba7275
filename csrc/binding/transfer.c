/* airscoop._native.Transfer: one transfer, run, read from, or written to. After a fork it stays the
 * parent's: the child shares its connections, and has none of its threads. */
#include <unistd.h>

#include "binding.h"
#include "options.h"
#include "scoop/delta.h"
#include "scoop/transfer.h"

enum { MEMORY_CEILING = 256 * 1024 * 1024 };

struct transfer_object {
    PyObject_HEAD struct scoop_transfer *transfer;
    struct scoop_resume *resume;
    struct airscoop_providers providers;
    struct scoop_buf memory;
    pid_t owner; /* the process that made it */
    int to_memory;
    int fed;
    int busy;
    enum scoop_transfer_state state;
};

static struct airscoop_state *state_of(struct transfer_object *self) {
    return airscoop_state_of(Py_TYPE((PyObject *)self));
}

static int refuse(struct transfer_object *self, const char *why) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "%s", why);
    airscoop_raise(state_of(self), &error);
    return -1;
}

static int transfer_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"options", "to_memory", NULL};
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_transfer_options options = {0};
    struct scoop_error error = {0};
    PyObject *dict;
    int to_memory = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$p:Transfer", names, &PyDict_Type, &dict,
                                     &to_memory))
        return -1;
    if (self->transfer != NULL)
        return refuse(self, "a Transfer is set up once");
    if (airscoop_read_options(state_of(self), dict, &options, &self->providers) != 0)
        return -1;
    self->owner = getpid();
    scoop_buf_init(&self->memory, MEMORY_CEILING);
    self->fed = options.source.uri == NULL;
    self->to_memory = to_memory;
    self->state = SCOOP_TRANSFER_RUNNING;
    options.memory = self->to_memory ? &self->memory : NULL;
    self->transfer = scoop_transfer_new(&options, &error);
    if (self->transfer != NULL)
        return 0;
    airscoop_raise(state_of(self), &error);
    return -1;
}

static int is_forked(const struct transfer_object *self) {
    return self->transfer != NULL && self->owner != getpid();
}

/* What a forked child has of a transfer is left as it is: to end it would be to speak to the
 * parent's servers and to wait for threads that are not there. */
static void transfer_dealloc(PyObject *object) {
    struct transfer_object *self = (struct transfer_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->transfer != NULL && !is_forked(self)) {
        PyThreadState *thread = PyEval_SaveThread();
        scoop_transfer_free(self->transfer);
        PyEval_RestoreThread(thread);
        scoop_buf_free(&self->memory);
    }
    scoop_resume_free(self->resume);
    airscoop_providers_free(&self->providers);
    airscoop_forget_failure();
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
    PyErr_Restore(kind, value, trace);
}

/* A Transfer made by __new__ alone has nothing to work with, one made before a fork is not ours. */
static int check_set_up(struct transfer_object *self) {
    if (is_forked(self))
        return refuse(self, "this Transfer belongs to the process that this one was forked from; "
                            "make one of its own in each process");
    return self->transfer == NULL ? refuse(self, "this Transfer is not set up") : 0;
}

static int begin(struct transfer_object *self) {
    if (check_set_up(self) != 0)
        return -1;
    if (self->busy)
        return refuse(self, "this Transfer is in use by another thread");
    if (self->state == SCOOP_TRANSFER_DONE || self->state == SCOOP_TRANSFER_FAILED)
        return refuse(self, "this Transfer has ended");
    self->busy = 1;
    return 0;
}

/* Tells Python of the upload; a true answer says that a later try will know it. */
static int tell_upload(struct transfer_object *self, PyObject *on_upload) {
    struct scoop_transfer_upload upload;
    scoop_transfer_upload(self->transfer, &upload);
    PyObject *answer = PyObject_CallFunction(on_upload, "ssOO", upload.upload_id, upload.source,
                                             upload.resumable ? Py_True : Py_False,
                                             upload.seekable ? Py_True : Py_False);
    int kept = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (kept > 0)
        scoop_transfer_keep_upload(self->transfer);
    return kept < 0 ? -1 : 0;
}

/* Runs while the state is RUNNING; a Python exception raised meanwhile cancels, and wins. */
static int run_on(struct transfer_object *self, PyObject *progress, PyObject *on_upload) {
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    airscoop_waiting_begin(&waiting, progress);
    do {
        self->state = scoop_transfer_run(self->transfer, SCOOP_SLICE_MS, &error);
        if (self->state == SCOOP_TRANSFER_UPLOAD_CREATED) {
            self->state = SCOOP_TRANSFER_RUNNING;
            PyEval_RestoreThread(waiting.thread);
            if (!waiting.raised && tell_upload(self, on_upload) != 0)
                waiting.raised = 1;
            waiting.thread = PyEval_SaveThread();
        }
        if (self->state == SCOOP_TRANSFER_RUNNING && waiting.interrupt.check(&waiting))
            scoop_transfer_cancel(self->transfer);
    } while (self->state == SCOOP_TRANSFER_RUNNING);
    airscoop_waiting_end(&waiting);
    self->busy = 0;
    if (waiting.raised) {
        airscoop_note_commit(scoop_transfer_committed(self->transfer));
        return -1;
    }
    if (self->state != SCOOP_TRANSFER_FAILED)
        return 0;
    airscoop_raise(state_of(self), &error);
    return -1;
}

static PyObject *facts_dict(struct transfer_object *self) {
    static const char *const resumed[] = {
        [SCOOP_RESUMED_NOT] = NULL,
        [SCOOP_RESUMED_BYTES] = "bytes",
        [SCOOP_RESUMED_PARTS] = "parts",
        [SCOOP_RESUMED_OVER] = "restarted",
    };
    struct scoop_transfer_facts facts;
    scoop_transfer_facts(self->transfer, &facts);
    const struct scoop_counters *counters = &facts.counters;
    return Py_BuildValue(
        "{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:O,s:s,s:s,s:s,s:L,s:I,s:I,s:O,s:O,s:O,s:K,s:O,s:s,s:s,"
        "s:z,s:K}",
        "source_bytes", counters->source_bytes, "text_bytes", counters->text_bytes,
        "destination_bytes", counters->destination_bytes, "records_in", counters->records_in,
        "records_out", counters->records_out, "records_rejected", counters->records_rejected,
        "blank_lines", counters->blank_lines, "gzip_members", counters->gzip_members,
        "bom_stripped", counters->bom_stripped ? Py_True : Py_False, "source_etag",
        facts.source_etag, "etag", facts.destination_etag, "checksum", facts.checksum,
        "source_total_bytes", (long long)facts.source_total_bytes, "parts", facts.parts, "retries",
        facts.retries, "rejects_written", facts.rejects_written ? Py_True : Py_False, "unchanged",
        facts.unchanged ? Py_True : Py_False, "restarted", facts.restarted ? Py_True : Py_False,
        "records_changed", counters->records_changed, "server_side",
        facts.server_side ? Py_True : Py_False, "server_side_refused", facts.server_side_refused,
        "parts_kept", facts.parts_kept, "resumed", resumed[facts.resumed], "resumed_bytes",
        facts.resumed_bytes);
}

static PyObject *transfer_facts(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    return check_set_up(self) == 0 ? facts_dict(self) : NULL;
}

static PyObject *transfer_committed(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    return airscoop_committed_or_none(scoop_transfer_committed(self->transfer));
}

static int add_parts(struct scoop_resume *resume, PyObject *parts, struct scoop_error *error) {
    Py_ssize_t count = PyList_Size(parts);
    for (Py_ssize_t i = 0; i < count; i++) {
        unsigned number;
        unsigned long long size;
        const char *etag, *checksum;
        if (!PyArg_ParseTuple(PyList_GetItem(parts, i), "IKss", &number, &size, &etag, &checksum) ||
            scoop_resume_add(resume, number, size, etag, checksum, error) != 0)
            return -1;
    }
    return 0;
}

static PyObject *transfer_take_up(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"upload_id",  "source",        "parts", "kept_parts",
                            "kept_bytes", "kept_checksum", "keep",  NULL};
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_error error = {0};
    const char *upload_id, *source;
    PyObject *parts;
    unsigned kept_parts;
    unsigned long long kept_bytes, kept_checksum;
    int keep;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ssO!IKKp:take_up", names, &upload_id, &source,
                                     &PyList_Type, &parts, &kept_parts, &kept_bytes, &kept_checksum,
                                     &keep))
        return NULL;
    if (check_set_up(self) != 0 ||
        (self->resume != NULL && refuse(self, "a Transfer takes up one upload") != 0))
        return NULL;
    self->resume = scoop_resume_new(upload_id, source, &error);
    if (self->resume == NULL || add_parts(self->resume, parts, &error) != 0)
        return PyErr_Occurred() ? NULL : airscoop_raise(state_of(self), &error);
    self->resume->kept_parts = kept_parts;
    self->resume->kept_bytes = kept_bytes;
    self->resume->kept_checksum = kept_checksum;
    scoop_transfer_take_up(self->transfer, self->resume);
    if (keep)
        scoop_transfer_keep_upload(self->transfer);
    Py_RETURN_NONE;
}

static PyObject *transfer_mark(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_upload_mark mark;
    struct scoop_error error = {0};
    char etags[2 * SCOOP_SHA256_BYTES + 1];
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    if (scoop_transfer_mark(self->transfer, &mark, &error) != 0)
        return airscoop_raise(state_of(self), &error);
    scoop_hex_encode(mark.etags, sizeof mark.etags, etags);
    return Py_BuildValue("(IKKs)", mark.parts, (unsigned long long)mark.bytes,
                         (unsigned long long)mark.checksum, etags);
}

static PyObject *transfer_run(PyObject *object, PyObject *args) {
    struct transfer_object *self = (struct transfer_object *)object;
    PyObject *progress, *on_upload = Py_None;
    if (!PyArg_ParseTuple(args, "O|O:run", &progress, &on_upload))
        return NULL;
    if (self->fed || self->to_memory) {
        refuse(self, "run() needs a source and a destination");
        return NULL;
    }
    if (begin(self) != 0)
        return NULL;
    if (on_upload != Py_None)
        scoop_transfer_watch_upload(self->transfer);
    if (run_on(self, progress == Py_None ? NULL : progress, on_upload) != 0)
        return NULL;
    return facts_dict(self);
}

static PyObject *transfer_read(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (!self->to_memory) {
        refuse(self, "read() needs a transfer to memory");
        return NULL;
    }
    if (self->state != SCOOP_TRANSFER_DONE && (begin(self) != 0 || run_on(self, NULL, NULL) != 0))
        return NULL;
    PyObject *data =
        PyBytes_FromStringAndSize((const char *)self->memory.data, (Py_ssize_t)self->memory.length);
    self->memory.length = 0;
    return data;
}

static PyObject *transfer_write(PyObject *object, PyObject *data) {
    struct transfer_object *self = (struct transfer_object *)object;
    Py_buffer view;
    if (!self->fed) {
        refuse(self, "write() needs a transfer without a source");
        return NULL;
    }
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0)
        return NULL;
    Py_ssize_t length = view.len;
    int status = begin(self);
    if (status == 0) {
        scoop_transfer_feed(self->transfer, view.buf, (size_t)length);
        status = run_on(self, NULL, NULL);
    }
    PyBuffer_Release(&view);
    return status == 0 ? PyLong_FromSsize_t(length) : NULL;
}

/* Feeds block after block, each as write() does; returns the bytes, or -1 with an exception. */
static long long feed_blocks(struct transfer_object *self, struct scoop_change_blocks *blocks) {
    const unsigned char *data;
    size_t length;
    long long written = 0;
    struct scoop_error error = {0};
    for (;;) {
        PyThreadState *thread = PyEval_SaveThread();
        int status = scoop_change_blocks_next(blocks, &data, &length, &error);
        PyEval_RestoreThread(thread);
        if (status < 0)
            airscoop_raise(state_of(self), &error);
        if (status <= 0)
            return status < 0 ? -1 : written;
        if (PyErr_CheckSignals() != 0 || begin(self) != 0)
            return -1;
        scoop_transfer_feed(self->transfer, data, length);
        if (run_on(self, NULL, NULL) != 0)
            return -1;
        written += (long long)length;
    }
}

static PyObject *transfer_write_changes(PyObject *object, PyObject *from) {
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_error error = {0};
    if (check_set_up(self) != 0)
        return NULL;
    if (!self->fed) {
        refuse(self, "write_changes() needs a transfer without a source");
        return NULL;
    }
    struct scoop_changes *changes = airscoop_changes_of(state_of(self), from);
    if (changes == NULL)
        return NULL;
    struct scoop_change_blocks *blocks = scoop_change_blocks_new(changes, &error);
    if (blocks == NULL)
        return airscoop_raise(state_of(self), &error);
    long long written = feed_blocks(self, blocks);
    PyThreadState *thread = PyEval_SaveThread();
    scoop_change_blocks_free(blocks);
    PyEval_RestoreThread(thread);
    return written < 0 ? NULL : PyLong_FromLongLong(written);
}

static PyObject *transfer_seal(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (!self->fed) {
        refuse(self, "seal() needs a transfer without a source");
        return NULL;
    }
    if (begin(self) != 0)
        return NULL;
    scoop_transfer_feed_end(self->transfer);
    return run_on(self, NULL, NULL) == 0 ? facts_dict(self) : NULL;
}

static PyObject *transfer_commit(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (!self->fed) {
        refuse(self, "commit() needs a transfer without a source");
        return NULL;
    }
    if (begin(self) != 0)
        return NULL;
    scoop_transfer_feed_end(self->transfer);
    scoop_transfer_release(self->transfer);
    return run_on(self, NULL, NULL) == 0 ? facts_dict(self) : NULL;
}

/* Ends a transfer that has not ended, without an exception for it; the parent's stays as it is. */
static int abort_quietly(struct transfer_object *self) {
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    if (is_forked(self))
        return 0;
    if (self->state == SCOOP_TRANSFER_DONE || self->state == SCOOP_TRANSFER_FAILED)
        return 0;
    if (begin(self) != 0)
        return -1;
    scoop_transfer_cancel(self->transfer);
    airscoop_waiting_begin(&waiting, NULL);
    while (self->state != SCOOP_TRANSFER_DONE && self->state != SCOOP_TRANSFER_FAILED)
        self->state = scoop_transfer_run(self->transfer, SCOOP_SLICE_MS, &error);
    airscoop_waiting_end(&waiting);
    self->busy = 0;
    return 0;
}

static PyObject *transfer_abort(PyObject *object, PyObject *unused) {
    (void)unused;
    if (abort_quietly((struct transfer_object *)object) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *transfer_cancel(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (check_set_up(self) != 0)
        return NULL;
    scoop_transfer_cancel(self->transfer);
    Py_RETURN_NONE;
}

static PyObject *transfer_enter(PyObject *object, PyObject *unused) {
    (void)unused;
    return Py_NewRef(object);
}

/* Commits what was written, or takes it back when an exception leaves the block. */
static PyObject *transfer_exit(PyObject *object, PyObject *args) {
    struct transfer_object *self = (struct transfer_object *)object;
    PyObject *kind, *value, *trace;
    if (!PyArg_ParseTuple(args, "OOO:__exit__", &kind, &value, &trace))
        return NULL;
    int open = self->state != SCOOP_TRANSFER_DONE && self->state != SCOOP_TRANSFER_FAILED;
    if (kind == Py_None && self->fed && open) {
        PyObject *facts = transfer_commit(object, NULL);
        if (facts == NULL)
            return NULL;
        Py_DECREF(facts);
    } else if (abort_quietly(self) != 0) {
        return NULL;
    }
    Py_RETURN_FALSE;
}

static PyMethodDef methods[] = {
    {"take_up", (PyCFunction)(void (*)(void))transfer_take_up, METH_VARARGS | METH_KEYWORDS,
     "Before run: goes on with the upload of an earlier try."},
    {"mark", transfer_mark, METH_NOARGS, "How far an upload that can be resumed has come."},
    {"run", transfer_run, METH_VARARGS, "Runs to the end; returns the facts."},
    {"read", transfer_read, METH_NOARGS, "The next bytes; b'' at the proven end."},
    {"write", transfer_write, METH_O, "Feeds bytes; returns their number."},
    {"write_changes", transfer_write_changes, METH_O,
     "Feeds a delta's changes as JSON lines; returns the number of bytes."},
    {"seal", transfer_seal, METH_NOARGS,
     "Of a transfer that is held: sends all that was written; commit() comes next."},
    {"commit", transfer_commit, METH_NOARGS, "Makes what was written visible; returns the facts."},
    {"abort", transfer_abort, METH_NOARGS, "Takes everything back; a second call does nothing."},
    {"cancel", transfer_cancel, METH_NOARGS, "Makes the transfer end in Cancelled. Any thread."},
    {"facts", transfer_facts, METH_NOARGS, "The facts so far."},
    {"committed", transfer_committed, METH_NOARGS,
     "Whether the destination is there; None: that is not known."},
    {"__enter__", transfer_enter, METH_NOARGS, NULL},
    {"__exit__", transfer_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One transfer, by a dict of options."},
    {Py_tp_init, transfer_init},
    {Py_tp_dealloc, transfer_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Transfer",
    .basicsize = sizeof(struct transfer_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int airscoop_add_transfer(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}
