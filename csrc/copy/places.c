#include "copy/places.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/uri.h"
#include "copy/compression.h"
#include "net/http.h"
#include "scoop/same_bucket.h"
#include "scoop/same_place.h"
#include "scoop/url_display.h"
#include "scoop/web_object.h"

/* A path without links and dots, or the key. */
struct name {
    char text[PATH_MAX];
    char bucket[SCOOP_BUCKET_SIZE];
    bool in_s3;
};

static bool starts_with(const char *text, const char *prefix) {
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool scoop_place_is_s3(const char *uri) {
    return uri != NULL && starts_with(uri, "s3://");
}

bool scoop_place_is_http(const char *uri) {
    return uri != NULL && (starts_with(uri, "http://") || starts_with(uri, "https://"));
}

/* Puts one segment behind `path`; where that is there, its links are followed. */
static int append_segment(char *path, const char *segment, size_t length,
                          struct scoop_error *error) {
    char real[PATH_MAX];
    size_t used = strlen(path);
    if (length == 0 || (length == 1 && segment[0] == '.'))
        return 0;
    if (length == 2 && memcmp(segment, "..", 2) == 0) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = 0;
        return 0;
    }
    if (length + 2 > PATH_MAX - used)
        return scoop_fail_errno(error, ENAMETOOLONG, "%s/%.*s", path, (int)length, segment);
    snprintf(path + used, PATH_MAX - used, "/%.*s", (int)length, segment);
    if (realpath(path, real) != NULL)
        memcpy(path, real, strlen(real) + 1);
    return 0;
}

static int name_path(struct name *name, const char *path, struct scoop_error *error) {
    name->text[0] = 0;
    if (path[0] != '/' && getcwd(name->text, sizeof name->text) == NULL)
        return scoop_fail_errno(error, errno, "the working folder");
    if (strcmp(name->text, "/") == 0)
        name->text[0] = 0;
    for (const char *segment = path, *end; *segment != 0; segment = *end ? end + 1 : end) {
        end = segment + strcspn(segment, "/");
        if (append_segment(name->text, segment, (size_t)(end - segment), error) != 0)
            return -1;
    }
    return 0;
}

static int name_place(struct name *name, const char *uri, struct scoop_error *error) {
    struct scoop_s3_uri object;
    name->bucket[0] = 0;
    name->in_s3 = scoop_place_is_s3(uri);
    if (!name->in_s3)
        return name_path(name, uri, error);
    if (scoop_s3_uri_parse(uri, &object, error) != 0)
        return -1;
    memcpy(name->bucket, object.bucket, sizeof name->bucket);
    snprintf(name->text, sizeof name->text, "%s", object.key);
    return 0;
}

/* In doubt they are: what is overwritten is lost. `at` and `other_at` count in S3 only. */
static bool can_be_same_storage(const struct name *name, const struct scoop_s3_options *at,
                                const struct name *other, const struct scoop_s3_options *other_at) {
    return name->in_s3 == other->in_s3 &&
           (!name->in_s3 ||
            scoop_same_bucket(at, name->bucket, other_at, other->bucket) != SCOOP_OTHER_BUCKET);
}

/* Two paths of one file: links, and what a file system folds or mounts twice. */
static bool is_same_file(const char *path, const char *other) {
    struct stat one, two;
    return stat(path, &one) == 0 && stat(other, &two) == 0 && S_ISREG(one.st_mode) &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static bool is_nameless(const struct scoop_place *place) {
    return place->uri == NULL || strcmp(place->uri, "-") == 0 || scoop_place_is_http(place->uri);
}

/* A web address that is that of an object, as who reaches S3 by `at` names it. */
static int same_as_web(const char *address, const struct scoop_place *at, bool *same,
                       struct scoop_error *error) {
    struct scoop_buf uri;
    scoop_buf_init(&uri, PATH_MAX);
    int status = scoop_web_object(address, &at->s3, &uri, error);
    if (status == 0 && uri.length > 0) {
        const struct scoop_place object = {.uri = scoop_buf_text(&uri, error), .s3 = at->s3};
        status = object.uri == NULL ? -1 : scoop_same_place(&object, at, same, error);
    }
    scoop_buf_free(&uri);
    return status;
}

int scoop_same_place(const struct scoop_place *one, const struct scoop_place *other, bool *same,
                     struct scoop_error *error) {
    struct name first, second;
    *same = false;
    if (scoop_place_is_http(one->uri) && scoop_place_is_s3(other->uri))
        return same_as_web(one->uri, other, same, error);
    if (is_nameless(one) || is_nameless(other) ||
        scoop_place_is_s3(one->uri) != scoop_place_is_s3(other->uri))
        return 0;
    if (name_place(&first, one->uri, error) != 0 || name_place(&second, other->uri, error) != 0)
        return -1;
    if (!first.in_s3 && !second.in_s3 && is_same_file(one->uri, other->uri))
        *same = true;
    else
        *same = strcmp(first.text, second.text) == 0 &&
                can_be_same_storage(&first, &one->s3, &second, &other->s3);
    return 0;
}

/* Whether `name` lies below the folder of `object`, and that is a partition's (`name=value`). */
static bool is_in_partition_of(const struct name *name, const struct name *object) {
    const char *end = strrchr(object->text, '/');
    if (end == NULL)
        return false;
    size_t length = (size_t)(end - object->text);
    const char *start = end;
    while (start > object->text && start[-1] != '/')
        start--;
    const char *equals = memchr(start, '=', (size_t)(end - start));
    return equals != NULL && equals > start && strncmp(name->text, object->text, length + 1) == 0;
}

static int check_source(const struct scoop_transfer_options *options, struct scoop_error *error) {
    const struct scoop_place rejects = {.uri = options->rejects_uri, .s3 = options->destination.s3};
    char shown[512];
    bool same;
    if (scoop_same_place(&options->source, &rejects, &same, error) != 0)
        return -1;
    if (!same)
        return 0;
    scoop_url_display(options->source.uri, shown, sizeof shown);
    return scoop_fail(error, SCOOP_USAGE,
                      "the reject file %s would replace the source %s: name another place",
                      options->rejects_uri, shown);
}

/* Whether what is written can be other bytes than what is read. */
static bool may_change(const struct scoop_transfer_options *options) {
    return options->format != SCOOP_FORMAT_RAW || options->head_lines > 0 ||
           options->compression_level != 0 || options->compression == SCOOP_COMPRESSION_GZIP ||
           options->compression == SCOOP_COMPRESSION_NONE ||
           scoop_name_is_gzip(options->source.uri) != scoop_name_is_gzip(options->destination.uri);
}

/* An object may be copied onto itself, to give it other metadata or another class: its bytes stay.
 * Anything else would leave nothing to begin again with. */
static int check_destination(const struct scoop_transfer_options *options,
                             struct scoop_error *error) {
    bool same;
    if (scoop_same_place(&options->source, &options->destination, &same, error) != 0)
        return -1;
    if (same && may_change(options) && options->source.s3.version_id == NULL)
        return scoop_fail(error, SCOOP_USAGE,
                          "the destination %s is the source, which other bytes would replace: name "
                          "another place",
                          options->destination.uri);
    return 0;
}

static int check_rejects(const struct scoop_transfer_options *options, struct scoop_error *error) {
    struct name rejects, destination;
    const char *uri = options->destination.uri;
    if (name_place(&rejects, options->rejects_uri, error) != 0 || check_source(options, error) != 0)
        return -1;
    if (uri == NULL || strcmp(uri, "-") == 0)
        return 0;
    if (name_place(&destination, uri, error) != 0)
        return -1;
    if (!can_be_same_storage(&rejects, &options->destination.s3, &destination,
                             &options->destination.s3))
        return 0;
    if (strcmp(rejects.text, destination.text) == 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "the reject file %s and the destination %s are one: name another place",
                          options->rejects_uri, uri);
    if (is_in_partition_of(&rejects, &destination))
        return scoop_fail(error, SCOOP_USAGE,
                          "the reject file %s lies in the partition of the destination %s, where "
                          "its lines would be read as rows: name a place outside",
                          options->rejects_uri, uri);
    return 0;
}

int scoop_places_check(const struct scoop_transfer_options *options, struct scoop_error *error) {
    const char *destination = options->destination.uri;
    char shown[512];
    if (options->source.uri != NULL && options->source.uri[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "the source is empty");
    if (destination != NULL && destination[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "the destination is empty");
    if (scoop_place_is_http(destination)) {
        scoop_url_display(destination, shown, sizeof shown);
        return scoop_fail(error, SCOOP_USAGE, "%s: a destination is s3://, a path or -", shown);
    }
    if (check_destination(options, error) != 0)
        return -1;
    if (options->rejects_uri == NULL)
        return 0;
    if (scoop_place_is_http(options->rejects_uri) || strcmp(options->rejects_uri, "-") == 0) {
        scoop_url_display(options->rejects_uri, shown, sizeof shown);
        return scoop_fail(error, SCOOP_USAGE, "%s: a reject file is s3:// or a path", shown);
    }
    if (scoop_place_is_s3(options->rejects_uri) != scoop_place_is_s3(destination))
        return scoop_fail(error, SCOOP_USAGE,
                          "the reject file belongs beside the destination: both in S3, or neither");
    return check_rejects(options, error);
}
