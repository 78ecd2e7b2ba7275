#include <stdio.h>

#include "aws/s3/asking.h"

int scoop_s3_list_uploads(struct scoop_s3_client *client, const char *bucket, const char *prefix,
                          const char *key_marker, const char *upload_marker,
                          int (*on_upload)(void *user, const struct scoop_s3_listed_upload *upload,
                                           struct scoop_error *error),
                          void *user, struct scoop_s3_page *page,
                          const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    /* Without encoding-type, which SeaweedFS confirms here and does not do. */
    struct scoop_s3_request request = {
        .method = "GET",
        .action = "s3:ListBucketMultipartUploads",
        .bucket = bucket,
        .query = {{"uploads", ""}, {"prefix", prefix}},
        .query_count = 2,
        .response_ceiling = SCOOP_S3_PAGE_CEILING,
        .error_in_200 = true,
    };
    if (key_marker != NULL && key_marker[0] != 0)
        scoop_s3_add_query(&request, "key-marker", key_marker);
    if (upload_marker != NULL && upload_marker[0] != 0)
        scoop_s3_add_query(&request, "upload-id-marker", upload_marker);
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    if (status == 0)
        status = scoop_s3_parse_uploads(asking.body.data, asking.body.length, on_upload, user, page,
                                        error);
    scoop_buf_free(&asking.body);
    return status;
}

int scoop_s3_list_parts(struct scoop_s3_client *client, const char *bucket, const char *key,
                        const char *upload_id, uint32_t after,
                        int (*on_part)(void *user, const struct scoop_s3_listed_part *part,
                                       struct scoop_error *error),
                        void *user, struct scoop_s3_page *page,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    char marker[16];
    struct scoop_s3_request request = {
        .method = "GET",
        .action = "s3:ListMultipartUploadParts",
        .bucket = bucket,
        .key = key,
        .query = {{"uploadId", upload_id}},
        .query_count = 1,
        .response_ceiling = SCOOP_S3_PAGE_CEILING,
        .error_in_200 = true,
    };
    snprintf(marker, sizeof marker, "%u", after);
    if (after > 0)
        scoop_s3_add_query(&request, "part-number-marker", marker);
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    if (status == 0)
        status =
            scoop_s3_parse_parts(asking.body.data, asking.body.length, on_part, user, page, error);
    scoop_buf_free(&asking.body);
    return status;
}

int scoop_s3_abort_upload(struct scoop_s3_client *client, const char *bucket, const char *key,
                          const char *upload_id, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    struct scoop_s3_request request = {
        .method = "DELETE",
        .action = "s3:AbortMultipartUpload",
        .bucket = bucket,
        .key = key,
        .query = {{"uploadId", upload_id}},
        .query_count = 1,
    };
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    scoop_buf_free(&asking.body);
    return status;
}
