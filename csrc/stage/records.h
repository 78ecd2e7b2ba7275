/* What the record stages share: lines put together from chunks, and rejects. */
#ifndef SCOOP_STAGE_RECORDS_H
#define SCOOP_STAGE_RECORDS_H

#include "scoop/buffer.h"
#include "stage/stage.h"

/* One line of the text. */
struct scoop_line {
    const unsigned char *data; /* ends with '\n', which the last line of a text is given */
    size_t length;             /* bytes at data, with the newline */
    uint64_t total_bytes;      /* of the whole line, without the newline */
    uint64_t number;           /* from 1 */
    uint64_t offset;           /* of the line's first byte in the text, a BOM counted */
    bool too_long;             /* data is only its first max_record_bytes */
    bool stays;                /* data is valid until the write ends, not only during the call */
};

/* Takes one line; 0 or -1. */
typedef int scoop_line_taker(void *user, const struct scoop_line *line, struct scoop_error *error);

struct scoop_records {
    struct scoop_record_options options;
    struct scoop_counters *counters; /* borrowed */
    struct scoop_buf partial;        /* a line that the end of the last chunk cut */
    uint64_t partial_bytes;          /* its length so far; more than partial.length once too long */
    uint64_t line;                   /* number of the next line */
    uint64_t offset;                 /* where it begins */
    bool begun;                      /* the place where a BOM may stand is past */
};

/* Applies the options' defaults. No allocation. */
void scoop_records_init(struct scoop_records *records, const struct scoop_record_options *options,
                        struct scoop_counters *counters);
void scoop_records_free(struct scoop_records *records);
/* Gives every line that ends in data to `take`, in order, and keeps the rest. Strips a BOM. */
int scoop_records_write(struct scoop_records *records, const unsigned char *data, size_t length,
                        scoop_line_taker *take, void *user, struct scoop_error *error);
/* The text has ended: gives the last line if it has no newline. */
int scoop_records_finish(struct scoop_records *records, scoop_line_taker *take, void *user,
                         struct scoop_error *error);
enum { SCOOP_BEGINNING_SIZE = 160 };
/* "; the record begins …", for messages. */
/* What an error tells of the record besides its message. */
void scoop_reject_note(const struct scoop_reject *reject, struct scoop_error *error);
void scoop_reject_beginning(const struct scoop_reject *reject, char text[SCOOP_BEGINNING_SIZE]);
/* Counts a bad record and reports it by the policy; -1 when that ends the run. record.reason etc.
 * as in stage/stage.h; more than 4096 bytes of record are cut here. */
int scoop_records_reject(struct scoop_records *records, struct scoop_reject reject,
                         struct scoop_error *error);

#endif
