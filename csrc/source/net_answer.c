/* What the head of an answer says of a source: whether it is one, the same one, and how long. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "scoop/s3_checksum.h"
#include "source/content_internal.h"
#include "source/net_internal.h"
#include "text/header.h"

static int check_framing(struct net_source *source, struct scoop_http_exchange *exchange,
                         struct scoop_error *error) {
    if (scoop_http_conflicts(exchange, "Content-Length"))
        return scoop_fail(error, SCOOP_PROTOCOL, "%s: the server sends two Content-Lengths",
                          source->where);
    source->base.length_known = scoop_http_self_delimiting(exchange);
    source->base.total_bytes = scoop_http_content_length(exchange);
    if (source->base.length_known || source->allow_unknown_length)
        return 0;
    return scoop_fail(error, SCOOP_LENGTH_UNKNOWN,
                      "%s: the server sends neither Content-Length nor chunks, so a cut connection "
                      "would look like the end; allow_unknown_length accepts it",
                      source->where);
}

static enum scoop_code code_of_status(int status) {
    switch (status) {
    case 401:
    case 403:
        return SCOOP_ACCESS_DENIED;
    case 404:
    case 410:
        return SCOOP_NOT_FOUND;
    case 429:
        return SCOOP_THROTTLED;
    default:
        return SCOOP_HTTP;
    }
}

/* Whether the server takes a request for the rest that names the validator. */
static bool takes_up(const struct net_source *source, struct scoop_http_exchange *exchange,
                     const char *validator) {
    if (source->client != NULL)
        return scoop_net_is_etag(validator);
    const char *ranges = scoop_http_header(exchange, "Accept-Ranges");
    return ranges != NULL && strcasecmp(ranges, "bytes") == 0;
}

static bool is_plain(const char *text) {
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == 0;
}

/* Its identity is "validator length", see scoop_source_know. */
void scoop_net_identify(struct net_source *source, struct scoop_http_exchange *exchange,
                        int64_t length) {
    struct scoop_source *base = &source->base;
    char validator[SCOOP_VALIDATOR_SIZE];
    const char *etag = scoop_http_header(exchange, "ETag");
    snprintf(base->etag, sizeof base->etag, "%s", etag == NULL ? "" : etag);
    scoop_source_note_content(base, exchange);
    base->validator[0] = base->identity[0] = 0;
    base->seekable = false;
    if (scoop_net_is_once(source) || !scoop_http_validator(exchange, validator))
        return;
    if (takes_up(source, exchange, validator))
        memcpy(base->validator, validator, sizeof base->validator);
    if (length < 0 || !is_plain(validator))
        return;
    snprintf(base->identity, sizeof base->identity, "%s %" PRId64, validator, length);
    base->seekable = base->validator[0] != 0;
}

/* One with "-" in it is of the parts' checksums. */
void scoop_net_note_checksum(struct net_source *source, struct scoop_http_exchange *exchange) {
    static const enum scoop_s3_checksum kinds[] = {SCOOP_S3_CHECKSUM_CRC32C,
                                                   SCOOP_S3_CHECKSUM_CRC64NVME};
    source->checksum_kind = SCOOP_S3_CHECKSUM_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && source->client != NULL; i++) {
        const char *text = scoop_http_header(exchange, scoop_s3_checksum_names(kinds[i])->header);
        if (text == NULL || strchr(text, '-') != NULL ||
            strlen(text) >= sizeof source->checksum_wanted)
            continue;
        source->checksum_kind = kinds[i];
        snprintf(source->checksum_wanted, sizeof source->checksum_wanted, "%s", text);
        return;
    }
}

/* What another try may find otherwise, and whether that is worth trying soon. */
static const struct retryable_status {
    int status;
    bool soon;
    const char *meaning;
} retryable_statuses[] = {
    {202, false, ", it is not ready"},
    {408, false, ""},
    {409, false, ""},
    {423, false, ", it is locked"},
    {425, false, ""},
    {429, true, ", too many requests"},
    {500, true, ""},
    {502, true, ""},
    {503, true, ""},
    {504, true, ""},
};

static const struct retryable_status *find_retryable(int status) {
    for (size_t i = 0; i < sizeof retryable_statuses / sizeof *retryable_statuses; i++)
        if (retryable_statuses[i].status == status)
            return &retryable_statuses[i];
    return NULL;
}

/* 501 and 505: it will never know how. */
static bool may_pass(int status) {
    return find_retryable(status) != NULL || (status >= 500 && status != 501 && status != 505);
}

int scoop_net_fail_status(struct net_source *source, struct scoop_http_exchange *exchange,
                          struct scoop_error *error) {
    int status = scoop_http_status(exchange);
    const struct retryable_status *known = find_retryable(status);
    char asked[80] = "";
    source->final = known == NULL || !known->soon;
    source->retry_after_ms = scoop_http_retry_after_ms(exchange);
    if (source->retry_after_ms > 0)
        snprintf(asked, sizeof asked, "; it asks for a wait of %" PRId64 " s (Retry-After)",
                 source->retry_after_ms / 1000);
    scoop_fail(error, code_of_status(status), "%s: the server answered HTTP %d%s%s", source->where,
               status, known == NULL ? "" : known->meaning, asked);
    error->http_status = status;
    error->retryable = may_pass(status);
    error->source_missing = error->code == SCOOP_NOT_FOUND;
    if (error->code == SCOOP_NOT_FOUND || error->code == SCOOP_ACCESS_DENIED)
        scoop_error_place(error, "%s", source->where);
    return -1;
}

/* The source is as it was, as far as one can tell, but the server does not send its rest. */
static int fail_no_rest(struct net_source *source, const char *why, struct scoop_error *error) {
    source->no_rest = true;
    return scoop_fail(error, SCOOP_CONNECTION,
                      "%s: the connection broke after %" PRIu64 " bytes, and %s", source->where,
                      source->received, why);
}

int scoop_net_fail_changed(const struct net_source *source, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "%s changed while it was read", source->where);
}

int scoop_net_fail_other(const struct net_source *source, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_SOURCE_CHANGED,
                      "%s is not the object with the ETag %s any more, which was asked for",
                      source->where, source->base.demanded);
}

/* An ETag comes with every part (RFC 9110, 15.3.7), a Last-Modified need not. */
int scoop_net_check_same(struct net_source *source, struct scoop_http_exchange *exchange,
                         struct scoop_error *error) {
    bool by_etag = scoop_net_is_etag(source->base.validator);
    const char *found = scoop_http_header(exchange, by_etag ? "ETag" : "Last-Modified");
    if (found != NULL && strcmp(found, source->base.validator) != 0)
        return scoop_net_fail_changed(source, error);
    if (found != NULL || !by_etag)
        return 0;
    source->final = source->ranged;
    if (source->ranged)
        return scoop_fail(error, SCOOP_TRUNCATED,
                          "%s: a range came without the ETag that proves it to be of the same "
                          "source",
                          source->where);
    return fail_no_rest(
        source, "the rest came without the ETag that proves it to be of the same source", error);
}

/* The answer to a request for the rest must be exactly the rest. */
static int check_rest(struct net_source *source, struct scoop_http_exchange *exchange,
                      struct scoop_error *error) {
    struct scoop_content_range found;
    if (scoop_net_check_same(source, exchange, error) != 0)
        return -1;
    const char *range = scoop_http_header(exchange, "Content-Range");
    if (!scoop_header_content_range(range, &found) || found.first != source->resumed_at ||
        found.last + 1 != found.total)
        return scoop_fail(error, SCOOP_PROTOCOL, "%s: asked for the rest, the server sent %s",
                          source->where, range == NULL ? "no Content-Range" : range);
    if (source->base.total_bytes >= 0 && (uint64_t)source->base.total_bytes != found.total)
        return scoop_net_fail_changed(source, error);
    source->base.total_bytes = (int64_t)found.total;
    return 0;
}

/* Of an upload that goes on from its middle the first answer is one with the rest. */
static int note_kept(struct net_source *source, struct scoop_http_exchange *exchange,
                     struct scoop_error *error) {
    struct scoop_kept_headers *kept = source->base.kept;
    if (kept == NULL || (kept->noted && source->resumed_at > 0))
        return 0;
    scoop_kept_headers_begin(kept);
    return scoop_http_each_header(exchange, scoop_kept_headers_note, kept) == 0
               ? 0
               : scoop_fail_memory(error);
}

static int on_resumed_head(struct net_source *source, struct scoop_http_exchange *exchange,
                           struct scoop_error *error) {
    int status = scoop_http_status(exchange);
    if (status == 206)
        return note_kept(source, exchange, error) == 0 ? check_rest(source, exchange, error) : -1;
    if (status != 200 && status != 412 && status != 416)
        return scoop_net_fail_status(source, exchange, error);
    const char *name = scoop_net_is_etag(source->base.validator) ? "ETag" : "Last-Modified";
    const char *validator = scoop_http_header(exchange, name);
    bool other = validator != NULL && strcmp(validator, source->base.validator) != 0;
    if (status == 412 || other)
        return scoop_net_fail_changed(source, error);
    return fail_no_rest(source,
                        status == 416 ? "the server has no such range (HTTP 416)"
                                      : "the server sends the source from its start again",
                        error);
}

int scoop_net_on_head(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error) {
    struct net_source *source = user;
    int status = scoop_http_status(exchange);
    if (source->ranged)
        return scoop_net_check_range(source, exchange, error);
    if (source->resumed_at > 0)
        return on_resumed_head(source, exchange, error);
    if (status != 200)
        return scoop_net_fail_status(source, exchange, error);
    scoop_net_identify(source, exchange, scoop_http_content_length(exchange));
    if (source->base.demanded[0] != 0 && strcmp(source->base.demanded, source->base.etag) != 0)
        return scoop_net_fail_other(source, error); /* the server ignores conditions */
    scoop_net_note_checksum(source, exchange);
    if (note_kept(source, exchange, error) != 0)
        return -1;
    return check_framing(source, exchange, error);
}
