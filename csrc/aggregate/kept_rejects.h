/* Keeps rejects for the thread that judges them. */
#ifndef SCOOP_AGGREGATE_KEPT_REJECTS_H
#define SCOOP_AGGREGATE_KEPT_REJECTS_H

#include "scoop/buffer.h"
#include "stage/stage.h"

/* A reject policy that appends to a buffer, its user, and lets all records go. */
int scoop_kept_reject_add(void *user, const struct scoop_reject *reject, struct scoop_error *error);
/* The next of them, from *at on; its texts are the buffer's. False: there is none. */
bool scoop_kept_reject_next(const struct scoop_buf *rejects, size_t *at,
                            struct scoop_reject *reject);

#endif
