/* Reads a source on a thread of its own, inflated and checked to be JSON lines, block by block. */
#ifndef SCOOP_COPY_TEXT_READER_H
#define SCOOP_COPY_TEXT_READER_H

#include "base/record_place.h"
#include "base/thread.h"
#include "scoop/transfer.h"

struct scoop_text_reader;

struct scoop_text_facts {
    uint64_t source_bytes;
    int64_t source_total_bytes; /* -1: unknown */
    uint32_t retries;
    char etag[128];
};

/* Reads options->source; its other options are set here, but for memory_limit_bytes and
 * what a record may be. Strings are copied. Nothing is opened yet. NULL with *error. */
struct scoop_text_reader *scoop_text_reader_new(const struct scoop_transfer_options *options,
                                                struct scoop_error *error);
/* Starts the thread, or, where none is to be had, has scoop_text_reader_take read; the waker
 * (borrowed) is woken when there is something new. */
void scoop_text_reader_start(struct scoop_text_reader *reader, struct scoop_waker *waker);

enum scoop_text_state {
    SCOOP_TEXT_READY, /* text has been appended */
    SCOOP_TEXT_WAITING,
    SCOOP_TEXT_ENDED,  /* at the source's proven end */
    SCOOP_TEXT_FAILED, /* with *error; text that came before may be missing */
};
/* Appends the next block to *text, and where its records stood to *places. */
enum scoop_text_state scoop_text_reader_take(struct scoop_text_reader *reader,
                                             struct scoop_buf *text,
                                             struct scoop_record_places *places,
                                             struct scoop_error *error);
/* The source as messages name it. */
const char *scoop_text_reader_name(const struct scoop_text_reader *reader);
void scoop_text_reader_facts(struct scoop_text_reader *reader, struct scoop_text_facts *facts);
/* Stops, waits for the thread. NULL is allowed. */
void scoop_text_reader_free(struct scoop_text_reader *reader);

#endif
