/* A list of records that is written once, in memory up to a block and beyond that in the scratch
 * file, compressed (LZ4) if that is long, and read in order, any number of times. */
#ifndef SCOOP_TABLE_STORE_SPOOL_H
#define SCOOP_TABLE_STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "table/rows/row_text.h"
#include "table/store/scratch_block.h"
#include "text/key_hash.h"

enum scoop_record_kind {
    SCOOP_RECORD_OLD,     /* a row of the old export; as a change: it is gone */
    SCOOP_RECORD_NEW,     /* a row of the new one; as a change: it is new */
    SCOOP_RECORD_UPDATED, /* a change: the row before and the row now */
    SCOOP_RECORD_MATCHED, /* a key whose rows are matched */
    SCOOP_RECORD_SUFFIX,  /* bytes of row; row.compared is a number of its own */
};

struct scoop_record {
    enum scoop_record_kind kind;
    struct scoop_key_hash hash; /* not of UPDATED, SUFFIX; zero takes no room */
    uint64_t number;            /* of a row; of UPDATED the later one's; not of MATCHED, SUFFIX */
    struct scoop_row_bytes row; /* not of MATCHED */
    struct scoop_row_bytes row_now; /* of UPDATED */
};

struct scoop_spool {
    struct scoop_scratch *scratch; /* borrowed */
    size_t block_bytes;
    struct scoop_buf tail;
    struct scoop_scratch_block *blocks;
    size_t count, capacity;
    uint64_t records;
};

void scoop_spool_init(struct scoop_spool *spool, struct scoop_scratch *scratch, size_t block_bytes);
void scoop_spool_free(struct scoop_spool *spool);
/* Forgets the records; what they took in the scratch file stays taken. */
void scoop_spool_clear(struct scoop_spool *spool);
/* What all records take together. */
uint64_t scoop_spool_bytes(const struct scoop_spool *spool);
/* 0, or -1 with NO_MEMORY or what scoop_scratch_write says. */
int scoop_spool_add(struct scoop_spool *spool, const struct scoop_record *record,
                    struct scoop_error *error);
int scoop_spool_add_suffix(struct scoop_spool *spool, uint32_t number, const void *data,
                           uint32_t length, struct scoop_error *error);
/* Nothing follows soon: writes what is in memory, and gives that back. 0 or -1. */
int scoop_spool_flush(struct scoop_spool *spool, struct scoop_error *error);

struct scoop_spool_reader {
    const struct scoop_spool *spool; /* borrowed; not written to while it is read */
    size_t next_block;
    struct scoop_buf block;
    const unsigned char *record, *at, *end; /* the last one, the next one */
};

void scoop_spool_reader_init(struct scoop_spool_reader *reader, const struct scoop_spool *spool);
void scoop_spool_reader_free(struct scoop_spool_reader *reader);
/* 1 and the next record, whose rows are valid until the next call; 0 at the end; -1 with *error. */
int scoop_spool_reader_next(struct scoop_spool_reader *reader, struct scoop_record *record,
                            struct scoop_error *error);
/* The record that stands there, as spools write it; where it ends. */
const unsigned char *scoop_spool_decode(const unsigned char *at, struct scoop_record *record);

#endif
