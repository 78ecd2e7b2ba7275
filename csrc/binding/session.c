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
    struct scoop_interrupt interrupt;            /* tells it, and looks at signals */
    bool told;                                   /* what the call under way waits for */
    struct airscoop_runner runner;
    enum scoop_committed made; /* by the call under way, when it succeeds */
};

static enum scoop_committed committed(const void *object) {
    return ((const struct session *)object)->made;
}

static void settle(void *object) {
    scoop_session_rest(((struct session *)object)->session);
}

static const struct airscoop_runner_type runner_type = {
    .name = "warehouse session",
    .advice = "; give each thread a session of its own",
    .settle = settle,
    .committed = committed,
};

static int tell(void *user) {
    struct session *self = user;
    PyObject *shown = airscoop_text(scoop_session_waits_for(self->session));
    PyObject *answer =
        shown == NULL ? NULL : PyObject_CallFunctionObjArgs(self->on_wait, shown, NULL);
    Py_XDECREF(shown);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* Tells once what the call waits for. An exception ends the call as one of a signal does. */
static int check(void *user) {
    struct session *self = user;
    bool waits = scoop_session_waits_for(self->session)[0] != 0, telling = waits && !self->told;
    self->told = waits;
    if (telling && airscoop_runner_ask(&self->runner, tell, self))
        return 1;
    return airscoop_runner_look(&self->runner);
}

/* One call that waits, the arguments in `user`; `made`: what there is once it succeeds. 0, or -1
 * with an exception set. */
static int call(struct session *self, int (*work)(void *user, struct scoop_error *error),
                void *user, enum scoop_committed made) {
    if (self->session == NULL)
        return airscoop_runner_refuse(&self->runner, "the warehouse session is closed");
    if (airscoop_runner_begin(&self->runner, NULL) != 0)
        return -1;
    self->told = false;
    self->made = made;
    return airscoop_runner_call(&self->runner, work, user);
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
    struct session *self = airscoop_allocate(type);
    if (self == NULL)
        return NULL;
    airscoop_runner_init(&self->runner, &runner_type, state, self);
    self->interrupt = (struct scoop_interrupt){check, self};
    self->on_wait = Py_NewRef(on_wait);
    self->session = open_session(state, conninfo, &options);
    if (self->session == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    airscoop_runner_set_up(&self->runner);
    return (PyObject *)self;
}

static int session_traverse(PyObject *object, visitproc visit, void *arg) {
    struct session *self = (struct session *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->on_wait);
    return airscoop_runner_traverse(&self->runner, visit, arg);
}

static int session_clear(PyObject *object) {
    struct session *self = (struct session *)object;
    Py_CLEAR(self->on_wait);
    airscoop_runner_clear(&self->runner);
    return 0;
}

static void session_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    scoop_session_free(((struct session *)object)->session);
    session_clear(object);
    airscoop_release(object);
}

static int do_connect(void *user, struct scoop_error *error) {
    struct session *self = user;
    return scoop_session_connect(self->session, &self->interrupt, error);
}

static PyObject *session_connect(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    (void)nothing;
    if (call(self, do_connect, self, SCOOP_COMMITTED_NO) != 0)
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

struct execution {
    struct session *self;
    struct scoop_statement statement;
    struct scoop_rows *rows;
};

static int do_execute(void *user, struct scoop_error *error) {
    struct execution *run = user;
    struct session *self = run->self;
    int status =
        scoop_session_execute(self->session, &run->statement, &self->interrupt, &run->rows, error);
    self->made = scoop_session_made(self->session);
    return status;
}

static PyObject *session_execute(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct execution run = {.self = self};
    struct texts parameters;
    PyObject *sql = NULL, *sequence = NULL, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "OO:execute", &sql, &sequence))
        return NULL;
    run.statement.sql = text_of(sql);
    if (run.statement.sql == NULL)
        return NULL;
    if (texts_fill(&parameters, sequence) == 0) {
        run.statement.parameters = parameters.texts;
        run.statement.parameter_count = parameters.count;
        if (call(self, do_execute, &run, SCOOP_COMMITTED_NO) == 0)
            list = list_of(run.rows);
        scoop_rows_free(run.rows);
    }
    texts_free(&parameters);
    return list;
}

static PyObject *values_of(const struct scoop_partition_list *list, size_t at) {
    PyObject *values = PyDict_New();
    for (size_t i = 0; values != NULL && i < list->column_count; i++) {
        const char *text = list->values[at][i];
        PyObject *value = airscoop_text(text == NULL ? "" : text);
        if (value == NULL || PyDict_SetItemString(values, list->columns[i], value) != 0)
            Py_CLEAR(values);
        Py_XDECREF(value);
    }
    return values;
}

static PyObject *partitions_of(const struct scoop_partition_list *list) {
    PyObject *found = PyList_New((Py_ssize_t)list->count);
    for (size_t i = 0; found != NULL && i < list->count; i++) {
        PyObject *pair =
            Py_BuildValue("(NN)", values_of(list, i), airscoop_text(list->locations[i]));
        if (pair == NULL || PyList_SetItem(found, (Py_ssize_t)i, pair) != 0)
            Py_CLEAR(found);
    }
    return found;
}

struct partition_listing {
    struct session *self;
    const char *table;
    struct scoop_partition_list list;
    bool listed;
};

static int do_list_partitions(void *user, struct scoop_error *error) {
    struct partition_listing *run = user;
    int status = scoop_partition_list(run->self->session, run->table, &run->self->interrupt,
                                      &run->list, error);
    run->listed = status == 0;
    return status;
}

static PyObject *session_partitions(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct partition_listing run = {.self = self};
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(arguments, "s:partitions", &run.table))
        return NULL;
    if (call(self, do_list_partitions, &run, SCOOP_COMMITTED_NO) == 0)
        found = partitions_of(&run.list);
    if (run.listed)
        scoop_partition_list_free(&run.list);
    return found;
}

/* Partitions from a tuple of (dict, location), and what keeps their texts alive. */
struct batch {
    struct session *self;
    const char *table;
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

static int do_add_partitions(void *user, struct scoop_error *error) {
    struct batch *batch = user;
    return scoop_partition_add(batch->self->session, batch->table, batch->partitions, batch->count,
                               &batch->self->interrupt, error);
}

static PyObject *session_add_partitions(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct batch batch = {.self = self};
    PyObject *sequence = NULL, *statuses = NULL;
    if (!PyArg_ParseTuple(arguments, "sO:add_partitions", &batch.table, &sequence))
        return NULL;
    if (batch_fill(&batch, sequence) == 0 &&
        call(self, do_add_partitions, &batch, SCOOP_COMMITTED_YES) == 0)
        statuses = statuses_of(&batch);
    batch_free(&batch);
    return statuses;
}

/* The arguments of insert_distinct, and what keeps their texts alive. */
struct insert {
    struct session *self;
    struct texts columns;
    struct texts keys;
    struct texts order;
    struct texts objects;
    struct pairs partition;
    struct scoop_insert_options options;
    struct scoop_insert_counts counts;
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

static int do_insert_distinct(void *user, struct scoop_error *error) {
    struct insert *insert = user;
    return scoop_insert_distinct(insert->self->session, &insert->options, &insert->self->interrupt,
                                 &insert->counts, error);
}

static PyObject *session_insert_distinct(PyObject *object, PyObject *arguments,
                                         PyObject *keywords) {
    static char *names[] = {
        "source",    "target",           "columns", "distinct_on", "order_by",  "replace",
        "partition", "expected_records", "objects", "load_source", "load_etag", "load_key",
        "dag_id",    "run_id",           "task_id", "try_number",  NULL};
    struct session *self = (struct session *)object;
    struct insert insert = {.self = self};
    struct scoop_load_facts *load = &insert.options.load;
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
    if (insert_fill(&insert, lists, partition) == 0 &&
        call(self, do_insert_distinct, &insert, SCOOP_COMMITTED_YES) == 0)
        result = counts_of(&insert.counts);
    insert_free(&insert);
    return result;
}

/* The arguments of apply, and what keeps their texts alive. */
struct apply {
    struct session *self;
    PyObject *dict; /* a copy, which holds the strings whatever becomes of the caller's */
    struct texts keys;
    struct texts ignored;
    struct airscoop_providers providers;
    struct scoop_transfer_options changes;
    struct scoop_apply_options options;
    struct scoop_apply_facts facts;
};

static void apply_free(struct apply *apply) {
    texts_free(&apply->keys);
    texts_free(&apply->ignored);
    airscoop_providers_free(&apply->providers);
    Py_CLEAR(apply->dict);
}

static int apply_fill(struct apply *apply, PyObject *changes, PyObject *keys, PyObject *ignored) {
    struct scoop_apply_options *options = &apply->options;
    apply->dict = PyDict_Copy(changes);
    if (apply->dict == NULL || names_fill(&apply->keys, keys) != 0 ||
        names_fill(&apply->ignored, ignored) != 0 ||
        airscoop_read_options(&apply->self->runner, apply->dict, &apply->changes,
                              &apply->providers) != 0)
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
    return Py_BuildValue("{s:(LLL),s:(LLL),s:O,s:s,s:N,s:K,s:K,s:I,s:i}", "changes",
                         (long long)facts->changes[SCOOP_CHANGE_INSERT],
                         (long long)facts->changes[SCOOP_CHANGE_UPDATE],
                         (long long)facts->changes[SCOOP_CHANGE_DELETE], "applied",
                         (long long)facts->applied[SCOOP_CHANGE_INSERT],
                         (long long)facts->applied[SCOOP_CHANGE_UPDATE],
                         (long long)facts->applied[SCOOP_CHANGE_DELETE], "already_applied",
                         facts->already_applied ? Py_True : Py_False, "digest", source->digest,
                         "etag", airscoop_text(source->etag), "source_bytes",
                         (unsigned long long)source->source_bytes, "text_bytes",
                         (unsigned long long)source->text_bytes, "retries", source->retries,
                         "attempts", facts->attempts);
}

static int do_apply(void *user, struct scoop_error *error) {
    struct apply *apply = user;
    return scoop_apply(apply->self->session, &apply->options, &apply->self->interrupt,
                       &apply->facts, error);
}

static PyObject *session_apply(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"changes", "table",  "key",    "ignored", "expected_changes", "again",
                            "source",  "dag_id", "run_id", "task_id", "try_number",       NULL};
    struct session *self = (struct session *)object;
    struct apply apply = {.self = self};
    struct scoop_load_facts *load = &apply.options.load;
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
    if (apply_fill(&apply, changes, keys, ignored) == 0 &&
        call(self, do_apply, &apply, SCOOP_COMMITTED_YES) == 0)
        result = applied_of(&apply.facts);
    apply_free(&apply);
    return result;
}

struct refreshing {
    struct session *self;
    const char *view;
};

static int do_refresh(void *user, struct scoop_error *error) {
    struct refreshing *run = user;
    return scoop_refresh(run->self->session, run->view, &run->self->interrupt, error);
}

static PyObject *session_refresh(PyObject *object, PyObject *arguments) {
    struct session *self = (struct session *)object;
    struct refreshing run = {.self = self};
    if (!PyArg_ParseTuple(arguments, "s:refresh", &run.view) ||
        call(self, do_refresh, &run, SCOOP_COMMITTED_YES) != 0)
        return NULL;
    Py_RETURN_NONE;
}

struct script {
    struct session *self;
    const char *file;
    struct scoop_script_variable *variables;
    size_t count, done;
};

static int do_run_script(void *user, struct scoop_error *error) {
    struct script *script = user;
    return scoop_script_run(script->self->session, script->file, script->variables, script->count,
                            &script->self->interrupt, &script->done, error);
}

static int run_script(struct script *script, const struct pairs *pairs) {
    script->count = pairs->names.count;
    script->variables = scoop_calloc(script->count + 1, sizeof *script->variables);
    if (script->variables == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < script->count; i++)
        script->variables[i] =
            (struct scoop_script_variable){pairs->names.texts[i], pairs->values.texts[i]};
    int result = call(script->self, do_run_script, script, SCOOP_COMMITTED_YES);
    scoop_free(script->variables);
    return result;
}

static PyObject *session_run_script(PyObject *object, PyObject *arguments) {
    struct script script = {.self = (struct session *)object};
    struct pairs pairs;
    PyObject *dict = NULL;
    if (!PyArg_ParseTuple(arguments, "sO!:run_script", &script.file, &PyDict_Type, &dict))
        return NULL;
    int result = pairs_fill(&pairs, dict);
    if (result == 0)
        result = run_script(&script, &pairs);
    pairs_free(&pairs);
    return result == 0 ? PyLong_FromSize_t(script.done) : NULL;
}

static PyObject *session_cancel(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    (void)nothing;
    if (airscoop_runner_check(&self->runner) != 0)
        return NULL;
    if (self->session != NULL)
        scoop_session_cancel(self->session);
    if (self->session != NULL && !self->runner.busy)
        scoop_session_rest(self->session);
    Py_RETURN_NONE;
}

static PyObject *session_close(PyObject *object, PyObject *nothing) {
    struct session *self = (struct session *)object;
    struct scoop_session *session = self->session;
    (void)nothing;
    if (self->runner.busy && airscoop_runner_is_ours(&self->runner)) {
        airscoop_runner_refuse(&self->runner, "the warehouse session is in use by another thread; "
                                              "cancel it first");
        return NULL;
    }
    bool ours = airscoop_runner_is_ours(&self->runner), open = false;
    self->session = NULL;
    Py_BEGIN_ALLOW_THREADS;
    if (session != NULL && ours)
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
    {Py_tp_traverse, session_traverse},
    {Py_tp_clear, session_clear},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "One warehouse session; see airscoop.Warehouse."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "airscoop._native.Session",
    .basicsize = sizeof(struct session),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int airscoop_add_session(PyObject *module) {
    return airscoop_add_type(module, &spec);
}
