/* Sources: where a stream begins. */
#ifndef SCOOP_SOURCE_SOURCE_H
#define SCOOP_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/s3/client.h"
#include "base/retry.h"
#include "aws/s3/kept_headers.h"
#include "net/http.h"
#include "scoop/error.h"
#include "scoop/resume.h"
#include "scoop/s3_checksum.h"
#include "scoop/web.h"

enum scoop_source_state {
    SCOOP_SOURCE_WAITING, /* nothing to read at the moment */
    SCOOP_SOURCE_READY,   /* *data, *length are set */
    SCOOP_SOURCE_ENDED,   /* the proven end */
    SCOOP_SOURCE_FAILED,  /* *error says why */
};

struct scoop_source;

/* Where a source may put bytes as they arrive, without keeping them for peek. The functions are
 * called from within the engine's callbacks: they must not start or end requests. */
struct scoop_taker {
    /* Takes the first of the bytes that come next, and returns how many; peek shows the others. */
    size_t (*take)(void *user, const void *data, size_t length);
    /* Takes bytes from anywhere in the object, all or (a failure, which the owner keeps) none.
     * NULL: the order matters. */
    bool (*put)(void *user, uint64_t offset, const void *data, size_t length);
    void *user;
};

struct scoop_source_type {
    const char *name;
    /* Starts it, without waiting. */
    int (*open)(struct scoop_source *source, struct scoop_error *error);
    /* What can be read now; the pointer is valid until the next call. */
    enum scoop_source_state (*peek)(struct scoop_source *source, const unsigned char **data,
                                    size_t *length, struct scoop_error *error);
    /* Takes `length` bytes of what peek showed. */
    void (*consume)(struct scoop_source *source, size_t length);
    void (*free)(struct scoop_source *source);
    /* Before open: reads on from `offset` of the source that has this identity; another one is
     * SOURCE_CHANGED, or shows its own identity. NULL: it cannot. */
    void (*start_at)(struct scoop_source *source, uint64_t offset, const char *identity);
};

/* First member of every source struct. The facts are for the receipt. */
struct scoop_source {
    const struct scoop_source_type *type;
    int wait_fd; /* poll for readability while waiting; -1: the engine's events suffice */
    bool length_known;
    char etag[128];
    /* What a request for the rest demands; "": nothing proves that it would be of the same source
     */
    char validator[SCOOP_VALIDATOR_SIZE];
    char demanded[SCOOP_ETAG_SIZE]; /* set by the owner of an S3 object: the ETag that it must have;
                                       "": any */
    /* What another version of the source would not have; "" when nothing tells, or not yet. */
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    bool seekable;       /* a later try may start_at */
    bool restartable;    /* FAILED: the connection was lost, and the rest cannot be asked for, but
                            another source of the same name may bring all */
    int64_t total_bytes; /* -1: unknown */
    char content_type[96], content_encoding[64]; /* as a server told them; "" */
    uint32_t retries;
    struct scoop_taker taker;        /* set by the owner; zero: all is kept for peek */
    struct scoop_kept_headers *kept; /* set by the owner: an S3 object's are noted there; or NULL */
};

/* Constructors: owned by the caller, NULL with *error filled. Strings are copied. */
struct scoop_source *scoop_file_source_new(const char *path, struct scoop_error *error);
/* The descriptor of a regular file that has a name, while it is open; -1 for other sources. */
int scoop_file_source_fd(const struct scoop_source *source);
/* An open descriptor, not closed; its end of file is taken as the end. */
struct scoop_source *scoop_fd_source_new(int fd, struct scoop_error *error);
/* `engine` is borrowed. allow_unknown_length: a body that ends with its connection is accepted. */
struct scoop_source *scoop_http_source_new(struct scoop_engine *engine, const char *url,
                                           bool allow_unknown_length,
                                           const struct scoop_web_options *web,
                                           struct scoop_error *error);
/* How an outage of a web source is waited for. */
struct scoop_outage_rule scoop_source_outage_rule(const struct scoop_web_options *web);
struct scoop_source *scoop_s3_source_new(struct scoop_s3_client *client, const char *bucket,
                                         const char *key, struct scoop_error *error);
/* An S3 object, read by one request as long as that is fast; when the network turns out to be the
 * slow part, the rest is fetched in ranges side by side: in order, with memory_bytes to keep what
 * comes too early, or in any order, if the taker can put. The ETag of the first answer is demanded
 * of all others. */
struct scoop_source *scoop_s3_ranges_source_new(struct scoop_s3_client *client, const char *bucket,
                                                const char *key, size_t memory_bytes,
                                                struct scoop_error *error);
/* One such range: the bytes first … last of a source with this validator; as much as queue_bytes
 * (0: the usual) is kept for peek. Without a validator it is of an object that is not known yet:
 * the first bytes, or fewer where there are no more, and the answer fills in the facts. */
struct scoop_range_request {
    const char *bucket, *key; /* s3 */
    const char *url;          /* http(s) */
    const struct scoop_web_options *web;
    const char *validator;
    uint64_t first, last;
    size_t queue_bytes;
};
struct scoop_source *scoop_s3_range_source_new(struct scoop_s3_client *client,
                                               const struct scoop_range_request *request,
                                               struct scoop_error *error);
struct scoop_source *scoop_http_range_source_new(struct scoop_engine *engine,
                                                 const struct scoop_range_request *request,
                                                 struct scoop_error *error);
/* The same of an object with a known validator, in pieces fetched side by side: as much as four
 * pieces hold, 8 MiB at most, is kept for peek. Worth it from half a MiB on. */
bool scoop_s3_pieces_are_worth_it(uint64_t length);
struct scoop_source *scoop_s3_pieces_source_new(struct scoop_s3_client *client,
                                                const struct scoop_range_request *request,
                                                struct scoop_error *error);
/* Takes the facts over that an identity of a web source or an object holds. False: it is of none.
 */
bool scoop_source_know(struct scoop_source *source, const char *identity);
/* Whether a range that has ended is the whole object, with the checksum that S3 told. */
bool scoop_s3_source_is_proven(const struct scoop_source *source);
/* Bytes that arrived so far, and whether they ever had to wait for the reader. */
uint64_t scoop_s3_source_received(const struct scoop_source *source, bool *was_paused);
/* Leaves the body after `offset` bytes, of which no more than that may have arrived. */
void scoop_s3_source_stop_at(struct scoop_source *source, uint64_t offset);
/* Moves the whole object's checksum, as S3 told it, and the duty to compare it to the caller; NONE:
 * there is none. */
enum scoop_s3_checksum scoop_s3_source_take_checksum(struct scoop_source *source,
                                                     char text[SCOOP_S3_CHECKSUM_SIZE]);

/* Fed by its owner. */
struct scoop_source *scoop_fed_source_new(struct scoop_error *error);
void scoop_fed_source_feed(struct scoop_source *source, const void *data, size_t length);
void scoop_fed_source_end(struct scoop_source *source);
/* Nothing is left, and the end has not been told. */
bool scoop_fed_source_is_empty(const struct scoop_source *source);

#endif
