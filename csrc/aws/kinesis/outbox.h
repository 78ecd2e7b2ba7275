/* What is sent when: changes become requests, answers say what is sent again. Changes of one key
 * never overtake each other: of each key at most one change is unacknowledged, and so at most one
 * in a request. Pure: no network, no clock, no thread; times are the caller's, in milliseconds. */
#ifndef SCOOP_AWS_KINESIS_OUTBOX_H
#define SCOOP_AWS_KINESIS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/kinesis/shards.h"
#include "scoop/buffer.h"

struct scoop_outbox_options {
    const char *stream;      /* copied */
    uint64_t first_number;   /* of the first change that will be offered */
    size_t memory_bytes;     /* of all requests; one alone may be larger */
    size_t max_record_bytes; /* data and key of one record */
    unsigned max_in_flight;  /* requests, those included that wait to be sent again */
    uint64_t max_age_ms;     /* a change waits no longer for its request to fill */
    uint64_t retry_ms;       /* of one request, in which nothing at all was stored, is given up */
};

struct scoop_outbox_facts {
    uint64_t acknowledged; /* changes from the start of the file that are all stored */
    uint64_t sent;         /* stored, each counted once */
    uint64_t sent_bytes;   /* their data */
    uint64_t retried;      /* times that a record was sent again */
    uint64_t throttled;    /* times that a record was refused for its shard's throughput */
    uint64_t calls;
    unsigned in_flight, window; /* requests under way, and how many may be now */
};

struct scoop_outbox;
struct scoop_parcel; /* one request */

/* NULL with *error (USAGE, NO_MEMORY). */
struct scoop_outbox *scoop_outbox_new(const struct scoop_outbox_options *options,
                                      struct scoop_error *error);
void scoop_outbox_free(struct scoop_outbox *outbox);

/* The next change, a line of strict JSON without its newline. 1: taken; 0: not now, offer it again
 * after next or an answer; -1: BAD_RECORD, TOO_LARGE, both naming the change, or NO_MEMORY. */
int scoop_outbox_offer(struct scoop_outbox *outbox, const void *line, size_t length, uint64_t now,
                       struct scoop_error *error);
/* No more changes follow. */
void scoop_outbox_end(struct scoop_outbox *outbox);
/* Whether all that was taken is stored. */
bool scoop_outbox_is_empty(const struct scoop_outbox *outbox);

/* A request to be sent now, under way from then on until answered or failed; NULL: none is due. */
struct scoop_parcel *scoop_outbox_next(struct scoop_outbox *outbox, uint64_t now);
/* How long until one is due, without an answer: at most `most_ms`. */
uint64_t scoop_outbox_wait_ms(const struct scoop_outbox *outbox, uint64_t now, uint64_t most_ms);
/* Its body. */
const struct scoop_buf *scoop_parcel_body(const struct scoop_parcel *parcel);

/* The body of a 2xx answer. What was not stored is due again later. 0; -1: PROTOCOL and too long
 * without any progress (THROTTLED or HTTP), retryable, or NO_MEMORY. */
int scoop_outbox_answered(struct scoop_outbox *outbox, struct scoop_parcel *parcel,
                          const void *body, size_t length, uint64_t now, double random01,
                          struct scoop_error *error);
/* The whole call failed with `failure`, a retryable error: nothing is known to be stored. 0, or -1
 * with `failure` after too long. */
int scoop_outbox_failed(struct scoop_outbox *outbox, struct scoop_parcel *parcel,
                        const struct scoop_error *failure, bool throttled, uint64_t now,
                        double random01, struct scoop_error *error);

void scoop_outbox_facts(const struct scoop_outbox *outbox, struct scoop_outbox_facts *facts);
/* Borrowed. */
const struct scoop_shards *scoop_outbox_shards(const struct scoop_outbox *outbox);

#endif
