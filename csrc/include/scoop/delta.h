/* The delta of two exports of a table: what was inserted, updated and deleted, by key. */
#ifndef SCOOP_DELTA_H
#define SCOOP_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/arrow.h"
#include "scoop/buffer.h"
#include "scoop/error.h"
#include "scoop/transfer.h"

/* AUTO: by the name (.csv, .jsonl, .ndjson, .json, each also with .gz), else by the first byte. */
enum scoop_table_format {
    SCOOP_TABLE_FORMAT_AUTO,
    SCOOP_TABLE_FORMAT_CSV,
    SCOOP_TABLE_FORMAT_JSONL
};

enum { SCOOP_DELTA_SIDES = 2 }; /* old, new */

#define SCOOP_DELTA_MEMORY_LIMIT_BYTES                                                             \
    ((size_t)64 * 1024 * 1024) /* the default, less in a                                           \
                                   small cgroup */

struct scoop_delta_options {
    /* Where each export is read; of these, only what concerns a source is looked at. Old NULL:
     * there is no old export, every row is new. An export of several objects is an array. */
    const struct scoop_transfer_options *sides[SCOOP_DELTA_SIDES];
    size_t side_objects[SCOOP_DELTA_SIDES]; /* 0: one */
    const char *const *keys;                /* names of the columns that are the key, in order */
    size_t key_count;
    enum scoop_table_format format;
    bool keep_last;   /* of rows of one export with one key the last counts; else an error */
    bool common_only; /* compare the columns that both have; else other columns are an error */
    bool any_deletes; /* max_delete_ratio does not hold */
    double max_delete_ratio; /* more deletes, as a part of the old rows, are SUSPECT_EXPORT */
    uint64_t min_rows;       /* fewer rows in the new export are SUSPECT_EXPORT */
    size_t memory_limit_bytes;
    size_t max_record_bytes; /* 0: SCOOP_MAX_RECORD_BYTES */
    const char *temp_dir;    /* NULL: $TMPDIR or /tmp */
    const char *version;     /* goes into the ids; NULL: "" */
};

enum scoop_delta_state { SCOOP_DELTA_RUNNING, SCOOP_DELTA_DONE, SCOOP_DELTA_FAILED };

struct scoop_delta_side_facts {
    uint64_t rows, duplicates;
    uint64_t source_bytes, text_bytes;
    char etag[128]; /* "" of several objects */
    uint32_t retries;
};

struct scoop_delta_facts {
    struct scoop_delta_side_facts sides[SCOOP_DELTA_SIDES];
    uint64_t inserted, updated, deleted, unchanged;
    bool sorted;            /* both exports came in the order of their keys and were merged */
    uint64_t spilled_bytes; /* written to temporary files */
};

struct scoop_delta;
struct scoop_changes;

/* Strings are copied; nothing is opened yet. One thread owns it. NULL with *error (USAGE,
 * NO_MEMORY). */
struct scoop_delta *scoop_delta_new(const struct scoop_delta_options *options,
                                    struct scoop_error *error);
/* Goes on for about slice_ms. DONE and FAILED stay. */
enum scoop_delta_state scoop_delta_run(struct scoop_delta *delta, int slice_ms,
                                       struct scoop_error *error);
/* Makes it end in CANCELLED. Any thread, any time before free. */
void scoop_delta_cancel(struct scoop_delta *delta);
/* Facts so far; the sides' own only in DONE and FAILED. Owner's thread. */
void scoop_delta_facts(const struct scoop_delta *delta, struct scoop_delta_facts *facts);
/* In DONE: the changes, a reference that the caller gives back. */
struct scoop_changes *scoop_delta_changes(struct scoop_delta *delta);
/* Stops what runs and waits for it. NULL is allowed. */
void scoop_delta_free(struct scoop_delta *delta);

/* Changes never change. Any thread may hold and give back references. NULL is allowed for give. */
struct scoop_changes *scoop_changes_hold(struct scoop_changes *changes);
void scoop_changes_give(struct scoop_changes *changes);

/* Reads the changes from the first on; one thread at a time. Holds a reference of its own. */
struct scoop_changes_reader;
struct scoop_changes_reader *scoop_changes_reader_new(struct scoop_changes *changes,
                                                      struct scoop_error *error);
/* Appends changes as JSON lines until `out` holds at_least_bytes. 1: there may be more; 0: that was
 * the last; -1 with *error. */
int scoop_changes_read_json(struct scoop_changes_reader *reader, size_t at_least_bytes,
                            struct scoop_buf *out, struct scoop_error *error);
void scoop_changes_reader_free(struct scoop_changes_reader *reader);

/* The same JSON lines, made by the caller's thread and, of many changes, by another one beside it,
 * which ends in free. One thread owns it. NULL with *error, NO_MEMORY. */
struct scoop_change_blocks;
struct scoop_change_blocks *scoop_change_blocks_new(struct scoop_changes *changes,
                                                    struct scoop_error *error);
/* The next lines, about 1 MiB at most, which are valid until the next call. 1; 0 at the end; -1
 * with *error, which then stays. */
int scoop_change_blocks_next(struct scoop_change_blocks *blocks, const unsigned char **data,
                             size_t *length, struct scoop_error *error);
/* Stops the other thread and waits for it. NULL is allowed. */
void scoop_change_blocks_free(struct scoop_change_blocks *blocks);

/* Fills *stream, which reads the changes in batches and holds a reference of its own until it is
 * released. 0, or -1 with NO_MEMORY. */
int scoop_changes_arrow(struct scoop_changes *changes, struct ArrowArrayStream *stream,
                        struct scoop_error *error);

#endif
