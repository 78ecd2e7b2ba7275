#include "aws/s3/copy.h"

#include <stdio.h>
#include <string.h>

#include "aws/s3/xml.h"
#include "aws/uri.h"

int scoop_s3_build_copy_source(const char *bucket, const char *key, const char *version_id,
                               struct scoop_buf *value, struct scoop_error *error) {
    if (scoop_buf_printf(value, error, "%s/", bucket) != 0 ||
        scoop_uri_encode(value, key, strlen(key), true, error) != 0)
        return -1;
    if (version_id == NULL)
        return 0;
    return scoop_buf_append_text(value, "?versionId=", error) == 0
               ? scoop_uri_encode(value, version_id, strlen(version_id), false, error)
               : -1;
}

struct copied_reader {
    struct scoop_s3_copied *copied;
    const char *element; /* of the checksum, or NULL */
};

/* The part of path below the root of a copy's answer, or NULL. */
static const char *below_result(const char *path) {
    static const char *const roots[] = {"/CopyObjectResult/", "/CopyPartResult/"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strncmp(path, roots[i], strlen(roots[i])) == 0)
            return path + strlen(roots[i]);
    return NULL;
}

static int on_copied_end(void *user, const char *path, const char *text, size_t length,
                         struct scoop_error *error) {
    struct copied_reader *reader = user;
    struct scoop_s3_copied *copied = reader->copied;
    const char *inside = below_result(path);
    (void)error;
    if (inside == NULL)
        return 0;
    if (strcmp(inside, "ETag") == 0 && length < sizeof copied->etag)
        memcpy(copied->etag, text, length + 1);
    else if (reader->element != NULL && strcmp(inside, reader->element) == 0 &&
             length < sizeof copied->checksum)
        memcpy(copied->checksum, text, length + 1);
    return 0;
}

int scoop_s3_parse_copied(const void *body, size_t length, enum scoop_s3_checksum kind,
                          struct scoop_s3_copied *copied, struct scoop_error *error) {
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(kind);
    struct copied_reader reader = {copied, names == NULL ? NULL : names->element};
    struct scoop_xml_handler handler = {.on_end = on_copied_end, .user = &reader};
    memset(copied, 0, sizeof *copied);
    if (scoop_xml_read(body, length, &handler, error) != 0)
        return -1;
    if (copied->etag[0] == 0)
        return scoop_fail(error, SCOOP_PROTOCOL, "the answer to a copy has no ETag");
    return 0;
}

struct tags_reader {
    struct scoop_buf *tags;
    size_t start;
};

static int on_tags_end(void *user, const char *path, const char *text, size_t length,
                       struct scoop_error *error) {
    struct tags_reader *reader = user;
    struct scoop_buf *tags = reader->tags;
    if (strcmp(path, "/Tagging/TagSet/Tag/Key") == 0) {
        const char *separator = tags->length > reader->start ? "&" : "";
        return scoop_buf_append_text(tags, separator, error) == 0
                   ? scoop_uri_encode(tags, text, length, false, error)
                   : -1;
    }
    if (strcmp(path, "/Tagging/TagSet/Tag/Value") == 0)
        return scoop_buf_append_text(tags, "=", error) == 0
                   ? scoop_uri_encode(tags, text, length, false, error)
                   : -1;
    return 0;
}

int scoop_s3_parse_tags(const void *body, size_t length, struct scoop_buf *tags,
                        struct scoop_error *error) {
    struct tags_reader reader = {tags, tags->length};
    struct scoop_xml_handler handler = {.on_end = on_tags_end, .user = &reader};
    return scoop_xml_read(body, length, &handler, error);
}
