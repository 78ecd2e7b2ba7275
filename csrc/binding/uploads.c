/* airscoop._native.list_uploads, list_parts and abort_upload. */
#include <string.h>

#include "binding/asker.h"
#include "binding/lists.h"
#include "scoop/s3.h"

struct item {
    struct scoop_s3_listed_upload upload;
    struct scoop_s3_listed_part part;
    char *end;
    char texts[];
};

static struct item *add(struct airscoop_items *items, size_t text_bytes,
                        struct scoop_error *error) {
    struct item *item = airscoop_items_add(items, sizeof *item + text_bytes, error);
    if (item != NULL)
        item->end = item->texts;
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

static PyObject *upload_tuple(const void *from, size_t at) {
    const struct airscoop_items *items = from;
    const struct scoop_s3_listed_upload *upload = &((const struct item *)items->each[at])->upload;
    return Py_BuildValue("(Nss)", airscoop_text_part(upload->key, upload->key_length),
                         upload->upload_id, upload->initiated);
}

static PyObject *part_tuple(const void *from, size_t at) {
    const struct airscoop_items *items = from;
    const struct scoop_s3_listed_part *part = &((const struct item *)items->each[at])->part;
    return Py_BuildValue("(IKsss)", part->number, part->size_bytes, part->etag, part->crc32c,
                         part->crc64nvme);
}

struct question {
    struct airscoop_asker asker;
    const char *bucket, *key, *prefix, *key_marker, *upload_marker, *upload_id;
    unsigned after;
    struct airscoop_items items;
    struct scoop_s3_page page;
};

static int open_question(struct question *asked, PyObject *module, PyObject *dict) {
    return airscoop_open_asker(&asked->asker, PyModule_GetState(module), dict);
}

static void close_question(struct question *asked) {
    airscoop_items_free(&asked->items);
    scoop_s3_page_free(&asked->page);
    airscoop_close_asker(&asked->asker);
}

static int list_uploads(void *user, struct scoop_error *error) {
    struct question *asked = user;
    return scoop_s3_list_uploads(
        asked->asker.client, asked->bucket, asked->prefix, asked->key_marker, asked->upload_marker,
        collect_upload, &asked->items, &asked->page, &asked->asker.runner.interrupt, error);
}

PyObject *airscoop_list_uploads(PyObject *module, PyObject *args) {
    struct question asked = {.bucket = NULL};
    PyObject *dict, *list = NULL, *result = NULL;
    if (!PyArg_ParseTuple(args, "O!sszz:list_uploads", &PyDict_Type, &dict, &asked.bucket,
                          &asked.prefix, &asked.key_marker, &asked.upload_marker) ||
        open_question(&asked, module, dict) != 0)
        return NULL;
    const struct scoop_s3_page *page = &asked.page;
    if (airscoop_ask(&asked.asker, Py_None, list_uploads, &asked) == 0)
        list = airscoop_list_of(asked.items.count, upload_tuple, &asked.items);
    if (list != NULL && page->truncated)
        result = Py_BuildValue("(N(s#s#))", list, (const char *)page->token.data,
                               (Py_ssize_t)page->token.length, (const char *)page->upload_id.data,
                               (Py_ssize_t)page->upload_id.length);
    else if (list != NULL)
        result = Py_BuildValue("(NO)", list, Py_None);
    close_question(&asked);
    return result;
}

static int list_parts(void *user, struct scoop_error *error) {
    struct question *asked = user;
    return scoop_s3_list_parts(asked->asker.client, asked->bucket, asked->key, asked->upload_id,
                               asked->after, collect_part, &asked->items, &asked->page,
                               &asked->asker.runner.interrupt, error);
}

PyObject *airscoop_list_parts(PyObject *module, PyObject *args) {
    struct question asked = {.bucket = NULL};
    PyObject *dict, *list = NULL, *result = NULL;
    if (!PyArg_ParseTuple(args, "O!sssI:list_parts", &PyDict_Type, &dict, &asked.bucket, &asked.key,
                          &asked.upload_id, &asked.after) ||
        open_question(&asked, module, dict) != 0)
        return NULL;
    if (airscoop_ask(&asked.asker, Py_None, list_parts, &asked) == 0)
        list = airscoop_list_of(asked.items.count, part_tuple, &asked.items);
    if (list != NULL && asked.page.truncated)
        result = Py_BuildValue("(NI)", list, asked.page.part_number_marker);
    else if (list != NULL)
        result = Py_BuildValue("(NO)", list, Py_None);
    close_question(&asked);
    return result;
}

static int abort_upload(void *user, struct scoop_error *error) {
    struct question *asked = user;
    return scoop_s3_abort_upload(asked->asker.client, asked->bucket, asked->key, asked->upload_id,
                                 &asked->asker.runner.interrupt, error);
}

PyObject *airscoop_abort_upload(PyObject *module, PyObject *args) {
    struct question asked = {.bucket = NULL};
    PyObject *dict;
    if (!PyArg_ParseTuple(args, "O!sss:abort_upload", &PyDict_Type, &dict, &asked.bucket,
                          &asked.key, &asked.upload_id) ||
        open_question(&asked, module, dict) != 0)
        return NULL;
    int status = airscoop_ask(&asked.asker, Py_None, abort_upload, &asked);
    close_question(&asked);
    return status == 0 ? Py_NewRef(Py_None) : NULL;
}
