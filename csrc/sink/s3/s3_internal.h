/* What the files of the S3 sink share: its state, and how it asks S3 for anything. */
#ifndef SCOOP_SINK_S3_S3_INTERNAL_H
#define SCOOP_SINK_S3_S3_INTERNAL_H

#include "aws/s3/client.h"
#include "aws/s3/message.h"
#include "base/crypto.h"
#include "sink/s3/s3.h"

enum { SCOOP_S3_SINK_MAX_SLOTS = 8 };

enum scoop_s3_slot_state { SLOT_FREE, SLOT_FILLING, SLOT_WAITING, SLOT_SENDING };

struct scoop_s3_slot {
    struct scoop_s3_sink *sink;
    enum scoop_s3_slot_state state;
    enum scoop_parts_kept kept;
    unsigned char *buffer; /* of buffer_bytes, from the budget; kept while the slot is free */
    size_t buffer_bytes;
    int file;        /* -1: none */
    uint64_t offset; /* of the part in the file or the source */
    uint64_t size;   /* of a full part with this number */
    uint64_t length;
    uint64_t checksum;
    struct scoop_digest *digest; /* while the part grows, if payloads are signed */
    char payload_hash[SCOOP_SHA256_HEX_SIZE];
    uint32_t number;
    bool repaired; /* sent a second time after it arrived damaged */
    struct scoop_s3_call *call;
};

/* For each of a sink's slots: parts are in any of them, wherever they wait. */
#define SCOOP_S3_EACH_SLOT(slot, sink)                                                             \
    for (__typeof__(&(sink)->slots[0]) slot = (sink)->slots;                                       \
         slot < (sink)->slots + SCOOP_S3_SINK_MAX_SLOTS; slot++)

struct scoop_s3_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
    struct scoop_s3_client *client;
    struct scoop_budget *budget;
    const char *temp_folder;
    char *bucket, *key, *content_type;
    char *if_match;                            /* NULL: whatever is there is replaced */
    const struct scoop_object_headers *object; /* NULL: none */
    bool keep_existing, held;
    uint64_t copied_part_bytes;      /* of parts that the server copies, but for the last */
    struct scoop_kept_headers *kept; /* borrowed: what the object takes along of its source */
    struct scoop_part_plan plan;
    uint64_t memory_bytes;
    size_t room_bytes;
    int source_fd;         /* ours; -1: the source is not a file that can be read again */
    unsigned most_buffers; /* parts in memory at once; not of parts that wait elsewhere */
    struct scoop_s3_slot slots[SCOOP_S3_SINK_MAX_SLOTS];
    struct scoop_s3_slot *filling;
    struct scoop_s3_part *parts; /* by number - 1; etag NULL until it is stored */
    size_t part_count, part_capacity;
    uint64_t total_bytes;
    enum scoop_s3_checksum checksum_kind;
    uint64_t checksum; /* of all parts that were flushed */
    struct scoop_buf upload_id;
    const struct scoop_resume *resume; /* what an earlier try left; NULL: nothing */
    struct scoop_upload_mark mark;     /* how far all parts from the front have arrived */
    bool leaving;                      /* an abort leaves the upload for a later try */
    struct scoop_s3_call *call;        /* the one call that is not a part's */
    bool creating;
    struct scoop_buf completion;
    unsigned complete_tries, abort_tries;
    bool looking;                        /* `call` asks what stands under the key */
    bool upload_gone;                    /* S3 has said so: no Complete can come about any more */
    char answered_etag[SCOOP_ETAG_SIZE]; /* of a commit's answer that is in doubt; "": none */
    struct scoop_error error;
    struct scoop_sink_facts facts;
};

/* --- s3.c --- */

/* The first failure is kept; it takes the sink to FAILED. */
void scoop_s3_sink_fail(struct scoop_s3_sink *sink, const struct scoop_error *error);
bool scoop_s3_sink_multipart(const struct scoop_s3_sink *sink);

/* --- request.c --- */

const char *scoop_s3_sink_upload_id(struct scoop_s3_sink *sink);
struct scoop_s3_request scoop_s3_sink_request(const struct scoop_s3_sink *sink, const char *method);
/* The header x-amz-checksum-…, if there are checksums; `text` must live until the request starts.
 */
void scoop_s3_sink_add_checksum(const struct scoop_s3_sink *sink, struct scoop_s3_request *request,
                                const char *text);
/* What the object is given besides its bytes, for the request that creates it. */
void scoop_s3_sink_add_object(const struct scoop_s3_sink *sink, struct scoop_s3_request *request);
/* Whether the refusal of that request may be of what is taken along: then that is left out now. */
bool scoop_s3_sink_forgoes(struct scoop_s3_sink *sink, const struct scoop_error *error);
/* If-None-Match, where an object that is there already is to be kept. */
void scoop_s3_sink_add_condition(const struct scoop_s3_sink *sink,
                                 struct scoop_s3_request *request);
/* Starts the sink's one call that is not a part's. */
int scoop_s3_sink_start(struct scoop_s3_sink *sink, const struct scoop_s3_request *request,
                        struct scoop_error *error);
/* That call has ended. */
void scoop_s3_sink_ended(struct scoop_s3_sink *sink);

/* --- slot.c --- */

/* Whether so many bytes can be written without waiting for parts to be sent. */
bool scoop_s3_sink_has_room(const struct scoop_s3_sink *sink, size_t room_bytes);
/* Makes a free slot the place of the next part. */
int scoop_s3_slot_open(struct scoop_s3_slot *slot, struct scoop_error *error);
/* At most what is left of the slot's size. */
int scoop_s3_slot_append(struct scoop_s3_slot *slot, const void *data, size_t length,
                         struct scoop_error *error);
/* No more bytes follow. */
int scoop_s3_slot_close(struct scoop_s3_slot *slot, struct scoop_error *error);
/* Makes the part the request's body. */
void scoop_s3_slot_send(const struct scoop_s3_slot *slot, struct scoop_s3_request *request);
/* Shows the part, in order. */
int scoop_s3_slot_visit(const struct scoop_s3_slot *slot,
                        int (*take)(void *user, const void *data, size_t length,
                                    struct scoop_error *error),
                        void *user, struct scoop_error *error);
/* Whether the part is still what its checksum says: 0, or -1 (SOURCE_CHANGED, CORRUPT). */
int scoop_s3_slot_check(struct scoop_s3_slot *slot, struct scoop_error *error);
/* Makes it free again. */
void scoop_s3_slot_empty(struct scoop_s3_slot *slot);
void scoop_s3_slot_free(struct scoop_s3_slot *slot);

/* --- parts.c --- */

/* Hands the part that is being filled to the network; creates the upload before the first. */
int scoop_s3_sink_flush(struct scoop_s3_sink *sink, struct scoop_error *error);
/* The next part, not stored yet. 0, or -1 with TOO_LARGE or NO_MEMORY. */
int scoop_s3_sink_new_part(struct scoop_s3_sink *sink, uint32_t *number, struct scoop_error *error);
/* Creates the upload; `creating` until it is answered. */
int scoop_s3_sink_create(struct scoop_s3_sink *sink, struct scoop_error *error);
/* Makes a free slot the one that is being filled. */
int scoop_s3_sink_take_slot(struct scoop_s3_sink *sink, struct scoop_error *error);
/* Whether a part or PUT that arrived damaged (BadDigest) is worth another sending: once, if it is
 * still what it was; else *error says why not. */
bool scoop_s3_sink_may_repair(struct scoop_s3_slot *slot, struct scoop_error *error);

/* --- held.c --- */

/* Goes on with the upload of an earlier try, which is borrowed, after its kept parts. */
int scoop_s3_sink_take_up(struct scoop_s3_sink *sink, const struct scoop_resume *resume,
                          struct scoop_error *error);
/* Whether S3 has the slot's part, whose checksum is in `parts`, with just these bytes. */
bool scoop_s3_sink_holds(const struct scoop_s3_sink *sink, const struct scoop_s3_slot *slot);
/* Takes such a part over and frees the slot. */
int scoop_s3_sink_take_held(struct scoop_s3_sink *sink, struct scoop_s3_slot *slot,
                            struct scoop_error *error);
/* Whether the plan has the kept parts end where they do. */
bool scoop_s3_sink_continues(const struct scoop_s3_sink *sink);
/* The parts that S3 has of the upload, of which none is kept without being compared. NULL with
 * NO_MEMORY. */
struct scoop_resume *scoop_s3_sink_held_parts(struct scoop_s3_sink *sink,
                                              struct scoop_error *error);
/* Moves `mark` over the parts that have arrived. */
int scoop_s3_sink_advance_mark(struct scoop_s3_sink *sink, struct scoop_error *error);

/* Gives back all buffers; no part is under way. */
void scoop_s3_sink_drop_buffers(struct scoop_s3_sink *sink);

/* --- commit.c --- */

/* The whole object in one PUT. */
int scoop_s3_sink_put(struct scoop_s3_sink *sink, struct scoop_error *error);
/* Of an abort during the one PUT: whether an answer is on its way that tells what came of it. */
bool scoop_s3_sink_awaits_put(struct scoop_s3_sink *sink);
int scoop_s3_sink_complete(struct scoop_s3_sink *sink, struct scoop_error *error);
void scoop_s3_sink_send_abort(struct scoop_s3_sink *sink);

#endif
