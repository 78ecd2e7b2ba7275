/* What a session puts into tables: the rows of other tables, and changes. */
#include "binding/lists.h"
#include "binding/options.h"
#include "binding/session.h"
#include "binding/session_arguments.h"
#include "scoop/apply.h"
#include "scoop/init.h"
#include "scoop/insert.h"

/* The arguments of insert_distinct, and what keeps their texts alive. */
struct insert {
    struct airscoop_session *self;
    struct airscoop_texts columns;
    struct airscoop_texts keys;
    struct airscoop_texts order;
    struct airscoop_texts objects;
    struct airscoop_pairs partition;
    struct scoop_insert_options options;
    struct scoop_insert_counts counts;
};

static void insert_free(struct insert *insert) {
    airscoop_texts_free(&insert->columns);
    airscoop_texts_free(&insert->keys);
    airscoop_texts_free(&insert->order);
    airscoop_texts_free(&insert->objects);
    airscoop_pairs_free(&insert->partition);
}

static int insert_fill(struct insert *insert, PyObject *lists[4], PyObject *partition) {
    struct scoop_insert_names *names = &insert->options.names;
    if (airscoop_names_fill(&insert->columns, lists[0]) != 0 ||
        airscoop_names_fill(&insert->keys, lists[1]) != 0 ||
        airscoop_names_fill(&insert->order, lists[2]) != 0 ||
        airscoop_names_fill(&insert->objects, lists[3]) != 0 ||
        airscoop_pairs_fill(&insert->partition, partition) != 0)
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

PyObject *airscoop_session_insert_distinct(PyObject *object, PyObject *arguments,
                                           PyObject *keywords) {
    static char *names[] = {"source",      "target",  "columns",     "key",
                            "order_by",    "replace", "partition",   "expected_records",
                            "min_records", "objects", "load_source", "load_etag",
                            "load_object", "dag_id",  "run_id",      "task_id",
                            "try_number",  "dry_run", NULL};
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct insert insert = {.self = self};
    struct scoop_load_facts *load = &insert.options.load;
    PyObject *lists[4] = {NULL}, *partition = NULL, *result = NULL;
    long long expected = -1, least = 0;
    int replace = 0, dry_run = 0;
    if (!PyArg_ParseTupleAndKeywords(
            arguments, keywords, "$ssOOOpO!LLOzzzzzzzp:insert_distinct", names,
            &insert.options.names.source, &insert.options.names.target, &lists[0], &lists[1],
            &lists[2], &replace, &PyDict_Type, &partition, &expected, &least, &lists[3],
            &load->source, &load->etag, &load->s3_key, &load->dag_id, &load->run_id, &load->task_id,
            &load->try_number, &dry_run))
        return NULL;
    insert.options.expected_records = expected;
    insert.options.min_records = least;
    insert.options.replace = replace != 0;
    insert.options.dry_run = dry_run != 0;
    if (insert_fill(&insert, lists, partition) == 0 &&
        airscoop_session_call(self, do_insert_distinct, &insert,
                              dry_run ? SCOOP_COMMITTED_NO : SCOOP_COMMITTED_YES) == 0)
        result = counts_of(&insert.counts);
    insert_free(&insert);
    return result;
}

/* The arguments of apply, and what keeps their texts alive. */
struct apply {
    struct airscoop_session *self;
    PyObject *dict; /* a copy, which holds the strings whatever becomes of the caller's */
    struct airscoop_texts keys;
    struct airscoop_texts ignored;
    struct airscoop_providers providers;
    struct scoop_transfer_options changes;
    struct scoop_apply_options options;
    struct scoop_apply_facts facts;
    PyObject *before_commit; /* borrowed; None: nobody is asked */
};

static void apply_free(struct apply *apply) {
    airscoop_texts_free(&apply->keys);
    airscoop_texts_free(&apply->ignored);
    airscoop_providers_free(&apply->providers);
    Py_CLEAR(apply->dict);
}

static int apply_fill(struct apply *apply, PyObject *changes, PyObject *keys, PyObject *ignored) {
    struct scoop_apply_options *options = &apply->options;
    apply->dict = PyDict_Copy(changes);
    if (apply->dict == NULL || airscoop_names_fill(&apply->keys, keys) != 0 ||
        airscoop_names_fill(&apply->ignored, ignored) != 0 ||
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

/* By enum scoop_json_texts. */
static const char *const json_texts[] = {"", "value", "parse"};

static PyObject *applied_of(const struct scoop_apply_facts *facts) {
    const struct scoop_change_source_facts *source = &facts->source;
    return Py_BuildValue("{s:(LLL),s:(LLL),s:O,s:s,s:s,s:N,s:K,s:K,s:I,s:i}", "changes",
                         (long long)facts->changes[SCOOP_CHANGE_INSERT],
                         (long long)facts->changes[SCOOP_CHANGE_UPDATE],
                         (long long)facts->changes[SCOOP_CHANGE_DELETE], "applied",
                         (long long)facts->applied[SCOOP_CHANGE_INSERT],
                         (long long)facts->applied[SCOOP_CHANGE_UPDATE],
                         (long long)facts->applied[SCOOP_CHANGE_DELETE], "already_applied",
                         facts->already_applied ? Py_True : Py_False, "json_texts",
                         json_texts[facts->json_texts], "digest", source->digest, "etag",
                         airscoop_text(source->etag), "source_bytes",
                         (unsigned long long)source->source_bytes, "text_bytes",
                         (unsigned long long)source->text_bytes, "retries", source->retries,
                         "attempts", facts->attempts);
}

static int do_apply(void *user, struct scoop_error *error) {
    struct apply *apply = user;
    return scoop_apply(apply->self->session, &apply->options, &apply->self->interrupt,
                       &apply->facts, error);
}

static int call_before_commit(void *user) {
    PyObject *answer = PyObject_CallNoArgs(((struct apply *)user)->before_commit);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* Its exception goes before the error. */
static int before_commit(void *user, struct scoop_error *error) {
    struct apply *apply = user;
    if (airscoop_runner_ask(&apply->self->runner, call_before_commit, apply) != 0)
        return scoop_fail(error, SCOOP_CANCELLED, "cancelled before the changes were committed");
    return 0;
}

PyObject *airscoop_session_apply(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"changes",          "table",      "key",     "ignored",
                            "expected_changes", "json_texts", "again",   "source",
                            "dag_id",           "run_id",     "task_id", "try_number",
                            "before_commit",    "dry_run",    NULL};
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct apply apply = {.self = self};
    struct scoop_load_facts *load = &apply.options.load;
    PyObject *changes = NULL, *keys = NULL, *ignored = NULL, *result = NULL;
    long long expected = -1;
    int again = 0, texts = 0, dry_run = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "$O!sOOLipzzzzzOp:apply", names,
                                     &PyDict_Type, &changes, &apply.options.table, &keys, &ignored,
                                     &expected, &texts, &again, &load->source, &load->dag_id,
                                     &load->run_id, &load->task_id, &load->try_number,
                                     &apply.before_commit, &dry_run))
        return NULL;
    apply.options.before_commit = apply.before_commit == Py_None ? NULL : before_commit;
    apply.options.user = &apply;
    apply.options.json_texts = (enum scoop_json_texts)texts;
    apply.options.expected_changes = expected;
    apply.options.again = again != 0;
    apply.options.dry_run = dry_run != 0;
    if (apply_fill(&apply, changes, keys, ignored) == 0 &&
        airscoop_session_call(self, do_apply, &apply,
                              dry_run ? SCOOP_COMMITTED_NO : SCOOP_COMMITTED_YES) == 0)
        result = applied_of(&apply.facts);
    apply_free(&apply);
    return result;
}

/* The arguments of init, and what keeps their texts alive. */
struct init {
    struct airscoop_session *self;
    struct airscoop_texts grantees;
    struct scoop_init_facts facts;
};

static PyObject *kept_of(const void *from, size_t at) {
    const struct scoop_kept_facts *table = &((const struct scoop_init_facts *)from)->tables[at];
    return Py_BuildValue("(sii)", table->name, table->before, table->after);
}

static int do_init(void *user, struct scoop_error *error) {
    struct init *init = user;
    return scoop_warehouse_init(init->self->session, init->grantees.texts, init->grantees.count,
                                &init->self->interrupt, &init->facts, error);
}

PyObject *airscoop_session_init(PyObject *object, PyObject *arguments) {
    struct airscoop_session *self = (struct airscoop_session *)object;
    struct init init = {.self = self};
    struct scoop_buf *left = &init.facts.left;
    PyObject *grantees = NULL, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "O:init", &grantees))
        return NULL;
    if (airscoop_names_fill(&init.grantees, grantees) == 0 &&
        airscoop_session_call(self, do_init, &init, SCOOP_COMMITTED_YES) == 0)
        result = Py_BuildValue("(Ns#)", airscoop_list_of(SCOOP_KEPT_TABLES, kept_of, &init.facts),
                               left->length == 0 ? "" : (const char *)left->data,
                               (Py_ssize_t)left->length);
    scoop_buf_free(left);
    airscoop_texts_free(&init.grantees);
    return result;
}
