/* HTTP exchanges on one libcurl multi handle, run in slices by the thread that owns the engine. */
#ifndef SCOOP_NET_HTTP_H
#define SCOOP_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/engine.h"
#include "scoop/error.h"

struct scoop_http_exchange;

/* Moves all exchanges on, waits at most wait_ms for activity, calls the callbacks that are due.
 * 0, or -1 with INTERNAL. */
int scoop_engine_run(struct scoop_engine *engine, int wait_ms, struct scoop_error *error);
/* The same; wake_fd (-1: none) becoming readable ends the wait, too. */
int scoop_engine_run_until(struct scoop_engine *engine, int wait_ms, int wake_fd,
                           struct scoop_error *error);

/* Calls fire(user) once from scoop_engine_run after delay_ms. 0 or -1 (NO_MEMORY). */
int scoop_engine_after(struct scoop_engine *engine, uint64_t delay_ms, void (*fire)(void *user),
                       void *user, struct scoop_error *error);
/* Forgets every timer that was set with this user pointer. */
void scoop_engine_forget(struct scoop_engine *engine, const void *user);

enum scoop_http_take { SCOOP_HTTP_TAKEN, SCOOP_HTTP_PAUSE, SCOOP_HTTP_STOP };

struct scoop_http_request {
    const char *method;
    const char *url;            /* encoded; sent as it is, unless it is a web address */
    const char *const *headers; /* "Name: value", copied */
    size_t header_count;
    /* The caller's own, as text/request_headers.h reads them, borrowed until on_done; they go to
     * the scheme, host and port of a web address alone. NULL: none. */
    const char *own_headers;
    const char *user_agent; /* NULL: "airscoop" */
    const char *proxy;      /* borrowed until on_done; NULL: as the environment says; "": none */
    bool once;              /* libcurl itself never sends it twice */
    const void *body;       /* borrowed until on_done; NULL: body_length bytes of body_fd, if any */
    size_t body_length;
    int body_fd; /* read at body_offset as it is sent; its end before body_length is SOURCE_CHANGED
                  */
    uint64_t body_offset;
    /* Asked before each piece of the body is given to the connection, also when libcurl sends it
     * once more by itself. False: the exchange ends in CONNECTION, and the rest is not sent, so the
     * server has no whole request. NULL: not asked. */
    bool (*may_send)(void *user);
    size_t response_ceiling; /* of a collected body; 0: 64 KiB */
    struct scoop_request_limits limits;
    long total_timeout_ms; /* 0: none */
    /* The URL is a web address, and sent as text/address.h says; redirects are followed, at most
     * 10, never from https to http, without credentials elsewhere. */
    bool follow_redirects;
    /* The answer's head is complete (redirects followed). Non-zero ends the exchange with the error
     * that the callback wrote to *error. NULL: not called. */
    int (*on_head)(void *user, struct scoop_http_exchange *exchange, struct scoop_error *error);
    /* Body bytes of a 200 or 206 answer. PAUSE: not taken, offered again after scoop_http_resume.
     * STOP: ends the exchange with *error. NULL: collected in the exchange's body. */
    enum scoop_http_take (*on_data)(void *user, const void *data, size_t length,
                                    struct scoop_error *error);
    /* The exchange is over, well or not; afterwards it is freed by the engine. */
    void (*on_done)(void *user, struct scoop_http_exchange *exchange);
    void *user;
};

/* Starts an exchange. NULL with *error filled when it could not be started; otherwise owned by the
 * engine and valid until on_done returns or scoop_http_cancel. */
struct scoop_http_exchange *scoop_http_start(struct scoop_engine *engine,
                                             const struct scoop_http_request *request,
                                             struct scoop_error *error);
/* Ends it now, without on_done. Not from within on_head or on_data. NULL is allowed. */
void scoop_http_cancel(struct scoop_http_exchange *exchange);
/* Lets a paused body flow again. Not from within on_data. */
void scoop_http_resume(struct scoop_http_exchange *exchange);

/* Facts of an exchange, valid from on_head on. */
int scoop_http_status(const struct scoop_http_exchange *exchange);
/* Value of the last header of that name (any case) in the final answer, or NULL. Valid until the
 * next call for this exchange. */
const char *scoop_http_header(struct scoop_http_exchange *exchange, const char *name);
/* Calls visit for each header of the final answer, in order; pointers are valid during the call.
 * Returns what the first visit that is not 0 returned. */
int scoop_http_each_header(struct scoop_http_exchange *exchange,
                           int (*visit)(void *user, const char *name, size_t name_length,
                                        const char *value, size_t value_length),
                           void *user);
/* Whether the answer has two headers of that name with different values. */
bool scoop_http_conflicts(const struct scoop_http_exchange *exchange, const char *name);
/* Whether the answer's framing says where the body ends: a length, chunks, or HTTP/2. */
bool scoop_http_self_delimiting(struct scoop_http_exchange *exchange);
/* Whether libcurl sent the body more than once, as it does by itself when a connection that was
 * used before turns out to be dead: an earlier sending may have reached the server. */
bool scoop_http_repeated(const struct scoop_http_exchange *exchange);
/* Whether a byte of the request has been given to the connection, or it was redirected. */
bool scoop_http_has_begun(const struct scoop_http_exchange *exchange);
/* Whether the whole request has been given to the connection. */
bool scoop_http_is_sent(const struct scoop_http_exchange *exchange);
/* Content-Length, or -1. */
int64_t scoop_http_content_length(struct scoop_http_exchange *exchange);
/* The answer's Date in seconds since 1970, or -1. */
int64_t scoop_http_date(struct scoop_http_exchange *exchange);
/* Such a date in seconds since 1970, or -1. */
int64_t scoop_http_parse_date(const char *text);
/* What proves that a later answer is of the same source, as it is sent in If-Range or If-Match: a
 * strong ETag, or, where there is no ETag at all, a Last-Modified that is strong by RFC 9110,
 * 8.8.2.2. False, and "", when nothing does. */
enum { SCOOP_VALIDATOR_SIZE = 128 };
bool scoop_http_validator(struct scoop_http_exchange *exchange, char text[SCOOP_VALIDATOR_SIZE]);
/* What Retry-After asks for, in ms from the answer's Date on, whichever form it has; -1: nothing
 * that can be read. */
int64_t scoop_http_retry_after_ms(struct scoop_http_exchange *exchange);
/* Why an exchange failed, where its error's code does not tell. Valid in on_done. */
enum scoop_http_fault {
    SCOOP_HTTP_OTHER,
    SCOOP_HTTP_NO_NAME, /* a host's name is not known */
    SCOOP_HTTP_LATE,    /* nothing came of the body in time */
    SCOOP_HTTP_SLOW,    /* less came than is demanded */
};
enum scoop_http_fault scoop_http_fault(const struct scoop_http_exchange *exchange);
/* Valid in on_done: the transport's verdict (code OK when an answer arrived whole, whatever its
 * status) and the collected body. */
const struct scoop_error *scoop_http_error(const struct scoop_http_exchange *exchange);
struct scoop_buf *scoop_http_body(struct scoop_http_exchange *exchange);

#endif
