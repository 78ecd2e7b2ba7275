/* What the joins of two exports' rows have in common: their options, a row, and the changes that
 * they emit. */
#ifndef SCOOP_TABLE_COMPARE_JOIN_H
#define SCOOP_TABLE_COMPARE_JOIN_H

#include <stdatomic.h>

#include "table/compare/change_sort.h"
#include "table/rows/batch.h"
#include "table/rows/row_text.h"

struct scoop_delta_counts {
    uint64_t inserted, updated, deleted, unchanged;
    uint64_t duplicates[2]; /* rows of a side whose key another row of that side has, too */
};

/* Changes of rows of both sides, and of rows that one side has alone, are kept apart. */
enum { SCOOP_OF_BOTH, SCOOP_OF_ONE, SCOOP_CHANGES };

struct scoop_join_options {
    struct scoop_scratch *scratch;     /* borrowed, as all that follows */
    struct scoop_change_sort *changes; /* SCOOP_CHANGES of them; get a record for each change */
    struct scoop_delta_counts *counts; /* added to */
    const atomic_bool *cancelled;      /* NULL: never */
    size_t memory_bytes;
    const size_t *beside_bytes; /* of the memory: what others use; NULL: nothing */
    bool keep_last;             /* of the rows of one side with one key the last counts */
    /* A second row of a side with one key was met, and left out. */
    void (*on_duplicate)(void *user, enum scoop_side side, const struct scoop_row_bytes *row,
                         uint64_t line);
    void *user;
};

/* A row of one of the exports. */
struct scoop_numbered_row {
    enum scoop_side side;
    struct scoop_key_hash hash; /* of its key */
    uint64_t number;            /* its place among the rows of both, from 1 on */
    uint64_t line;              /* 0: not known */
    struct scoop_row_bytes bytes;
};

/* Adds a change and counts it; a row that is as before is counted only. The number of two rows is
 * the later one's. */
int scoop_emit_both(struct scoop_change_sort *changes, struct scoop_delta_counts *counts,
                    uint64_t number, const struct scoop_row_bytes *before,
                    const struct scoop_row_bytes *now, struct scoop_error *error);
int scoop_emit_one(struct scoop_change_sort *changes, struct scoop_delta_counts *counts,
                   const struct scoop_numbered_row *row, struct scoop_error *error);

#endif
