/* Kinesis as the caller knows it: how it is reached, and what a stream is. */
#ifndef SCOOP_KINESIS_H
#define SCOOP_KINESIS_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/credentials.h"
#include "scoop/engine.h"

struct scoop_kinesis_options {
    const char *endpoint_url; /* NULL: AWS's own in that region */
    const char *region;       /* NULL: us-east-1 */
    struct scoop_credentials credentials;
    struct scoop_credentials_provider provider; /* `user` outlives the client */
    const char *proxy; /* of all its requests; NULL: as the environment says; "": none */
    struct scoop_request_limits limits;
};

/* What DescribeStreamSummary says. */
struct scoop_kinesis_stream {
    char status[32];       /* "ACTIVE" */
    char distribution[32]; /* "USER_PARTITION_KEY", "AUTO", or "" */
    size_t record_bytes;   /* data and key of one record, at most */
    uint64_t open_shards;
};

#endif
