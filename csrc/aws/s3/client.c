/* One S3 call: addressed, signed, sent, and sent again when that can help. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/auth/signer.h"
#include "aws/error_codes.h"
#include "aws/s3/client.h"
#include "aws/s3/message.h"
#include "aws/s3/refusal.h"
#include "aws/s3/trace.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/invariant.h"
#include "base/retry.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "text/header.h"
#include "text/text.h"

enum {
    URL_CEILING = 16 * 1024,
    HEADER_CEILING = 16 * 1024,
};

static_assert((int)SCOOP_S3_MAX_HEADERS + SCOOP_SIGNER_LINES <= SCOOP_MAX_HEADER_LINES,
              "a signed request's lines do not fit");

struct scoop_s3_client {
    struct scoop_engine *engine;
    struct scoop_endpoint endpoint;
    bool own_endpoint; /* it stays, whatever the region */
    bool path_style;   /* for every bucket */
    struct scoop_signer signer;
    bool sign_payload;
    struct scoop_request_limits limits;
    bool requester_pays;
    char *expected_bucket_owner;
    char *proxy;
    char *version_id;
    struct scoop_retry_quota quota;
};

struct scoop_s3_call {
    struct scoop_s3_client *client;
    struct scoop_s3_request request; /* with copied strings */
    struct scoop_http_exchange *exchange;
    uint32_t attempt; /* from 0 */
    uint32_t retry_cost;
    bool skew_tried, region_tried, renewal_tried;
    uint32_t generation; /* of the credentials that signed it */
    bool data_taken;
    bool no_key;                /* the last answer said so */
    int64_t sent_at, signed_at; /* by the machine's clock, and by the corrected one */
    char payload_hash[SCOOP_SHA256_HEX_SIZE];
    struct scoop_error error;
};

void scoop_s3_client_free(struct scoop_s3_client *client) {
    if (client == NULL)
        return;
    scoop_free(client->expected_bucket_owner);
    scoop_free_secret(client->proxy);
    scoop_free(client->version_id);
    scoop_signer_free(&client->signer);
    scoop_free(client);
}

struct scoop_engine *scoop_s3_client_engine(struct scoop_s3_client *client) {
    return client->engine;
}

bool scoop_s3_client_signs_payload(const struct scoop_s3_client *client) {
    return client->sign_payload && scoop_signer_signs(&client->signer);
}

static int set_owner(struct scoop_s3_client *client, const char *owner, struct scoop_error *error) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.$:@";
    if (owner == NULL)
        return 0;
    if (owner[0] == 0 || owner[strspn(owner, allowed)] != 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "expected_bucket_owner is no account's id: AWS's have 12 digits");
    client->expected_bucket_owner = scoop_strdup(owner);
    return client->expected_bucket_owner == NULL ? scoop_fail_memory(error) : 0;
}

/* NULL stays NULL. */
static int set_text(char **copied, const char *text, struct scoop_error *error) {
    if (text == NULL)
        return 0;
    *copied = scoop_strdup(text);
    return *copied == NULL ? scoop_fail_memory(error) : 0;
}

static int set_endpoint(struct scoop_s3_client *client, const char *endpoint_url,
                        struct scoop_error *error) {
    char url[128];
    client->own_endpoint = endpoint_url != NULL;
    if (endpoint_url != NULL)
        return scoop_endpoint_parse(endpoint_url, &client->endpoint, error);
    const char *region = client->signer.region;
    const char *suffix = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
    snprintf(url, sizeof url, "https://s3.%s.amazonaws.com%s", region, suffix);
    return scoop_endpoint_parse(url, &client->endpoint, error);
}

struct scoop_s3_client *scoop_s3_client_new(struct scoop_engine *engine,
                                            const struct scoop_s3_options *options,
                                            struct scoop_error *error) {
    struct scoop_s3_client *client = scoop_calloc(1, sizeof *client);
    if (client == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    client->engine = engine;
    client->limits = options->limits;
    client->requester_pays = options->requester_pays;
    scoop_retry_quota_init(&client->quota);
    if (scoop_signer_init(&client->signer, "s3", options->region, &options->credentials,
                          &options->provider, error) == 0 &&
        set_owner(client, options->expected_bucket_owner, error) == 0 &&
        set_text(&client->proxy, options->proxy, error) == 0 &&
        set_text(&client->version_id, options->version_id, error) == 0 &&
        set_endpoint(client, options->endpoint_url, error) == 0) {
        client->path_style = client->own_endpoint && !options->virtual_hosts;
        enum scoop_payload_signing signing = options->payload_signing;
        client->sign_payload = signing == SCOOP_PAYLOAD_SIGNING_ALWAYS ||
                               (signing == SCOOP_PAYLOAD_SIGNING_AUTO && !client->endpoint.tls);
        return client;
    }
    scoop_s3_client_free(client);
    return NULL;
}

static void free_pairs(struct scoop_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        scoop_free((char *)pairs[i].name);
        scoop_free((char *)pairs[i].value);
    }
}

static void free_call(struct scoop_s3_call *call) {
    struct scoop_s3_request *request = &call->request;
    scoop_free((char *)request->bucket);
    scoop_free((char *)request->key);
    free_pairs(request->query, request->query_count);
    free_pairs(request->headers, request->header_count);
    scoop_free(call);
}

void scoop_s3_cancel(struct scoop_s3_call *call) {
    if (call == NULL)
        return;
    scoop_engine_forget(call->client->engine, call);
    scoop_http_cancel(call->exchange);
    free_call(call);
}

void scoop_s3_resume(struct scoop_s3_call *call) {
    if (call->exchange != NULL)
        scoop_http_resume(call->exchange);
}

bool scoop_s3_await_answer(struct scoop_s3_call *call) {
    call->request.max_attempts = call->attempt + 1;
    return call->exchange != NULL && scoop_http_is_sent(call->exchange);
}

uint32_t scoop_s3_retries(const struct scoop_s3_call *call) {
    return call->attempt;
}

bool scoop_s3_lacks_key(const struct scoop_s3_call *call) {
    return call->no_key;
}

/* The name of what a call is about, for messages. */
static void display(const struct scoop_s3_call *call, char *text, size_t size) {
    const char *key = call->request.key;
    scoop_text_print(text, size, "s3://%s%s%s", call->request.bucket, key ? "/" : "",
                     key ? key : "");
}

/* A bucket name with dots does not match the wildcard certificate, nor an IP address any name. */
static bool uses_virtual_host(const struct scoop_s3_client *client, const char *bucket) {
    return !client->path_style && !client->endpoint.host_is_ip && strchr(bucket, '.') == NULL;
}

struct target {
    struct scoop_buf host;
    struct scoop_buf path;
    struct scoop_buf url;
};

static void free_target(struct target *target) {
    scoop_buf_free(&target->host);
    scoop_buf_free(&target->path);
    scoop_buf_free(&target->url);
}

static int build_path(const struct scoop_s3_call *call, bool virtual_host, struct scoop_buf *path,
                      struct scoop_error *error) {
    const struct scoop_s3_request *request = &call->request;
    if (scoop_buf_append_text(path, call->client->endpoint.prefix, error) != 0)
        return -1;
    if (!virtual_host && scoop_buf_printf(path, error, "/%s", request->bucket) != 0)
        return -1;
    if (request->key == NULL)
        return virtual_host ? scoop_buf_append_text(path, "/", error) : 0;
    if (scoop_buf_append_text(path, "/", error) != 0)
        return -1;
    return scoop_uri_encode(path, request->key, strlen(request->key), true, error);
}

static int build_target(const struct scoop_s3_call *call, struct target *target,
                        struct scoop_error *error) {
    const struct scoop_endpoint *endpoint = &call->client->endpoint;
    const struct scoop_s3_request *request = &call->request;
    bool virtual_host = uses_virtual_host(call->client, request->bucket);
    if (virtual_host && scoop_buf_printf(&target->host, error, "%s.", request->bucket) != 0)
        return -1;
    if (scoop_buf_append_text(&target->host, endpoint->authority, error) != 0 ||
        build_path(call, virtual_host, &target->path, error) != 0)
        return -1;
    const char *host = scoop_buf_text(&target->host, error);
    const char *path = scoop_buf_text(&target->path, error);
    if (host == NULL || path == NULL)
        return -1;
    const char *scheme = endpoint->tls ? "https" : "http";
    if (scoop_buf_printf(&target->url, error, "%s://%s%s%s", scheme, host, path,
                         request->query_count > 0 ? "?" : "") != 0)
        return -1;
    if (scoop_query_encode(&target->url, request->query, request->query_count, error) != 0)
        return -1;
    return scoop_buf_text(&target->url, error) == NULL ? -1 : 0;
}

static const char *payload_hash(struct scoop_s3_call *call, struct scoop_error *error) {
    const struct scoop_s3_request *request = &call->request;
    if (request->body_length == 0)
        return SCOOP_EMPTY_SHA256;
    if (!call->client->sign_payload)
        return SCOOP_UNSIGNED_PAYLOAD;
    if (request->payload_hash != NULL)
        return request->payload_hash;
    if (call->payload_hash[0] == 0 &&
        scoop_sha256_hex(request->body, request->body_length, call->payload_hash, error) != 0)
        return NULL;
    return call->payload_hash;
}

static int sign(struct scoop_s3_call *call, const struct target *target,
                struct scoop_header_lines *list, struct scoop_error *error) {
    const struct scoop_s3_request *request = &call->request;
    struct scoop_pair headers[SCOOP_S3_MAX_HEADERS + 1];
    memcpy(headers, request->headers, sizeof request->headers);
    headers[request->header_count] = (struct scoop_pair){"host", (char *)target->host.data};
    const char *hash = payload_hash(call, error);
    if (hash == NULL)
        return -1;
    struct scoop_signing_request signing = {
        .method = request->method,
        .path = (char *)target->path.data,
        .query = request->query,
        .query_count = request->query_count,
        .headers = headers,
        .header_count = request->header_count + 1,
        .payload_hash = hash,
        .send_payload_hash = true,
    };
    return scoop_signer_sign(&call->client->signer, &signing, list, error);
}

static int send_call(struct scoop_s3_call *call, struct scoop_error *error);

static void finish(struct scoop_s3_call *call, struct scoop_http_exchange *exchange) {
    scoop_s3_trace_failed(&call->request, &call->error);
    call->request.on_done(call->request.user, exchange, &call->error);
    free_call(call);
}

static void send_again(void *user) {
    struct scoop_s3_call *call = user;
    struct scoop_error error = {0};
    if (send_call(call, &error) == 0)
        return;
    call->error = error;
    finish(call, NULL);
}

/* What is not there, or refused, is the object or the bucket; but an upload is no place. */
static void note_place(struct scoop_s3_call *call, const struct scoop_s3_error *body) {
    const char *key = call->request.key;
    enum scoop_code code = call->error.code;
    if ((code == SCOOP_NOT_FOUND && strcmp(body->code, "NoSuchUpload") != 0) ||
        code == SCOOP_ACCESS_DENIED)
        scoop_error_place(&call->error, "s3://%s%s%s", call->request.bucket, key ? "/" : "",
                          key ? key : "");
}

/* Turns an answer that is not a success into call->error. */
static struct scoop_aws_verdict judge(struct scoop_s3_call *call,
                                      struct scoop_http_exchange *exchange) {
    struct scoop_s3_error body = {0};
    char what[400];
    int status = scoop_http_status(exchange);
    struct scoop_buf *answer = scoop_http_body(exchange);
    scoop_s3_parse_error(answer->data, answer->length, &body);
    if (body.no_memory) {
        scoop_fail_memory(&call->error);
        return (struct scoop_aws_verdict){.code = SCOOP_NO_MEMORY, .retryable = true};
    }
    struct scoop_aws_verdict verdict = scoop_aws_classify(SCOOP_AWS_S3, status, body.code);
    display(call, what, sizeof what);
    const char *marker = scoop_http_header(exchange, "x-amz-delete-marker");
    struct scoop_s3_refusal refusal = {
        .method = call->request.method,
        .action = call->request.action,
        .where = what,
        .status = status,
        .body = &body,
        .delete_marker = marker != NULL && strcasecmp(marker, "true") == 0,
        .signed_at = call->signed_at,
        .reads_key = call->request.key != NULL && strcmp(call->request.method, "GET") == 0,
    };
    refusal.server_clock = scoop_http_date(exchange);
    refusal.region = scoop_http_header(exchange, "x-amz-bucket-region");
    scoop_s3_explain(&refusal, verdict.code, &call->error);
    note_place(call, &body);
    call->no_key = status == 404 && strcmp(body.code, "NoSuchKey") == 0;
    call->error.retryable = verdict.retryable || call->error.retryable;
    const char *id = scoop_http_header(exchange, "x-amz-request-id");
    scoop_text_print(call->error.request_id, sizeof call->error.request_id, "%s",
                     id != NULL ? id : body.request_id);
    return verdict;
}

static bool skew_explains(struct scoop_s3_call *call, struct scoop_http_exchange *exchange) {
    return scoop_http_status(exchange) == 403 &&
           scoop_signer_skew_explains(&call->client->signer, exchange, call->sent_at,
                                      &call->skew_tried);
}

/* A region becomes part of a host name: only what can stand there is taken from an answer. */
static bool is_region(const char *text) {
    size_t length = strlen(text);
    return length > 0 && length < 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[0] != '-' &&
           text[length - 1] != '-';
}

/* Whether the bucket is in another region, which the client now has. Once per call. */
static bool region_explains(struct scoop_s3_call *call, struct scoop_http_exchange *exchange) {
    struct scoop_s3_client *client = call->client;
    struct scoop_s3_error body = {0};
    struct scoop_error ignored = {0};
    struct scoop_buf *answer = scoop_http_body(exchange);
    scoop_s3_parse_error(answer->data, answer->length, &body);
    const char *region = scoop_http_header(exchange, "x-amz-bucket-region");
    if (region == NULL)
        region = body.region;
    if (call->region_tried || !is_region(region) || strcmp(region, client->signer.region) == 0)
        return false;
    char *own = scoop_strdup(region);
    if (own == NULL)
        return false;
    scoop_free(client->signer.region);
    client->signer.region = own;
    SCOOP_TRACE("s3", "the bucket %s is in %s", call->request.bucket, own);
    call->region_tried = true;
    return client->own_endpoint || set_endpoint(client, NULL, &ignored) == 0;
}

/* Whether the credentials were too old, and there are others now. Once per call. */
static bool renewal_explains(struct scoop_s3_call *call, const struct scoop_aws_verdict *verdict,
                             struct scoop_http_exchange *exchange) {
    struct scoop_error error = {0};
    int status = scoop_http_status(exchange);
    /* The answer to a HEAD has no body that could say so. */
    bool untold = strcmp(call->request.method, "HEAD") == 0 && status == 400;
    if (call->renewal_tried || (!verdict->stale && !untold))
        return false;
    call->renewal_tried = true;
    int renewed = scoop_held_credentials_renew(&call->client->signer.credentials, call->generation,
                                               scoop_signer_time(&call->client->signer), &error);
    if (renewed < 0) {
        error.http_status = status;
        memcpy(error.request_id, call->error.request_id, sizeof error.request_id);
        call->error = error;
    }
    return renewed == 0;
}

static uint32_t server_delay_ms(struct scoop_http_exchange *exchange) {
    return scoop_header_milliseconds(scoop_http_header(exchange, "x-amz-retry-after"));
}

/* Sets a timer for the next attempt; false when there shall be none. */
static bool try_again(struct scoop_s3_call *call, struct scoop_http_exchange *exchange,
                      bool throttled) {
    struct scoop_error error = {0};
    unsigned most =
        call->request.max_attempts ? call->request.max_attempts : SCOOP_RETRY_MAX_ATTEMPTS;
    if (call->data_taken || call->attempt + 1 >= most)
        return false;
    call->retry_cost = scoop_retry_quota_take(&call->client->quota, throttled);
    if (call->retry_cost == 0)
        return false;
    uint32_t delay = scoop_retry_delay_ms(call->attempt, throttled, scoop_random01());
    delay = scoop_retry_after_ms(delay, server_delay_ms(exchange));
    call->attempt++;
    scoop_s3_trace_again(&call->request, &call->error, delay);
    return scoop_engine_after(call->client->engine, delay, send_again, call, &error) == 0;
}

/* A deletion that finds nothing has come about, as one that was sent twice: S3 answers 204, other
 * servers 404. */
static bool is_gone(const struct scoop_s3_call *call, struct scoop_http_exchange *exchange) {
    struct scoop_s3_error body = {0};
    const char *action = call->request.action;
    struct scoop_buf *answer = scoop_http_body(exchange);
    if (scoop_http_status(exchange) != 404 || action == NULL ||
        strcmp(action, "s3:DeleteObject") != 0)
        return false;
    scoop_s3_parse_error(answer->data, answer->length, &body);
    return body.code[0] == 0 || strcmp(body.code, "NoSuchKey") == 0;
}

static bool answer_is_error(struct scoop_s3_call *call, struct scoop_http_exchange *exchange) {
    struct scoop_s3_error body;
    int status = scoop_http_status(exchange);
    struct scoop_buf *answer = scoop_http_body(exchange);
    if (status < 200 || status > 299)
        return !is_gone(call, exchange);
    return call->request.error_in_200 &&
           (answer->length == 0 || scoop_s3_parse_error(answer->data, answer->length, &body));
}

static void on_done(void *user, struct scoop_http_exchange *exchange) {
    struct scoop_s3_call *call = user;
    call->exchange = NULL;
    const struct scoop_error *transport = scoop_http_error(exchange);
    if (transport->code != SCOOP_OK) {
        call->error = *transport;
        if (transport->retryable && try_again(call, exchange, false))
            return;
    } else if (answer_is_error(call, exchange)) {
        struct scoop_aws_verdict verdict = judge(call, exchange);
        bool mended = skew_explains(call, exchange);
        /* The answer to a HEAD has no body that could name the fault. */
        if (verdict.wrong_region ||
            (scoop_http_status(exchange) == 400 && call->error.code == SCOOP_HTTP))
            mended = region_explains(call, exchange) || mended;
        if (!mended)
            mended = renewal_explains(call, &verdict, exchange);
        if (call->request.conflict_is_final && scoop_http_status(exchange) == 409)
            verdict.retryable = false;
        if ((verdict.retryable || mended) && try_again(call, exchange, verdict.throttled))
            return;
    } else {
        memset(&call->error, 0, sizeof call->error);
        scoop_retry_quota_refund(&call->client->quota, call->retry_cost);
    }
    finish(call, exchange);
}

static enum scoop_http_take on_data(void *user, const void *data, size_t length,
                                    struct scoop_error *error) {
    struct scoop_s3_call *call = user;
    enum scoop_http_take take = call->request.on_data(call->request.user, data, length, error);
    call->data_taken = call->data_taken || take != SCOOP_HTTP_PAUSE;
    return take;
}

static int on_head(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error) {
    struct scoop_s3_call *call = user;
    int status = scoop_http_status(exchange);
    if (call->request.on_head == NULL || (status != 200 && status != 206))
        return 0;
    return call->request.on_head(call->request.user, exchange, error);
}

static int send_signed(struct scoop_s3_call *call, const struct target *target,
                       struct scoop_header_lines *list, struct scoop_error *error) {
    const struct scoop_s3_request *request = &call->request;
    struct scoop_signer *signer = &call->client->signer;
    if (!SCOOP_INVARIANT(call->exchange == NULL, error))
        return -1;
    if (scoop_held_credentials_prepare(&signer->credentials, scoop_signer_time(signer), error) != 0)
        return -1;
    call->generation = signer->credentials.generation;
    if (scoop_signer_signs(signer) && sign(call, target, list, error) != 0)
        return -1;
    for (size_t i = 0; i < request->header_count; i++)
        if (scoop_header_lines_add(list, request->headers[i].name, request->headers[i].value,
                                   error) != 0)
            return -1;
    struct scoop_http_request http = {
        .method = request->method,
        .url = (char *)target->url.data,
        .headers = (const char *const *)list->lines,
        .header_count = list->count,
        .body = request->body,
        .body_length = request->body_length,
        .body_fd = request->body_fd,
        .body_offset = request->body_offset,
        .response_ceiling = request->response_ceiling,
        .proxy = call->client->proxy,
        .limits = call->client->limits,
        .total_timeout_ms = request->total_timeout_ms,
        .on_head = on_head,
        .on_data = request->on_data == NULL ? NULL : on_data,
        .on_done = on_done,
        .user = call,
    };
    call->sent_at = scoop_unix_seconds();
    call->signed_at = scoop_signer_time(signer);
    scoop_s3_trace_send(request, call->attempt);
    call->exchange = scoop_http_start(call->client->engine, &http, error);
    return call->exchange == NULL ? -1 : 0;
}

static int send_call(struct scoop_s3_call *call, struct scoop_error *error) {
    struct target target = {0};
    struct scoop_header_lines list = {0};
    scoop_buf_init(&target.host, HEADER_CEILING);
    scoop_buf_init(&target.path, URL_CEILING);
    scoop_buf_init(&target.url, URL_CEILING);
    int status = build_target(call, &target, error);
    if (status == 0)
        status = send_signed(call, &target, &list, error);
    scoop_header_lines_free(&list);
    free_target(&target);
    return status;
}

static int copy_pairs(struct scoop_pair *to, const struct scoop_pair *from, size_t count,
                      size_t *copied) {
    for (size_t i = 0; i < count; i++) {
        to[i].name = scoop_strdup(from[i].name);
        to[i].value = scoop_strdup(from[i].value ? from[i].value : "");
        *copied = i + 1;
        if (to[i].name == NULL || to[i].value == NULL)
            return -1;
    }
    return 0;
}

/* What the bucket's owner and ours have to agree on. */
static void add_agreements(const struct scoop_s3_client *client, struct scoop_s3_request *request) {
    if (client->requester_pays)
        scoop_s3_add_header(request, "x-amz-request-payer", "requester");
    if (client->expected_bucket_owner != NULL)
        scoop_s3_add_header(request, "x-amz-expected-bucket-owner", client->expected_bucket_owner);
}

static int copy_request(struct scoop_s3_call *call, const struct scoop_s3_request *request) {
    struct scoop_s3_request *own = &call->request;
    *own = *request;
    own->query_count = own->header_count = 0;
    own->key = NULL;
    own->bucket = scoop_strdup(request->bucket);
    if (own->bucket == NULL)
        return -1;
    if (request->key != NULL && (own->key = scoop_strdup(request->key)) == NULL)
        return -1;
    if (copy_pairs(own->query, request->query, request->query_count, &own->query_count) != 0)
        return -1;
    return copy_pairs(own->headers, request->headers, request->header_count, &own->header_count);
}

struct scoop_s3_call *scoop_s3_start(struct scoop_s3_client *client,
                                     const struct scoop_s3_request *request,
                                     struct scoop_error *error) {
    struct scoop_s3_call *call = scoop_calloc(1, sizeof *call);
    if (call == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    call->client = client;
    struct scoop_s3_request whole = *request;
    add_agreements(client, &whole);
    if (whole.key != NULL)
        scoop_s3_read_version(&whole, client->version_id);
    int status = -1;
    if (whole.overflowed)
        scoop_fail(error, SCOOP_INTERNAL, "%s of s3://%s: the request has more headers than fit",
                   whole.method, whole.bucket);
    else if (scoop_s3_refuse_kind(request->bucket, strlen(request->bucket), error) != 0)
        status = -1;
    else if (!scoop_s3_is_bucket(request->bucket, strlen(request->bucket)))
        scoop_fail(error, SCOOP_USAGE,
                   "'%.80s' is no bucket name: 3 to 63 letters, digits, '.', '-', with a letter or "
                   "digit at both ends",
                   request->bucket);
    else if (copy_request(call, &whole) != 0)
        scoop_fail_memory(error);
    else
        status = send_call(call, error);
    if (status == 0)
        return call;
    free_call(call);
    return NULL;
}
