/* airscoop._native: what is in storage. */
#include <string.h>

#include "binding/asker.h"
#include "binding/lists.h"
#include "scoop/s3.h"
#include "scoop/same_bucket.h"
#include "scoop/same_place.h"
#include "scoop/split_mark.h"
#include "scoop/transfer.h"
#include "scoop/web_object.h"

enum { WEB_OBJECT_CEILING = 4096, MOMENT_SIZE = 40 };

struct item {
    uint64_t size_bytes;
    size_t key_length;
    char etag[SCOOP_ETAG_SIZE];
    char last_modified[MOMENT_SIZE];
    char key[];
};

static int collect(void *user, const struct scoop_s3_object *object, struct scoop_error *error) {
    struct item *item = airscoop_items_add(user, sizeof *item + object->key_length + 1, error);
    if (item == NULL)
        return -1;
    item->size_bytes = object->size_bytes;
    item->key_length = object->key_length;
    memcpy(item->key, object->key, object->key_length);
    strncpy(item->etag, object->etag, sizeof item->etag - 1);
    strncpy(item->last_modified, object->last_modified, sizeof item->last_modified - 1);
    return 0;
}

static PyObject *object_tuple(const void *from, size_t at) {
    const struct airscoop_items *items = from;
    const struct item *item = items->each[at];
    return Py_BuildValue("(NKNN)", airscoop_text_part(item->key, item->key_length),
                         item->size_bytes, airscoop_text(item->etag),
                         airscoop_text(item->last_modified));
}

static PyObject *page_result(const struct airscoop_items *items, const struct scoop_s3_page *page) {
    PyObject *list = airscoop_list_of(items->count, object_tuple, items);
    if (list == NULL)
        return NULL;
    if (!page->truncated)
        return Py_BuildValue("(NO)", list, Py_None);
    return Py_BuildValue("(Ns#)", list, (const char *)page->token.data,
                         (Py_ssize_t)page->token.length);
}

struct listing {
    struct airscoop_asker asker;
    const char *bucket, *prefix, *token;
    struct airscoop_items items;
    struct scoop_s3_page page;
};

static int list_page(void *user, struct scoop_error *error) {
    struct listing *asked = user;
    return scoop_s3_list_page(asked->asker.client, asked->bucket, asked->prefix, asked->token,
                              collect, &asked->items, &asked->page, &asked->asker.runner.interrupt,
                              error);
}

PyObject *airscoop_list_page(PyObject *module, PyObject *args) {
    struct listing asked = {.bucket = NULL};
    PyObject *dict, *check = Py_None, *result = NULL;
    if (!PyArg_ParseTuple(args, "O!ssz|O:list_page", &PyDict_Type, &dict, &asked.bucket,
                          &asked.prefix, &asked.token, &check) ||
        airscoop_open_asker(&asked.asker, PyModule_GetState(module), dict) != 0)
        return NULL;
    if (airscoop_ask(&asked.asker, check, list_page, &asked) == 0)
        result = page_result(&asked.items, &asked.page);
    airscoop_items_free(&asked.items);
    scoop_s3_page_free(&asked.page);
    airscoop_close_asker(&asked.asker);
    return result;
}

/* A question about one object. */
struct object_question {
    struct airscoop_asker asker;
    const char *bucket, *key;
    struct scoop_s3_object_facts facts;
};

static int head_it(void *user, struct scoop_error *error) {
    struct object_question *asked = user;
    return scoop_s3_head(asked->asker.client, asked->bucket, asked->key, &asked->facts,
                         &asked->asker.runner.interrupt, error);
}

static int delete_it(void *user, struct scoop_error *error) {
    struct object_question *asked = user;
    return scoop_s3_delete(asked->asker.client, asked->bucket, asked->key,
                           &asked->asker.runner.interrupt, error);
}

/* 0, or -1 with an exception set. */
static int ask(struct object_question *asked, PyObject *module, PyObject *dict, PyObject *check,
               int (*work)(void *user, struct scoop_error *error)) {
    if (airscoop_open_asker(&asked->asker, PyModule_GetState(module), dict) != 0)
        return -1;
    int status = airscoop_ask(&asked->asker, check, work, asked);
    airscoop_close_asker(&asked->asker);
    return status;
}

PyObject *airscoop_head_object(PyObject *module, PyObject *args) {
    struct object_question asked = {.bucket = NULL};
    PyObject *dict, *check = Py_None;
    if (!PyArg_ParseTuple(args, "O!ss|O:head_object", &PyDict_Type, &dict, &asked.bucket,
                          &asked.key, &check) ||
        ask(&asked, module, dict, check, head_it) != 0)
        return NULL;
    const struct scoop_s3_object_facts *facts = &asked.facts;
    return Py_BuildValue("(LNNN)", (long long)facts->size_bytes, airscoop_text(facts->etag),
                         airscoop_text(facts->checksum), airscoop_text(facts->split_mark));
}

PyObject *airscoop_delete_object(PyObject *module, PyObject *args) {
    struct object_question asked = {.bucket = NULL};
    PyObject *dict;
    if (!PyArg_ParseTuple(args, "O!ss:delete_object", &PyDict_Type, &dict, &asked.bucket,
                          &asked.key) ||
        ask(&asked, module, dict, Py_None, delete_it) != 0)
        return NULL;
    Py_RETURN_NONE;
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

PyObject *airscoop_same_place(PyObject *module, PyObject *args) {
    struct scoop_place one = {0}, other = {0};
    struct scoop_error error = {0};
    bool same;
    if (!PyArg_ParseTuple(args, "yzzyzz:same_place", &one.uri, &one.s3.endpoint_url, &one.s3.region,
                          &other.uri, &other.s3.endpoint_url, &other.s3.region))
        return NULL;
    if (scoop_same_place(&one, &other, &same, &error) != 0)
        return airscoop_raise(PyModule_GetState(module), &error);
    return PyBool_FromLong(same);
}

PyObject *airscoop_web_object(PyObject *module, PyObject *args) {
    struct scoop_s3_options at = {0};
    struct scoop_error error = {0};
    struct scoop_buf uri;
    const char *address;
    if (!PyArg_ParseTuple(args, "yzz:web_object", &address, &at.endpoint_url, &at.region))
        return NULL;
    scoop_buf_init(&uri, WEB_OBJECT_CEILING);
    PyObject *result = NULL;
    if (scoop_web_object(address, &at, &uri, &error) != 0)
        airscoop_raise(PyModule_GetState(module), &error);
    else
        result = PyBytes_FromStringAndSize((const char *)uri.data, (Py_ssize_t)uri.length);
    scoop_buf_free(&uri);
    return result;
}

PyObject *airscoop_default_memory_limit(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromSize_t(scoop_transfer_default_memory_bytes());
}
