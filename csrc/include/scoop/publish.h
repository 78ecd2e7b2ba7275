/* Publishes a file of changes, JSON lines, on a Kinesis stream; moved on in slices by its owner. */
#ifndef SCOOP_PUBLISH_H
#define SCOOP_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"
#include "scoop/kinesis.h"
#include "scoop/transfer.h"

enum {
    SCOOP_PUBLISH_IN_FLIGHT = 8,
    SCOOP_PUBLISH_AGE_MS = 250,
    SCOOP_PUBLISH_RETRY_MS = 600 * 1000,
};

/* The strings of `changes` and the providers outlive the publishing; the rest is copied. */
struct scoop_publish_options {
    const struct scoop_transfer_options *changes; /* its source, memory_limit_bytes, ca_file */
    struct scoop_kinesis_options kinesis;
    const char *stream;                 /* name or ARN */
    uint64_t start_at;                  /* so many changes are read and left out */
    bool any_order;                     /* a stream that ignores partition keys will do */
    unsigned max_in_flight, max_age_ms; /* 0: as above */
    uint64_t retry_ms; /* for so long nothing is stored, or answered at all; 0: as above */
};

enum scoop_publish_state { SCOOP_PUBLISH_RUNNING, SCOOP_PUBLISH_DONE, SCOOP_PUBLISH_FAILED };

struct scoop_publish_facts {
    uint64_t changes; /* read so far; at the end sent + skipped */
    uint64_t skipped;
    uint64_t acknowledged; /* changes from the start of the file that are all stored: start_at of a
                              later try */
    uint64_t sent, sent_bytes, retried, throttled, calls;
    unsigned in_flight, window;
    uint64_t source_bytes;
    int64_t source_total_bytes; /* -1: unknown */
    uint32_t source_retries;
    char source_etag[128];
    struct scoop_kinesis_stream stream;
};

struct scoop_publish;

/* Nothing is opened yet. NULL with *error (USAGE, CREDENTIALS, NO_MEMORY). */
struct scoop_publish *scoop_publish_new(const struct scoop_publish_options *options,
                                        struct scoop_error *error);
/* Moves it on for about slice_ms. First the stream is asked what it takes (DescribeStreamSummary).
 * A failure of the source is told once all that was read before is stored. DONE and FAILED stay;
 * nothing is sent afterwards. */
enum scoop_publish_state scoop_publish_run(struct scoop_publish *publish, int slice_ms,
                                           struct scoop_error *error);
/* From now on nothing is sent after `until_ms` of scoop_boottime_ms: what is due waits until this
 * is called again with a later time. Compared before each piece of each request. Any thread, any
 * time before free. */
void scoop_publish_allow_until(struct scoop_publish *publish, uint64_t until_ms);
/* Makes it end in CANCELLED: nothing more is sent, answers are not waited for. Any thread, any time
 * before free. */
void scoop_publish_cancel(struct scoop_publish *publish);
void scoop_publish_facts(struct scoop_publish *publish, struct scoop_publish_facts *facts);
/* Calls visit for each shard that has taken records; names are valid during the call. Returns what
 * the first visit that is not 0 returned. */
int scoop_publish_each_shard(const struct scoop_publish *publish,
                             int (*visit)(void *user, const char *name, uint64_t records),
                             void *user);
/* NULL is allowed. */
void scoop_publish_free(struct scoop_publish *publish);

#endif
