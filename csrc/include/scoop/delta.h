/* The delta of two exports of a table: what was inserted, updated and deleted, by key. */
#ifndef SCOOP_DELTA_H
#define SCOOP_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/changes.h"
#include "scoop/error.h"
#include "scoop/transfer.h"

/* AUTO: by the name (.csv, .jsonl, .ndjson, .json, each also with .gz), else by the first byte. */
enum scoop_table_format {
    SCOOP_TABLE_FORMAT_AUTO,
    SCOOP_TABLE_FORMAT_CSV,
    SCOOP_TABLE_FORMAT_JSONL
};

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
    bool keep_last;  /* of rows of one export with one key the last counts; else an error */
    bool empty_keys; /* a part of a key of several columns may be NULL or empty, if not all are */
    enum scoop_schema_change schema_change;
    bool drop_gone; /* of schema_change ALL: columns that are gone are in no row; else they are NULL
                     */
    bool any_case;  /* columns may be equal but for case */
    bool numbers_by_value;   /* JSON: 1.0 and 1.00 are equal, not in the key alone */
    bool any_deletes;        /* max_delete_ratio does not hold */
    double max_delete_ratio; /* more deletes, as a part of the old rows, are SUSPECT_EXPORT */
    bool limits_updates;     /* max_update_ratio holds */
    double max_update_ratio; /* the same of updates */
    uint64_t min_rows;       /* fewer rows in the new export are SUSPECT_EXPORT */
    size_t memory_limit_bytes;
    size_t max_record_bytes; /* 0: SCOOP_MAX_RECORD_BYTES */
    const char *temp_dir;    /* NULL: $TMPDIR or /tmp */
    const char *version;     /* goes into the ids; NULL: "" */
    const char *stamp;       /* members of each change, as JSON text; NULL or "": none */
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
    bool json;              /* the exports are JSON lines, not CSV */
    bool sorted;            /* both exports came in the order of their keys and were merged */
    uint64_t spilled_bytes; /* written to temporary files */
};

struct scoop_delta;

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

#endif
