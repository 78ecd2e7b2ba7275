/* Kinesis' messages: requests built, answers read, errors classified. Pure, any thread. */
#ifndef SCOOP_AWS_KINESIS_MESSAGE_H
#define SCOOP_AWS_KINESIS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/error.h"
#include "scoop/kinesis.h"

enum {
    SCOOP_KINESIS_MOST_RECORDS = 500,              /* of one request */
    SCOOP_KINESIS_MOST_DATA_BYTES = 9 << 19,       /* 4.5 MiB: data and keys, before base64 */
    SCOOP_KINESIS_MOST_REQUEST_BYTES = 10 << 20,   /* the whole body */
    SCOOP_KINESIS_RECORD_BYTES = 1 << 20,          /* of a stream that does not say */
    SCOOP_KINESIS_LARGEST_RECORD_BYTES = 10 << 20, /* that a stream may allow */
    SCOOP_KINESIS_ANSWER_CEILING = 4 << 20,
    SCOOP_KINESIS_SHARD_SIZE = 129,
};

/* A partition key: valid UTF-8 of at most 256 characters. */
struct scoop_partition_key {
    char text[1024];
    size_t length;
};

/* Whether a line of a file of changes is none, but says of which version it has none. */
bool scoop_kinesis_no_change(const void *line, size_t length);
/* The key of a change, one line of strict JSON without its newline: its "key" in the one form that
 * all its spellings have (base/canonical.h), numbers by value, if that has at most 256 characters,
 * else the SHA-256 of it in hex. 0, or -1 with BAD_RECORD (no object, no "key") or NO_MEMORY. */
int scoop_kinesis_partition_key(const void *line, size_t length, struct scoop_partition_key *key,
                                struct scoop_error *error);

/* Appends {"StreamName":"…" or, for a name that begins with "arn:", {"StreamARN":"…". A name with
 * characters that no stream has is USAGE. 0 or -1. */
int scoop_kinesis_begin_request(struct scoop_buf *body, const char *stream,
                                struct scoop_error *error);
/* Appends one entry of Records, {"Data":"base64","PartitionKey":"…"} and a comma. 0 or -1. */
int scoop_kinesis_add_record(struct scoop_buf *body, const void *data, size_t length,
                             const struct scoop_partition_key *key, struct scoop_error *error);
/* What that appends at most. */
size_t scoop_kinesis_record_bytes(size_t length, const struct scoop_partition_key *key);

/* What became of one record. */
struct scoop_kinesis_result {
    bool stored;
    bool throttled;                    /* not stored: the shard's throughput is used up */
    const unsigned char *shard, *code; /* in the answer; NULL: none */
    size_t shard_length, code_length;
};
/* Reads the answer to PutRecords with `count` records. 0, or -1 with PROTOCOL: another number of
 * results, one that is neither stored nor failed, not such a document at all; then nothing is known
 * of any record. */
int scoop_kinesis_parse_results(const void *body, size_t length,
                                struct scoop_kinesis_result *results, size_t count,
                                struct scoop_error *error);

/* 0, or -1 with PROTOCOL. */
int scoop_kinesis_parse_stream(const void *body, size_t length, struct scoop_kinesis_stream *stream,
                               struct scoop_error *error);

/* Texts are cut to fit; "" where the body had none. */
struct scoop_kinesis_error {
    char code[64]; /* without a name space before '#' */
    char message[512];
};
/* HTML, nothing and garbage are no fault: then *out has no text. */
void scoop_kinesis_parse_error(const void *body, size_t length, struct scoop_kinesis_error *out);

#endif
