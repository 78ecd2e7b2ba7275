/* A request as a source, shared by its files: net.c keeps the bytes, net_request.c asks for them,
 * net_answer.c judges what the answer's head says, and net_range.c does it where a range was asked
 * for. */
#ifndef SCOOP_SOURCE_NET_INTERNAL_H
#define SCOOP_SOURCE_NET_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/s3_checksum.h"
#include "source/source.h"

struct net_source {
    struct scoop_source base;
    struct scoop_engine *engine;
    char *url; /* http(s) */
    struct scoop_web_options web;
    struct scoop_s3_client *client;
    char *bucket, *key; /* s3 */
    bool ranged; /* only the bytes first … last are wanted, of the source with the validator */
    uint64_t first, last;
    uint64_t stop_at; /* s3: bytes after which the body is left; 0: read to its end */
    size_t queue_bytes;
    bool allow_unknown_length;
    struct scoop_http_exchange *exchange;
    struct scoop_s3_call *call;
    struct scoop_buf queue;
    size_t taken; /* bytes of the queue's front that are consumed */
    uint64_t received;
    uint64_t resumed_at;                  /* `received` when the present attempt was sent */
    enum scoop_s3_checksum checksum_kind; /* of the whole object, as S3 keeps it */
    char checksum_wanted[SCOOP_S3_CHECKSUM_SIZE];
    uint64_t checksum;
    bool paused, ended;
    bool sleeps;                /* until the next attempt */
    bool was_paused;            /* at some time: the reader was the slower one */
    bool final;                 /* no other request is to follow the one under way */
    bool no_rest;               /* the server does not send the rest alone, whatever it promised */
    int64_t retry_after_ms;     /* that the last answer asked for; -1: nothing */
    uint32_t attempt;           /* of an S3 object */
    struct scoop_outage outage; /* of a web source */
    struct scoop_error error;   /* code OK: none */
    char where[256];
};

/* --- net.c --- */

enum scoop_http_take scoop_net_on_data(void *user, const void *data, size_t length,
                                       struct scoop_error *error);
/* Nothing more comes; error->code OK: in order, if what came is all. */
void scoop_net_end(struct net_source *source, const struct scoop_error *error);

/* --- net_request.c --- */

/* Sends the request for the source, or for what is left of it. 0 or -1. */
int scoop_net_send(struct net_source *source, struct scoop_error *error);

/* --- net_answer.c --- */

/* Whether it is asked for by a POST that must not be sent twice. */
static inline bool scoop_net_is_once(const struct net_source *source) {
    return source->web.body != NULL && !source->web.idempotent;
}

int scoop_net_on_head(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error);
/* What the first answer tells of a source of this length (-1: unknown). */
void scoop_net_identify(struct net_source *source, struct scoop_http_exchange *exchange,
                        int64_t length);
/* The checksum of the whole object, if S3 has one. */
void scoop_net_note_checksum(struct net_source *source, struct scoop_http_exchange *exchange);
/* Conditions may be ignored on the way: an answer must say itself that it is of the same source. */
int scoop_net_check_same(struct net_source *source, struct scoop_http_exchange *exchange,
                         struct scoop_error *error);
int scoop_net_fail_status(struct net_source *source, struct scoop_http_exchange *exchange,
                          struct scoop_error *error);
/* Another than the one that is demanded. */
int scoop_net_fail_other(const struct net_source *source, struct scoop_error *error);
int scoop_net_fail_changed(const struct net_source *source, struct scoop_error *error);

/* --- net_range.c --- */

/* The head of an answer to a request for a range. 0 or -1. */
int scoop_net_check_range(struct net_source *source, struct scoop_http_exchange *exchange,
                          struct scoop_error *error);
/* Whether the validator is an ETag, not a date. */
bool scoop_net_is_etag(const char *validator);

#endif
