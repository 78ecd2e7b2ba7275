/* Rejected records: counted against the limit, kept, and written beside the destination. */
#ifndef SCOOP_COPY_REJECTS_H
#define SCOOP_COPY_REJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/s3/client.h"
#include "scoop/transfer.h"
#include "sink/s3/s3.h"
#include "stage/stage.h"

struct scoop_rejects {
    const char *source; /* borrowed: how messages name it */
    const char *uri;    /* borrowed; NULL: nowhere */
    uint64_t max_rejected;
    uint64_t shows; /* so many of the first are kept, also where they go nowhere */
    uint64_t count;
    char first[SCOOP_FIRST_REJECT_SIZE]; /* where the first one was, and what is wrong with it */
    struct scoop_buf lines;              /* JSON lines */
    struct scoop_sink *sink;
    struct scoop_s3_client *client; /* borrowed; NULL for a local uri */
    struct scoop_s3_call *call;
    struct scoop_budget *budget;
    const char *temp_folder;
    enum scoop_s3_checksum checksum;
    struct scoop_object_headers object;
    bool done, failed, written;
    bool replaces; /* an earlier file, or perhaps one: what is written cannot be taken back */
    bool removes;  /* what was written */
    struct scoop_error error;
};

enum { SCOOP_REJECTS_PART_BYTES = 5 * 1024 * 1024 };

void scoop_rejects_init(struct scoop_rejects *rejects);
/* The policy for the stages. */
int scoop_rejects_take(void *user, const struct scoop_reject *reject, struct scoop_error *error);
/* All records are in: writes the file if there is something to write. 0 or -1. */
int scoop_rejects_begin(struct scoop_rejects *rejects, struct scoop_error *error);
/* Whether the file of an earlier run may be there, and must not. */
bool scoop_rejects_must_clean(const struct scoop_rejects *rejects);
/* The destination will not be committed: stops what is under way. */
void scoop_rejects_abort(struct scoop_rejects *rejects);
/* It is not committed, for sure: moves on the removal of a file that was written where none was.
 * True when it is over. */
bool scoop_rejects_take_back(struct scoop_rejects *rejects);
/* The destination is committed: removes the file of an earlier run if none was written. 0 or -1. */
int scoop_rejects_clean(struct scoop_rejects *rejects, struct scoop_error *error);
/* Moves the writing or the removal on: 1 when it is over, 0 while it is not, -1 with *error. */
int scoop_rejects_poll(struct scoop_rejects *rejects, struct scoop_error *error);
/* Forgets the records taken so far, before the source is read again. */
void scoop_rejects_forget(struct scoop_rejects *rejects);
void scoop_rejects_free(struct scoop_rejects *rejects);

#endif
