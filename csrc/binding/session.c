/* The type airscoop._native.Session: one warehouse session. Only one thread at a time may wait in
 * it; cancel() is for the others. */
#include <string.h>

#include "binding.h"
#include "options.h"
#include "scoop/apply.h"
#include "scoop/insert.h"
#include "scoop/memory.h"
#include "scoop/partition.h"
#include "scoop/refresh.h"
#include "scoop/script.h"
#include "scoop/session.h"

struct session {
    PyObject_HEAD struct scoop_session *session; /* NULL once closed */
    PyObject *on_wait;                           /* called with what a call waits for */
    int busy;                                    /* a thread waits in it; guarded by the GIL */
};

/* One call that waits: `begin` refuses a second one, `end` turns a failure into an exception. */
struct call {
    struct session *self;
    struct airscoop_waiting waiting;
    struct scoop_interrupt signals; /* the check that looks at signals, behind ours */
    int told;                       /* the caller knows what it waits for */
    struct scoop_error error;
};

static struct airscoop_state *state_of(struct session *self) {
    return airscoop_state_of(Py_TYPE((PyObject *)self));
}

static int fail_usage(struct session *self, const char *message) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "%s", message);
    airscoop_raise(state_of(self), &error);
    return -1;
}

/* Tells once what the call waits for. An exception ends the call as one of a signal does. */
static int check(void *user) {
    struct call *call = user;
    const char *text = scoop_session_waits_for(call->self->session);
    if (text[0] == 0)
        call->told = 0;
    else if (!call->told && !call->waiting.raised) {
        call->told = 1;
        PyEval_RestoreThread(call->waiting.thread);
        PyObject *shown = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        PyObject *answer =
            shown == NULL ? NULL : PyObject_CallFunctionObjArgs(call->self->on_wait, shown, NULL);
        call->waiting.raised = answer == NULL;
        Py_XDECREF(shown);
        Py_XDECREF(answer);
        call->waiting.thread = PyEval_SaveThread();
    }
    return call->signals.check(call->signals.user);
}

static int begin(struct call *call, struct session *self) {
    if (self->session == NULL)
        return fail_usage(self, "the warehouse session is closed");
    if (self->busy)
        return fail_usage(self, "the warehouse session is in use by another thread; give each "
                                "thread a session of its own");
    call->self = self;
    memset(&call->error, 0, sizeof call->error);
    self->busy = 1;
    call->told = 0;
    airscoop_waiting_begin(&call->waiting, NULL);
    call->signals = call->waiting.interrupt;
    call->waiting.interrupt = (struct scoop_interrupt){check, call};
    return 0;
}

/* 0 when the call succeeded, or -1 with an exception set. */
static int end(struct call *call, int result) {
    airscoop_waiting_end(&call->waiting);
    call->self->busy = 0;
    if (call->waiting.raised)
        return -1;
    if (result != 0)
        airscoop_raise(state_of(call->self), &call->error);
    return result != 0 ? -1 : 0;
}

/* Texts of a Python sequence of str, as an array closed by NULL; None is NULL. Borrowed from
 * `items`, a tuple that keeps them alive. */
struct texts {
    PyObject *items;
    const char **texts;
    size_t count;
};

static void texts_free(struct texts *texts) {
    Py_CLEAR(texts->items);
    scoop_free(texts->texts);
    texts->texts = NULL;
}

/* A text without NUL bytes; NULL with an exception set. */
static const char *text_of(PyObject *object) {
    Py_ssize_t length = 0;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "a str is needed here, not %R", (PyObject *)Py_TYPE(object));
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "a text holds a NUL character, which SQL cannot express");
        return NULL;
    }
    return text;
}

static int texts_fill(struct texts *texts, PyObject *sequence) {
    memset(texts, 0, sizeof *texts);
    texts->items = PySequence_Tuple(sequence);
    if (texts->items == NULL)
        return -1;
    Py_ssize_t count = PyTuple_Size(texts->items);
    if (count < 0)
        return -1;
    texts->count = (size_t)count;
    texts->texts = scoop_calloc(texts->count + 1, sizeof *texts->texts);
    if (texts->texts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(texts->items, i);
        if (item == Py_None)
            continue;
        texts->texts[i] = text_of(item);
        if (texts->texts[i] == NULL)
            return -1;
    }
    return 0;
}

/* The same without None. */
static int names_fill(struct texts *texts, PyObject *sequence) {
    if (texts_fill(texts, sequence) != 0)
        return -1;
    for (size_t i = 0; i < texts->count; i++)
        if (texts->texts[i] == NULL) {
            PyErr_SetString(PyExc_TypeError, "names and values must be str, not None");
            return -1;
        }
    return 0;
}

/* Names and values of a dict of str to str. */
struct pairs {
    struct texts names;
    struct texts values;
};

static void pairs_free(struct pairs *pairs) {
    texts_free(&pairs->names);
    texts_free(&pairs->values);
}

static int pairs_fill(struct pairs *pairs, PyObject *dict) {
    memset(pairs, 0, sizeof *pairs);
    PyObject *keys = PyDict_Keys(dict), *values = PyDict_Values(dict);
    int result = keys == NULL || values == NULL ? -1 : 0;
    if (result == 0)
        result = names_fill(&pairs->names, keys);
    if (result == 0)
        result = names_fill(&pairs->values, values);
    Py_XDECREF(keys);
    Py_XDECREF(values);
    return result;
}

static int dialect_of(const char *name, enum scoop_dialect *dialect) {
    if (strcmp(name, "redshift") == 0)
        *dialect = SCOOP_REDSHIFT;
    else if (strcmp(name, "postgres") == 0)
        *dialect = SCOOP_POSTGRES;
    else
        return -1;
    return 0;
}

static struct scoop_session *open_session(struct airscoop_state *state, PyObject *conninfo,
                                          struct scoop_session_options *options) {
    struct scoop_error error = {0};
    struct pairs pairs = {0};
    struct scoop_session *session = NULL;
    int result = 0;
    if (PyDict_Check(conninfo))
        result = pairs_fill(&pairs, conninfo);
    else if ((options->conninfo = text_of(conninfo)) == NULL)
        result = -1;
    if (result == 0) {
        if (options->conninfo == NULL) {
            options->keywords = pairs.names.texts;
            options->values = pairs.values.texts;
        }
        session = scoop_session_new(options, &error);
        if (session == NULL)
            airscoop_raise(state, &error);
    }
    pairs_free(&pairs);
    return session;
}

static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {
        "conninfo", "dialect", "ca_file", "label", "lock_timeout_ms", "statement_timeout_ms",
        "on_wait",  NULL};
    struct scoop_session_options options = {0};
    PyObject *conninfo = NULL, *on_wait = NULL;
    const char *dialect = NULL;
    long long lock_ms = 0, statement_ms = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O$szzLLO:Session", names, &conninfo,
                                     &dialect, &options.ca_file, &options.label, &lock_ms,
                                     &statement_ms, &on_wait))
        return NULL;
    struct airscoop_state *state = airscoop_state_of(type);
    options.lock_timeout_ms = lock_ms;
    options.statement_timeout_ms = statement_ms;
    if (dialect_of(dialect, &options.dialect) != 0) {
        struct scoop_error error = {0};
        scoop_fail(&error, SCOOP_USAGE, "the dialect '%.40s' is unknown; use redshift or postgres",
                   dialect);
        return airscoop_raise(state, &error);
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct session *self = (struct session *)allocate(type, 0);
    if (self == NULL)
        return NULL;
    self->on_wait = Py_NewRef(on_wait);
    self->session = open_session(state, conninfo, &options);
    if (self->session == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void session_dealloc(PyObject *object) {
    struct session *self = (struct session *)object;
    PyTypeObject *type = Py_TYPE(object);
    scoop_session_free(self->session);
    Py_XDECREF(self->on_wait);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *session_connect(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    struct call call;
    (void)nothing;
    if (begin(&call, self) != 0)
        return NULL;
    int result = scoop_session_connect(self->session, &call.waiting.interrupt, &call.error);
    if (end(&call, result) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *row_of(const struct scoop_rows *rows, size_t row) {
    size_t columns = scoop_rows_columns(rows);
    PyObject *tuple = PyTuple_New((Py_ssize_t)columns);
    for (size_t i = 0; tuple != NULL && i < columns; i++) {
        const char *text = scoop_rows_value(rows, row, i);
        PyObject *value = text == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(text);
        if (value == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)i, value) != 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *list_of(const struct scoop_rows *rows) {
    size_t count = scoop_rows_count(rows);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *row = row_of(rows, i);
        if (row == NULL || PyList_SetItem(list, (Py_ssize_t)i, row) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *session_execute(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct call call;
    struct texts parameters;
    struct scoop_rows *rows = NULL;
    PyObject *sql = NULL, *sequence = NULL, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "OO:execute", &sql, &sequence))
        return NULL;
    struct scoop_statement statement = {.sql = text_of(sql)};
    if (statement.sql == NULL)
        return NULL;
    if (texts_fill(&parameters, sequence) == 0 && begin(&call, self) == 0) {
        statement.parameters = parameters.texts;
        statement.parameter_count = parameters.count;
        int result = scoop_session_execute(self->session, &statement, &call.waiting.interrupt,
                                           &rows, &call.error);
        if (end(&call, result) == 0)
            list = list_of(rows);
        scoop_rows_free(rows);
    }
    texts_free(&parameters);
    return list;
}

static PyObject *values_of(const struct scoop_partition_list *list, size_t at) {
    PyObject *values = PyDict_New();
    for (size_t i = 0; values != NULL && i < list->column_count; i++) {
        const char *text = list->values[at][i];
        PyObject *value = PyUnicode_FromString(text == NULL ? "" : text);
        if (value == NULL || PyDict_SetItemString(values, list->columns[i], value) != 0)
            Py_CLEAR(values);
        Py_XDECREF(value);
    }
    return values;
}

static PyObject *partitions_of(const struct scoop_partition_list *list) {
    PyObject *found = PyList_New((Py_ssize_t)list->count);
    for (size_t i = 0; found != NULL && i < list->count; i++) {
        PyObject *pair = Py_BuildValue("(Ns)", values_of(list, i), list->locations[i]);
        if (pair == NULL || PyList_SetItem(found, (Py_ssize_t)i, pair) != 0)
            Py_CLEAR(found);
    }
    return found;
}

static PyObject *session_partitions(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct call call;
    struct scoop_partition_list list;
    const char *table = NULL;
    if (!PyArg_ParseTuple(arguments, "s:partitions", &table) || begin(&call, self) != 0)
        return NULL;
    int result =
        scoop_partition_list(self->session, table, &call.waiting.interrupt, &list, &call.error);
    if (end(&call, result) != 0) {
        if (result == 0)
            scoop_partition_list_free(&list);
        return NULL;
    }
    PyObject *found = partitions_of(&list);
    scoop_partition_list_free(&list);
    return found;
}

/* Partitions from a tuple of (dict, location), and what keeps their texts alive. */
struct batch {
    PyObject *items;
    struct pairs *pairs;
    struct scoop_partition *partitions;
    size_t count;
};

static void batch_free(struct batch *batch) {
    for (size_t i = 0; batch->pairs != NULL && i < batch->count; i++)
        pairs_free(&batch->pairs[i]);
    scoop_free(batch->pairs);
    scoop_free(batch->partitions);
    Py_CLEAR(batch->items);
}

static int batch_take(struct batch *batch, size_t at) {
    struct scoop_partition *partition = &batch->partitions[at];
    PyObject *item = PyTuple_GetItem(batch->items, (Py_ssize_t)at), *values = NULL;
    if (item == NULL || !PyArg_ParseTuple(item, "O!s", &PyDict_Type, &values, &partition->location))
        return -1;
    if (pairs_fill(&batch->pairs[at], values) != 0)
        return -1;
    partition->names = batch->pairs[at].names.texts;
    partition->values = batch->pairs[at].values.texts;
    partition->count = batch->pairs[at].names.count;
    return 0;
}

static int batch_fill(struct batch *batch, PyObject *sequence) {
    memset(batch, 0, sizeof *batch);
    batch->items = PySequence_Tuple(sequence);
    Py_ssize_t count = batch->items == NULL ? -1 : PyTuple_Size(batch->items);
    if (count < 0)
        return -1;
    batch->pairs = scoop_calloc((size_t)count + 1, sizeof *batch->pairs);
    batch->partitions = scoop_calloc((size_t)count + 1, sizeof *batch->partitions);
    if (batch->pairs == NULL || batch->partitions == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    batch->count = (size_t)count;
    for (size_t i = 0; i < batch->count; i++)
        if (batch_take(batch, i) != 0)
            return -1;
    return 0;
}

static PyObject *statuses_of(const struct batch *batch) {
    static const char *const names[] = {"added", "moved", "unchanged"};
    PyObject *list = PyList_New((Py_ssize_t)batch->count);
    for (size_t i = 0; list != NULL && i < batch->count; i++) {
        PyObject *name = PyUnicode_FromString(names[batch->partitions[i].status]);
        if (name == NULL || PyList_SetItem(list, (Py_ssize_t)i, name) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *session_add_partitions(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct call call;
    struct batch batch;
    PyObject *sequence = NULL, *statuses = NULL;
    const char *table = NULL;
    if (!PyArg_ParseTuple(arguments, "sO:add_partitions", &table, &sequence))
        return NULL;
    if (batch_fill(&batch, sequence) == 0 && begin(&call, self) == 0) {
        int result = scoop_partition_add(self->session, table, batch.partitions, batch.count,
                                         &call.waiting.interrupt, &call.error);
        if (end(&call, result) == 0)
            statuses = statuses_of(&batch);
    }
    batch_free(&batch);
    return statuses;
}

/* The arguments of insert_distinct, and what keeps their texts alive. */
struct insert {
    struct texts columns;
    struct texts keys;
    struct texts order;
    struct texts objects;
    struct pairs partition;
    struct scoop_insert_options options;
};

static void insert_free(struct insert *insert) {
    texts_free(&insert->columns);
    texts_free(&insert->keys);
    texts_free(&insert->order);
    texts_free(&insert->objects);
    pairs_free(&insert->partition);
}

static int insert_fill(struct insert *insert, PyObject *lists[4], PyObject *partition) {
    struct scoop_insert_names *names = &insert->options.names;
    if (names_fill(&insert->columns, lists[0]) != 0 || names_fill(&insert->keys, lists[1]) != 0 ||
        names_fill(&insert->order, lists[2]) != 0 || names_fill(&insert->objects, lists[3]) != 0 ||
        pairs_fill(&insert->partition, partition) != 0)
        return -1;
    insert->options.objects = insert->objects.texts;
    insert->options.object_count = insert->objects.count;
    names->columns = insert->columns.texts;
    names->column_count = insert->columns.count;
    names->keys = insert->keys.texts;
    names->key_count = insert->keys.count;
    names->order_by = insert->order.texts;
    names->order_count = insert->order.count;
    names->partition_columns = insert->partition.names.texts;
    names->partition_values = insert->partition.values.texts;
    names->partition_count = insert->partition.names.count;
    return 0;
}

static PyObject *counts_of(const struct scoop_insert_counts *counts) {
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:L,s:i}", "scanned", (long long)counts->scanned,
                         "duplicates", (long long)counts->duplicates, "already_there",
                         (long long)counts->already_there, "inserted", (long long)counts->inserted,
                         "replaced", (long long)counts->replaced, "attempts", counts->attempts);
}

static PyObject *session_insert_distinct(PyObject *object, PyObject *arguments,
                                         PyObject *keywords) {
    static char *names[] = {
        "source",    "target",           "columns", "distinct_on", "order_by",  "replace",
        "partition", "expected_records", "objects", "load_source", "load_etag", "load_key",
        "dag_id",    "run_id",           "task_id", "try_number",  NULL};
    struct session *self = (struct session *)object;
    struct call call;
    struct insert insert = {0};
    struct scoop_load_facts *load = &insert.options.load;
    struct scoop_insert_counts counts = {0};
    PyObject *lists[4] = {NULL}, *partition = NULL, *result = NULL;
    long long expected = -1;
    int replace = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "$ssOOOpO!LOzzzzzzz:insert_distinct",
                                     names, &insert.options.names.source,
                                     &insert.options.names.target, &lists[0], &lists[1], &lists[2],
                                     &replace, &PyDict_Type, &partition, &expected, &lists[3],
                                     &load->source, &load->etag, &load->s3_key, &load->dag_id,
                                     &load->run_id, &load->task_id, &load->try_number))
        return NULL;
    insert.options.expected_records = expected;
    insert.options.replace = replace != 0;
    if (insert_fill(&insert, lists, partition) == 0 && begin(&call, self) == 0) {
        int outcome = scoop_insert_distinct(self->session, &insert.options, &call.waiting.interrupt,
                                            &counts, &call.error);
        if (end(&call, outcome) == 0)
            result = counts_of(&counts);
    }
    insert_free(&insert);
    return result;
}

/* The arguments of apply, and what keeps their texts alive. */
struct apply {
    struct texts keys;
    struct texts ignored;
    struct airscoop_providers providers;
    struct scoop_transfer_options changes;
    struct scoop_apply_options options;
};

static void apply_free(struct apply *apply) {
    texts_free(&apply->keys);
    texts_free(&apply->ignored);
    airscoop_providers_free(&apply->providers);
}

static int apply_fill(struct apply *apply, struct session *self, PyObject *changes, PyObject *keys,
                      PyObject *ignored) {
    struct scoop_apply_options *options = &apply->options;
    if (names_fill(&apply->keys, keys) != 0 || names_fill(&apply->ignored, ignored) != 0 ||
        airscoop_read_options(state_of(self), changes, &apply->changes, &apply->providers) != 0)
        return -1;
    options->changes = &apply->changes;
    options->keys = apply->keys.texts;
    options->key_count = apply->keys.count;
    options->ignored = apply->ignored.texts;
    options->ignored_count = apply->ignored.count;
    return 0;
}

static PyObject *applied_of(const struct scoop_apply_facts *facts) {
    const struct scoop_change_source_facts *source = &facts->source;
    return Py_BuildValue("{s:(LLL),s:(LLL),s:O,s:s,s:s,s:K,s:K,s:I,s:i}", "changes",
                         (long long)facts->changes[SCOOP_CHANGE_INSERT],
                         (long long)facts->changes[SCOOP_CHANGE_UPDATE],
                         (long long)facts->changes[SCOOP_CHANGE_DELETE], "applied",
                         (long long)facts->applied[SCOOP_CHANGE_INSERT],
                         (long long)facts->applied[SCOOP_CHANGE_UPDATE],
                         (long long)facts->applied[SCOOP_CHANGE_DELETE], "already_applied",
                         facts->already_applied ? Py_True : Py_False, "digest", source->digest,
                         "etag", source->etag, "source_bytes",
                         (unsigned long long)source->source_bytes, "text_bytes",
                         (unsigned long long)source->text_bytes, "retries", source->retries,
                         "attempts", facts->attempts);
}

static PyObject *session_apply(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"changes", "table",  "key",    "ignored", "expected_changes", "again",
                            "source",  "dag_id", "run_id", "task_id", "try_number",       NULL};
    struct session *self = (struct session *)object;
    struct call call;
    struct apply apply = {0};
    struct scoop_load_facts *load = &apply.options.load;
    struct scoop_apply_facts facts = {0};
    PyObject *changes = NULL, *keys = NULL, *ignored = NULL, *result = NULL;
    long long expected = -1;
    int again = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "$O!sOOLpzzzzz:apply", names,
                                     &PyDict_Type, &changes, &apply.options.table, &keys, &ignored,
                                     &expected, &again, &load->source, &load->dag_id, &load->run_id,
                                     &load->task_id, &load->try_number))
        return NULL;
    apply.options.expected_changes = expected;
    apply.options.again = again != 0;
    if (apply_fill(&apply, self, changes, keys, ignored) == 0 && begin(&call, self) == 0) {
        int outcome = scoop_apply(self->session, &apply.options, &call.waiting.interrupt, &facts,
                                  &call.error);
        if (end(&call, outcome) == 0)
            result = applied_of(&facts);
    }
    apply_free(&apply);
    return result;
}

static PyObject *session_refresh(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct call call;
    const char *view = NULL;
    if (!PyArg_ParseTuple(arguments, "s:refresh", &view) || begin(&call, self) != 0)
        return NULL;
    int result = scoop_refresh(self->session, view, &call.waiting.interrupt, &call.error);
    if (end(&call, result) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static int run_script(struct session *self, const char *file, const struct pairs *pairs,
                      size_t *done) {
    struct call call;
    struct scoop_script_variable *variables =
        scoop_calloc(pairs->names.count + 1, sizeof *variables);
    if (variables == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < pairs->names.count; i++)
        variables[i] =
            (struct scoop_script_variable){pairs->names.texts[i], pairs->values.texts[i]};
    int result = begin(&call, self);
    if (result == 0) {
        result = scoop_script_run(self->session, file, variables, pairs->names.count,
                                  &call.waiting.interrupt, done, &call.error);
        result = end(&call, result);
    }
    scoop_free(variables);
    return result;
}

static PyObject *session_run_script(PyObject *object, PyObject *arguments) {
    struct pairs pairs;
    const char *file = NULL;
    PyObject *dict = NULL;
    size_t done = 0;
    if (!PyArg_ParseTuple(arguments, "sO!:run_script", &file, &PyDict_Type, &dict))
        return NULL;
    int result = pairs_fill(&pairs, dict);
    if (result == 0)
        result = run_script((struct session *)object, file, &pairs, &done);
    pairs_free(&pairs);
    return result == 0 ? PyLong_FromSize_t(done) : NULL;
}

static PyObject *session_cancel(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    (void)nothing;
    if (self->session != NULL)
        scoop_session_cancel(self->session);
    Py_RETURN_NONE;
}

static PyObject *session_close(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    (void)nothing;
    if (self->busy) {
        fail_usage(self, "the warehouse session is in use by another thread; cancel it first");
        return NULL;
    }
    struct scoop_session *session = self->session;
    bool open = false;
    self->session = NULL;
    Py_BEGIN_ALLOW_THREADS;
    if (session != NULL)
        open = scoop_session_take_back(session);
    scoop_session_free(session);
    Py_END_ALLOW_THREADS;
    return PyBool_FromLong(open);
}

static PyMethodDef methods[] = {
    {"connect", session_connect, METH_NOARGS, "Connects, unless it is connected."},
    {"execute", session_execute, METH_VARARGS, "execute(sql, parameters) -> rows"},
    {"partitions", session_partitions, METH_VARARGS, "partitions(table) -> [(values, location)]"},
    {"add_partitions", session_add_partitions, METH_VARARGS,
     "add_partitions(table, [(values, location)]) -> statuses"},
    {"insert_distinct", (PyCFunction)(void (*)(void))session_insert_distinct,
     METH_VARARGS | METH_KEYWORDS, "insert_distinct(*, …) -> counts"},
    {"apply", (PyCFunction)(void (*)(void))session_apply, METH_VARARGS | METH_KEYWORDS,
     "apply(*, …) -> facts"},
    {"refresh", session_refresh, METH_VARARGS, "refresh(view)"},
    {"run_script", session_run_script, METH_VARARGS, "run_script(path, variables) -> statements"},
    {"cancel", session_cancel, METH_NOARGS, "Ends this session's work; any thread."},
    {"close", session_close, METH_NOARGS, "close() -> whether an open transaction was rolled back"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, session_new},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "One warehouse session; see airscoop.Warehouse."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Session",
    .basicsize = sizeof(struct session),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int airscoop_add_session(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}
