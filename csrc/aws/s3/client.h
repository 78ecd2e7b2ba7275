/* S3 requests: addressed, signed, sent, tried again. Runs on the engine's thread. */
#ifndef SCOOP_AWS_S3_CLIENT_H
#define SCOOP_AWS_S3_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/s3/object_headers.h"
#include "aws/uri.h"
#include "net/http.h"
#include "scoop/s3.h"

struct scoop_engine *scoop_s3_client_engine(struct scoop_s3_client *client);
/* Whether requests need the SHA-256 of their bodies. */
bool scoop_s3_client_signs_payload(const struct scoop_s3_client *client);

/* What a request holds: who builds one asserts that all it may add fits. */
enum { SCOOP_S3_MAX_PAIRS = 8, SCOOP_S3_MAX_HEADERS = 128, SCOOP_S3_CLIENT_HEADERS = 2 };

struct scoop_s3_call;

struct scoop_s3_request {
    const char *method;
    const char *action; /* the permission it needs, for messages: "s3:PutObject" */
    const char *bucket;
    const char *key; /* NULL: the bucket itself */
    struct scoop_pair query[SCOOP_S3_MAX_PAIRS];
    size_t query_count;
    struct scoop_pair headers[SCOOP_S3_MAX_HEADERS]; /* SCOOP_S3_CLIENT_HEADERS are the client's */
    size_t header_count;
    bool overflowed; /* more was added than fits; it cannot be started */
    const void
        *body; /* borrowed until on_done; NULL: body_length bytes of body_fd at body_offset */
    size_t body_length;
    int body_fd;
    uint64_t body_offset;
    const char *payload_hash; /* the body's SHA-256 in hex, borrowed; NULL: computed from body */
    size_t response_ceiling;  /* 0: 64 KiB */
    bool error_in_200;      /* the answer's body is XML and may hold an error despite its status */
    bool conflict_is_final; /* 409 ConditionalRequestConflict is not tried again */
    unsigned max_attempts;  /* 0: SCOOP_RETRY_MAX_ATTEMPTS */
    long total_timeout_ms;  /* per attempt; 0: none */
    /* As in scoop_http_request, for a body that is streamed; an answer other than 200 or 206 does
     * not reach them. Once a byte was taken, or STOP returned, there is no further attempt. */
    int (*on_head)(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error);
    enum scoop_http_take (*on_data)(void *user, const void *data, size_t length,
                                    struct scoop_error *error);
    /* The end. error->code is OK after a 2xx answer; exchange is NULL when there was none. */
    void (*on_done)(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error);
    void *user;
};

/* Add to a request; the strings are borrowed until it is started. Beyond the room nothing is
 * written, and scoop_s3_start refuses the request. */
void scoop_s3_add_header(struct scoop_s3_request *request, const char *name, const char *value);
/* Those that the object shall have; NULL: none. */
void scoop_s3_add_object_headers(struct scoop_s3_request *request,
                                 const struct scoop_object_headers *object);
void scoop_s3_add_query(struct scoop_s3_request *request, const char *name, const char *value);
/* Of a request for an object or its tags: for this version of it; NULL: the newest. */
void scoop_s3_read_version(struct scoop_s3_request *request, const char *version_id);

/* A request for an object's tags, which scoop_s3_parse_tags reads. */
struct scoop_s3_request scoop_s3_tags_request(const char *bucket, const char *key,
                                              void (*on_done)(void *user,
                                                              struct scoop_http_exchange *exchange,
                                                              const struct scoop_error *error),
                                              void *user);

/* Starts a call; strings are copied. NULL with *error filled when it could not be started;
 * otherwise valid until on_done returns or scoop_s3_cancel. */
struct scoop_s3_call *scoop_s3_start(struct scoop_s3_client *client,
                                     const struct scoop_s3_request *request,
                                     struct scoop_error *error);
/* Ends it without on_done. NULL is allowed. */
void scoop_s3_cancel(struct scoop_s3_call *call);
/* Has the attempt under way be the last. Whether there is one whose request has been sent whole:
 * then the server may do what it asks for, and only its answer tells. */
bool scoop_s3_await_answer(struct scoop_s3_call *call);
/* Lets a paused body flow again. */
void scoop_s3_resume(struct scoop_s3_call *call);
/* Attempts made before the present one. */
uint32_t scoop_s3_retries(const struct scoop_s3_call *call);
/* In on_done: whether the error is that there is no object of that key. */
bool scoop_s3_lacks_key(const struct scoop_s3_call *call);

#endif
