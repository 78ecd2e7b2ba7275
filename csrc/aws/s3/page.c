#include <string.h>

#include "aws/s3/message.h"
#include "aws/s3/xml.h"
#include "aws/uri.h"

enum { FIELD_BYTES = 64 * 1024 };

/* Pages are read twice: once for their frame (and to see that they are whole), once for the items.
 */
struct page_reader {
    const char *root;   /* "ListBucketResult" */
    const char *item;   /* "Contents" */
    const char *marker; /* the element that names where the next page starts */
    struct scoop_s3_page *page;
    bool is_page;
    bool url_encoded;
    /* The item at hand; texts are NUL-terminated. */
    struct scoop_buf key, etag, time, upload_id, crc32c, crc64nvme;
    uint64_t size_bytes, number;
    int (*emit)(struct page_reader *reader, struct scoop_error *error);
    union {
        int (*object)(void *, const struct scoop_s3_object *, struct scoop_error *);
        int (*part)(void *, const struct scoop_s3_listed_part *, struct scoop_error *);
        int (*upload)(void *, const struct scoop_s3_listed_upload *, struct scoop_error *);
    } callback;
    void *user;
};

static int set_text(struct scoop_buf *buf, const char *text, size_t length,
                    struct scoop_error *error) {
    buf->length = 0;
    if (scoop_buf_append(buf, text, length, error) != 0 || scoop_buf_text(buf, error) == NULL)
        return -1;
    return 0;
}

/* A key as the page wrote it -> its bytes. */
static int set_key(struct page_reader *reader, struct scoop_buf *buf, const char *text,
                   size_t length, struct scoop_error *error) {
    if (!reader->url_encoded)
        return set_text(buf, text, length, error);
    buf->length = 0;
    if (scoop_uri_decode(buf, text, length, true, error) != 0 || scoop_buf_text(buf, error) == NULL)
        return -1;
    return 0;
}

static int read_number(const char *path, const char *text, size_t length, uint64_t *number,
                       struct scoop_error *error) {
    *number = 0;
    bool bad = length == 0 || length > 19;
    for (size_t i = 0; !bad && i < length; i++) {
        bad = text[i] < '0' || text[i] > '9';
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    if (bad)
        return scoop_fail(error, SCOOP_PROTOCOL, "%s holds '%.40s', which is no number", path,
                          text);
    return 0;
}

static int read_part_number(const char *path, const char *text, size_t length, uint64_t *number,
                            struct scoop_error *error) {
    if (read_number(path, text, length, number, error) != 0)
        return -1;
    if (*number > SCOOP_S3_MAX_PARTS)
        return scoop_fail(error, SCOOP_PROTOCOL, "%s holds '%.40s', which is no part number", path,
                          text);
    return 0;
}

static const char *inside_root(const struct page_reader *reader, const char *path) {
    size_t length = strlen(reader->root);
    bool same = strncmp(path + 1, reader->root, length) == 0;
    return same && (path[1 + length] == '/' || path[1 + length] == 0) ? path + 1 + length : NULL;
}

static int on_frame_end(void *user, const char *path, const char *text, size_t length,
                        struct scoop_error *error) {
    struct page_reader *reader = user;
    struct scoop_s3_page *page = reader->page;
    uint64_t number = 0;
    const char *field = inside_root(reader, path);
    if (field == NULL)
        return 0;
    reader->is_page = true;
    if (strcmp(field, "/IsTruncated") == 0)
        page->truncated = strcmp(text, "true") == 0;
    else if (strcmp(field, "/EncodingType") == 0)
        reader->url_encoded = strcmp(text, "url") == 0;
    else if (strcmp(field, "/NextUploadIdMarker") == 0)
        return set_text(&page->upload_id, text, length, error);
    else if (*field == '/' && strcmp(field + 1, reader->marker) == 0)
        return set_text(&page->token, text, length, error);
    else if (strcmp(field, "/NextPartNumberMarker") == 0 && length > 0) {
        if (read_part_number(path, text, length, &number, error) != 0)
            return -1;
        page->part_number_marker = (uint32_t)number;
    }
    return 0;
}

static int on_item_field(struct page_reader *reader, const char *path, const char *field,
                         const char *text, size_t length, struct scoop_error *error) {
    if (strcmp(field, "Key") == 0)
        return set_key(reader, &reader->key, text, length, error);
    if (strcmp(field, "ETag") == 0)
        return set_text(&reader->etag, text, length, error);
    if (strcmp(field, "LastModified") == 0 || strcmp(field, "Initiated") == 0)
        return set_text(&reader->time, text, length, error);
    if (strcmp(field, "UploadId") == 0)
        return set_text(&reader->upload_id, text, length, error);
    if (strcmp(field, "ChecksumCRC32C") == 0)
        return set_text(&reader->crc32c, text, length, error);
    if (strcmp(field, "ChecksumCRC64NVME") == 0)
        return set_text(&reader->crc64nvme, text, length, error);
    if (strcmp(field, "Size") == 0)
        return read_number(path, text, length, &reader->size_bytes, error);
    if (strcmp(field, "PartNumber") == 0)
        return read_part_number(path, text, length, &reader->number, error);
    return 0;
}

static int on_item_end(void *user, const char *path, const char *text, size_t length,
                       struct scoop_error *error) {
    struct page_reader *reader = user;
    const char *field = inside_root(reader, path);
    size_t item_length = strlen(reader->item);
    if (field == NULL || *field != '/' || strncmp(field + 1, reader->item, item_length) != 0)
        return 0;
    field += 1 + item_length;
    if (*field == '/')
        return on_item_field(reader, path, field + 1, text, length, error);
    return *field == 0 ? reader->emit(reader, error) : 0;
}

static int on_item_start(void *user, const char *path, struct scoop_error *error) {
    struct page_reader *reader = user;
    const char *field = inside_root(reader, path);
    if (field == NULL || *field != '/' || strcmp(field + 1, reader->item) != 0)
        return 0;
    reader->size_bytes = reader->number = 0;
    struct scoop_buf *texts[] = {&reader->key,       &reader->etag,   &reader->time,
                                 &reader->upload_id, &reader->crc32c, &reader->crc64nvme};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (set_text(texts[i], "", 0, error) != 0)
            return -1;
    return 0;
}

static int check_frame(const struct page_reader *reader, struct scoop_error *error) {
    const struct scoop_s3_page *page = reader->page;
    if (!reader->is_page)
        return scoop_fail(error, SCOOP_PROTOCOL, "the answer is no %s", reader->root);
    if (page->truncated && page->token.length == 0 && page->part_number_marker == 0)
        return scoop_fail(error, SCOOP_PROTOCOL, "a truncated %s does not say where to go on",
                          reader->root);
    return 0;
}

static void reset_page(struct scoop_s3_page *page) {
    scoop_s3_page_free(page);
    scoop_buf_init(&page->token, FIELD_BYTES);
    scoop_buf_init(&page->upload_id, FIELD_BYTES);
}

void scoop_s3_page_free(struct scoop_s3_page *page) {
    scoop_buf_free(&page->token);
    scoop_buf_free(&page->upload_id);
    page->truncated = false;
    page->part_number_marker = 0;
}

static int read_page(struct page_reader *reader, const void *body, size_t length,
                     struct scoop_error *error) {
    struct scoop_xml_handler frame = {.on_end = on_frame_end, .user = reader};
    struct scoop_xml_handler items = {on_item_start, on_item_end, reader};
    struct scoop_buf *texts[] = {&reader->key,       &reader->etag,   &reader->time,
                                 &reader->upload_id, &reader->crc32c, &reader->crc64nvme};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        scoop_buf_init(texts[i], FIELD_BYTES);
    reset_page(reader->page);
    int result = scoop_xml_read(body, length, &frame, error);
    if (result == 0)
        result = check_frame(reader, error);
    if (result == 0)
        result = scoop_xml_read(body, length, &items, error);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        scoop_buf_free(texts[i]);
    return result;
}

static int fail_item(const struct page_reader *reader, const char *field,
                     struct scoop_error *error) {
    return scoop_fail(error, SCOOP_PROTOCOL, "a %s of a %s has no %s", reader->item, reader->root,
                      field);
}

static int emit_object(struct page_reader *reader, struct scoop_error *error) {
    if (reader->key.length == 0)
        return fail_item(reader, "Key", error);
    struct scoop_s3_object object = {
        .key = (const char *)reader->key.data,
        .key_length = reader->key.length,
        .size_bytes = reader->size_bytes,
        .etag = (const char *)reader->etag.data,
        .last_modified = (const char *)reader->time.data,
    };
    return reader->callback.object(reader->user, &object, error);
}

int scoop_s3_parse_objects(const void *body, size_t length,
                           int (*on_object)(void *user, const struct scoop_s3_object *object,
                                            struct scoop_error *error),
                           void *user, struct scoop_s3_page *page, struct scoop_error *error) {
    struct page_reader reader = {
        .root = "ListBucketResult",
        .item = "Contents",
        .marker = "NextContinuationToken",
        .page = page,
        .emit = emit_object,
        .callback.object = on_object,
        .user = user,
    };
    return read_page(&reader, body, length, error);
}

static int emit_part(struct page_reader *reader, struct scoop_error *error) {
    if (reader->number == 0)
        return fail_item(reader, "PartNumber", error);
    struct scoop_s3_listed_part part = {
        .number = (uint32_t)reader->number,
        .size_bytes = reader->size_bytes,
        .etag = (const char *)reader->etag.data,
        .crc32c = (const char *)reader->crc32c.data,
        .crc64nvme = (const char *)reader->crc64nvme.data,
    };
    return reader->callback.part(reader->user, &part, error);
}

int scoop_s3_parse_parts(const void *body, size_t length,
                         int (*on_part)(void *user, const struct scoop_s3_listed_part *part,
                                        struct scoop_error *error),
                         void *user, struct scoop_s3_page *page, struct scoop_error *error) {
    struct page_reader reader = {
        .root = "ListPartsResult",
        .item = "Part",
        .marker = "",
        .page = page,
        .emit = emit_part,
        .callback.part = on_part,
        .user = user,
    };
    return read_page(&reader, body, length, error);
}

static int emit_upload(struct page_reader *reader, struct scoop_error *error) {
    if (reader->upload_id.length == 0)
        return fail_item(reader, "UploadId", error);
    struct scoop_s3_listed_upload upload = {
        .key = (const char *)reader->key.data,
        .key_length = reader->key.length,
        .upload_id = (const char *)reader->upload_id.data,
        .initiated = (const char *)reader->time.data,
    };
    return reader->callback.upload(reader->user, &upload, error);
}

/* The marker names a key, so it is encoded as keys are; only the whole page tells whether. */
static int decode_marker(struct page_reader *reader, struct scoop_error *error) {
    struct scoop_buf *token = &reader->page->token;
    struct scoop_buf decoded;
    if (!reader->url_encoded)
        return 0;
    scoop_buf_init(&decoded, FIELD_BYTES);
    int result = scoop_uri_decode(&decoded, (const char *)token->data, token->length, true, error);
    if (result == 0)
        result = set_text(token, (const char *)decoded.data, decoded.length, error);
    scoop_buf_free(&decoded);
    return result;
}

int scoop_s3_parse_uploads(const void *body, size_t length,
                           int (*on_upload)(void *user, const struct scoop_s3_listed_upload *upload,
                                            struct scoop_error *error),
                           void *user, struct scoop_s3_page *page, struct scoop_error *error) {
    struct page_reader reader = {
        .root = "ListMultipartUploadsResult",
        .item = "Upload",
        .marker = "NextKeyMarker",
        .page = page,
        .emit = emit_upload,
        .callback.upload = on_upload,
        .user = user,
    };
    if (read_page(&reader, body, length, error) != 0)
        return -1;
    return decode_marker(&reader, error);
}
