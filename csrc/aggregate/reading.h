/* Reads one source of an aggregate: inflated, its records checked and made one line each, on a
 * thread of its own, or, where there is none to be had, in steps on the thread that counts. */
#ifndef SCOOP_AGGREGATE_READING_H
#define SCOOP_AGGREGATE_READING_H

#include <pthread.h>

#include "base/record_place.h"
#include "scoop/transfer.h"
#include "stage/stage.h"

/* What the counting thread waits for. */
struct scoop_reading_bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    uint64_t rings;
};

/* Some lines, where their records stood, and the records among them that were bad. */
struct scoop_record_block {
    struct scoop_buf text; /* whole lines, but of CSV, where a value may go over lines */
    struct scoop_record_places places; /* marks count the source's good records */
    struct scoop_buf rejects;          /* as kept_rejects.h has them */
};

struct scoop_record_reading;

/* queue_bytes: of lines that wait to be taken. Strings are copied; nothing is opened yet. NULL with
 * *error. */
struct scoop_record_reading *scoop_record_reading_new(const struct scoop_transfer_options *options,
                                                      size_t memory_bytes, size_t queue_bytes,
                                                      struct scoop_reading_bell *bell,
                                                      struct scoop_error *error);
/* Starts the thread, if there is one to be had. */
void scoop_record_reading_start(struct scoop_record_reading *reading);
/* Without a thread, one step is done here, about 10 ms. False: it has one, or nothing more to do.
 */
bool scoop_record_reading_go_on_alone(struct scoop_record_reading *reading);
/* 1 and the next block, with which the one before is given back; 0: none yet, -1 with *error; at
 * the source's proven end 1 and NULL. */
int scoop_record_reading_next(struct scoop_record_reading *reading,
                              struct scoop_record_block **block, struct scoop_error *error);
/* Of blocks that wait no more are made. Any thread. */
void scoop_record_reading_stop(struct scoop_record_reading *reading);
const char *scoop_record_reading_name(const struct scoop_record_reading *reading);
/* Records that the check has passed on, and those that it has rejected; at the source's end. */
void scoop_record_reading_counts(const struct scoop_record_reading *reading, uint64_t *good,
                                 uint64_t *bad);
/* As far as it is known; any time. */
void scoop_record_reading_facts(struct scoop_record_reading *reading,
                                struct scoop_transfer_facts *facts);
/* Stops, waits for the thread. NULL is allowed. */
void scoop_record_reading_free(struct scoop_record_reading *reading);

#endif
