/* The chain of stages that a transfer needs, ending in its sink. */
#ifndef SCOOP_COPY_CHAIN_INTERNAL_H
#define SCOOP_COPY_CHAIN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/transfer.h"
#include "sink/sink.h"
#include "stage/sniff.h"
#include "stage/stage.h"

struct scoop_chain {
    struct scoop_stage *first; /* owned, with all that follow */
    struct scoop_stage *last;
    struct scoop_counters *counters;
    struct scoop_waker waker;   /* woken by the threads; fd -1: there are none */
    struct scoop_stage *worker; /* the first thread; NULL: the owner's does all */
    struct scoop_stage *outlet; /* what comes out of the threads; NULL: nothing does */
    struct scoop_sink *sink;    /* borrowed */
    bool inflates;              /* a stage counts text_bytes itself */
    bool unchanged;             /* the source's bytes are passed on as they are */
    bool passes;                /* ... and checked beside, by the worker */
    bool reads;                 /* ... for their records, so they are kept only while all is text */
    bool abandoned;             /* a fault is on its way: what comes out goes nowhere */
    bool head_reached;          /* the wanted lines are through */
};

struct scoop_chain_options {
    const struct scoop_transfer_options *transfer; /* borrowed during the call */
    enum scoop_content content;                    /* of the file, which may have come encoded */
    enum scoop_handling handling;
    struct scoop_counters *coding; /* borrowed; not NULL: the server has encoded the file by gzip,
                                      which is counted there */
    bool may_pass; /* should a record have to change after all, the source can be read again */
    const char *source_name; /* for messages */
    struct scoop_sink *sink; /* borrowed */
    struct scoop_counters *counters;
    struct scoop_reject_policy policy;
};

/* Whether the stages may have threads; without, they write all that a step brings at once. */
bool scoop_chain_has_threads(const struct scoop_transfer_options *options);
/* What the stages' threads and queues hold at most, records aside. */
size_t scoop_chain_memory_bytes(const struct scoop_transfer_options *options);
/* Fills a zeroed chain. 0, or -1 with UNSUPPORTED (content that the format cannot read). */
int scoop_chain_build(struct scoop_chain *chain, const struct scoop_chain_options *options,
                      struct scoop_error *error);
/* Whether a write of SCOOP_STEP_BYTES would not wait for another thread. */
bool scoop_chain_ready(struct scoop_chain *chain);
/* Whether bytes are passed on unchanged that should have been changed. */
bool scoop_chain_must_transform(const struct scoop_chain *chain);
/* As a stage's write: may consume less than length. */
int scoop_chain_write(struct scoop_chain *chain, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error);
int scoop_chain_write_all(struct scoop_chain *chain, const unsigned char *data, size_t length,
                          struct scoop_error *error);
/* Moves what has come out of the threads to the sink while that has room for room_bytes (at least
 * SCOOP_STEP_BYTES). 1: some was moved, 0: none, -1. */
int scoop_chain_drain(struct scoop_chain *chain, size_t room_bytes, struct scoop_error *error);
/* Whether drain would move something, had the sink room. */
bool scoop_chain_holds_output(struct scoop_chain *chain);
/* No more bytes follow; drain until it has ended, then finish. */
void scoop_chain_end(struct scoop_chain *chain);
/* The same because of a fault of the source: the chain ends with it, unless one that came before it
 * in the stream is still found. False: there are no threads that could find one. */
bool scoop_chain_abandon(struct scoop_chain *chain, const struct scoop_error *fault);
/* Whether a fault waits to be told by finish. */
bool scoop_chain_has_failed(struct scoop_chain *chain);
bool scoop_chain_has_ended(struct scoop_chain *chain);
int scoop_chain_finish(struct scoop_chain *chain, struct scoop_error *error);
/* Whether the chain is nothing but its sink. */
bool scoop_chain_is_bare(const struct scoop_chain *chain);
/* Ends the threads, from any state. A zeroed chain is allowed. */
void scoop_chain_free(struct scoop_chain *chain);

#endif
