/* The rows of two exports by number, in the order they came: the recent ones in memory, in the
 * buffers they came in, the older ones in the scratch file. Of a block that leaves the memory those
 * rows stay behind that the other export is known to have, too, if they are many. Whatever stays
 * behind, each side's rows are read in the order of their numbers. */
#ifndef SCOOP_TABLE_COMPARE_ROW_LOG_H
#define SCOOP_TABLE_COMPARE_ROW_LOG_H

#include "table/compare/match_flags.h"
#include "table/rows/batch.h"
#include "table/rows/row_text.h"
#include "table/store/scratch_block.h"

#define SCOOP_NO_LINE UINT32_MAX

/* A row of a block. */
struct scoop_log_row {
    uint32_t at; /* in the block's text or, from where that ends, in what follows it */
    uint32_t length, compared;
    uint32_t line;  /* from the block's first line; SCOOP_NO_LINE: not known */
    uint32_t index; /* number - the block's first number */
};

struct scoop_log_head {
    enum scoop_side side;
    uint64_t number; /* of the first row */
    uint64_t first_line;
    size_t count;
};

struct scoop_log_block {
    struct scoop_log_head head;
    struct scoop_log_row *rows;
    size_t room; /* of rows */
    struct scoop_buf text, extra;
};

struct scoop_stored_rows {
    struct scoop_log_head head;
    struct scoop_scratch_block at; /* rows, or lengths in 16 bits each; text, extra */
    bool plain;                    /* lengths */
    uint32_t first_at, gap;        /* if plain: of the first row; between rows */
};

struct scoop_row_log {
    struct scoop_scratch *scratch;         /* borrowed */
    const struct scoop_match_flags *flags; /* borrowed */
    uint64_t rows;                         /* that were added; the number of the next one */
    struct scoop_log_block *recent;        /* a ring */
    size_t recent_most, recent_first, recent_count;
    size_t recent_bytes, most_bytes;
    struct scoop_log_block spare;        /* the room of the last one that went */
    struct scoop_log_block compacted[2]; /* of each side: what is left of several blocks */
    bool closed[2];                      /* a whole block follows the compacted rows */
    uint16_t *lengths;                   /* of a block that is written */
    size_t length_room;
    struct scoop_stored_rows *older;
    size_t older_count, older_room;
};

/* 0, or -1 with NO_MEMORY. */
int scoop_row_log_init(struct scoop_row_log *log, struct scoop_scratch *scratch,
                       const struct scoop_match_flags *flags, size_t memory_bytes,
                       struct scoop_error *error);
void scoop_row_log_free(struct scoop_row_log *log);
/* Whether no recent block must go before the batch comes. */
bool scoop_row_log_has_room(const struct scoop_row_log *log, const struct scoop_batch *batch);
/* Moves the oldest recent block to the scratch file. */
int scoop_row_log_evict(struct scoop_row_log *log, struct scoop_error *error);
/* Takes the rows of a batch from `first` on, and its buffers; the log has room for it. */
int scoop_row_log_add(struct scoop_row_log *log, enum scoop_side side, struct scoop_batch *batch,
                      size_t first, struct scoop_error *error);
/* No more rows come, they will be read. */
void scoop_row_log_end(struct scoop_row_log *log);
size_t scoop_row_log_bytes(const struct scoop_row_log *log);

/* Reads the rows of a side whose match is NONE or DIFFERENT, block by block. */
struct scoop_row_reader {
    const struct scoop_row_log *log;
    enum scoop_side side;
    size_t older, recent; /* the next ones */
    bool compacted;       /* was read */
    struct scoop_scratch_view view;
    struct scoop_buf loaded;    /* what cannot be viewed */
    struct scoop_log_head head; /* of the block; its count is that of `rows` */
    struct scoop_log_row *rows; /* those of the block */
    size_t room;
    const unsigned char *text, *extra;
    size_t text_bytes;
};

void scoop_row_reader_init(struct scoop_row_reader *reader, const struct scoop_row_log *log,
                           enum scoop_side side);
void scoop_row_reader_free(struct scoop_row_reader *reader);
/* 1 and the rows of the next block that has some, valid until the next call; 0 at the end; -1 with
 * *error. */
int scoop_row_reader_next(struct scoop_row_reader *reader, struct scoop_error *error);

static inline struct scoop_row_bytes scoop_row_reader_bytes(const struct scoop_row_reader *reader,
                                                            const struct scoop_log_row *row) {
    const unsigned char *data = row->at < reader->text_bytes
                                    ? reader->text + row->at
                                    : reader->extra + (row->at - reader->text_bytes);
    return (struct scoop_row_bytes){data, row->length, row->compared};
}

#endif
