/* The ends of an S3 object: one PUT, Complete and what to do when its answer is lost, abort. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "sink/s3/s3_internal.h"
#include "text/hex.h"

enum {
    MAX_COMPLETE_TRIES = 3,
    MAX_ABORT_TRIES = 3,
    ABORT_TIMEOUT_MS = 1000,
};

static void committed(struct scoop_s3_sink *sink, const char *etag) {
    struct scoop_error ignored = {0};
    snprintf(sink->facts.etag, sizeof sink->facts.etag, "%s", etag == NULL ? "" : etag);
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    char text[SCOOP_S3_CHECKSUM_SIZE];
    if (names != NULL &&
        scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, &ignored) == 0)
        snprintf(sink->facts.checksum, sizeof sink->facts.checksum, "%s:%s", names->algorithm,
                 text);
    sink->facts.parts = (uint32_t)sink->part_count;
    sink->facts.in_doubt = false;
    sink->state = SCOOP_SINK_COMMITTED;
}

/* Neither the object nor a way to it; of an abort that is the end. */
static void fail_commit(struct scoop_s3_sink *sink, const struct scoop_error *error) {
    if (sink->state == SCOOP_SINK_ABORTING)
        sink->state = SCOOP_SINK_ABORTED;
    else
        scoop_s3_sink_fail(sink, error);
}

/* --- conditions, and whose object stands there when an answer was lost --- */

/* Someone's object is there, and it was to be kept; or it is not the one that was to be replaced.
 */
static bool found_existing(const struct scoop_s3_sink *sink, const struct scoop_error *error) {
    return (sink->keep_existing || sink->if_match != NULL) && error->http_status == 412;
}

/* What was to be replaced is gone. */
static bool found_nothing(const struct scoop_s3_sink *sink, const struct scoop_error *error) {
    return sink->if_match != NULL && error->http_status == 404 &&
           strstr(error->message, "NoSuchKey") != NULL;
}

/* Another write was under way while ours was to be completed. */
static bool lost_race(const struct scoop_error *error) {
    return error->code == SCOOP_DESTINATION_CHANGED && error->http_status == 409;
}

/* Whether an earlier sending of the call may have been the one that succeeded. */
static bool sent_before(const struct scoop_s3_sink *sink, struct scoop_http_exchange *exchange) {
    return scoop_s3_retries(sink->call) > 0 || (exchange != NULL && scoop_http_repeated(exchange));
}

static void refused(struct scoop_s3_sink *sink, const struct scoop_error *error) {
    struct scoop_error failure = *error;
    if (found_nothing(sink, error)) {
        failure.code = SCOOP_DESTINATION_CHANGED;
        failure.place[0] = 0;
    } else if (found_existing(sink, error) && sink->if_match == NULL) {
        failure.code = SCOOP_EXISTS;
        scoop_error_place(&failure, "s3://%s/%s", sink->bucket, sink->key);
    }
    if (found_existing(sink, error) || found_nothing(sink, error))
        scoop_error_say(
            &failure,
            sink->if_match == NULL
                ? "s3://%s/%s is there already and was not overwritten"
                : "s3://%s/%s is not any more what was to be replaced, and was left alone",
            sink->bucket, sink->key);
    else if (lost_race(error))
        scoop_error_say(
            &failure,
            "s3://%s/%s: another write of this object came between; the upload has to start "
            "over",
            sink->bucket, sink->key);
    fail_commit(sink, &failure);
}

static bool same_checksum(struct scoop_s3_sink *sink, struct scoop_http_exchange *exchange) {
    struct scoop_error ignored = {0};
    char expected[SCOOP_S3_CHECKSUM_SIZE];
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    const char *found = names == NULL ? NULL : scoop_http_header(exchange, names->header);
    return found != NULL &&
           scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, expected, &ignored) == 0 &&
           strcmp(found, expected) == 0;
}

/* The ETag without the W/ that a proxy may put before it: what an MD5 is of does not change. */
static const char *object_etag(struct scoop_http_exchange *exchange) {
    const char *etag = scoop_http_header(exchange, "ETag");
    return etag != NULL && strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

static bool same_etag(struct scoop_s3_sink *sink, struct scoop_http_exchange *exchange) {
    char expected[SCOOP_ETAG_SIZE];
    const char *etag = object_etag(exchange);
    return etag != NULL && scoop_s3_multipart_etag(sink->parts, sink->part_count, expected) &&
           strcmp(etag, expected) == 0;
}

/* Whether the object under our key is what our parts make: by the ETag where it is made of MD5s,
 * else (KMS) by the checksum and the shape of the ETag, or because Complete was answered with it.
 */
static bool is_ours(struct scoop_s3_sink *sink, struct scoop_http_exchange *exchange) {
    char suffix[16];
    if (scoop_http_content_length(exchange) != (int64_t)sink->total_bytes)
        return false;
    if (same_etag(sink, exchange))
        return true;
    snprintf(suffix, sizeof suffix, "-%zu\"", sink->part_count);
    const char *etag = object_etag(exchange);
    if (etag == NULL)
        return false;
    if (strcmp(etag, sink->answered_etag) == 0)
        return true;
    return strstr(etag, suffix) != NULL && same_checksum(sink, exchange);
}

/* The commit was answered with success, but with an ETag that is not that of our bytes. */
static void doubt(struct scoop_s3_sink *sink, const char *etag) {
    snprintf(sink->answered_etag, sizeof sink->answered_etag, "%s", etag == NULL ? "" : etag);
    scoop_fail(&sink->error, SCOOP_PROTOCOL,
               "s3://%s/%s: the server answered success with %s%s, and what is there is not what "
               "was sent",
               sink->bucket, sink->key, etag == NULL ? "no ETag" : "the ETag ",
               etag == NULL ? "" : etag);
}

/* Success was answered, and we may not look whether it is so. */
static bool must_believe(const struct scoop_s3_sink *sink, const struct scoop_error *error) {
    return error->code == SCOOP_ACCESS_DENIED && sink->answered_etag[0] != 0;
}

static int look(struct scoop_s3_sink *sink,
                void (*on_done)(void *, struct scoop_http_exchange *, const struct scoop_error *),
                struct scoop_error *error) {
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "HEAD");
    request.action = "s3:GetObject";
    if (sink->checksum_kind != SCOOP_S3_CHECKSUM_NONE)
        scoop_s3_add_header(&request, "x-amz-checksum-mode", "ENABLED");
    request.on_done = on_done;
    sink->looking = scoop_s3_sink_start(sink, &request, error) == 0;
    return sink->looking ? 0 : -1;
}

/* The answer to it, which is another object, or none. */
static bool shows_another(const struct scoop_error *error) {
    return error->code == SCOOP_OK || error->code == SCOOP_NOT_FOUND;
}

/* --- one PUT --- */

static int add_to_md5(void *user, const void *data, size_t length, struct scoop_error *error) {
    return scoop_digest_update(user, data, length, error);
}

/* The ETag that a PUT of this body gets, unless a KMS key encrypts it. */
static bool same_md5(const struct scoop_s3_sink *sink, const char *etag) {
    struct scoop_error ignored = {0};
    unsigned char digest[SCOOP_MD5_BYTES];
    char expected[SCOOP_MD5_HEX_SIZE + 2];
    struct scoop_digest *md5 = scoop_digest_new(SCOOP_DIGEST_MD5, &ignored);
    bool known = etag != NULL && md5 != NULL &&
                 (sink->filling == NULL ||
                  scoop_s3_slot_visit(sink->filling, add_to_md5, md5, &ignored) == 0) &&
                 scoop_digest_finish(md5, digest, &ignored) == 0;
    scoop_digest_free(md5);
    if (!known)
        return false;
    expected[0] = '"';
    scoop_hex_encode(digest, sizeof digest, expected + 1);
    strcat(expected, "\"");
    return strcmp(etag, expected) == 0;
}

/* Under a key of KMS or of the client's the ETag is no MD5. */
static bool etag_is_md5(struct scoop_http_exchange *exchange) {
    const char *kind = scoop_http_header(exchange, "x-amz-server-side-encryption");
    if (kind != NULL && strncmp(kind, "aws:kms", 7) == 0)
        return false;
    return scoop_http_header(exchange, "x-amz-server-side-encryption-customer-algorithm") == NULL;
}

/* Whether an answer is about the bytes that were sent. */
static bool put_is_ours(struct scoop_s3_sink *sink, struct scoop_http_exchange *exchange) {
    if (etag_is_md5(exchange))
        return same_md5(sink, object_etag(exchange));
    return same_checksum(sink, exchange) && object_etag(exchange) != NULL;
}

/* A sending whose answer was lost may have made the object. */
static void put_looked(void *user, struct scoop_http_exchange *exchange,
                       const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    scoop_s3_sink_ended(sink);
    sink->looking = false;
    bool there = error->code == SCOOP_OK &&
                 scoop_http_content_length(exchange) == (int64_t)sink->total_bytes;
    const char *etag = there ? object_etag(exchange) : NULL;
    bool told_twice = etag != NULL && strcmp(etag, sink->answered_etag) == 0;
    if (there && (told_twice || put_is_ours(sink, exchange)))
        committed(sink, object_etag(exchange));
    else if (must_believe(sink, error))
        committed(sink, sink->answered_etag);
    else {
        sink->facts.in_doubt = !shows_another(error);
        refused(sink, &sink->error);
    }
}

static void put_done(void *user, struct scoop_http_exchange *exchange,
                     const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    bool in_doubt =
        sent_before(sink, exchange) || error->http_status < 300 || error->http_status >= 500;
    scoop_s3_sink_ended(sink);
    sink->error = *error;
    sink->facts.in_doubt = in_doubt;
    struct scoop_error failure = {0};
    if (error->code == SCOOP_OK && put_is_ours(sink, exchange)) {
        committed(sink, object_etag(exchange));
        return;
    }
    if (error->code != SCOOP_OK && sink->filling != NULL && sink->state != SCOOP_SINK_ABORTING &&
        scoop_s3_sink_may_repair(sink->filling, &sink->error)) {
        sink->facts.retries++;
        if (scoop_s3_sink_put(sink, &failure) != 0)
            scoop_s3_sink_fail(sink, &failure);
        return;
    }
    if (!in_doubt && sink->state != SCOOP_SINK_ABORTING && scoop_s3_sink_forgoes(sink, error)) {
        sink->facts.retries++;
        if (scoop_s3_sink_put(sink, &failure) != 0)
            scoop_s3_sink_fail(sink, &failure);
        return;
    }
    if (error->code == SCOOP_OK)
        doubt(sink, object_etag(exchange));
    if (!in_doubt)
        refused(sink, &sink->error);
    else if (look(sink, put_looked, &failure) != 0)
        fail_commit(sink, &failure);
}

bool scoop_s3_sink_awaits_put(struct scoop_s3_sink *sink) {
    struct scoop_error ignored = {0};
    if (sink->call == NULL)
        return false;
    if (scoop_s3_await_answer(sink->call) || sink->looking)
        return true;
    /* The body is on its way: without its end it makes no object, but one sent before may have. */
    sink->facts.in_doubt = scoop_s3_retries(sink->call) > 0;
    scoop_s3_cancel(sink->call);
    sink->call = NULL;
    return sink->facts.in_doubt && look(sink, put_looked, &ignored) == 0;
}

int scoop_s3_sink_put(struct scoop_s3_sink *sink, struct scoop_error *error) {
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "PUT");
    char text[SCOOP_S3_CHECKSUM_SIZE];
    scoop_s3_sink_add_object(sink, &request);
    scoop_s3_sink_add_condition(sink, &request);
    if (sink->filling != NULL) {
        if (scoop_s3_slot_close(sink->filling, error) != 0)
            return -1;
        scoop_s3_slot_send(sink->filling, &request);
        sink->checksum = sink->filling->checksum;
    }
    if (scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, error) != 0)
        return -1;
    scoop_s3_sink_add_checksum(sink, &request, text);
    request.on_done = put_done;
    sink->facts.in_doubt = scoop_s3_sink_start(sink, &request, error) == 0;
    return sink->facts.in_doubt ? 0 : -1;
}

/* --- Complete, and what to do when its answer is lost --- */

static void looked(void *user, struct scoop_http_exchange *exchange,
                   const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    scoop_s3_sink_ended(sink);
    sink->looking = false;
    if (error->code == SCOOP_OK && is_ours(sink, exchange)) {
        committed(sink, object_etag(exchange));
    } else if (must_believe(sink, error)) {
        committed(sink, sink->answered_etag);
    } else if (sink->state == SCOOP_SINK_ABORTING) {
        if (sink->upload_gone && shows_another(error))
            sink->facts.in_doubt = false;
        sink->state = SCOOP_SINK_ABORTED;
    } else if (sink->error.retryable && sink->complete_tries < MAX_COMPLETE_TRIES) {
        struct scoop_error failure = {0};
        if (scoop_s3_sink_complete(sink, &failure) != 0)
            scoop_s3_sink_fail(sink, &failure);
    } else {
        refused(sink, &sink->error);
    }
}

static void completed(void *user, struct scoop_http_exchange *exchange,
                      const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    struct scoop_s3_error refusal;
    char etag[SCOOP_ETAG_SIZE], expected[SCOOP_ETAG_SIZE];
    bool again = sent_before(sink, exchange) || sink->complete_tries > 1;
    sink->error = *error;
    scoop_s3_sink_ended(sink);
    if (!again && error->http_status >= 400 && error->http_status < 500)
        sink->facts.in_doubt = false;
    if (lost_race(error) || (found_existing(sink, error) && !again)) {
        sink->complete_tries = 0; /* none has won, so an abort has nothing to look for */
        sink->facts.in_doubt = false;
        refused(sink, error);
        return;
    }
    if (error->code == SCOOP_OK) {
        struct scoop_buf *body = scoop_http_body(exchange);
        bool told = scoop_s3_parse_completion(body->data, body->length, etag, &refusal) ==
                    SCOOP_S3_COMPLETED;
        if (told && scoop_s3_multipart_etag(sink->parts, sink->part_count, expected) &&
            strcmp(etag, expected) == 0) {
            committed(sink, etag);
            return;
        }
        if (told)
            doubt(sink, etag);
        else
            scoop_fail(&sink->error, SCOOP_PROTOCOL,
                       "s3://%s/%s: the answer to CompleteMultipartUpload is cut short",
                       sink->bucket, sink->key);
    }
    /* An attempt whose answer was lost may have succeeded: the object itself tells. */
    struct scoop_error failure = {0};
    if (look(sink, looked, &failure) != 0)
        scoop_s3_sink_fail(sink, &failure);
}

int scoop_s3_sink_complete(struct scoop_s3_sink *sink, struct scoop_error *error) {
    sink->complete_tries++;
    sink->completion.length = 0;
    const struct scoop_s3_checksum_names *names = scoop_s3_checksum_names(sink->checksum_kind);
    char text[SCOOP_S3_CHECKSUM_SIZE], size[24];
    if (scoop_s3_build_completion(sink->parts, sink->part_count,
                                  names == NULL ? NULL : names->element, &sink->completion,
                                  error) != 0 ||
        scoop_s3_checksum_text(sink->checksum_kind, sink->checksum, text, error) != 0)
        return -1;
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "POST");
    scoop_s3_add_query(&request, "uploadId", scoop_s3_sink_upload_id(sink));
    scoop_s3_add_header(&request, "Content-Type", "text/xml");
    if (names != NULL) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)sink->total_bytes);
        scoop_s3_add_header(&request, "x-amz-checksum-type", "FULL_OBJECT");
        scoop_s3_add_header(&request, "x-amz-mp-object-size", size);
        scoop_s3_sink_add_checksum(sink, &request, text);
    }
    scoop_s3_sink_add_condition(sink, &request);
    request.conflict_is_final = true;
    request.body = sink->completion.data;
    request.body_length = sink->completion.length;
    request.error_in_200 = true;
    request.on_done = completed;
    if (scoop_s3_sink_start(sink, &request, error) != 0)
        return -1;
    sink->facts.in_doubt = true;
    return 0;
}

/* --- abort --- */

/* After an abort, or without one, the object exists only if a Complete whose answer was lost had
 * won. */
static void gone(struct scoop_s3_sink *sink) {
    struct scoop_error ignored = {0};
    if (sink->complete_tries == 0 || look(sink, looked, &ignored) != 0)
        sink->state = SCOOP_SINK_ABORTED;
}

static void parts_listed(void *user, struct scoop_http_exchange *exchange,
                         const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    (void)exchange;
    scoop_s3_sink_ended(sink);
    /* A part that was under way may have arrived after the abort: then abort again. */
    if (error->code == SCOOP_OK && sink->abort_tries < MAX_ABORT_TRIES)
        scoop_s3_sink_send_abort(sink);
    else
        gone(sink);
}

static void list_parts(struct scoop_s3_sink *sink) {
    struct scoop_error ignored = {0};
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "GET");
    request.action = "s3:ListMultipartUploadParts";
    scoop_s3_add_query(&request, "uploadId", scoop_s3_sink_upload_id(sink));
    scoop_s3_add_query(&request, "max-parts", "1");
    request.max_attempts = 1;
    request.total_timeout_ms = ABORT_TIMEOUT_MS;
    request.on_done = parts_listed;
    if (scoop_s3_sink_start(sink, &request, &ignored) != 0)
        gone(sink);
}

static void aborted(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct scoop_s3_sink *sink = user;
    (void)exchange;
    scoop_s3_sink_ended(sink);
    sink->upload_gone = error->code == SCOOP_OK || error->code == SCOOP_NOT_FOUND;
    if (error->code == SCOOP_OK)
        list_parts(sink);
    else
        gone(sink);
}

void scoop_s3_sink_send_abort(struct scoop_s3_sink *sink) {
    struct scoop_error ignored = {0};
    if (sink->upload_id.length == 0) {
        sink->state = SCOOP_SINK_ABORTED;
        return;
    }
    if (sink->leaving) {
        gone(sink);
        return;
    }
    sink->abort_tries++;
    struct scoop_s3_request request = scoop_s3_sink_request(sink, "DELETE");
    request.action = "s3:AbortMultipartUpload";
    scoop_s3_add_query(&request, "uploadId", scoop_s3_sink_upload_id(sink));
    request.max_attempts = 2;
    request.total_timeout_ms = ABORT_TIMEOUT_MS;
    request.on_done = aborted;
    if (scoop_s3_sink_start(sink, &request, &ignored) != 0)
        gone(sink);
}
