/* What the files of a server-side copy share. */
#ifndef SCOOP_COPY_SERVER_COPY_INTERNAL_H
#define SCOOP_COPY_SERVER_COPY_INTERNAL_H

#include <assert.h>

#include "aws/s3/client.h"
#include "aws/s3/kept_headers.h"
#include "aws/s3/message.h"
#include "aws/uri.h"
#include "copy/server_copy.h"
#include "sink/s3/s3.h"

enum {
    SCOOP_SERVER_COPY_SLOTS = 8,       /* parts under way at once */
    SCOOP_SERVER_COPY_OWN_HEADERS = 6, /* its own, in any of its requests: CopyObject has most */
};

/* The source's headers, a header of tags, those that the user gives, and what the requests are. */
static_assert((int)SCOOP_KEPT_MOST + 1 + (int)SCOOP_OBJECT_MAX_HEADERS +
                      SCOOP_SERVER_COPY_OWN_HEADERS + (int)SCOOP_S3_CLIENT_HEADERS <=
                  (int)SCOOP_S3_MAX_HEADERS,
              "the headers of a copy do not fit into a request");

struct scoop_server_copy_slot {
    struct scoop_server_copy *copy;
    uint32_t number;
    struct scoop_s3_call *call; /* NULL: free */
};

struct scoop_server_copy {
    enum scoop_sink_state state;
    struct scoop_s3_sink_options target; /* its strings are ours */
    struct scoop_sink *upload;    /* creates, completes and aborts that of the parts; NULL: none */
    char *bucket, *key;           /* of the source */
    char *version_id;             /* NULL: the newest */
    struct scoop_buf copy_source; /* the same as a header's value */
    bool at_once, copies_gzip, copies_plain, copies_empty;
    bool replaces, tags_given; /* a header, or the tags, in place of the source's */
    struct scoop_server_copy_facts source;
    enum scoop_s3_checksum
        source_kind; /* of the whole source, as S3 keeps it; NONE: it keeps none */
    uint64_t source_checksum;
    struct scoop_kept_headers kept; /* what an upload in parts has to be given */
    uint64_t part_bytes;
    uint32_t part_count, started, arrived;
    struct scoop_server_copy_slot slots[SCOOP_SERVER_COPY_SLOTS];
    struct scoop_s3_call *call; /* the one call that is not a part's */
    struct scoop_error error;
    struct scoop_sink_facts facts;
};

void scoop_server_copy_fail(struct scoop_server_copy *copy, const struct scoop_error *error);
/* Starts the call that is not a part's. */
int scoop_server_copy_start(struct scoop_server_copy *copy, struct scoop_s3_request *request,
                            struct scoop_error *error);
void scoop_server_copy_ended(struct scoop_server_copy *copy);

/* --- server_copy_look.c --- */

/* Asks for the source's facts, first bytes and tags; ends in scoop_server_copy_begin, or in
 * DECLINES. */
int scoop_server_copy_look(struct scoop_server_copy *copy, struct scoop_error *error);

/* --- server_copy.c --- */

/* Everything is known and nothing has to change. */
void scoop_server_copy_begin(struct scoop_server_copy *copy);
/* One request for the whole, as far as S3 allows; larger ones, and whatever is above this, in
 * parts. */
bool scoop_server_copy_in_parts(const struct scoop_server_copy *copy);

#endif
