/* airscoop._native.list_uploads, list_parts and abort_upload. */
#include <string.h>

#include "asker.h"
#include "scoop/memory.h"
#include "scoop/s3_uploads.h"

/* What a page holds is collected without the GIL and turned into Python objects afterwards. */
struct item {
    struct item *next;
    struct scoop_s3_listed_upload upload;
    struct scoop_s3_listed_part part;
    char *end;
    char texts[];
};

struct items {
    struct item *first;
    struct item **end;
};

static struct item *add(struct items *items, size_t text_bytes, struct scoop_error *error) {
    struct item *item = scoop_calloc(1, sizeof *item + text_bytes);
    if (item == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    item->end = item->texts;
    *items->end = item;
    items->end = &item->next;
    return item;
}

static const char *keep(struct item *item, const char *text, size_t length) {
    char *kept = memcpy(item->end, text, length);
    item->end += length + 1;
    return kept;
}

static int collect_upload(void *user, const struct scoop_s3_listed_upload *upload,
                          struct scoop_error *error) {
    size_t id_length = strlen(upload->upload_id), time_length = strlen(upload->initiated);
    struct item *item = add(user, upload->key_length + id_length + time_length + 3, error);
    if (item == NULL)
        return -1;
    item->upload.key = keep(item, upload->key, upload->key_length);
    item->upload.key_length = upload->key_length;
    item->upload.upload_id = keep(item, upload->upload_id, id_length);
    item->upload.initiated = keep(item, upload->initiated, time_length);
    return 0;
}

static int collect_part(void *user, const struct scoop_s3_listed_part *part,
                        struct scoop_error *error) {
    const char *texts[] = {part->etag, part->crc32c, part->crc64nvme};
    struct item *item =
        add(user, strlen(texts[0]) + strlen(texts[1]) + strlen(texts[2]) + 3, error);
    if (item == NULL)
        return -1;
    item->part.number = part->number;
    item->part.size_bytes = part->size_bytes;
    item->part.etag = keep(item, texts[0], strlen(texts[0]));
    item->part.crc32c = keep(item, texts[1], strlen(texts[1]));
    item->part.crc64nvme = keep(item, texts[2], strlen(texts[2]));
    return 0;
}

static void free_items(struct items *items) {
    while (items->first != NULL) {
        struct item *next = items->first->next;
        scoop_free(items->first);
        items->first = next;
    }
}

static PyObject *upload_tuple(const struct item *item) {
    return Py_BuildValue("(Nss)", airscoop_text_part(item->upload.key, item->upload.key_length),
                         item->upload.upload_id, item->upload.initiated);
}

static PyObject *part_tuple(const struct item *item) {
    return Py_BuildValue("(IKsss)", item->part.number, item->part.size_bytes, item->part.etag,
                         item->part.crc32c, item->part.crc64nvme);
}

static PyObject *to_list(const struct items *items, PyObject *(*convert)(const struct item *)) {
    PyObject *list = PyList_New(0);
    for (const struct item *item = items->first; list != NULL && item != NULL; item = item->next) {
        PyObject *entry = convert(item);
        if (entry == NULL || PyList_Append(list, entry) != 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

PyObject *airscoop_list_uploads(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    struct scoop_s3_page page = {0};
    struct items items = {.first = NULL};
    PyObject *dict, *list = NULL, *result = NULL;
    const char *bucket, *prefix, *key_marker, *upload_marker;
    if (!PyArg_ParseTuple(args, "O!sszz:list_uploads", &PyDict_Type, &dict, &bucket, &prefix,
                          &key_marker, &upload_marker) ||
        airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    items.end = &items.first;
    airscoop_waiting_begin(&waiting, NULL);
    int status = scoop_s3_list_uploads(asker.client, bucket, prefix, key_marker, upload_marker,
                                       collect_upload, &items, &page, &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    if (status == 0)
        list = to_list(&items, upload_tuple);
    else if (!waiting.raised)
        airscoop_raise(state, &error);
    if (list != NULL && page.truncated)
        result = Py_BuildValue("(N(s#s#))", list, (const char *)page.token.data,
                               (Py_ssize_t)page.token.length, (const char *)page.upload_id.data,
                               (Py_ssize_t)page.upload_id.length);
    else if (list != NULL)
        result = Py_BuildValue("(NO)", list, Py_None);
    free_items(&items);
    scoop_s3_page_free(&page);
    airscoop_close_asker(&asker);
    return result;
}

PyObject *airscoop_list_parts(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    struct scoop_s3_page page = {0};
    struct items items = {.first = NULL};
    PyObject *dict, *list = NULL, *result = NULL;
    const char *bucket, *key, *upload_id;
    unsigned after;
    if (!PyArg_ParseTuple(args, "O!sssI:list_parts", &PyDict_Type, &dict, &bucket, &key, &upload_id,
                          &after) ||
        airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    items.end = &items.first;
    airscoop_waiting_begin(&waiting, NULL);
    int status = scoop_s3_list_parts(asker.client, bucket, key, upload_id, after, collect_part,
                                     &items, &page, &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    if (status == 0)
        list = to_list(&items, part_tuple);
    else if (!waiting.raised)
        airscoop_raise(state, &error);
    if (list != NULL && page.truncated)
        result = Py_BuildValue("(NI)", list, page.part_number_marker);
    else if (list != NULL)
        result = Py_BuildValue("(NO)", list, Py_None);
    free_items(&items);
    scoop_s3_page_free(&page);
    airscoop_close_asker(&asker);
    return result;
}

PyObject *airscoop_abort_upload(PyObject *module, PyObject *args) {
    struct airscoop_state *state = PyModule_GetState(module);
    struct airscoop_asker asker;
    struct airscoop_waiting waiting;
    struct scoop_error error = {0};
    PyObject *dict;
    const char *bucket, *key, *upload_id;
    if (!PyArg_ParseTuple(args, "O!sss:abort_upload", &PyDict_Type, &dict, &bucket, &key,
                          &upload_id) ||
        airscoop_open_asker(&asker, state, dict) != 0)
        return NULL;
    airscoop_waiting_begin(&waiting, NULL);
    int status =
        scoop_s3_abort_upload(asker.client, bucket, key, upload_id, &waiting.interrupt, &error);
    airscoop_waiting_end(&waiting);
    airscoop_close_asker(&asker);
    if (status == 0)
        Py_RETURN_NONE;
    return waiting.raised ? NULL : airscoop_raise(state, &error);
}
