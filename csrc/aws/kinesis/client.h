/* Kinesis requests: signed, sent, and signed once more where that can help. Runs on the engine's
 * thread. */
#ifndef SCOOP_AWS_KINESIS_CLIENT_H
#define SCOOP_AWS_KINESIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "net/http.h"
#include "scoop/kinesis.h"

struct scoop_kinesis_client;

/* All strings are copied; the engine is borrowed and outlives the client. NULL with *error (USAGE,
 * CREDENTIALS, NO_MEMORY). */
struct scoop_kinesis_client *scoop_kinesis_client_new(struct scoop_engine *engine,
                                                      const struct scoop_kinesis_options *options,
                                                      struct scoop_error *error);
/* After all its calls have ended. NULL is allowed. */
void scoop_kinesis_client_free(struct scoop_kinesis_client *client);

struct scoop_kinesis_call;

/* How a call ended. error.code is OK after a 2xx answer, whose body then is there; valid during
 * on_done. */
struct scoop_kinesis_answer {
    struct scoop_error error; /* retryable: the same call may succeed; when to send it is up to the
                                 caller */
    bool throttled;
    const void *body;
    size_t length;
};

struct scoop_kinesis_request {
    const char *operation; /* "PutRecords"; static */
    const char *stream;    /* for messages; borrowed until on_done */
    const void *body;      /* borrowed until on_done */
    size_t body_length;
    bool (*may_send)(void *user); /* as of scoop_http_request; NULL: always */
    void (*on_done)(void *user, const struct scoop_kinesis_answer *answer);
    void *user;
};

/* Sends it once; once more, at once, when new credentials or a corrected clock mend what was
 * refused. NULL with *error filled when it could not be sent; otherwise valid until on_done returns
 * or scoop_kinesis_cancel. */
struct scoop_kinesis_call *scoop_kinesis_start(struct scoop_kinesis_client *client,
                                               const struct scoop_kinesis_request *request,
                                               struct scoop_error *error);
/* Ends it without on_done; whether it had an effect is not known. NULL is allowed. */
void scoop_kinesis_cancel(struct scoop_kinesis_call *call);

#endif
