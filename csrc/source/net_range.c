/* Ranges of an HTTP body or an S3 object, each a source of its own, and the first bytes of an
 * object that is not known yet. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/net_internal.h"
#include "text/header.h"

bool scoop_net_is_etag(const char *validator) {
    return validator[0] == '"';
}

bool scoop_source_know(struct scoop_source *base, const char *identity) {
    const char *space = strrchr(identity, ' ');
    snprintf(base->identity, sizeof base->identity, "%s", identity);
    if (space == NULL)
        return false;
    snprintf(base->validator, sizeof base->validator, "%.*s", (int)(space - identity), identity);
    if (scoop_net_is_etag(identity))
        memcpy(base->etag, base->validator, sizeof base->etag);
    base->total_bytes = strtoll(space + 1, NULL, 10);
    base->length_known = base->seekable = true;
    return true;
}

static int fail_range(const struct net_source *source, const char *found,
                      struct scoop_error *error) {
    return scoop_fail(error, SCOOP_PROTOCOL,
                      "%s: asked for the bytes from %" PRIu64 " to %" PRIu64 ", the server sent %s",
                      source->where, source->first + source->resumed_at, source->last,
                      found == NULL ? "no Content-Range" : found);
}

/* The first bytes of an object that was not known: there may be fewer than were asked for. Where
 * they are all, a checksum is theirs. */
static int learn(struct net_source *source, struct scoop_http_exchange *exchange,
                 const struct scoop_content_range *found) {
    source->last = found->last;
    scoop_net_identify(source, exchange, (int64_t)found->total);
    if (found->last + 1 == found->total)
        scoop_net_note_checksum(source, exchange);
    return 0;
}

static int check_part(struct net_source *source, struct scoop_http_exchange *exchange,
                      struct scoop_error *error) {
    struct scoop_content_range found;
    const char *range = scoop_http_header(exchange, "Content-Range");
    bool known = source->base.validator[0] != 0;
    if (!scoop_header_content_range(range, &found) ||
        found.first != source->first + source->resumed_at)
        return fail_range(source, range, error);
    bool cut = !known && found.last < source->last && found.last + 1 == found.total;
    if (found.last != source->last && !cut)
        return fail_range(source, range, error);
    source->base.total_bytes = (int64_t)found.total;
    source->base.length_known = true;
    return known ? 0 : learn(source, exchange, &found);
}

/* A server that ignores ranges sends all, as one does whose source has changed. */
static int check_whole(struct net_source *source, struct scoop_http_exchange *exchange,
                       struct scoop_error *error) {
    if (source->base.validator[0] != 0 && scoop_net_check_same(source, exchange, error) != 0)
        return -1;
    return scoop_fail(error, SCOOP_PROTOCOL, "%s: the server does not answer in ranges",
                      source->where);
}

int scoop_net_check_range(struct net_source *source, struct scoop_http_exchange *exchange,
                          struct scoop_error *error) {
    int status = scoop_http_status(exchange);
    if (status == 200)
        return check_whole(source, exchange, error);
    if (status == 412 || status == 416)
        return scoop_net_fail_changed(source, error);
    if (status != 206)
        return scoop_net_fail_status(source, exchange, error);
    if (source->base.validator[0] != 0 && scoop_net_check_same(source, exchange, error) != 0)
        return -1;
    return check_part(source, exchange, error);
}

static struct scoop_source *in_range(struct scoop_source *base,
                                     const struct scoop_range_request *request) {
    if (base == NULL)
        return NULL;
    struct net_source *source = (struct net_source *)base;
    source->ranged = true;
    source->first = request->first;
    source->last = request->last;
    if (request->queue_bytes > 0) {
        source->queue_bytes = request->queue_bytes;
        scoop_buf_init_whole(&source->queue, source->queue_bytes);
    }
    if (request->validator != NULL)
        snprintf(base->validator, sizeof base->validator, "%s", request->validator);
    return base;
}

struct scoop_source *scoop_s3_range_source_new(struct scoop_s3_client *client,
                                               const struct scoop_range_request *request,
                                               struct scoop_error *error) {
    return in_range(scoop_s3_source_new(client, request->bucket, request->key, error), request);
}

struct scoop_source *scoop_http_range_source_new(struct scoop_engine *engine,
                                                 const struct scoop_range_request *request,
                                                 struct scoop_error *error) {
    return in_range(scoop_http_source_new(engine, request->url, false, request->web, error),
                    request);
}

bool scoop_s3_source_is_proven(const struct scoop_source *base) {
    const struct net_source *source = (const struct net_source *)base;
    return source->ranged && source->checksum_kind != SCOOP_S3_CHECKSUM_NONE;
}
