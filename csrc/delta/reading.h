/* Reads one object of an export: source, gunzip, rows. On a thread of its own, or, where there is
 * none to be had, in steps on the thread that compares. */
#ifndef SCOOP_DELTA_READING_H
#define SCOOP_DELTA_READING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "scoop/delta.h"
#include "table/compare/key_order.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"

/* What the comparing thread waits for: both sides ring when they have something new. */
struct scoop_bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    uint64_t rings;
};

struct scoop_reading_options {
    /* Its source, and what its records may be; copied. */
    const struct scoop_transfer_options *transfer;
    enum scoop_table_format format;
    size_t memory_bytes;               /* for the source's own buffers */
    bool numbers_by_value;             /* as of scoop_delta_options */
    size_t max_record_bytes;           /* 0: SCOOP_MAX_RECORD_BYTES */
    size_t stamp_bytes;                /* as of an export */
    struct scoop_bell *bell;           /* borrowed */
    struct scoop_key_order *key_order; /* of the export that this is (a part of); borrowed */
};

struct scoop_reading; /* one object of an export being read */

/* Nothing is opened yet. NULL with *error. */
struct scoop_reading *scoop_reading_new(const struct scoop_reading_options *options,
                                        struct scoop_error *error);
/* Starts the thread, if there is one to be had. Once. */
void scoop_reading_start(struct scoop_reading *reading);
/* Without a thread: the next step is done here, about 10 ms. For the comparing thread, when it
 * would wait. False: it has a thread, has ended, or goes on only after what rings the bell. */
bool scoop_reading_go_on_alone(struct scoop_reading *reading);
/* The export's name in messages. */
const char *scoop_reading_name(const struct scoop_reading *reading);
/* 1 and *columns, 0: not known yet, -1 with *error. Of CSV the header row; of JSON lines those that
 * the next rows have and the plan has not met, valid until the plan is set. NULL: there is no row,
 * and no batch follows. */
int scoop_reading_columns(struct scoop_reading *reading, const struct scoop_columns **columns,
                          bool *json, struct scoop_error *error);
/* All batches before are taken, and the next one needs (another look at) the plan. */
bool scoop_reading_needs_plan(struct scoop_reading *reading);
/* How its rows are to be brought into order: the reading goes on. Borrowed; while no plan is needed
 * it does not change. */
void scoop_reading_set_plan(struct scoop_reading *reading, const struct scoop_row_plan *plan);
/* 1 and the next batch, with which the one before is given back; 0: none yet; -1 with *error. */
int scoop_reading_next(struct scoop_reading *reading, struct scoop_batch **batch,
                       struct scoop_error *error);
/* Makes it end soon. Any thread. */
void scoop_reading_stop(struct scoop_reading *reading);
/* Once it has ended or failed; zeros before. */
void scoop_reading_facts(struct scoop_reading *reading, struct scoop_delta_side_facts *facts);
/* Stops, waits for the thread. NULL is allowed. */
void scoop_reading_free(struct scoop_reading *reading);

#endif
