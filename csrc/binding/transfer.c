/* airscoop._native.Transfer: one transfer, run, read from, or written to. After a fork it stays the
 * parent's: the child shares its connections, and has none of its threads. */
#include "binding/options.h"
#include "binding/reader.h"
#include "scoop/changes.h"
#include "scoop/transfer.h"

enum { MEMORY_CEILING = 256 * 1024 * 1024 };

struct transfer_object {
    PyObject_HEAD struct scoop_transfer *transfer; /* NULL: not set up, or ended */
    struct airscoop_runner runner;
    struct scoop_resume *resume;
    struct airscoop_providers providers;
    struct scoop_buf memory;
    struct scoop_buf shown; /* records that were rejected; told after the end */
    int to_memory;
    int fed;
    PyObject *on_upload;               /* borrowed, during run */
    enum scoop_transfer_state state;   /* of the call that is under way, or the last one */
    struct scoop_transfer_facts noted; /* told while a call works, and after the end */
    struct scoop_upload_mark mark;     /* told after the end */
    enum scoop_committed committed;    /* NO before the end */
};

static struct airscoop_state *state_of(struct transfer_object *self) {
    return self->runner.state;
}

static int refuse(struct transfer_object *self, const char *why) {
    return airscoop_runner_refuse(&self->runner, why);
}

static int note(void *object) {
    struct transfer_object *self = object;
    if (self->transfer != NULL)
        scoop_transfer_facts(self->transfer, &self->noted);
    return 0;
}

/* The facts, and what was read and not yet asked for, stay. */
static void let_go(struct transfer_object *self) {
    struct scoop_transfer *transfer = self->transfer;
    struct scoop_resume *resume = self->resume;
    self->runner.ended = true;
    self->transfer = NULL;
    self->resume = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    scoop_transfer_free(transfer);
    scoop_resume_free(resume);
    PyEval_RestoreThread(thread);
    airscoop_providers_free(&self->providers);
    if (self->state != SCOOP_TRANSFER_DONE)
        scoop_buf_free(&self->memory);
}

static enum scoop_committed committed(const void *object) {
    return ((const struct transfer_object *)object)->committed;
}

static bool is_over(const struct transfer_object *self) {
    return self->state == SCOOP_TRANSFER_DONE || self->state == SCOOP_TRANSFER_FAILED;
}

static void settle(void *object) {
    struct transfer_object *self = object;
    struct scoop_error ignored = {0};
    if (!is_over(self))
        return;
    note(self);
    scoop_transfer_take_shown(self->transfer, &self->shown);
    self->committed = scoop_transfer_committed(self->transfer);
    if (scoop_transfer_mark(self->transfer, &self->mark, &ignored) != 0)
        self->mark = (struct scoop_upload_mark){0};
    let_go(self);
}

static const struct airscoop_runner_type runner_type = {
    .name = "Transfer", .advice = "", .note = note, .settle = settle, .committed = committed};

static PyObject *transfer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct transfer_object *self = airscoop_allocate(type);
    (void)args, (void)kwargs;
    if (self != NULL)
        airscoop_runner_init(&self->runner, &runner_type, airscoop_state_of(type), self);
    return (PyObject *)self;
}

static int transfer_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"options", "to_memory", "engine_of", NULL};
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_transfer_options options = {0};
    struct scoop_error error = {0};
    PyObject *dict, *engine_of = Py_None;
    struct scoop_engine *engine = NULL;
    int to_memory = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$pO:Transfer", names, &PyDict_Type, &dict,
                                     &to_memory, &engine_of))
        return -1;
    if (self->runner.owner != 0)
        return refuse(self, "a Transfer is set up once");
    if (airscoop_read_options(&self->runner, dict, &options, &self->providers) != 0)
        return -1;
    scoop_buf_init(&self->memory, MEMORY_CEILING);
    self->fed = options.source.uri == NULL;
    self->to_memory = to_memory;
    self->state = SCOOP_TRANSFER_RUNNING;
    options.memory = self->to_memory ? &self->memory : NULL;
    self->transfer = scoop_transfer_new(&options, &error);
    if (self->transfer == NULL) {
        airscoop_raise(state_of(self), &error);
        return -1;
    }
    airscoop_runner_set_up(&self->runner);
    if (engine_of != Py_None && airscoop_reader_give_engine(state_of(self), engine_of, &engine))
        return -1;
    scoop_transfer_use_engine(self->transfer, engine);
    return 0;
}

/* Tells Python of the upload; a true answer says that a later try will know it. */
static int tell_upload(void *user) {
    struct transfer_object *self = user;
    struct scoop_transfer_upload upload;
    scoop_transfer_upload(self->transfer, &upload);
    PyObject *answer = PyObject_CallFunction(self->on_upload, "ssOO", upload.upload_id,
                                             upload.source, upload.resumable ? Py_True : Py_False,
                                             upload.seekable ? Py_True : Py_False);
    int kept = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (kept > 0)
        scoop_transfer_keep_upload(self->transfer);
    return kept < 0 ? -1 : 0;
}

/* Without the GIL: runs while the state is RUNNING; a Python exception raised meanwhile cancels. */
static int advance(void *user, struct scoop_error *error) {
    struct transfer_object *self = user;
    do {
        self->state = scoop_transfer_run(self->transfer, SCOOP_SLICE_MS, error);
        if (self->state == SCOOP_TRANSFER_UPLOAD_CREATED) {
            airscoop_runner_ask(&self->runner, tell_upload, self);
            self->state = SCOOP_TRANSFER_RUNNING;
        }
        if (self->state == SCOOP_TRANSFER_RUNNING && airscoop_runner_look(&self->runner))
            scoop_transfer_cancel(self->transfer);
    } while (self->state == SCOOP_TRANSFER_RUNNING);
    return self->state == SCOOP_TRANSFER_FAILED ? -1 : 0;
}

/* Of a call that has begun. 0, or -1 with an exception set. */
static int run_on(struct transfer_object *self) {
    return airscoop_runner_call(&self->runner, advance, self);
}

static int begin(struct transfer_object *self) {
    return airscoop_runner_begin(&self->runner, NULL);
}

static PyObject *facts_dict(struct transfer_object *self) {
    static const char *const resumed[] = {
        [SCOOP_RESUMED_NOT] = NULL,
        [SCOOP_RESUMED_BYTES] = "bytes",
        [SCOOP_RESUMED_PARTS] = "parts",
        [SCOOP_RESUMED_OVER] = "restarted",
    };
    static const char *const handlings[] = {
        [SCOOP_HANDLING_NONE] = NULL,
        [SCOOP_KEPT] = "kept",
        [SCOOP_INFLATED] = "inflated",
        [SCOOP_PACKED] = "packed",
    };
    if (airscoop_runner_rests(&self->runner))
        note(self);
    const struct scoop_transfer_facts facts = self->noted;
    const struct scoop_counters *counters = &facts.counters;
    return Py_BuildValue(
        "{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:O,s:N,s:N,s:N,s:L,s:I,s:I,s:O,s:O,s:O,s:K,s:O,s:N,s:s,"
        "s:z,s:K,s:N,s:O,s:I,s:N,s:z,s:O,s:O,s:O,s:K,s:N}",
        "source_bytes", counters->source_bytes, "text_bytes", counters->text_bytes,
        "destination_bytes", counters->destination_bytes, "records_in", counters->records_in,
        "records_out", counters->records_out, "records_rejected", counters->records_rejected,
        "blank_lines", counters->blank_lines, "gzip_members", counters->gzip_members,
        "bom_stripped", counters->bom_stripped ? Py_True : Py_False, "source_etag",
        airscoop_text(facts.source_etag), "etag", airscoop_text(facts.destination_etag), "checksum",
        airscoop_text(facts.checksum), "source_total_bytes", (long long)facts.source_total_bytes,
        "parts", facts.parts, "retries", facts.retries, "rejects_written",
        facts.rejects_written ? Py_True : Py_False, "unchanged",
        facts.unchanged ? Py_True : Py_False, "restarted", facts.restarted ? Py_True : Py_False,
        "records_changed", counters->records_changed, "server_side",
        facts.server_side ? Py_True : Py_False, "server_side_refused",
        airscoop_text(facts.server_side_refused), "parts_kept", facts.parts_kept, "resumed",
        resumed[facts.resumed], "resumed_bytes", facts.resumed_bytes, "source_identity",
        airscoop_text(facts.source_identity), "source_seekable",
        facts.source_seekable ? Py_True : Py_False, "restarts", facts.restarts, "metadata_lost",
        airscoop_text(facts.metadata_lost), "compression", handlings[facts.handling],
        "gzip_unnamed", facts.gzip_unnamed ? Py_True : Py_False, "gzip_inside",
        counters->gzip_inside ? Py_True : Py_False, "decoded", facts.decoded ? Py_True : Py_False,
        "trailing_garbage_bytes", counters->garbage_bytes, "first_reject",
        airscoop_text(facts.first_reject));
}

static PyObject *transfer_facts(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    return airscoop_runner_check(&self->runner) == 0 ? facts_dict(self) : NULL;
}

static PyObject *transfer_rejected(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    return PyBytes_FromStringAndSize((const char *)self->shown.data,
                                     (Py_ssize_t)self->shown.length);
}

static PyObject *transfer_committed(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    return airscoop_committed_or_none(self->committed);
}

static int add_parts(struct scoop_resume *resume, PyObject *parts, struct scoop_error *error) {
    Py_ssize_t count = PyTuple_Size(parts);
    for (Py_ssize_t i = 0; i < count; i++) {
        unsigned number;
        unsigned long long size;
        const char *etag, *checksum;
        if (!PyArg_ParseTuple(PyTuple_GetItem(parts, i), "IKss", &number, &size, &etag,
                              &checksum) ||
            scoop_resume_add(resume, number, size, etag, checksum, error) != 0)
            return -1;
    }
    return 0;
}

static int take_up(struct transfer_object *self, struct scoop_resume *resume, bool keep) {
    if (airscoop_runner_check(&self->runner) != 0)
        return -1;
    if (self->resume != NULL)
        return refuse(self, "a Transfer takes up one upload");
    if (self->runner.begun)
        return refuse(self, "take_up() comes before run()");
    self->resume = resume;
    scoop_transfer_take_up(self->transfer, resume);
    if (keep)
        scoop_transfer_keep_upload(self->transfer);
    return 0;
}

static PyObject *transfer_take_up(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"upload_id",  "source",        "parts", "kept_parts",
                            "kept_bytes", "kept_checksum", "keep",  NULL};
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_error error = {0};
    const char *upload_id, *source;
    PyObject *list;
    unsigned kept_parts;
    unsigned long long kept_bytes, kept_checksum;
    int keep;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ssO!IKKp:take_up", names, &upload_id, &source,
                                     &PyList_Type, &list, &kept_parts, &kept_bytes, &kept_checksum,
                                     &keep))
        return NULL;
    PyObject *parts = PySequence_Tuple(list); /* which nobody can change meanwhile */
    if (parts == NULL)
        return NULL;
    struct scoop_resume *resume = scoop_resume_new(upload_id, source, &error);
    int status = resume == NULL ? -1 : add_parts(resume, parts, &error);
    Py_DECREF(parts);
    if (status != 0 && !PyErr_Occurred())
        airscoop_raise(state_of(self), &error);
    if (status == 0) {
        resume->kept_parts = kept_parts;
        resume->kept_bytes = kept_bytes;
        resume->kept_checksum = kept_checksum;
        status = take_up(self, resume, keep != 0);
    }
    if (status != 0)
        scoop_resume_free(resume);
    return status == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *transfer_mark(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    struct scoop_upload_mark mark = self->mark;
    struct scoop_error error = {0};
    char etags[2 * SCOOP_SHA256_BYTES + 1];
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (!airscoop_runner_rests(&self->runner)) {
        refuse(self, "this Transfer is in use by another thread; mark() is for its callbacks");
        return NULL;
    }
    if (self->transfer != NULL && scoop_transfer_mark(self->transfer, &mark, &error) != 0)
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
    if (airscoop_runner_begin(&self->runner, progress == Py_None ? NULL : progress) != 0)
        return NULL;
    self->on_upload = on_upload;
    if (on_upload != Py_None)
        scoop_transfer_watch_upload(self->transfer);
    return run_on(self) == 0 ? facts_dict(self) : NULL;
}

/* What has been read, which is given back. */
static PyObject *take_memory(struct transfer_object *self) {
    struct scoop_buf *memory = &self->memory;
    PyObject *data =
        PyBytes_FromStringAndSize((const char *)memory->data, (Py_ssize_t)memory->length);
    if (data == NULL)
        return NULL;
    memory->length = 0;
    if (self->runner.ended)
        scoop_buf_free(memory);
    return data;
}

static PyObject *transfer_read(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (!self->to_memory) {
        refuse(self, "read() needs a transfer to memory");
        return NULL;
    }
    bool all_is_read = self->runner.ended && self->state == SCOOP_TRANSFER_DONE;
    if (!all_is_read && (begin(self) != 0 || run_on(self) != 0))
        return NULL;
    return take_memory(self);
}

/* Of a transfer that is written to. */
static int begin_fed(struct transfer_object *self) {
    if (self->fed || self->runner.owner == 0)
        return begin(self);
    return refuse(self, "a transfer that has a source cannot be written to: run() it");
}

static PyObject *transfer_write(PyObject *object, PyObject *data) {
    struct transfer_object *self = (struct transfer_object *)object;
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0)
        return NULL;
    Py_ssize_t length = view.len;
    int status = begin_fed(self);
    if (status == 0) {
        scoop_transfer_feed(self->transfer, view.buf, (size_t)length);
        status = run_on(self);
    }
    PyBuffer_Release(&view);
    return status == 0 ? PyLong_FromSsize_t(length) : NULL;
}

/* One call, so that nobody writes in between. */
struct feeding {
    struct transfer_object *self;
    struct scoop_changes *changes;
    long long written;
};

/* Without the GIL: feeds block after block. */
static int feed_blocks(struct feeding *feeding, struct scoop_change_blocks *blocks,
                       struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    int status;
    while ((status = scoop_change_blocks_next(blocks, &data, &length, error)) > 0) {
        if (airscoop_runner_look(&feeding->self->runner))
            return -1;
        scoop_transfer_feed(feeding->self->transfer, data, length);
        if (advance(feeding->self, error) != 0)
            return -1;
        feeding->written += (long long)length;
    }
    return status;
}

static int feed_changes(void *user, struct scoop_error *error) {
    struct feeding *feeding = user;
    struct scoop_change_blocks *blocks = scoop_change_blocks_new(feeding->changes, error);
    int status = blocks == NULL ? -1 : feed_blocks(feeding, blocks, error);
    scoop_change_blocks_free(blocks);
    return status;
}

static PyObject *transfer_write_changes(PyObject *object, PyObject *from) {
    struct transfer_object *self = (struct transfer_object *)object;
    struct feeding feeding = {self, airscoop_changes_of(state_of(self), from), 0};
    if (feeding.changes == NULL || begin_fed(self) != 0)
        return NULL;
    return airscoop_runner_call(&self->runner, feed_changes, &feeding) == 0
               ? PyLong_FromLongLong(feeding.written)
               : NULL;
}

static PyObject *transfer_seal(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (begin_fed(self) != 0)
        return NULL;
    scoop_transfer_feed_end(self->transfer);
    return run_on(self) == 0 ? facts_dict(self) : NULL;
}

static PyObject *transfer_commit(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (begin_fed(self) != 0)
        return NULL;
    scoop_transfer_feed_end(self->transfer);
    scoop_transfer_release(self->transfer);
    return run_on(self) == 0 ? facts_dict(self) : NULL;
}

/* Without the GIL, and deaf to signals: it takes 3 s at most. */
static int take_back(void *user, struct scoop_error *error) {
    struct transfer_object *self = user;
    scoop_transfer_cancel(self->transfer);
    do
        self->state = scoop_transfer_run(self->transfer, SCOOP_SLICE_MS, error);
    while (!is_over(self));
    return 0;
}

/* Ends a transfer that has not ended, without an exception for it; the parent's stays as it is. */
static int abort_quietly(struct transfer_object *self, bool last) {
    if (self->runner.ended || (self->runner.owner != 0 && !airscoop_runner_is_ours(&self->runner)))
        return 0;
    if ((last ? airscoop_runner_begin_last(&self->runner) : begin(self)) != 0)
        return -1;
    return airscoop_runner_call(&self->runner, take_back, self);
}

static PyObject *transfer_abort(PyObject *object, PyObject *unused) {
    (void)unused;
    if (abort_quietly((struct transfer_object *)object, false) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *transfer_cancel(PyObject *object, PyObject *unused) {
    struct transfer_object *self = (struct transfer_object *)object;
    (void)unused;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->transfer != NULL)
        scoop_transfer_cancel(self->transfer);
    Py_RETURN_NONE;
}

/* What is dropped is taken back, while what a provider needs for that is still there. */
static void transfer_finalize(PyObject *object) {
    struct transfer_object *self = (struct transfer_object *)object;
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (self->transfer != NULL && abort_quietly(self, true) != 0)
        PyErr_WriteUnraisable((PyObject *)Py_TYPE(object));
    PyErr_Restore(kind, value, trace);
}

static int transfer_traverse(PyObject *object, visitproc visit, void *arg) {
    struct transfer_object *self = (struct transfer_object *)object;
    Py_VISIT(Py_TYPE(object));
    int status = airscoop_runner_traverse(&self->runner, visit, arg);
    return status != 0 ? status : airscoop_providers_traverse(&self->providers, visit, arg);
}

static int transfer_clear(PyObject *object) {
    struct transfer_object *self = (struct transfer_object *)object;
    airscoop_runner_clear(&self->runner);
    airscoop_providers_free(&self->providers);
    return 0;
}

static void transfer_dealloc(PyObject *object) {
    struct transfer_object *self = (struct transfer_object *)object;
    PyObject_GC_UnTrack(object);
    transfer_finalize(object);
    if (airscoop_runner_is_ours(&self->runner))
        scoop_buf_free(&self->memory);
    transfer_clear(object);
    airscoop_release(object);
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
    if (kind == Py_None && self->fed && !self->runner.ended) {
        PyObject *facts = transfer_commit(object, NULL);
        if (facts == NULL)
            return NULL;
        Py_DECREF(facts);
    } else if (abort_quietly(self, false) != 0) {
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
    {"rejected", transfer_rejected, METH_NOARGS,
     "After the end: the records that were kept to be shown, as JSON lines."},
    {"committed", transfer_committed, METH_NOARGS,
     "Whether the destination is there; None: that is not known."},
    {"__enter__", transfer_enter, METH_NOARGS, NULL},
    {"__exit__", transfer_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One transfer, by a dict of options."},
    {Py_tp_new, transfer_new},
    {Py_tp_init, transfer_init},
    {Py_tp_traverse, transfer_traverse},
    {Py_tp_clear, transfer_clear},
    {Py_tp_finalize, transfer_finalize},
    {Py_tp_dealloc, transfer_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Transfer",
    .basicsize = sizeof(struct transfer_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_transfer(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
