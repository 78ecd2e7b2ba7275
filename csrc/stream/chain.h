/* The chain of stages that a transfer needs, ending in its sink. */
#ifndef SCOOP_CHAIN_H
#define SCOOP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/sniff.h"
#include "scoop/stage.h"
#include "scoop/transfer.h"
#include "sink.h"

struct scoop_chain {
    struct scoop_stage *first; /* owned, with all that follow */
    struct scoop_stage *last;
    struct scoop_counters *counters;
    bool inflates;     /* the first stage counts text_bytes itself */
    bool head_reached; /* the wanted lines are through */
};

struct scoop_chain_options {
    const struct scoop_transfer_options *transfer; /* borrowed during the call */
    enum scoop_content content;
    const char *source_name; /* for messages */
    struct scoop_sink *sink; /* borrowed */
    struct scoop_counters *counters;
    struct scoop_reject_policy policy;
};

/* Whether the destination is to be gzip data. */
bool scoop_chain_gzips(const struct scoop_transfer_options *options);
/* Fills a zeroed chain. 0, or -1 with UNSUPPORTED (content that the format cannot read). */
int scoop_chain_build(struct scoop_chain *chain, const struct scoop_chain_options *options,
                      struct scoop_error *error);
/* As a stage's write: may consume less than length. */
int scoop_chain_write(struct scoop_chain *chain, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error);
int scoop_chain_write_all(struct scoop_chain *chain, const unsigned char *data, size_t length,
                          struct scoop_error *error);
int scoop_chain_finish(struct scoop_chain *chain, struct scoop_error *error);
void scoop_chain_free(struct scoop_chain *chain);

#endif
