/* The changes that a comparison found, and one of them taken apart. */
#ifndef SCOOP_TABLE_CHANGES_CHANGES_H
#define SCOOP_TABLE_CHANGES_CHANGES_H

#include <stdatomic.h>

#include "scoop/changes.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"
#include "table/rows/row_text.h"
#include "table/store/spool.h"

struct scoop_changes {
    atomic_uint references;
    struct scoop_scratch scratch;
    struct scoop_scratch_room room; /* of that and of the comparison's, if they lie in memory */
    struct scoop_spool spools[2];
    struct scoop_row_plan plans[SCOOP_DELTA_SIDES]; /* the names of each side's columns */
    size_t *by_name[SCOOP_DELTA_SIDES]; /* the columns' places in the order of their names */
    /* Each column's name as JSON, between a comma and a colon; room behind for padded copies. */
    struct scoop_buf members[SCOOP_DELTA_SIDES];
    size_t *member_ends[SCOOP_DELTA_SIDES];
    bool json; /* values may be marked as JSON (table/rows/row_text.h) */
    char *version;
    char *stamp; /* members of each change, as JSON text, which the number of all changes follows;
                    "": none */
    struct scoop_columns alone[SCOOP_DELTA_SIDES]; /* those that one side has and the other lacks */
    uint64_t *changed_rows; /* of the updated rows those in which a compared column changed */
};

/* Empty, with one reference; plans are filled in later. */
struct scoop_changes *scoop_changes_new(const char *temp_dir, const char *version,
                                        const char *stamp, struct scoop_error *error);
/* Once the columns of both sides are known. 0, or -1 with NO_MEMORY. */
int scoop_changes_note_schema(struct scoop_changes *changes,
                              const struct scoop_plan_options *options, struct scoop_error *error);
/* What a change may take for the stamp and the number behind it. */
size_t scoop_changes_stamp_bytes(const struct scoop_changes *changes);
/* Once the plans are there. 0, or -1 with NO_MEMORY. */
int scoop_changes_prepare(struct scoop_changes *changes, struct scoop_error *error);

/* Fills members and member_ends, which have room. 0, or -1 with NO_MEMORY. */
int scoop_changes_name_members(struct scoop_changes *changes, enum scoop_side side,
                               struct scoop_error *error);

enum { SCOOP_CHANGE_ID_SIZE = 33, SCOOP_CHANGE_OP_BYTES = 6 /* of each op */ };

/* A row taken apart. Plain: ASCII without a byte that JSON escapes or CSV quotes. There is room
 * behind the values for padded copies (text/copy_padded.h). */
struct scoop_change_row {
    struct scoop_value *values;
    size_t length; /* at least that of all values */
    bool plain;
};

/* One change. Values are valid until the next one is read. */
struct scoop_change {
    enum scoop_record_kind kind;
    enum scoop_side side;           /* whose columns the row has */
    struct scoop_change_row row;    /* now, or before if it is gone */
    struct scoop_change_row before; /* of UPDATED: the row before, in the old side's columns */
    bool *changed;                  /* of UPDATED: which of the compared columns differ */
    char id[SCOOP_CHANGE_ID_SIZE];
};

/* Reads the changes of some of the spools' blocks. */
struct scoop_changes_reader {
    struct scoop_changes *changes;
    size_t next_block, end_block;
    struct scoop_spool_reader rows;
    struct scoop_change change;
    struct scoop_buf text;       /* the rows of the change */
    struct scoop_buf identified; /* what its id is the hash of */
};

/* Of both spools. */
size_t scoop_changes_blocks(const struct scoop_changes *changes);
/* The reader goes on with this block, and ends behind it. */
void scoop_changes_reader_take(struct scoop_changes_reader *reader, size_t block);
/* 1 and reader->change; 0 at the end; -1. */
int scoop_changes_reader_next(struct scoop_changes_reader *reader, struct scoop_error *error);
const char *scoop_change_op(const struct scoop_change *change);
/* Fills reader->change.id. */
int scoop_change_identify(struct scoop_changes_reader *reader, struct scoop_error *error);

#endif
