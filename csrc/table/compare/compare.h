/* Compares the rows of two exports, as they come.
 *
 * As long as both come in the order of their keys this is a merge join, in constant memory. What it
 * found on one side only stays provisional, so that when the order breaks a hash join (hash_join.h,
 * row_join.h) goes on with what was read, and nothing is read again. */
#ifndef SCOOP_TABLE_COMPARE_COMPARE_H
#define SCOOP_TABLE_COMPARE_COMPARE_H

#include "table/compare/join.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"
#include "table/store/spool.h"

enum scoop_next { SCOOP_NEXT_BATCH, SCOOP_NEXT_WAIT, SCOOP_NEXT_FAILED };

struct scoop_compare_options {
    struct scoop_scratch *scratch; /* borrowed, as all that follows; not needed when it is done */
    const atomic_bool *cancelled;  /* NULL: never */
    struct scoop_delta_counts *counts;
    const struct scoop_row_plan *plans; /* of both sides; made before the first step */
    struct scoop_spool *changes;        /* gets the changes of rows that both sides have */
    struct scoop_spool *one_side;       /* gets those of rows that one side has */
    size_t memory_bytes;
    bool keep_last;
    /* The next batch of a side; the one before is given back by this call. After a batch with
     * `last` it is not called again. */
    enum scoop_next (*next)(void *user, enum scoop_side side, struct scoop_batch **batch,
                            struct scoop_error *error);
    void (*on_duplicate)(void *user, enum scoop_side side, const struct scoop_row_bytes *row,
                         uint64_t line);
    void *user;
};

enum scoop_compare_state {
    SCOOP_COMPARE_MOVED, /* there is more to do */
    SCOOP_COMPARE_WAITS, /* for a batch */
    SCOOP_COMPARE_DONE,
    SCOOP_COMPARE_FAILED,
};

struct scoop_compare_facts {
    uint64_t rows[2];
    bool merged; /* both exports came in the order of their keys */
    uint64_t spilled_rows;
};

struct scoop_compare;

/* NULL with NO_MEMORY. */
struct scoop_compare *scoop_compare_new(const struct scoop_compare_options *options,
                                        struct scoop_error *error);
/* Goes on for some thousand rows. */
enum scoop_compare_state scoop_compare_step(struct scoop_compare *compare,
                                            struct scoop_error *error);
void scoop_compare_facts(const struct scoop_compare *compare, struct scoop_compare_facts *facts);
void scoop_compare_free(struct scoop_compare *compare);

#endif
