#include <stdio.h>
#include <strings.h>

#include "scoop/s3_checksum.h"
#include "scoop/split_mark.h"

#include "aws/s3/asking.h"

/* One with "-" in it is of the parts' checksums; the parser takes none such. */
static void note_checksum(struct scoop_s3_object_facts *facts,
                          struct scoop_http_exchange *exchange) {
    static const enum scoop_s3_checksum kinds[] = {SCOOP_S3_CHECKSUM_CRC32C,
                                                   SCOOP_S3_CHECKSUM_CRC64NVME};
    const char *type = scoop_http_header(exchange, "x-amz-checksum-type");
    if (type != NULL && strcasecmp(type, "COMPOSITE") == 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(kinds[i]);
        const char *text = scoop_http_header(exchange, names->header);
        uint64_t value;
        if (text != NULL && scoop_s3_checksum_parse(kinds[i], text, &value))
            snprintf(facts->checksum, sizeof facts->checksum, "%s:%s", names->algorithm, text);
    }
}

static void answered(void *user, struct scoop_http_exchange *exchange,
                     const struct scoop_error *error) {
    struct scoop_s3_asking *asking = user;
    asking->done = true;
    asking->error = *error;
    if (error->code != SCOOP_OK)
        return;
    struct scoop_buf *body = scoop_http_body(exchange);
    asking->body = *body;
    scoop_buf_init(body, body->ceiling);
    const char *etag = scoop_http_header(exchange, "ETag");
    snprintf(asking->facts.etag, sizeof asking->facts.etag, "%s", etag == NULL ? "" : etag);
    asking->facts.size_bytes = scoop_http_content_length(exchange);
    note_checksum(&asking->facts, exchange);
    const char *mark = scoop_http_header(exchange, SCOOP_SPLIT_HEADER);
    snprintf(asking->facts.split_mark, sizeof asking->facts.split_mark, "%s", mark ? mark : "");
}

int scoop_s3_ask(struct scoop_s3_client *client, struct scoop_s3_request *request,
                 struct scoop_s3_asking *asking, const struct scoop_interrupt *interrupt,
                 struct scoop_error *error) {
    struct scoop_engine *engine = scoop_s3_client_engine(client);
    request->on_done = answered;
    request->user = asking;
    struct scoop_s3_call *call = scoop_s3_start(client, request, error);
    if (call == NULL)
        return -1;
    while (!asking->done) {
        int status = scoop_engine_run(engine, SCOOP_SLICE_MS, error);
        if (status == 0 && !asking->done && interrupt != NULL && interrupt->check != NULL &&
            interrupt->check(interrupt->user))
            status = scoop_fail(error, SCOOP_CANCELLED, "the request was cancelled");
        if (status != 0) {
            if (!asking->done)
                scoop_s3_cancel(call);
            return -1;
        }
    }
    if (asking->error.code == SCOOP_OK)
        return 0;
    *error = asking->error;
    return -1;
}

int scoop_s3_list_page(struct scoop_s3_client *client, const char *bucket, const char *prefix,
                       const char *token,
                       int (*on_object)(void *user, const struct scoop_s3_object *object,
                                        struct scoop_error *error),
                       void *user, struct scoop_s3_page *page,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    struct scoop_s3_request request = {
        .method = "GET",
        .action = "s3:ListBucket",
        .bucket = bucket,
        .query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix}},
        .query_count = 3,
        .response_ceiling = SCOOP_S3_PAGE_CEILING,
        .error_in_200 = true,
    };
    if (token != NULL && token[0] != 0)
        scoop_s3_add_query(&request, "continuation-token", token);
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    if (status == 0)
        status = scoop_s3_parse_objects(asking.body.data, asking.body.length, on_object, user, page,
                                        error);
    scoop_buf_free(&asking.body);
    return status;
}

int scoop_s3_head(struct scoop_s3_client *client, const char *bucket, const char *key,
                  struct scoop_s3_object_facts *facts, const struct scoop_interrupt *interrupt,
                  struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    struct scoop_s3_request request = {
        .method = "HEAD",
        .action = "s3:GetObject",
        .bucket = bucket,
        .key = key,
        .headers = {{"x-amz-checksum-mode", "ENABLED"}},
        .header_count = 1,
    };
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    *facts = asking.facts;
    scoop_buf_free(&asking.body);
    return status;
}

int scoop_s3_delete(struct scoop_s3_client *client, const char *bucket, const char *key,
                    const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_s3_asking asking = {0};
    struct scoop_s3_request request = {
        .method = "DELETE",
        .action = "s3:DeleteObject",
        .bucket = bucket,
        .key = key,
    };
    int status = scoop_s3_ask(client, &request, &asking, interrupt, error);
    scoop_buf_free(&asking.body);
    return status;
}
