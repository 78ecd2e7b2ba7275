#include "aws/s3/object_headers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/invariant.h"
#include "scoop/buffer.h"
#include "scoop/memory.h"
#include "text/header.h"
#include "text/utf8.h"

enum {
    VALUE_CEILING = 16 * 1024,
    MOST_TAG_NAME = 128, /* characters */
    MOST_TAG_VALUE = 256,
    MOST_METADATA_BYTES = 2048,
    MOST_NAME_BYTES = 256, /* of a metadata header */
};

enum { ENCRYPTION_HEADERS = 3, PLAIN_HEADERS = 5, OTHER_HEADERS = 3 }; /* class, ACL, tags */

static_assert(ENCRYPTION_HEADERS + PLAIN_HEADERS + OTHER_HEADERS + (int)SCOOP_OBJECT_MAX_METADATA <=
                  (int)SCOOP_OBJECT_MAX_HEADERS,
              "the headers of an object do not fit");
static_assert(SCOOP_OBJECT_MAX_TAGS <= SCOOP_OBJECT_MAX_METADATA, "struct pairs holds both");

struct pairs {
    struct scoop_pair pairs[SCOOP_OBJECT_MAX_METADATA];
    size_t count;
};

static void free_pairs(struct scoop_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        scoop_free((char *)pairs[i].name);
        scoop_free((char *)pairs[i].value);
    }
}

void scoop_object_headers_free(struct scoop_object_headers *headers) {
    free_pairs(headers->pairs, headers->count);
    headers->count = 0;
}

/* A header that the object shall not have, so far. */
static struct scoop_pair *add_name(struct scoop_object_headers *headers, const char *name,
                                   struct scoop_error *error) {
    if (!SCOOP_INVARIANT(headers->count < SCOOP_OBJECT_MAX_HEADERS, error))
        return NULL;
    struct scoop_pair *pair = &headers->pairs[headers->count++];
    *pair = (struct scoop_pair){scoop_strdup(name), NULL};
    if (pair->name != NULL)
        return pair;
    scoop_fail_memory(error);
    return NULL;
}

static int add(struct scoop_object_headers *headers, const char *name, const char *value,
               struct scoop_error *error) {
    struct scoop_pair *pair = add_name(headers, name, error);
    if (pair == NULL)
        return -1;
    pair->value = scoop_strdup(value);
    return pair->value == NULL ? scoop_fail_memory(error) : 0;
}

/* Printable ASCII without blanks at its ends, which a header would lose. */
static bool fits_header(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return length == 0 || (text[0] != ' ' && text[length - 1] != ' ');
}

static char *decoded(const char *text, size_t length, struct scoop_error *error) {
    struct scoop_buf buf;
    scoop_buf_init(&buf, VALUE_CEILING);
    char *copy = NULL;
    if (scoop_uri_decode(&buf, text, length, true, error) == 0) {
        const char *whole = scoop_buf_text(&buf, error);
        copy = whole == NULL ? NULL : scoop_strdup(whole);
        if (whole != NULL && copy == NULL)
            scoop_fail_memory(error);
    }
    if (copy != NULL && strlen(copy) != buf.length) {
        scoop_fail(error, SCOOP_USAGE, "a tag or metadata entry holds a NUL character");
        scoop_free(copy);
        copy = NULL;
    }
    scoop_buf_free(&buf);
    return copy;
}

/* "name=value&…", with each name once in any case. */
static int split(const char *text, const char *what, size_t most, struct pairs *pairs,
                 struct scoop_error *error) {
    while (*text != 0) {
        size_t length = strcspn(text, "&"), name = strcspn(text, "=&");
        if (pairs->count == most)
            return scoop_fail(error, SCOOP_USAGE, "there are more than %zu %s", most, what);
        struct scoop_pair *pair = &pairs->pairs[pairs->count++];
        size_t skipped = name < length ? name + 1 : length;
        pair->name = decoded(text, name, error);
        pair->value = decoded(text + skipped, length - skipped, error);
        if (pair->name == NULL || pair->value == NULL)
            return -1;
        text += length + (text[length] == '&');
    }
    return 0;
}

static int add_tags(const struct pairs *tags, struct scoop_object_headers *headers,
                    struct scoop_error *error) {
    for (size_t i = 0; i < tags->count; i++) {
        const struct scoop_pair *tag = &tags->pairs[i];
        if (tag->name[0] == 0 || scoop_utf8_count(tag->name, strlen(tag->name)) > MOST_TAG_NAME ||
            scoop_utf8_count(tag->value, strlen(tag->value)) > MOST_TAG_VALUE)
            return scoop_fail(error, SCOOP_USAGE,
                              "tag \"%.40s\": a name has 1 to %d characters, a value at most %d",
                              tag->name, MOST_TAG_NAME, MOST_TAG_VALUE);
        for (size_t j = 0; j < i; j++)
            if (strcmp(tags->pairs[j].name, tag->name) == 0)
                return scoop_fail(error, SCOOP_USAGE, "the tag \"%.40s\" is there twice",
                                  tag->name);
    }
    struct scoop_buf text;
    scoop_buf_init(&text, VALUE_CEILING);
    const char *value = scoop_query_encode(&text, tags->pairs, tags->count, error) == 0
                            ? scoop_buf_text(&text, error)
                            : NULL;
    int status = value == NULL ? -1 : add(headers, "x-amz-tagging", value, error);
    scoop_buf_free(&text);
    return status;
}

static int add_metadata(const struct pairs *metadata, struct scoop_object_headers *headers,
                        struct scoop_error *error) {
    size_t bytes = 0;
    for (size_t i = 0; i < metadata->count; i++) {
        const struct scoop_pair *entry = &metadata->pairs[i];
        char name[sizeof "x-amz-meta-" + MOST_NAME_BYTES];
        bytes += strlen(entry->name) + strlen(entry->value);
        if (bytes > MOST_METADATA_BYTES)
            return scoop_fail(error, SCOOP_USAGE, "the metadata are more than %d bytes",
                              MOST_METADATA_BYTES);
        if (!scoop_header_is_name(entry->name, strlen(entry->name)) ||
            strlen(entry->name) > MOST_NAME_BYTES || !fits_header(entry->value))
            return scoop_fail(error, SCOOP_USAGE,
                              "metadata \"%.40s\": a name is made of letters, digits and -_., a "
                              "value of ASCII without blanks at its ends; encode others",
                              entry->name);
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(metadata->pairs[j].name, entry->name) == 0)
                return scoop_fail(error, SCOOP_USAGE, "the metadata \"%.40s\" is there twice",
                                  entry->name);
        snprintf(name, sizeof name, "x-amz-meta-%s", entry->name);
        if (add(headers, name, entry->value, error) != 0)
            return -1;
    }
    return 0;
}

static int add_pairs(const char *text, bool are_tags, struct scoop_object_headers *headers,
                     struct scoop_error *error) {
    struct pairs pairs = {0};
    if (text == NULL || text[0] == 0)
        return 0;
    int status = are_tags
                     ? split(text, "tags", SCOOP_OBJECT_MAX_TAGS, &pairs, error)
                     : split(text, "metadata entries", SCOOP_OBJECT_MAX_METADATA, &pairs, error);
    if (status == 0)
        status = are_tags ? add_tags(&pairs, headers, error) : add_metadata(&pairs, headers, error);
    free_pairs(pairs.pairs, pairs.count);
    return status;
}

static int add_encryption(const struct scoop_object_options *options,
                          struct scoop_object_headers *headers, struct scoop_error *error) {
    const char *kind = options->encryption == NULL ? "" : options->encryption;
    bool kms = strcmp(kind, "aws:kms") == 0, dual = strcmp(kind, "aws:kms:dsse") == 0;
    if (kind[0] != 0 && !kms && !dual && strcmp(kind, "AES256") != 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "encryption \"%.40s\" is not one of AES256, aws:kms, aws:kms:dsse", kind);
    if (options->kms_key_id != NULL && !kms && !dual)
        return scoop_fail(error, SCOOP_USAGE,
                          "kms_key_id needs the encryption aws:kms or aws:kms:dsse");
    if (options->bucket_key && !kms)
        return scoop_fail(error, SCOOP_USAGE, "bucket_key needs the encryption aws:kms");
    if (kind[0] != 0 && add(headers, "x-amz-server-side-encryption", kind, error) != 0)
        return -1;
    if (options->kms_key_id != NULL &&
        (!fits_header(options->kms_key_id) || options->kms_key_id[0] == 0))
        return scoop_fail(error, SCOOP_USAGE, "kms_key_id is no name of a key");
    if (options->kms_key_id != NULL && add(headers, "x-amz-server-side-encryption-aws-kms-key-id",
                                           options->kms_key_id, error) != 0)
        return -1;
    return options->bucket_key
               ? add(headers, "x-amz-server-side-encryption-bucket-key-enabled", "true", error)
               : 0;
}

static int add_storage_class(const char *name, struct scoop_object_headers *headers,
                             struct scoop_error *error) {
    if (name == NULL)
        return 0;
    if (name[0] == 0 || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "storage_class \"%.40s\" is no name such as STANDARD_IA", name);
    return add(headers, "x-amz-storage-class", name, error);
}

static int add_acl(const char *name, struct scoop_object_headers *headers,
                   struct scoop_error *error) {
    if (name == NULL)
        return 0;
    if (name[0] == 0 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] != 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "acl \"%.40s\" is no canned one, such as bucket-owner-full-control",
                          name);
    return add(headers, "x-amz-acl", name, error);
}

/* What HTTP has for every body. */
static int add_plain(const struct scoop_object_options *options,
                     struct scoop_object_headers *headers, struct scoop_error *error) {
    const struct {
        const char *option, *header, *value;
    } plain[PLAIN_HEADERS] = {
        {"cache_control", "Cache-Control", options->cache_control},
        {"content_encoding", "Content-Encoding", options->content_encoding},
        {"content_disposition", "Content-Disposition", options->content_disposition},
        {"content_language", "Content-Language", options->content_language},
        {"expires", "Expires", options->expires},
    };
    for (size_t i = 0; i < PLAIN_HEADERS; i++) {
        const char *value = plain[i].value;
        if (value != NULL && !fits_header(value))
            return scoop_fail(
                error, SCOOP_USAGE, "%s has to be ASCII on one line, without blanks at its ends%s",
                plain[i].option,
                i == 2 ? "; other names are written as filename*=UTF-8''%C3%A9.csv" : "");
        if (value != NULL && value[0] == 0) {
            if (add_name(headers, plain[i].header, error) == NULL)
                return -1;
        } else if (value != NULL && add(headers, plain[i].header, value, error) != 0) {
            return -1;
        }
    }
    return 0;
}

int scoop_object_headers_build(const struct scoop_object_options *options,
                               struct scoop_object_headers *headers, struct scoop_error *error) {
    const char *type = options->content_type;
    if (type != NULL && (type[0] == 0 || !fits_header(type)))
        return scoop_fail(error, SCOOP_USAGE, "content_type is no media type");
    if (add_encryption(options, headers, error) == 0 &&
        add_storage_class(options->storage_class, headers, error) == 0 &&
        add_acl(options->acl, headers, error) == 0 && add_plain(options, headers, error) == 0 &&
        add_pairs(options->tags, true, headers, error) == 0 &&
        add_pairs(options->metadata, false, headers, error) == 0)
        return 0;
    scoop_object_headers_free(headers);
    return -1;
}
