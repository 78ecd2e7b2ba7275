/* One Kinesis call: signed, sent, its answer judged. */
#include "aws/kinesis/client.h"

#include <stdio.h>
#include <string.h>

#include "aws/auth/signer.h"
#include "aws/error_codes.h"
#include "aws/kinesis/message.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "text/text.h"

#define CONTENT_TYPE "application/x-amz-json-1.1"
#define TARGET_PREFIX "Kinesis_20131202."

enum { CALL_TIMEOUT_MS = 60 * 1000, URL_SIZE = 1024 };

struct scoop_kinesis_client {
    struct scoop_engine *engine;
    struct scoop_endpoint endpoint;
    struct scoop_signer signer;
    char *proxy;
    struct scoop_request_limits limits;
};

struct scoop_kinesis_call {
    struct scoop_kinesis_client *client;
    struct scoop_kinesis_request request;
    struct scoop_http_exchange *exchange;
    bool skew_tried, renewal_tried;
    uint32_t generation; /* of the credentials that signed it */
    int64_t sent_at;
};

static int set_endpoint(struct scoop_kinesis_client *client, const char *endpoint_url,
                        struct scoop_error *error) {
    char url[160];
    const char *region = client->signer.region;
    if (endpoint_url == NULL) {
        snprintf(url, sizeof url, "https://kinesis.%.64s.amazonaws.com%s", region,
                 strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
        endpoint_url = url;
    }
    return scoop_endpoint_parse(endpoint_url, &client->endpoint, error);
}

struct scoop_kinesis_client *scoop_kinesis_client_new(struct scoop_engine *engine,
                                                      const struct scoop_kinesis_options *options,
                                                      struct scoop_error *error) {
    struct scoop_kinesis_client *client = scoop_calloc(1, sizeof *client);
    if (client == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    client->engine = engine;
    client->limits = options->limits;
    int status = scoop_signer_init(&client->signer, "kinesis", options->region,
                                   &options->credentials, &options->provider, error);
    if (status == 0 && !scoop_signer_signs(&client->signer))
        status = scoop_fail(error, SCOOP_CREDENTIALS, "Kinesis needs AWS credentials");
    if (status == 0 && options->proxy != NULL) {
        client->proxy = scoop_strdup(options->proxy);
        status = client->proxy == NULL ? scoop_fail_memory(error) : 0;
    }
    if (status == 0 && set_endpoint(client, options->endpoint_url, error) == 0)
        return client;
    scoop_kinesis_client_free(client);
    return NULL;
}

void scoop_kinesis_client_free(struct scoop_kinesis_client *client) {
    if (client == NULL)
        return;
    scoop_signer_free(&client->signer);
    scoop_free_secret(client->proxy);
    scoop_free(client);
}

void scoop_kinesis_cancel(struct scoop_kinesis_call *call) {
    if (call == NULL)
        return;
    scoop_http_cancel(call->exchange);
    scoop_free(call);
}

static int sign(struct scoop_kinesis_call *call, const char *path, const char *target,
                struct scoop_header_lines *list, struct scoop_error *error) {
    struct scoop_signer *signer = &call->client->signer;
    char hash[SCOOP_SHA256_HEX_SIZE];
    if (scoop_held_credentials_prepare(&signer->credentials, scoop_signer_time(signer), error) != 0)
        return -1;
    call->generation = signer->credentials.generation;
    if (scoop_sha256_hex(call->request.body, call->request.body_length, hash, error) != 0)
        return -1;
    const struct scoop_pair headers[] = {
        {"host", call->client->endpoint.authority},
        {"content-type", CONTENT_TYPE},
        {"x-amz-target", target},
    };
    struct scoop_signing_request signing = {
        .method = "POST",
        .path = path,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .payload_hash = hash,
        .normalize_path = true,
        .encode_path = true,
    };
    return scoop_signer_sign(signer, &signing, list, error) != 0 ||
                   scoop_header_lines_add(list, "Content-Type", CONTENT_TYPE, error) != 0 ||
                   scoop_header_lines_add(list, "X-Amz-Target", target, error) != 0
               ? -1
               : 0;
}

static void on_done(void *user, struct scoop_http_exchange *exchange);

static bool may_send(void *user) {
    const struct scoop_kinesis_request *request = &((struct scoop_kinesis_call *)user)->request;
    return request->may_send == NULL || request->may_send(request->user);
}

static int send_call(struct scoop_kinesis_call *call, struct scoop_error *error) {
    const struct scoop_endpoint *endpoint = &call->client->endpoint;
    struct scoop_header_lines list = {.count = 0};
    char url[URL_SIZE], path[SCOOP_PREFIX_SIZE + 1], target[64];
    snprintf(path, sizeof path, "%s/", endpoint->prefix);
    snprintf(url, sizeof url, "http%s://%s%s", endpoint->tls ? "s" : "", endpoint->authority, path);
    snprintf(target, sizeof target, TARGET_PREFIX "%s", call->request.operation);
    int status = sign(call, path, target, &list, error);
    if (status == 0) {
        const struct scoop_http_request http = {
            .method = "POST",
            .url = url,
            .headers = (const char *const *)list.lines,
            .header_count = list.count,
            .proxy = call->client->proxy,
            .limits = call->client->limits,
            .body = call->request.body,
            .body_length = call->request.body_length,
            .may_send = may_send,
            .response_ceiling = SCOOP_KINESIS_ANSWER_CEILING,
            .total_timeout_ms = CALL_TIMEOUT_MS,
            .on_done = on_done,
            .user = call,
        };
        call->sent_at = scoop_unix_seconds();
        SCOOP_TRACE("kinesis", "%s to %s, %zu bytes", call->request.operation, call->request.stream,
                    call->request.body_length);
        call->exchange = scoop_http_start(call->client->engine, &http, error);
        status = call->exchange == NULL ? -1 : 0;
    }
    scoop_header_lines_free(&list);
    return status;
}

static const char *advice(enum scoop_code code) {
    switch (code) {
    case SCOOP_ACCESS_DENIED:
        return "; check the credentials and that they allow kinesis:";
    case SCOOP_NOT_FOUND:
        return "; check the stream's name and the region; needed: kinesis:";
    default:
        return NULL;
    }
}

/* Turns an answer that is not a success into an error. */
static struct scoop_aws_verdict judge(const struct scoop_kinesis_call *call,
                                      struct scoop_http_exchange *exchange,
                                      struct scoop_error *error) {
    struct scoop_kinesis_error told;
    int status = scoop_http_status(exchange);
    const struct scoop_buf *body = scoop_http_body(exchange);
    scoop_kinesis_parse_error(body->data, body->length, &told);
    struct scoop_aws_verdict verdict = scoop_aws_classify(SCOOP_AWS_KINESIS, status, told.code);
    const char *hint = advice(verdict.code);
    scoop_fail(error, verdict.code, "%s to %.300s: HTTP %d%s%s%s%s%s%s", call->request.operation,
               call->request.stream, status, told.code[0] ? " " : "", told.code,
               told.message[0] ? ": " : "", told.message, hint ? hint : "",
               hint ? call->request.operation : "");
    error->http_status = status;
    error->retryable = verdict.retryable || error->retryable;
    const char *id = scoop_http_header(exchange, "x-amzn-RequestId");
    scoop_text_print(error->request_id, sizeof error->request_id, "%s", id != NULL ? id : "");
    return verdict;
}

/* Whether the credentials were too old, and there are others now. Once per call. */
static bool renewal_explains(struct scoop_kinesis_call *call, struct scoop_error *error) {
    struct scoop_signer *signer = &call->client->signer;
    struct scoop_error failure = {0};
    if (call->renewal_tried)
        return false;
    call->renewal_tried = true;
    int renewed = scoop_held_credentials_renew(&signer->credentials, call->generation,
                                               scoop_signer_time(signer), &failure);
    if (renewed < 0) {
        failure.http_status = error->http_status;
        memcpy(failure.request_id, error->request_id, sizeof failure.request_id);
        *error = failure;
    }
    return renewed == 0;
}

static bool mend(struct scoop_kinesis_call *call, struct scoop_http_exchange *exchange,
                 const struct scoop_aws_verdict *verdict, struct scoop_error *error) {
    if (verdict->wrong_time)
        return scoop_signer_skew_explains(&call->client->signer, exchange, call->sent_at,
                                          &call->skew_tried);
    return verdict->stale && renewal_explains(call, error);
}

static void finish(struct scoop_kinesis_call *call, const struct scoop_kinesis_answer *answer) {
    if (answer->error.code != SCOOP_OK)
        SCOOP_TRACE("kinesis", "%s to %s: %s, HTTP %d, request %s", call->request.operation,
                    call->request.stream, scoop_code_name(answer->error.code),
                    answer->error.http_status, answer->error.request_id);
    call->request.on_done(call->request.user, answer);
    scoop_free(call);
}

static void on_done(void *user, struct scoop_http_exchange *exchange) {
    struct scoop_kinesis_call *call = user;
    struct scoop_kinesis_answer answer = {.error = *scoop_http_error(exchange)};
    int status = scoop_http_status(exchange);
    call->exchange = NULL;
    if (answer.error.code == SCOOP_OK && (status < 200 || status > 299)) {
        struct scoop_aws_verdict verdict = judge(call, exchange, &answer.error);
        answer.throttled = verdict.throttled;
        if (mend(call, exchange, &verdict, &answer.error) && send_call(call, &answer.error) == 0)
            return;
    } else if (answer.error.code == SCOOP_OK) {
        answer.body = scoop_http_body(exchange)->data;
        answer.length = scoop_http_body(exchange)->length;
    }
    finish(call, &answer);
}

struct scoop_kinesis_call *scoop_kinesis_start(struct scoop_kinesis_client *client,
                                               const struct scoop_kinesis_request *request,
                                               struct scoop_error *error) {
    struct scoop_kinesis_call *call = scoop_calloc(1, sizeof *call);
    if (call == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    call->client = client;
    call->request = *request;
    if (send_call(call, error) == 0)
        return call;
    scoop_free(call);
    return NULL;
}
