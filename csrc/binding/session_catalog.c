/* What a session does with the partitions of external tables. */
#include "binding/lists.h"
#include "binding/session.h"
#include "binding/session_arguments.h"
#include "scoop/memory.h"
#include "scoop/partition.h"

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

static PyObject *pair_of(const void *from, size_t at) {
    const struct scoop_partition_list *list = from;
    return Py_BuildValue("(NN)", values_of(list, at), airscoop_text(list->locations[at]));
}

struct partition_listing {
    struct airscoop_session *self;
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

PyObject *airscoop_session_partitions(PyObject *object, PyObject *arguments) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct partition_listing run = {.self = self};
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(arguments, "s:partitions", &run.table))
        return NULL;
    if (airscoop_session_call(self, do_list_partitions, &run, SCOOP_COMMITTED_NO) == 0)
        found = airscoop_list_of(run.list.count, pair_of, &run.list);
    if (run.listed)
        scoop_partition_list_free(&run.list);
    return found;
}

/* Partitions from a tuple of (dict, location), and what keeps their texts alive. */
struct batch {
    struct airscoop_session *self;
    const char *table;
    PyObject *items;
    struct airscoop_pairs *pairs;
    struct scoop_partition *partitions;
    size_t count;
};

static void batch_free(struct batch *batch) {
    for (size_t i = 0; batch->pairs != NULL && i < batch->count; i++)
        airscoop_pairs_free(&batch->pairs[i]);
    scoop_free(batch->pairs);
    scoop_free(batch->partitions);
    Py_CLEAR(batch->items);
}

static int batch_take(struct batch *batch, size_t at) {
    struct scoop_partition *partition = &batch->partitions[at];
    PyObject *item = PyTuple_GetItem(batch->items, (Py_ssize_t)at), *values = NULL;
    if (item == NULL || !PyArg_ParseTuple(item, "O!s", &PyDict_Type, &values, &partition->location))
        return -1;
    if (airscoop_pairs_fill(&batch->pairs[at], values) != 0)
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

static PyObject *status_of(const void *from, size_t at) {
    static const char *const names[] = {"added", "moved", "unchanged"};
    const struct batch *batch = from;
    return PyUnicode_FromString(names[batch->partitions[at].status]);
}

static int do_add_partitions(void *user, struct scoop_error *error) {
    struct batch *batch = user;
    return scoop_partition_add(batch->self->session, batch->table, batch->partitions, batch->count,
                               &batch->self->interrupt, error);
}

PyObject *airscoop_session_add_partitions(PyObject *object, PyObject *arguments) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct batch batch = {.self = self};
    PyObject *sequence = NULL, *statuses = NULL;
    if (!PyArg_ParseTuple(arguments, "sO:add_partitions", &batch.table, &sequence))
        return NULL;
    if (batch_fill(&batch, sequence) == 0 &&
        airscoop_session_call(self, do_add_partitions, &batch, SCOOP_COMMITTED_YES) == 0)
        statuses = airscoop_list_of(batch.count, status_of, &batch);
    batch_free(&batch);
    return statuses;
}
