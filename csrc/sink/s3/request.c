/* How the S3 sink asks S3 for anything. */
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
    scoop_s3_add_header(request, "Content-Type", sink->content_type);
    for (size_t i = 0; sink->object != NULL && i < sink->object->count; i++)
        scoop_s3_add_header(request, sink->object->pairs[i].name, sink->object->pairs[i].value);
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
