/* The attempt to have the S3 server copy an object itself: first it looks whether the bytes can
 * stay as they are; then the parts of a large one are copied, one after another is copied by its
 * commit. Its states are a sink's, but for OPEN, in which it looks. */
#ifndef SCOOP_COPY_SERVER_COPY_H
#define SCOOP_COPY_SERVER_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "scoop/transfer.h"
#include "sink/s3/s3.h"

struct scoop_server_copy;

/* Strings are copied. */
struct scoop_server_copy_options {
    struct scoop_s3_sink_options target; /* its client reads the source, too; no buffer is taken */
    const char *bucket, *key;            /* of the source */
    const char *version_id;              /* NULL: the newest */
    bool content_type_given;             /* the target's stays, whatever the source's is */
    bool at_once;                        /* not in parts, which the server refuses */
    bool copies_gzip, copies_plain, copies_empty; /* whether gzip data, and what is none, stays */
};

enum scoop_server_copy_verdict {
    SCOOP_SERVER_COPY_LOOKING,
    SCOOP_SERVER_COPY_COPIES,   /* it is sealing, or further */
    SCOOP_SERVER_COPY_DECLINES, /* the bytes have to change, or the source cannot be seen */
};

struct scoop_server_copy_facts {
    enum scoop_server_copy_verdict verdict;
    char source_etag[128];
    int64_t source_bytes; /* -1: not known yet */
    uint64_t copied_bytes;
    bool in_parts;
    bool gzip; /* what the source holds */
    const char
        *lost; /* what is not taken along; see scoop_kept_headers; valid as long as the copy */
};

/* Whether both ends are one server's, read with the same credentials, and nothing is asked for that
 * needs the bytes. */
bool scoop_server_copy_is_possible(const struct scoop_transfer_options *options);
/* Starts looking. Owned by the caller; NULL with *error. */
struct scoop_server_copy *scoop_server_copy_new(const struct scoop_server_copy_options *options,
                                                struct scoop_error *error);
/* These four are as a sink's. */
enum scoop_sink_state scoop_server_copy_poll(struct scoop_server_copy *copy,
                                             struct scoop_error *error);
int scoop_server_copy_commit(struct scoop_server_copy *copy, struct scoop_error *error);
void scoop_server_copy_abort(struct scoop_server_copy *copy);
/* NULL is allowed. */
void scoop_server_copy_free(struct scoop_server_copy *copy);
void scoop_server_copy_sink_facts(const struct scoop_server_copy *copy,
                                  struct scoop_sink_facts *facts);
void scoop_server_copy_facts(const struct scoop_server_copy *copy,
                             struct scoop_server_copy_facts *facts);
/* Whether the error is a server's refusal, or it tells wrong checksums: there are other ways. */
bool scoop_server_copy_is_refusal(const struct scoop_error *error);

#endif
