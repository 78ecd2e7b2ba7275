/* What an S3 request is made of, added within its room. */
#include <string.h>

#include "aws/s3/client.h"

static void add(struct scoop_pair *pairs, size_t room, size_t *count, struct scoop_pair pair,
                bool *overflowed) {
    if (*count >= room)
        *overflowed = true;
    else
        pairs[(*count)++] = pair;
}

void scoop_s3_add_header(struct scoop_s3_request *request, const char *name, const char *value) {
    add(request->headers, SCOOP_S3_MAX_HEADERS, &request->header_count,
        (struct scoop_pair){name, value}, &request->overflowed);
}

void scoop_s3_add_object_headers(struct scoop_s3_request *request,
                                 const struct scoop_object_headers *object) {
    for (size_t i = 0; object != NULL && i < object->count; i++)
        if (object->pairs[i].value != NULL)
            scoop_s3_add_header(request, object->pairs[i].name, object->pairs[i].value);
}

void scoop_s3_add_query(struct scoop_s3_request *request, const char *name, const char *value) {
    add(request->query, SCOOP_S3_MAX_PAIRS, &request->query_count, (struct scoop_pair){name, value},
        &request->overflowed);
}

void scoop_s3_read_version(struct scoop_s3_request *request, const char *version_id) {
    if (version_id == NULL)
        return;
    scoop_s3_add_query(request, "versionId", version_id);
    if (strcmp(request->action, "s3:GetObject") == 0)
        request->action = "s3:GetObjectVersion";
    else if (strcmp(request->action, "s3:GetObjectTagging") == 0)
        request->action = "s3:GetObjectVersionTagging";
}

struct scoop_s3_request scoop_s3_tags_request(const char *bucket, const char *key,
                                              void (*on_done)(void *user,
                                                              struct scoop_http_exchange *exchange,
                                                              const struct scoop_error *error),
                                              void *user) {
    struct scoop_s3_request request = {
        .method = "GET",
        .action = "s3:GetObjectTagging",
        .bucket = bucket,
        .key = key,
        .error_in_200 = true,
        .on_done = on_done,
        .user = user,
    };
    scoop_s3_add_query(&request, "tagging", "");
    return request;
}
