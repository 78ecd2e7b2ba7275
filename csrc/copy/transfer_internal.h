/* The inside of a transfer, shared by its files.
 *
 * A transfer makes one attempt after the other, until one ends well or in an error that no other
 * one helps against. An attempt begins with nothing of the one before. They follow each other in
 * this direction only, so there is a last one:
 *
 *      SERVER ------------------> SERVER_AT_ONCE       it refuses to copy in parts
 *         |                             |
 *         | it may not, or refuses      | the same
 *         v                             |
 *      STREAM <-------------------------+
 *      |  ^ |
 *      |  | | what is passed on as it is holds a record that must change
 *      +--+ v
 *         TRANSFORM
 *
 * STREAM follows STREAM once, when the upload of an earlier try does not fit and is dropped. A
 * stream whose source breaks and cannot be read on from there is followed by one of its kind, as
 * often as restarts are allowed.
 *
 * The phases of one attempt, from top to bottom:
 *
 *                  OPENING <--------------------------+
 *   the server's   |     |   a stream's               |
 *            LOOKING     SNIFFING      first bytes    |
 *               |        STREAMING                    |
 *               |        FINISHING *   source ended   | another attempt
 *               |           |                         |
 *               +--SEALING--+          all arrives    |
 *                  HOLDING             if wanted      |
 *                  REJECTS             their file     |
 *                  COMMITTING          all or nothing |
 *                  CLEANING            an old file    |
 *                  DONE                               |
 *                                                     |
 *   LOOKING to COMMITTING, given up ---------> RESTARTING
 *   any before CLEANING, an error or cancel -> ABORTING ----> FAILED
 *
 *   * not when no more lines are wanted: then STREAMING leads to SEALING
 *
 * Once the destination is there, an error takes nothing back: COMMITTING and CLEANING then lead to
 * FAILED at once. An ABORTING that finds the commit to have come about goes on to CLEANING.
 */
#ifndef SCOOP_COPY_TRANSFER_INTERNAL_H
#define SCOOP_COPY_TRANSFER_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/s3/kept_headers.h"
#include "base/budget.h"
#include "copy/chain_internal.h"
#include "copy/encoded.h"
#include "copy/rejects.h"
#include "copy/server_copy.h"
#include "scoop/transfer.h"
#include "sink/s3/s3.h"
#include "source/source.h"
#include "stage/sniff.h"

enum scoop_transfer_phase {
    OPENING,
    LOOKING, /* whether the server can copy by itself */
    SNIFFING,
    STREAMING,
    FINISHING, /* the source has ended, or failed; the stages work on what they have */
    RESTARTING,
    SEALING,
    HOLDING,
    REJECTS,
    COMMITTING,
    CLEANING,
    ABORTING,
    DONE,
    FAILED
};

/* What is tried. */
enum scoop_attempt_kind {
    SCOOP_ATTEMPT_SERVER,         /* the server copies, what is large in parts */
    SCOOP_ATTEMPT_SERVER_AT_ONCE, /* … in one request, as far as S3 allows */
    SCOOP_ATTEMPT_STREAM,         /* read and written; passed on as it is where that will do */
    SCOOP_ATTEMPT_TRANSFORM,      /* read and written, each record anew */
};

/* All that belongs to one attempt. Begins with scoop_attempt_init. */
struct scoop_attempt {
    struct scoop_s3_client *source_client, *destination_client;
    struct scoop_counters counters;
    bool unchanged; /* the source's bytes are passed on as they are */
    bool given_up;  /* it is being taken back; another one follows */
    /* The server's: it is both ends. NULL: a stream. */
    struct scoop_server_copy *server_copy;
    /* A stream's. */
    struct scoop_source *source;
    struct {
        int64_t total_bytes;
        uint32_t retries;
        char etag[128];
        char identity[SCOOP_SOURCE_IDENTITY_SIZE];
        bool seekable;
    } read; /* what a source told that is gone */
    unsigned char prefix[SCOOP_SNIFF_BYTES];
    size_t prefix_length;
    struct scoop_encoded *encoded; /* in place of these, of a body that the server has encoded */
    enum scoop_handling handling;
    bool gzip, decodes;           /* what the file is read as; whether it came encoded */
    bool seems_gzip;              /* by its header, which nobody has to have judged */
    struct scoop_counters coding; /* of that encoding */
    struct scoop_chain chain;
    struct scoop_sink *sink;
    /* Of an S3 object that is streamed to S3: what it takes along besides the bytes. */
    struct scoop_kept_headers kept;
    struct scoop_s3_call *tags_call; /* NULL: not asked for, or answered */
    struct scoop_buf tags;
    struct scoop_error tags_error;
    bool bare;                      /* unchanged, and nothing reads beside */
    bool waits_for_room;            /* the source has more than the stages take */
    struct scoop_error taken_error; /* of what the source passed on without being asked */
};

struct scoop_transfer {
    /* What is wanted. */
    struct scoop_transfer_options options; /* strings are ours */
    struct scoop_object_headers object;
    char source_name[512];
    size_t room_bytes; /* of the sink, that a step may need */
    bool fed;          /* the source is fed by our owner */
    /* What all attempts use. */
    struct scoop_engine *engine; /* NULL when both ends are local */
    struct scoop_budget budget;
    char *temp_folder; /* NULL: there is no destination that could need it */
    struct scoop_rejects rejects;
    /* How far it is. */
    enum scoop_transfer_phase phase, told_phase; /* the latter in the trace */
    enum scoop_attempt_kind kind; /* of the attempt; in RESTARTING, of the one that follows */
    struct scoop_attempt attempt;
    atomic_bool cancelled;
    uint64_t started_ms; /* when it was run first; 0: not yet */
    uint64_t abort_deadline_ms;
    struct scoop_error error;
    char server_side_refused[256]; /* why the server does not copy; "" when it did not refuse */
    /* Of a source that is read again from its start. */
    uint32_t restarts, earlier_retries;
    uint64_t restart_due_ms;
    bool hands_on; /* the attempt's parts are still on their way to S3 */
    struct scoop_outage outage;
    /* Of uploads that outlive a try. */
    const struct scoop_resume *resume; /* what this try goes on with; NULL: nothing, or no more */
    struct scoop_resume *kept;         /* ours: of the upload that a restart goes on with */
    struct scoop_resume *spent;        /* ours: of the restart before, until its sink is gone */
    bool took_up;                      /* there was an upload of an earlier try */
    bool resume_dropped;               /* there was something that did not fit */
    bool upload_watched, upload_told;  /* UPLOAD_CREATED is wanted; … was returned */
    bool upload_kept;                  /* a later try will know the upload */
};

/* --- attempt.c --- */

void scoop_attempt_init(struct scoop_attempt *attempt);
/* Its destination's, whichever kind it is. Without one yet: ABORTED, nothing, zeros. */
enum scoop_sink_state scoop_attempt_poll(struct scoop_attempt *attempt, struct scoop_error *error);
int scoop_attempt_commit(struct scoop_attempt *attempt, struct scoop_error *error);
void scoop_attempt_abort(struct scoop_attempt *attempt);
void scoop_attempt_sink_facts(const struct scoop_attempt *attempt, struct scoop_sink_facts *facts);
bool scoop_attempt_has_destination(const struct scoop_attempt *attempt);
/* Whether it is one of the server's, and not given up. */
bool scoop_attempt_server_copies(const struct scoop_attempt *attempt);
/* Counts what the server has copied so far. */
void scoop_attempt_count(struct scoop_attempt *attempt);
/* Keeps what the source told of itself. */
void scoop_attempt_free_source(struct scoop_attempt *attempt);
void scoop_attempt_free(struct scoop_attempt *attempt);
/* OPENING: opens both ends of the attempt that is due. */
int scoop_transfer_open(struct scoop_transfer *transfer, struct scoop_error *error);
/* LOOKING. */
int scoop_transfer_look(struct scoop_transfer *transfer, struct scoop_error *error);
/* RESTARTING. */
int scoop_transfer_wait_restart(struct scoop_transfer *transfer);
/* These give the attempt up and return 1, or -1 where no other one would help. */

/* A stream: the source is read again. */
int scoop_transfer_start_over(struct scoop_transfer *transfer);
/* The same after the source's failure, if it may be read again and nothing is in a reader's hands
 * yet; else -1. */
int scoop_transfer_restart(struct scoop_transfer *transfer, const struct scoop_error *error);
/* The same as start_over, as a transform. */
int scoop_transfer_start_transform(struct scoop_transfer *transfer);
/* After a failure of the server's copy. */
int scoop_transfer_fall_back(struct scoop_transfer *transfer, const struct scoop_error *error);
/* After a failure of a stream's sink. */
int scoop_transfer_sink_failed(struct scoop_transfer *transfer, const struct scoop_error *error);

/* --- ends.c --- */

struct scoop_engine *scoop_transfer_engine_new(const struct scoop_transfer_options *options,
                                               struct scoop_error *error);
struct scoop_s3_client *
scoop_transfer_source_client_new(const struct scoop_transfer_options *options,
                                 struct scoop_engine *engine, struct scoop_error *error);

/* Opens the source, or takes up the one that is fed. 0 or -1. */
int scoop_transfer_open_source(struct scoop_transfer *transfer, struct scoop_error *error);
/* Makes the sink, its parts planned to fit the memory limit. 0 or -1 (USAGE: too small). */
int scoop_transfer_open_sink(struct scoop_transfer *transfer, struct scoop_error *error);
/* Has the server look at the source. 0 or -1. */
int scoop_transfer_open_server_copy(struct scoop_transfer *transfer, struct scoop_error *error);

/* --- kept.c --- */

/* Before the source is opened: has it note what an S3 object takes along to S3. */
void scoop_transfer_watch_headers(struct scoop_transfer *transfer);
/* Asks for its tags, beside its bytes. 0 or -1. */
int scoop_transfer_ask_tags(struct scoop_transfer *transfer, struct scoop_error *error);
bool scoop_transfer_awaits_tags(const struct scoop_transfer *transfer);
/* Once the chain is built: gives the sink what stays true. 0 or -1. */
int scoop_transfer_keep_headers(struct scoop_transfer *transfer, struct scoop_error *error);

/* --- stream.c: SNIFFING, STREAMING, FINISHING --- */

/* These move a phase on: 1: something moved, 0: waiting, -1 with *error. */
int scoop_transfer_sniff(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_pump(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_finish(struct scoop_transfer *transfer, struct scoop_error *error);
/* Whether the sink has no room for what a turn may give it. */
bool scoop_transfer_is_blocked(struct scoop_transfer *transfer);

/* --- content.c --- */

/* Fills in content, handling and coding. 0, or -1 with CORRUPT (the content is not what the name
 * says), LENGTH_UNKNOWN or USAGE. */
int scoop_transfer_look_at_content(struct scoop_transfer *transfer,
                                   struct scoop_chain_options *options, struct scoop_error *error);

/* --- commit.c: SEALING, HOLDING, REJECTS, COMMITTING, CLEANING, ABORTING --- */

int scoop_transfer_wait_sealed(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_hold(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_wait_rejects(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_wait_committed(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_wait_cleaned(struct scoop_transfer *transfer, struct scoop_error *error);
int scoop_transfer_wait_aborted(struct scoop_transfer *transfer, struct scoop_error *error);

/* --- wait.c --- */

/* Waits for the next event, at most wait_ms, and lets the network do what is due. 0 or -1. */
int scoop_transfer_wait(struct scoop_transfer *transfer, int wait_ms, struct scoop_error *error);

/* --- take_up.c --- */

/* Where this try begins to read the source. */
uint64_t scoop_transfer_start_bytes(const struct scoop_transfer *transfer);
/* Whether it goes on with an upload of an earlier try, whose source must be the same. */
bool scoop_transfer_takes_up(const struct scoop_transfer *transfer);
/* The source's first answer, good or bad: whether it is not the one whose upload is taken up. */
bool scoop_transfer_misfits(const struct scoop_transfer *transfer, enum scoop_source_state state,
                            const struct scoop_error *error);
/* The upload that was begun, or taken up, is taken back. */
void scoop_transfer_drop_upload(struct scoop_transfer *transfer);
/* Whether a failure leaves the upload for a later try. */
bool scoop_transfer_leaves(const struct scoop_transfer *transfer, const struct scoop_error *error);
/* Whether a restart was to go on with an upload, and has no sink yet that could abort it. */
bool scoop_transfer_owes_upload(const struct scoop_transfer *transfer);
/* Whether UPLOAD_CREATED is due; then it is told. */
bool scoop_transfer_tells_upload(struct scoop_transfer *transfer);
enum scoop_resumed scoop_transfer_resumed(const struct scoop_transfer *transfer);

/* --- trace.c --- */

/* Tells of a phase that has begun since the last call. */
void scoop_transfer_trace_phase(struct scoop_transfer *transfer);

/* --- fail.c --- */

enum { SCOOP_TRANSFER_ABORT_MS = 10000 };

/* Begins to take everything back, unless the destination is committed already. Returns -1. */
int scoop_transfer_fail(struct scoop_transfer *transfer, const struct scoop_error *error);
/* The sink has taken everything back, as far as time allowed, or turned out to be committed: ends
 * the transfer. False: the reject file is still being taken back, unless it is too late for that.
 */
bool scoop_transfer_end_abort(struct scoop_transfer *transfer, bool committed, bool late);

/* --- setup.c --- */

void scoop_transfer_free_options(struct scoop_transfer *transfer);

#endif
