#include "aws/auth/sigv4.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scoop/memory.h"

enum { PATH_CEILING_BYTES = 64 * 1024 };

/* Proxies add, change or drop these, so they are sent unsigned. */
static const char *const never_signed[] = {
    "authorization",       "baggage", "connection",  "expect",     "keep-alive",
    "proxy-authorization", "te",      "traceparent", "tracestate", "proxy-authenticate",
    "transfer-encoding",   "trailer", "upgrade",     "user-agent", "x-amzn-trace-id",
};

static bool is_signed(const char *name) {
    for (size_t i = 0; i < sizeof never_signed / sizeof *never_signed; i++)
        if (strcasecmp(name, never_signed[i]) == 0)
            return false;
    return true;
}

/* Appends path without empty and "." segments, with ".." resolved; a slash at the end stays. */
static int append_normalized(struct scoop_buf *buf, const char *path, struct scoop_error *error) {
    size_t start = buf->length;
    const char *segment = path;
    while (*segment != 0) {
        segment += strspn(segment, "/");
        size_t length = strcspn(segment, "/");
        bool parent = length == 2 && memcmp(segment, "..", 2) == 0;
        bool nothing = length == 0 || (length == 1 && *segment == '.');
        if (parent)
            while (buf->length > start && buf->data[--buf->length] != '/')
                ;
        else if (!nothing && (scoop_buf_append(buf, "/", 1, error) != 0 ||
                              scoop_buf_append(buf, segment, length, error) != 0))
            return -1;
        segment += length;
    }
    if (buf->length == start || segment[-1] == '/')
        return scoop_buf_append(buf, "/", 1, error);
    return 0;
}

static int append_path(const struct scoop_signing_request *request, struct scoop_buf *buf,
                       struct scoop_error *error) {
    const char *path = *request->path != 0 ? request->path : "/";
    int result = -1;
    struct scoop_buf normalized;
    scoop_buf_init(&normalized, PATH_CEILING_BYTES);
    if (request->normalize_path) {
        if (append_normalized(&normalized, path, error) != 0)
            goto cleanup;
        path = scoop_buf_text(&normalized, error);
        if (path == NULL)
            goto cleanup;
    }
    result = request->encode_path ? scoop_uri_encode(buf, path, strlen(path), true, error)
                                  : scoop_buf_append_text(buf, path, error);
cleanup:
    scoop_buf_free(&normalized);
    return result;
}

/* By name, then in order of appearance: repeated headers are joined, not sorted. */
static int compare_headers(const void *left, const void *right) {
    const struct scoop_pair *const *a = left, *const *b = right;
    int order = strcasecmp((*a)->name, (*b)->name);
    return order != 0 ? order : (*a > *b) - (*a < *b);
}

static int append_lower(struct scoop_buf *buf, const char *name, struct scoop_error *error) {
    size_t start = buf->length;
    if (scoop_buf_append_text(buf, name, error) != 0)
        return -1;
    for (size_t i = start; i < buf->length; i++)
        if (buf->data[i] >= 'A' && buf->data[i] <= 'Z')
            buf->data[i] = (unsigned char)(buf->data[i] - 'A' + 'a');
    return 0;
}

/* Appends value trimmed, each run of white space as one space. */
static int append_value(struct scoop_buf *buf, const char *value, struct scoop_error *error) {
    static const char space[] = " \t\r\n\v\f";
    bool first = true;
    for (value += strspn(value, space); *value != 0; value += strspn(value, space)) {
        size_t length = strcspn(value, space);
        if ((!first && scoop_buf_append(buf, " ", 1, error) != 0) ||
            scoop_buf_append(buf, value, length, error) != 0)
            return -1;
        value += length;
        first = false;
    }
    return 0;
}

static int append_header(const struct scoop_pair *header, bool repeated,
                         struct scoop_buf *canonical, struct scoop_buf *signed_names,
                         struct scoop_error *error) {
    if (repeated) {
        canonical->length--; /* the line goes on */
        if (scoop_buf_append(canonical, ",", 1, error) != 0)
            return -1;
    } else if (append_lower(canonical, header->name, error) != 0 ||
               scoop_buf_append(canonical, ":", 1, error) != 0 ||
               (signed_names->length > 0 && scoop_buf_append(signed_names, ";", 1, error) != 0) ||
               append_lower(signed_names, header->name, error) != 0) {
        return -1;
    }
    if (header->value != NULL && append_value(canonical, header->value, error) != 0)
        return -1;
    return scoop_buf_append(canonical, "\n", 1, error);
}

static int append_headers(const struct scoop_signing_request *request, struct scoop_buf *canonical,
                          struct scoop_buf *signed_names, struct scoop_error *error) {
    int result = -1;
    size_t count = 0;
    const struct scoop_pair **sorted = scoop_calloc(request->header_count + 1, sizeof *sorted);
    if (sorted == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < request->header_count; i++)
        if (is_signed(request->headers[i].name))
            sorted[count++] = &request->headers[i];
    qsort(sorted, count, sizeof(const struct scoop_pair *), compare_headers);
    for (size_t i = 0; i < count; i++) {
        bool repeated = i > 0 && strcasecmp(sorted[i - 1]->name, sorted[i]->name) == 0;
        if (append_header(sorted[i], repeated, canonical, signed_names, error) != 0)
            goto cleanup;
    }
    result = 0;
cleanup:
    scoop_free(sorted);
    return result;
}

int scoop_canonical_request(const struct scoop_signing_request *request,
                            struct scoop_buf *canonical, struct scoop_buf *signed_names,
                            struct scoop_error *error) {
    size_t names_start = signed_names->length;
    if (scoop_buf_printf(canonical, error, "%s\n", request->method) != 0 ||
        append_path(request, canonical, error) != 0 ||
        scoop_buf_append(canonical, "\n", 1, error) != 0 ||
        scoop_query_encode(canonical, request->query, request->query_count, error) != 0 ||
        scoop_buf_append(canonical, "\n", 1, error) != 0 ||
        append_headers(request, canonical, signed_names, error) != 0 ||
        scoop_buf_append(canonical, "\n", 1, error) != 0 ||
        scoop_buf_append(canonical, signed_names->data + names_start,
                         signed_names->length - names_start, error) != 0)
        return -1;
    return scoop_buf_printf(canonical, error, "\n%s",
                            request->payload_hash != NULL ? request->payload_hash
                                                          : SCOOP_EMPTY_SHA256);
}
