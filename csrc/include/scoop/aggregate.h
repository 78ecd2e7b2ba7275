/* Grouped counts of records: one pass over any number of sources, all groupings at once. */
#ifndef SCOOP_AGGREGATE_H
#define SCOOP_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/arrow.h"
#include "scoop/error.h"
#include "scoop/transfer.h"

#define SCOOP_AGGREGATE_MEMORY_LIMIT_BYTES                                                         \
    ((size_t)64 * 1024 * 1024) /* the default, less in a                                           \
                                   small cgroup */

enum { SCOOP_MOST_GROUPINGS = 32, SCOOP_MOST_GROUP_COLUMNS = 32, SCOOP_MOST_MEASURES = 32 };

/* What a field's value has to be. Numbers go by their value: 1, 1.0 and 1e0 are one. */
enum scoop_value_type {
    SCOOP_VALUE_STRING,  /* a string; of CSV any value */
    SCOOP_VALUE_INT,     /* a whole number of 32 bits */
    SCOOP_VALUE_BIGINT,  /* of 64 bits */
    SCOOP_VALUE_DOUBLE,  /* a number, rounded to 64 bits */
    SCOOP_VALUE_BOOLEAN, /* true or false */
    SCOOP_VALUE_JSON,    /* any value, as its canonical text (base/canonical.h) */
};

struct scoop_group_column {
    const char *field; /* a member's, or a CSV column's, name */
    enum scoop_value_type type;
    const char *name; /* in the result */
};

struct scoop_grouping {
    const char *name;
    const struct scoop_group_column *columns;
    size_t count;
};

enum scoop_measure_kind { SCOOP_COUNT, SCOOP_SUM, SCOOP_MIN, SCOOP_MAX };

struct scoop_measure {
    enum scoop_measure_kind kind;
    struct scoop_group_column column; /* field NULL: COUNT of records; SUM, MIN, MAX: of numbers */
};

struct scoop_aggregate_options {
    const struct scoop_grouping *groupings;
    size_t grouping_count;
    const struct scoop_measure *measures;
    size_t measure_count;
    bool reject_missing;    /* a record that lacks a field, or has null; else that is NULL */
    bool reject_other_type; /* a record whose field is of another type than declared; else NULL */
    size_t top; /* of each grouping so many groups, those of the greatest first measure; the rest
                   is one group. 0: all */
    uint64_t max_rejected;
    bool keep_rejects; /* all of them, for a file; it may be full, which ends the run */
    size_t memory_limit_bytes;
    const char *temp_dir; /* NULL: $TMPDIR or /tmp */
};

struct scoop_aggregate_source_facts {
    uint64_t records, counted, rejected; /* records = counted + rejected, checked */
    uint64_t source_bytes, text_bytes;
    uint32_t retries;
    char etag[128];
};

struct scoop_aggregate_facts {
    uint64_t records, counted, rejected; /* of all sources so far */
    uint64_t missing, other_type;        /* values of fields that were read as NULL */
    uint64_t source_bytes, text_bytes, spilled_bytes;
    uint32_t retries;
    char first_reject[SCOOP_FIRST_REJECT_SIZE]; /* where it was, and what is wrong; or "" */
};

struct scoop_grouping_facts {
    const char *name;
    uint64_t groups;  /* those of the rest included */
    uint64_t records; /* the sum of their counts, which is the number of records counted */
    uint64_t other_groups, other_records; /* beyond `top` */
};

enum scoop_aggregate_state {
    SCOOP_AGGREGATE_RUNNING,
    SCOOP_AGGREGATE_READ, /* the first of the sources has been counted: take its facts */
    SCOOP_AGGREGATE_DONE,
    SCOOP_AGGREGATE_FAILED,
};

struct scoop_aggregate;
struct scoop_aggregated; /* the result */

/* Copies the options. NULL with *error (USAGE, NO_MEMORY, NOT_FOUND or ACCESS_DENIED of temp_dir).
 */
struct scoop_aggregate *scoop_aggregate_new(const struct scoop_aggregate_options *options,
                                            struct scoop_error *error);
enum { SCOOP_AGGREGATE_AHEAD = 2 }; /* more open sources are not taken */
/* One more source, which a thread begins to read; format: JSONL, JSON_ARRAY, JSON_VALUES, CSV,
 * or RAW: an array of JSON where that is what begins, else values of JSON.
 * Strings are copied. 0, or -1 with *error. */
int scoop_aggregate_add(struct scoop_aggregate *aggregate,
                        const struct scoop_transfer_options *source, struct scoop_error *error);
/* Counts for about slice_ms: the first of the open sources (READ when it has ended), or, when none
 * is open and `finish` was called, what is left (DONE). FAILED stays. */
enum scoop_aggregate_state scoop_aggregate_run(struct scoop_aggregate *aggregate, int slice_ms,
                                               struct scoop_error *error);
/* After READ: the facts of that source, which is closed. */
void scoop_aggregate_close_source(struct scoop_aggregate *aggregate,
                                  struct scoop_aggregate_source_facts *facts);
/* No source follows. */
void scoop_aggregate_finish(struct scoop_aggregate *aggregate);
/* Makes run end in CANCELLED. Any thread. */
void scoop_aggregate_cancel(struct scoop_aggregate *aggregate);
void scoop_aggregate_facts(const struct scoop_aggregate *aggregate,
                           struct scoop_aggregate_facts *facts);
/* Rejected records as JSON lines, as in a reject file: all of them with keep_rejects. Borrowed. */
const struct scoop_buf *scoop_aggregate_rejects(const struct scoop_aggregate *aggregate);
/* After DONE: the result, which the caller gives back. */
struct scoop_aggregated *scoop_aggregate_result(struct scoop_aggregate *aggregate);
/* Stops the threads and waits for them. NULL is allowed. */
void scoop_aggregate_free(struct scoop_aggregate *aggregate);

/* The result never changes; any thread reads it, any number of times. Rows come in the order of
 * their columns, NULL first, texts by their bytes; the rest beyond `top` comes last. */
struct scoop_aggregated *scoop_aggregated_hold(struct scoop_aggregated *result);
void scoop_aggregated_give(struct scoop_aggregated *result);
size_t scoop_aggregated_count(const struct scoop_aggregated *result);
void scoop_aggregated_facts(const struct scoop_aggregated *result, size_t grouping,
                            struct scoop_grouping_facts *facts);
/* The stream holds the result. 0, or -1 with NO_MEMORY. */
int scoop_aggregated_arrow(struct scoop_aggregated *result, size_t grouping,
                           struct ArrowArrayStream *out, struct scoop_error *error);
struct scoop_groups_reader;
struct scoop_groups_reader *scoop_aggregated_reader(struct scoop_aggregated *result,
                                                    size_t grouping, struct scoop_error *error);
/* Appends rows as JSON lines until there are `at_least` bytes: 1, 0 at the end, -1. */
int scoop_groups_read_json(struct scoop_groups_reader *reader, size_t at_least,
                           struct scoop_buf *out, struct scoop_error *error);
void scoop_groups_reader_free(struct scoop_groups_reader *reader);

#endif
