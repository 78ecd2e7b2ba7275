/* The changes that a comparison found, and one of them taken apart. Private to csrc/table and
 * csrc/stream. */
#ifndef SCOOP_TABLE_CHANGES_H
#define SCOOP_TABLE_CHANGES_H

#include <stdatomic.h>

#include "batch.h"
#include "columns.h"
#include "row_text.h"
#include "scoop/delta.h"
#include "spool.h"

struct scoop_changes {
    atomic_uint references;
    struct scoop_scratch scratch;
    struct scoop_spool spools[2];
    struct scoop_row_plan plans[SCOOP_DELTA_SIDES]; /* the names of each side's columns */
    size_t *by_name[SCOOP_DELTA_SIDES]; /* the columns' places in the order of their names */
    struct scoop_buf members[SCOOP_DELTA_SIDES]; /* each column's name as JSON, with a colon */
    size_t *member_ends[SCOOP_DELTA_SIDES];
    bool json; /* values may be marked as JSON (row_text.h) */
    char *version;
};

/* Empty, with one reference; plans are filled in later. */
struct scoop_changes *scoop_changes_new(const char *temp_dir, const char *version,
                                        struct scoop_error *error);
/* Once the plans are there. 0, or -1 with NO_MEMORY. */
int scoop_changes_prepare(struct scoop_changes *changes, struct scoop_error *error);

/* Fills members and member_ends, which have room. 0, or -1 with NO_MEMORY. */
int scoop_changes_name_members(struct scoop_changes *changes, enum scoop_side side,
                               struct scoop_error *error);

enum { SCOOP_CHANGE_ID_SIZE = 33 };

/* One change. Values are valid until the next one is read. */
struct scoop_change {
    enum scoop_record_kind kind;
    enum scoop_side side;       /* whose columns the row has */
    struct scoop_value *values; /* of the row: now, or before if it is gone */
    struct scoop_value *before; /* of UPDATED: the row before, in the old side's columns */
    bool *changed;              /* of UPDATED: which of the compared columns differ */
    char id[SCOOP_CHANGE_ID_SIZE];
};

struct scoop_changes_reader {
    struct scoop_changes *changes;
    unsigned spool;
    struct scoop_spool_reader rows;
    struct scoop_change change;
    struct scoop_buf scratch;
    struct scoop_digest *digest; /* of ids */
};

/* 1 and reader->change; 0 at the end; -1. */
int scoop_changes_reader_next(struct scoop_changes_reader *reader, struct scoop_error *error);
const char *scoop_change_op(const struct scoop_change *change);
/* Fills reader->change.id. */
int scoop_change_identify(struct scoop_changes_reader *reader, struct scoop_error *error);

#endif
