/* A reading, for reading.c, which has the thread and shares out the batches, and reading_rows.c,
 * which makes rows of text. */
#ifndef SCOOP_DELTA_READING_INTERNAL_H
#define SCOOP_DELTA_READING_INTERNAL_H

#include "delta/reading.h"
#include "stage/stage.h"
#include "table/rows/csv.h"
#include "table/rows/json_rows.h"

enum { SCOOP_READING_BATCHES = 6 /* so that neither thread waits for the other's next step */ };

struct scoop_reading {
    struct scoop_reading_options options;
    struct scoop_transfer *transfer;
    struct scoop_buf arrived; /* what the transfer has read; of CSV, behind the row under way */
    struct scoop_buf rest;    /* of a batch: the beginning of a row */
    struct scoop_buf over;    /* what has arrived, and passed the check, beyond a batch */
    struct scoop_counters counters;
    struct scoop_stage *check; /* of JSON lines, ends in `end`; NULL for CSV */
    struct rows_stage {
        struct scoop_stage base;
        struct scoop_reading *reading;
    } end;
    bool replace_invalid; /* as of scoop_transfer_options, also the next */
    enum scoop_key_case key_case;
    bool begun, json, columns_known;
    bool text_ended;  /* all of it is here */
    bool formed;      /* the text of `filling` is complete: its rows are to be made */
    bool formed_last; /* … and are the last */
    bool crowded;     /* of the last batch whole rows are left, as its rows grew very long */
    bool waiting;     /* alone: for a batch or the plan, with text that is not made into rows */
    bool finished;    /* or failed */
    struct scoop_csv csv;
    struct scoop_json_rows rows;
    struct scoop_columns columns;
    struct scoop_columns told; /* those that JSON lines have, whatever the first rows show */
    struct scoop_batch batches[SCOOP_READING_BATCHES];
    struct scoop_batch *filling; /* NULL: the next is still to be taken */
    size_t scan_at_bytes;        /* of text in `filling` */
    pthread_t thread;
    bool started; /* else whoever takes the rows also reads them: nothing is waited for */
    struct {
        bool columns_known, empty, stopped, failed;
        const struct scoop_row_plan *plan;
        struct scoop_batch *ready[SCOOP_READING_BATCHES]; /* a ring */
        size_t first, count;
        struct scoop_batch *lent;         /* to the comparing thread */
        bool busy[SCOOP_READING_BATCHES]; /* batches that are not free */
        struct scoop_delta_side_facts facts;
        struct scoop_error error;
    } synced;
};

/* reading.c. Both wait, unless they are alone: then 0 is for what would have been waited for. 1 and
 * `filling`, an old batch with its old rows. */
int scoop_reading_take_batch(struct scoop_reading *reading, struct scoop_error *error);
/* 1: it is there; it needs the other side's columns. */
int scoop_reading_take_plan(struct scoop_reading *reading, struct scoop_error *error);
/* From here on it needs the plan, or another look at it. */
void scoop_reading_tell_columns(struct scoop_reading *reading);
/* There is no row, and it has ended. */
void scoop_reading_tell_empty(struct scoop_reading *reading);
/* Gives `filling` to the comparing thread. */
void scoop_reading_hand_over(struct scoop_reading *reading);

/* reading_rows.c. What has arrived goes on towards the rows; `last`: no more comes. 0 or -1. */
int scoop_reading_pass_on(struct scoop_reading *reading, bool last, struct scoop_error *error);
/* After that. 1: all rows are made that can be; 0: alone, and what is left has to wait; -1. */
int scoop_reading_make_rows(struct scoop_reading *reading, struct scoop_error *error);

#endif
