/* How the S3 sink asks S3 for anything. */
#include <stdio.h>
#include <string.h>

#include "sink/s3/s3_internal.h"

const char *scoop_s3_sink_upload_id(struct scoop_s3_sink *sink) {
    struct scoop_error ignored = {0};
    return scoop_buf_text(&sink->upload_id, &ignored);
}

struct scoop_s3_request scoop_s3_sink_request(const struct scoop_s3_sink *sink,
                                              const char *method) {
    return (struct scoop_s3_request){
        .method = method,
        .action = "s3:PutObject",
        .bucket = sink->bucket,
        .key = sink->key,
        .user = (void *)sink,
    };
}

void scoop_s3_sink_add_checksum(const struct scoop_s3_sink *sink, struct scoop_s3_request *request,
                                const char *text) {
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE)
        scoop_s3_add_header(request, scoop_s3_checksum_names(sink->checksum_kind)->header, text);
}

void scoop_s3_sink_add_object(const struct scoop_s3_sink *sink, struct scoop_s3_request *request) {
    const struct scoop_kept_headers *kept = sink->kept;
    bool told = kept != NULL && kept->content_type != NULL;
    scoop_s3_add_header(request, "Content-Type", told ? kept->content_type : sink->content_type);
    for (size_t i = 0; kept != NULL && i < kept->count; i++)
        scoop_s3_add_header(request, kept->pairs[i].name, kept->pairs[i].value);
    scoop_s3_add_object_headers(request, sink->object);
}

/* Tags need a permission of their own, and not every server has them, or so many metadata. */
bool scoop_s3_sink_forgoes(struct scoop_s3_sink *sink, const struct scoop_error *error) {
    struct scoop_kept_headers *kept = sink->kept;
    int status = error->http_status;
    char why[80];
    bool refused = (error->code == SCOOP_HTTP || error->code == SCOOP_ACCESS_DENIED) &&
                   (status == 400 || status == 403 || status == 431 || status == 501);
    if (kept == NULL || !refused)
        return false;
    snprintf(why, sizeof why, "the destination does not take them (HTTP %d)", status);
    if (status == 431 || strstr(error->message, "TooLarge") != NULL)
        return scoop_kept_headers_lose_metadata(kept, why);
    return scoop_kept_headers_lose_tags(kept, why);
}

void scoop_s3_sink_add_condition(const struct scoop_s3_sink *sink,
                                 struct scoop_s3_request *request) {
    if (sink->keep_existing)
        scoop_s3_add_header(request, "If-None-Match", "*");
    if (sink->if_match != NULL)
        scoop_s3_add_header(request, "If-Match", sink->if_match);
}

int scoop_s3_sink_start(struct scoop_s3_sink *sink, const struct scoop_s3_request *request,
                        struct scoop_error *error) {
    sink->call = scoop_s3_start(sink->client, request, error);
    return sink->call == NULL ? -1 : 0;
}

void scoop_s3_sink_ended(struct scoop_s3_sink *sink) {
    sink->facts.retries += scoop_s3_retries(sink->call);
    sink->call = NULL;
}
