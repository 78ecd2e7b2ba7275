/* What is told of a call to S3. */
#include "aws/s3/trace.h"

#include <stdio.h>
#include <string.h>

#include "scoop/trace.h"

/* Values of a query that name parts and places; others may be a server's tokens. */
static bool shows(const char *name) {
    return strcmp(name, "partNumber") == 0 || strcmp(name, "uploadId") == 0 ||
           strcmp(name, "prefix") == 0;
}

static void describe_query(const struct scoop_s3_request *request, char *text, size_t size) {
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < request->query_count && length < size; i++) {
        const struct scoop_pair *pair = &request->query[i];
        bool shown = shows(pair->name);
        length += (size_t)snprintf(text + length, size - length, " %s%s%s", pair->name,
                                   shown ? "=" : "", shown ? pair->value : "");
    }
}

void scoop_s3_trace_send(const struct scoop_s3_request *request, uint32_t attempt) {
    char query[200];
    if (!scoop_trace_is_on())
        return;
    describe_query(request, query, sizeof query);
    SCOOP_TRACE("s3", "%s s3://%s%s%.100s%s, try %u", request->method, request->bucket,
                request->key != NULL ? "/" : "", request->key != NULL ? request->key : "", query,
                attempt + 1);
}

void scoop_s3_trace_again(const struct scoop_s3_request *request, const struct scoop_error *error,
                          uint32_t delay_ms) {
    SCOOP_TRACE("s3", "%s s3://%s%s%.100s: %s, HTTP %d; again in %u ms", request->method,
                request->bucket, request->key != NULL ? "/" : "",
                request->key != NULL ? request->key : "", scoop_code_name(error->code),
                error->http_status, delay_ms);
}

void scoop_s3_trace_failed(const struct scoop_s3_request *request,
                           const struct scoop_error *error) {
    if (error->code != SCOOP_OK)
        SCOOP_TRACE("s3", "%s s3://%s%s%.100s: %s, HTTP %d, request %s", request->method,
                    request->bucket, request->key != NULL ? "/" : "",
                    request->key != NULL ? request->key : "", scoop_code_name(error->code),
                    error->http_status, error->request_id);
}
