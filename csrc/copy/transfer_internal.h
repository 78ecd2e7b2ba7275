/* The inside of a transfer, shared by its set-up and its phases. */
#ifndef SCOOP_COPY_TRANSFER_INTERNAL_H
#define SCOOP_COPY_TRANSFER_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "copy/chain.h"
#include "copy/rejects.h"
#include "base/budget.h"
#include "stage/sniff.h"
#include "scoop/transfer.h"
#include "sink/sink.h"
#include "source/source.h"

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

struct scoop_transfer {
    struct scoop_transfer_options options;       /* strings are ours */
    enum scoop_transfer_phase phase, told_phase; /* the latter in the trace */
    atomic_bool cancelled;
    struct scoop_engine *engine; /* NULL when both ends are local */
    struct scoop_s3_client *source_client, *destination_client;
    struct scoop_budget budget;
    char *temp_folder; /* NULL: there is no destination that could need it */
    struct scoop_source *source;
    struct {
        int64_t total_bytes;
        uint32_t retries;
        char etag[128];
    } read;                            /* what a source told that is gone */
    bool fed;                          /* source is fed by our owner */
    bool unchanged;                    /* the source's bytes are passed on as they are */
    const struct scoop_resume *resume; /* what this try goes on with; NULL: nothing, or no more */
    bool resume_dropped;               /* there was something that did not fit */
    bool upload_watched, upload_told;  /* UPLOAD_CREATED is wanted; … was returned */
    bool upload_kept;                  /* a later try will know the upload */
    bool bare;                         /* unchanged, and nothing reads beside */
    bool restarted;                    /* as a transform, after a record had to change */
    struct scoop_sink *sink;
    bool server_copies;            /* the sink is a copy by the server; there is no source */
    bool server_at_once;           /* it refused parts */
    bool server_tried;             /* … was asked for and declined or refused */
    char server_side_refused[256]; /* why; "" when it was not refused */
    struct scoop_chain chain;
    struct scoop_counters counters;
    struct scoop_rejects rejects;
    struct scoop_object_headers object;
    unsigned char prefix[SCOOP_SNIFF_BYTES];
    size_t prefix_length;
    size_t room_bytes;
    bool waits_for_room; /* the source has more than the stages take */
    char source_name[512];
    uint64_t abort_deadline_ms;
    struct scoop_error taken_error; /* of what the source passed on without being asked */
    struct scoop_error error;
};

/* Opens the source, or takes up the one that is fed. 0 or -1. */
int scoop_transfer_open_source(struct scoop_transfer *transfer, struct scoop_error *error);
/* Makes a sink that has the server copy, and looks at the source. 0 or -1. */
int scoop_transfer_open_server_copy(struct scoop_transfer *transfer, struct scoop_error *error);
/* Makes the sink, its parts planned to fit the memory limit. 0 or -1 (USAGE: too small). */
int scoop_transfer_open_sink(struct scoop_transfer *transfer, struct scoop_error *error);
/* --- transfer.c --- */

/* Whether the sink has no room for what a turn may give it. */
bool scoop_transfer_is_blocked(struct scoop_transfer *transfer);
/* --- transfer_wait.c --- */

/* Waits for the next event, at most wait_ms, and lets the network do what is due. 0 or -1. */
int scoop_transfer_wait(struct scoop_transfer *transfer, int wait_ms, struct scoop_error *error);
/* --- transfer_resume.c --- */

/* Where this try begins to read the source. */
uint64_t scoop_transfer_start_bytes(const struct scoop_transfer *transfer);
/* The source's first answer, good or bad: whether it is not the one whose upload is taken up. */
bool scoop_transfer_misfits(const struct scoop_transfer *transfer, enum scoop_source_state state,
                            const struct scoop_error *error);
/* Whether a failure leaves the upload for a later try. */
bool scoop_transfer_leaves(const struct scoop_transfer *transfer, const struct scoop_error *error);
/* Whether UPLOAD_CREATED is due; then it is told. */
bool scoop_transfer_tells_upload(struct scoop_transfer *transfer);
enum scoop_resumed scoop_transfer_resumed(const struct scoop_transfer *transfer);

/* --- transfer_trace.c --- */

/* Tells of a phase that has begun since the last call. */
void scoop_transfer_trace_phase(struct scoop_transfer *transfer);
/* --- transfer_fail.c --- */

enum { SCOOP_TRANSFER_ABORT_MS = 10000 };

/* Begins to take everything back, unless the destination is committed already. Returns -1. */
int scoop_transfer_fail(struct scoop_transfer *transfer, const struct scoop_error *error);
/* The sink has taken everything back, as far as time allowed, or turned out to be committed: ends
 * the transfer. False: the reject file is still being taken back, unless it is too late for that.
 */
bool scoop_transfer_end_abort(struct scoop_transfer *transfer, bool committed, bool late);
/* Keeps what it told of itself. */
void scoop_transfer_free_source(struct scoop_transfer *transfer);

void scoop_transfer_free_options(struct scoop_transfer *transfer);

#endif
