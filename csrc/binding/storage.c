/* airscoop._native: what is in storage. */
#include <string.h>

#include "asker.h"
#include "scoop/memory.h"
#include "scoop/s3_ask.h"
#include "scoop/same_bucket.h"
#include "scoop/split_mark.h"
#include "scoop/transfer.h"

/* What a page holds is collected without the GIL and turned into Python objects afterwards. */
struct item {
    struct item *next;
    uint64_t size_bytes;
    size_t key_length;
    char etag[SCOOP_ETAG_SIZE];
    char key[];
};

struct items {
    struct item *first;
    struct item **end;
};

static int collect(void *user, const struct scoop_s3_object *object, struct scoop_error *error) {
    struct items *items = user;
    struct item *item = scoop_calloc(1, sizeof *item + object->key_length + 1);
    if (item == NULL)
        return scoop_fail_memory(error);
    item->size_bytes = object->size_bytes;
    item->key_length = object->key_length;
    memcpy(item->key, object->key, object->key_length);
    strncpy(item->etag, object->etag, sizeof item->etag - 1);
    *items->end = item;
    items->end = &item->next;
    return 0;
}

static PyObject *to_list(const struct items *items) {
    PyObject *list = PyList_New(0);
    for (const struct item *item = items->first; list != NULL && item != NULL; item = item->next) {
        PyObject *entry = Py_BuildValue("(s#Ks)", item->key, (Py_ssize_t)item->key_length,
                                        item->size_bytes, item->etag);
        if (entry == NULL || PyList_Append(list, entry) != 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

static void free_items(struct items *items) {
    while (items->first != NULL) {
        struct item *next = items->first->next;
        scoop_free(items->first);
        items->first = next;
    }
}

static PyObject *page_result(const struct items *items, const struct scoop_s3_page *page) {
    PyObject *list = to_list(items);
    if (list == NULL)
        return NULL;
    if (!page->truncated)
        return Py_BuildValue("(NO)", list, Py_None);
    return Py_BuildValue("(Ns#)", list, (const char *)page->token.data,
                         (Py_ssize_t)page->token.length);
}

PyObject *airscoop_list_page(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    struct scoop_s3_page page = {0};
    PyObject *dict, *result = NULL;
    const char *bucket, *prefix, *token;
    if (!PyArg_ParseTuple(args, "O!ssz:list_page", &PyDict_Type, &dict, &bucket, &prefix, &token))
        return NULL;
    if (airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    struct items items = {.first = NULL};
    items.end = &items.first;
    airscoop_waiting_begin(&waiting, NULL);
    int status = scoop_s3_list_page(asker.client, bucket, prefix, token, collect, &items, &page,
                                    &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    if (status == 0)
        result = page_result(&items, &page);
    else if (!waiting.raised)
        airscoop_raise(state, &error);
    free_items(&items);
    scoop_s3_page_free(&page);
    airscoop_close_asker(&asker);
    return result;
}

PyObject *airscoop_head_object(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    struct scoop_s3_object_facts facts;
    PyObject *dict;
    const char *bucket, *key;
    if (!PyArg_ParseTuple(args, "O!ss:head_object", &PyDict_Type, &dict, &bucket, &key))
        return NULL;
    if (airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    airscoop_waiting_begin(&waiting, NULL);
    int status = scoop_s3_head(asker.client, bucket, key, &facts, &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    airscoop_close_asker(&asker);
    if (status == 0)
        return Py_BuildValue("(Lsss)", (long long)facts.size_bytes, facts.etag, facts.checksum,
                             facts.split_mark);
    return waiting.raised ? NULL : airscoop_raise(state, &error);
}

PyObject *airscoop_delete_object(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    PyObject *dict;
    const char *bucket, *key;
    if (!PyArg_ParseTuple(args, "O!ss:delete_object", &PyDict_Type, &dict, &bucket, &key))
        return NULL;
    if (airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    airscoop_waiting_begin(&waiting, NULL);
    int status = scoop_s3_delete(asker.client, bucket, key, &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    airscoop_close_asker(&asker);
    if (status == 0)
        Py_RETURN_NONE;
    return waiting.raised ? NULL : airscoop_raise(state, &error);
}

PyObject *airscoop_is_split_file(PyObject *module, PyObject *args) {
    PyObject *path;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&:is_split_file", PyUnicode_FSConverter, &path))
        return NULL;
    bool holds = scoop_split_mark_holds(PyBytes_AsString(path));
    Py_DECREF(path);
    return PyBool_FromLong(holds);
}

PyObject *airscoop_same_bucket(PyObject *module, PyObject *args) {
    struct scoop_s3_options one = {0}, other = {0};
    const char *one_bucket, *other_bucket;
    (void)module;
    if (!PyArg_ParseTuple(args, "szzszz:same_bucket", &one_bucket, &one.endpoint_url, &one.region,
                          &other_bucket, &other.endpoint_url, &other.region))
        return NULL;
    switch (scoop_same_bucket(&one, one_bucket, &other, other_bucket)) {
    case SCOOP_SAME_BUCKET:
        Py_RETURN_TRUE;
    case SCOOP_OTHER_BUCKET:
        Py_RETURN_FALSE;
    default:
        Py_RETURN_NONE;
    }
}

PyObject *airscoop_default_memory_limit(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromSize_t(scoop_transfer_default_memory_bytes());
}
