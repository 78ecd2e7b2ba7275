/* Drives the comparison of two exports: reads both, compares, and looks at the result. */
#include "base/error_facts.h"
#include "base/record_place.h"
#include "base/clock.h"
#include "scoop/delta.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory_ceiling.h"
#include "copy/places.h"
#include "delta/export.h"
#include "net/http.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "table/changes/change_length.h"
#include "table/changes/changed_columns.h"
#include "table/changes/rearrange.h"
#include "table/compare/compare.h"
#include "table/rows/column_case.h"
#include "table/rows/row_limit.h"
#include "table/rows/open_plan.h"
#include "text/example.h"
#include "text/text.h"

enum {
    LEAST_MEMORY_BYTES = 16 * 1024 * 1024,
    OTHER_MEMORY_BYTES = 14 * 1024 * 1024, /* batches, inflating, blocks on their way to disk */
    LEAST_SOURCE_BYTES = 8 * 1024 * 1024,  /* of what is fetched from S3, on each side */
    MOST_EXAMPLES = 3,
    EXAMPLE_BYTES = 160,
    SHOWN_SIZE = 64,
    WAIT_MS = 50,
};

enum phase { STARTING, PLANNING, COMPARING, ARRANGING, COUNTING, MEASURING, DONE, FAILED };

struct scoop_delta {
    struct scoop_delta_options options; /* keys and sides are not kept */
    char **keys;
    enum phase phase, told_phase; /* the latter in the trace */
    atomic_bool cancelled;
    struct scoop_bell bell;
    struct scoop_export *sides[SCOOP_DELTA_SIDES]; /* old: NULL when there is none */
    struct scoop_changes *changes;
    struct scoop_scratch scratch; /* of the comparison, given back when it is done */
    struct scoop_compare *compare;
    struct scoop_open_plan open; /* of JSON lines */
    struct scoop_rearrange *rearrange;
    struct scoop_changed_columns counting;
    struct scoop_change_length measuring;
    struct scoop_delta_counts counts;
    struct scoop_batch nothing; /* the only batch of an old export that is not there */
    bool ended[SCOOP_DELTA_SIDES];
    unsigned examples; /* of keys that several rows have */
    char example_key[EXAMPLE_BYTES];
    const char *example_source;
    uint64_t example_line; /* of the first; 0: unknown */
    char example_text[MOST_EXAMPLES * (EXAMPLE_BYTES + 600)];
    size_t example_length;
    struct scoop_error error;
};

static int check_options(const struct scoop_delta_options *options, struct scoop_error *error) {
    if (options->key_count == 0)
        return scoop_fail(error, SCOOP_USAGE, "a delta needs at least one key column");
    for (size_t i = 0; i < options->key_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(options->keys[i], options->keys[j]) == 0)
                return scoop_fail(error, SCOOP_USAGE, "the key column \"%s\" is given twice",
                                  options->keys[i]);
    if (options->sides[SCOOP_NEW] == NULL || options->sides[SCOOP_NEW]->source.uri == NULL)
        return scoop_fail(error, SCOOP_USAGE, "a delta needs a new export");
    if (options->memory_limit_bytes != 0 && options->memory_limit_bytes < LEAST_MEMORY_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "memory_limit %zu is less than the least, %d",
                          options->memory_limit_bytes, LEAST_MEMORY_BYTES);
    if (!(options->max_delete_ratio >= 0.0 && options->max_delete_ratio <= 1.0))
        return scoop_fail(error, SCOOP_USAGE, "max_delete_ratio %g is not between 0 and 1",
                          options->max_delete_ratio);
    if (options->limits_updates &&
        !(options->max_update_ratio >= 0.0 && options->max_update_ratio <= 1.0))
        return scoop_fail(error, SCOOP_USAGE, "max_update_ratio %g is not between 0 and 1",
                          options->max_update_ratio);
    return 0;
}

static int copy_keys(struct scoop_delta *delta, const struct scoop_delta_options *options,
                     struct scoop_error *error) {
    delta->keys = scoop_calloc(options->key_count, sizeof *delta->keys);
    for (size_t i = 0; delta->keys != NULL && i < options->key_count; i++)
        if ((delta->keys[i] = scoop_strdup(options->keys[i])) == NULL)
            return scoop_fail_memory(error);
    return delta->keys == NULL ? scoop_fail_memory(error) : 0;
}

/* What each S3 source may take of the memory; 0 for the others. */
static size_t source_bytes(const struct scoop_delta_options *options, int side) {
    const struct scoop_transfer_options *transfer = options->sides[side];
    if (transfer == NULL || !scoop_place_is_s3(transfer->source.uri))
        return 0;
    size_t part = options->memory_limit_bytes / 8;
    return part < LEAST_SOURCE_BYTES ? LEAST_SOURCE_BYTES : part;
}

static void note_duplicate(void *user, enum scoop_side side, const struct scoop_row_bytes *row,
                           uint64_t line);

/* JSON lines of this side have more columns. */
static int meet_columns(struct scoop_delta *delta, enum scoop_side side,
                        const struct scoop_columns *columns, struct scoop_error *error) {
    struct scoop_row_plan *plan = &delta->changes->plans[side];
    if (scoop_open_plan_meet(&delta->open, side, columns, error) != 0 ||
        scoop_open_plan_show(&delta->open, side, plan, error) != 0)
        return -1;
    scoop_export_set_plan(delta->sides[side], plan);
    return 0;
}

/* A side has ended: are both, their columns are known at last. */
static int end_side(struct scoop_delta *delta, enum scoop_side side, struct scoop_error *error) {
    delta->ended[side] = true;
    return delta->changes->json && delta->ended[SCOOP_OLD] && delta->ended[SCOOP_NEW]
               ? scoop_open_plan_check(&delta->open, error)
               : 0;
}

static enum scoop_next next_batch(void *user, enum scoop_side side, struct scoop_batch **batch,
                                  struct scoop_error *error) {
    struct scoop_delta *delta = user;
    struct scoop_export *export = delta->sides[side];
    *batch = &delta->nothing;
    int status = export == NULL ? 1 : scoop_export_next(export, batch, error);
    if (status < 0)
        return SCOOP_NEXT_FAILED;
    if (status == 0) {
        const struct scoop_columns *columns = scoop_export_new_columns(export);
        return columns != NULL && meet_columns(delta, side, columns, error) != 0 ? SCOOP_NEXT_FAILED
                                                                                 : SCOOP_NEXT_WAIT;
    }
    return (*batch)->last && end_side(delta, side, error) != 0 ? SCOOP_NEXT_FAILED
                                                               : SCOOP_NEXT_BATCH;
}

static int make_compare(struct scoop_delta *delta, struct scoop_error *error) {
    size_t limit = delta->options.memory_limit_bytes;
    size_t taken = OTHER_MEMORY_BYTES + limit / 8; /* and what the allocator cannot use */
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        taken += source_bytes(&delta->options, side);
    size_t left = limit > taken + taken / 4 ? limit - taken : taken / 4;
    delta->changes->room.most_bytes = scoop_default_memory_bytes(left, 0);
    scoop_scratch_bound(&delta->scratch, &delta->changes->room);
    scoop_scratch_bound(&delta->changes->scratch, &delta->changes->room);
    const struct scoop_compare_options options = {
        .scratch = &delta->scratch,
        .cancelled = &delta->cancelled,
        .counts = &delta->counts,
        .plans = delta->changes->plans,
        .changes = &delta->changes->spools[0],
        .one_side = &delta->changes->spools[1],
        .memory_bytes = delta->scratch.in_memory ? left / 2 : left,
        .keep_last = delta->options.keep_last,
        .next = next_batch,
        .on_duplicate = delta->options.keep_last ? NULL : note_duplicate,
        .user = delta,
    };
    delta->compare = scoop_compare_new(&options, error);
    return delta->compare == NULL ? -1 : 0;
}

static int set_up(struct scoop_delta *delta, const struct scoop_delta_options *options,
                  struct scoop_error *error) {
    if (delta->options.memory_limit_bytes == 0)
        delta->options.memory_limit_bytes =
            scoop_default_memory_bytes(SCOOP_DELTA_MEMORY_LIMIT_BYTES, LEAST_MEMORY_BYTES);
    delta->changes = scoop_changes_new(options->temp_dir, options->version, options->stamp, error);
    if (delta->changes == NULL ||
        scoop_scratch_init(&delta->scratch, options->temp_dir, error) != 0 ||
        copy_keys(delta, options, error) != 0 || make_compare(delta, error) != 0)
        return -1;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        const struct scoop_export_options export = {
            .objects = options->sides[side],
            .count = options->side_objects[side] == 0 ? 1 : options->side_objects[side],
            .format = options->format,
            .memory_bytes = source_bytes(&delta->options, side),
            .numbers_by_value = options->numbers_by_value,
            .max_record_bytes = options->max_record_bytes,
            .stamp_bytes = scoop_changes_stamp_bytes(delta->changes),
            .bell = &delta->bell,
        };
        if (export.objects == NULL)
            continue;
        delta->sides[side] = scoop_export_new(&export, error);
        if (delta->sides[side] == NULL)
            return -1;
    }
    return 0;
}

static void init_bell(struct scoop_bell *bell) {
    pthread_mutex_init(&bell->lock, NULL);
    scoop_timed_condition_init(&bell->rung);
}

struct scoop_delta *scoop_delta_new(const struct scoop_delta_options *options,
                                    struct scoop_error *error) {
    if (check_options(options, error) != 0)
        return NULL;
    struct scoop_delta *delta = scoop_calloc(1, sizeof *delta);
    if (delta == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    delta->options = *options;
    delta->nothing.last = delta->nothing.sorted[SCOOP_ORDER_BYTES] = true;
    delta->nothing.sorted[SCOOP_ORDER_NUMBERS] = true;
    init_bell(&delta->bell);
    int status = set_up(delta, options, error);
    /* They belong to the caller and are not looked at any more. */
    memset(delta->options.sides, 0, sizeof delta->options.sides);
    delta->options.keys = NULL;
    if (status == 0)
        return delta;
    scoop_delta_free(delta);
    return NULL;
}

static void print_key(const struct scoop_delta *delta, enum scoop_side side,
                      const struct scoop_row_bytes *row, char *to, size_t size) {
    const struct scoop_row_plan *plan = &delta->changes->plans[side];
    size_t length = 0;
    for (size_t i = 0; i < plan->key_count; i++) {
        const char *name = plan->names.names[plan->key_places[i]];
        const struct scoop_value value =
            scoop_row_value(row->data, row->length, plan->key_places[i]);
        char shown_name[SHOWN_SIZE], shown[SHOWN_SIZE];
        scoop_example(shown_name, sizeof shown_name, name, strlen(name));
        scoop_value_show(&value, delta->changes->json, shown, sizeof shown);
        length += scoop_text_print(to + length, size - length, "%s%s=%s", i > 0 ? ", " : "",
                                   shown_name, shown);
    }
}

/* key on line 7 of NAME; the line is known unless the row came back from a temporary file. */
static void note_duplicate(void *user, enum scoop_side side, const struct scoop_row_bytes *row,
                           uint64_t line) {
    struct scoop_delta *delta = user;
    char key[EXAMPLE_BYTES], where[48] = "";
    if (delta->examples == MOST_EXAMPLES)
        return;
    print_key(delta, side, row, key, sizeof key);
    const char *name = scoop_export_name_of(delta->sides[side], &line);
    if (line > 0)
        snprintf(where, sizeof where, " on line %llu", (unsigned long long)line);
    size_t room = sizeof delta->example_text - delta->example_length;
    delta->example_length +=
        scoop_text_print(delta->example_text + delta->example_length, room, "%s%s%s of %.200s",
                         delta->examples > 0 ? "; " : "", key, where, name);
    if (delta->examples++ > 0)
        return;
    memcpy(delta->example_key, key, sizeof key);
    delta->example_source = name;
    delta->example_line = line;
}

static void start(struct scoop_delta *delta) {
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL)
            scoop_export_start(delta->sides[side]);
    delta->phase = PLANNING;
}

/* Of JSON lines, with the columns of the first rows; more may follow. */
static int open_plan(struct scoop_delta *delta, const struct scoop_plan_options *options,
                     struct scoop_error *error) {
    size_t most = delta->options.max_record_bytes;
    scoop_open_plan_init(&delta->open, options, most == 0 ? SCOOP_MAX_RECORD_BYTES : most);
    if ((options->new_columns != NULL &&
         scoop_open_plan_meet(&delta->open, SCOOP_NEW, options->new_columns, error) != 0) ||
        (options->old_columns != NULL &&
         scoop_open_plan_meet(&delta->open, SCOOP_OLD, options->old_columns, error) != 0))
        return -1;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL &&
            scoop_open_plan_show(&delta->open, (enum scoop_side)side, &delta->changes->plans[side],
                                 error) != 0)
            return -1;
    return 0;
}

static int check_case(const struct scoop_delta *delta, const struct scoop_columns *columns,
                      int side, struct scoop_error *error) {
    return delta->options.any_case
               ? 0
               : scoop_columns_check_case(columns, scoop_export_name(delta->sides[side]), error);
}

/* Once the columns of both are known. */
static int plan(struct scoop_delta *delta, struct scoop_error *error) {
    const struct scoop_columns *columns[SCOOP_DELTA_SIDES] = {NULL, NULL};
    const char *names[SCOOP_DELTA_SIDES] = {NULL, NULL};
    bool json[SCOOP_DELTA_SIDES] = {false, false};
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        if (delta->sides[side] == NULL)
            continue;
        names[side] = scoop_export_name(delta->sides[side]);
        int status = scoop_export_columns(delta->sides[side], &columns[side], &json[side], error);
        if (status <= 0)
            return status;
    }
    if (names[SCOOP_OLD] != NULL && json[SCOOP_OLD] != json[SCOOP_NEW])
        return scoop_fail(error, SCOOP_USAGE, "%.200s is %s, %.200s is %s: both must be one format",
                          names[0], json[0] ? "JSON lines" : "CSV", names[1],
                          json[1] ? "JSON lines" : "CSV");
    const struct scoop_plan_options options = {
        .old_columns = columns[SCOOP_OLD],
        .new_columns = columns[SCOOP_NEW],
        .keys = (const char *const *)delta->keys,
        .key_count = delta->options.key_count,
        .empty_parts = delta->options.empty_keys,
        .schema_change = delta->options.schema_change,
        .drop_gone = delta->options.drop_gone,
        .any_case = delta->options.any_case,
        .old_name = names[SCOOP_OLD],
        .new_name = names[SCOOP_NEW],
    };
    delta->changes->json = json[SCOOP_NEW];
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (columns[side] != NULL && check_case(delta, columns[side], side, error) != 0)
            return -1;
    if ((json[SCOOP_NEW] ? open_plan(delta, &options, error)
                         : scoop_row_plans(&options, delta->changes->plans, error)) != 0)
        return -1;
    if (!json[SCOOP_NEW] && scoop_changes_note_schema(delta->changes, &options, error) != 0)
        return -1;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL)
            scoop_export_set_plan(delta->sides[side], &delta->changes->plans[side]);
    delta->phase = COMPARING;
    return 1;
}

/* The comparison is done: JSON lines get the columns that they would have had if all had been known
 * before. */
static int close_plan(struct scoop_delta *delta, struct scoop_error *error) {
    struct scoop_row_plan *plans = delta->changes->plans;
    delta->phase = ARRANGING;
    if (!delta->changes->json)
        return 1;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        scoop_row_plan_free(&plans[side]);
    const struct scoop_plan_options options = scoop_open_plan_options(&delta->open);
    if (scoop_open_plan_close(&delta->open, plans, error) != 0 ||
        scoop_changes_note_schema(delta->changes, &options, error) != 0)
        return -1;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL && check_case(delta, &plans[side].names, side, error) != 0)
            return -1;
    if (plans[SCOOP_OLD].as_it_is && plans[SCOOP_NEW].as_it_is)
        return 1;
    delta->rearrange = scoop_rearrange_new(delta->changes, delta->open.all.count, error);
    return delta->rearrange == NULL ? -1 : 1;
}

static int check_sums(const struct scoop_delta_counts *counts, const uint64_t *rows,
                      struct scoop_error *error) {
    uint64_t both = counts->updated + counts->unchanged;
    if (rows[SCOOP_OLD] == both + counts->deleted + counts->duplicates[SCOOP_OLD] &&
        rows[SCOOP_NEW] == both + counts->inserted + counts->duplicates[SCOOP_NEW])
        return 0;
    scoop_fail(error, SCOOP_COUNT_MISMATCH,
               "%llu old and %llu new rows do not add up to %llu updated, %llu unchanged, "
               "%llu deleted, %llu inserted and %llu + %llu duplicates",
               (unsigned long long)rows[SCOOP_OLD], (unsigned long long)rows[SCOOP_NEW],
               (unsigned long long)counts->updated, (unsigned long long)counts->unchanged,
               (unsigned long long)counts->deleted, (unsigned long long)counts->inserted,
               (unsigned long long)counts->duplicates[SCOOP_OLD],
               (unsigned long long)counts->duplicates[SCOOP_NEW]);
    uint64_t old_parts = both + counts->deleted + counts->duplicates[SCOOP_OLD];
    uint64_t new_parts = both + counts->inserted + counts->duplicates[SCOOP_NEW];
    return rows[SCOOP_OLD] == old_parts
               ? scoop_error_counts(error, "new rows", (int64_t)rows[SCOOP_NEW], (int64_t)new_parts)
               : scoop_error_counts(error, "old rows", (int64_t)rows[SCOOP_OLD],
                                    (int64_t)old_parts);
}

/* Which limit an export is beyond; its value is to follow. Returns -1. */
static int note_limit(struct scoop_error *error, const char *limit_name, uint64_t old_rows,
                      uint64_t new_rows) {
    scoop_error_text(error, SCOOP_FACT_LIMIT_NAME, limit_name);
    scoop_error_number(error, SCOOP_FACT_OLD_ROWS, (int64_t)old_rows);
    scoop_error_number(error, SCOOP_FACT_NEW_ROWS, (int64_t)new_rows);
    return -1;
}

static int note_ratio(struct scoop_error *error, double limit, enum scoop_fact counted,
                      uint64_t rows, double ratio) {
    scoop_error_ratio(error, SCOOP_FACT_LIMIT, limit);
    scoop_error_number(error, counted, (int64_t)rows);
    scoop_error_ratio(error, SCOOP_FACT_RATIO, ratio);
    return -1;
}

/* Those that changed in most rows, as "a (3 rows), b (2 rows)". */
static void list_updated(const struct scoop_changes *changes, char *text, size_t size) {
    uint64_t below = UINT64_MAX;
    size_t count = scoop_changes_columns(changes), shown = 0, used = 0;
    text[0] = 0;
    while (shown < MOST_EXAMPLES && used + 1 < size) {
        uint64_t most = 0, rows;
        for (size_t i = 0; i < count; i++)
            if (scoop_changes_column(changes, i, &rows) != NULL && rows < below && rows > most)
                most = rows;
        for (size_t i = 0; i < count && most > 0 && shown < MOST_EXAMPLES; i++) {
            const char *name = scoop_changes_column(changes, i, &rows);
            if (rows == most)
                used += scoop_text_print(text + used, size - used, "%s%.60s (%llu rows)",
                                         shown++ > 0 ? ", " : "", name, (unsigned long long)rows);
        }
        if (most == 0)
            break;
        below = most;
    }
}

static int check_updates(const struct scoop_delta *delta, uint64_t old_rows, uint64_t new_rows,
                         struct scoop_error *error) {
    uint64_t updated = delta->counts.updated;
    double ratio = old_rows == 0 ? 0.0 : (double)updated / (double)old_rows;
    char columns[300];
    if (!delta->options.limits_updates || ratio <= delta->options.max_update_ratio)
        return 0;
    list_updated(delta->changes, columns, sizeof columns);
    scoop_fail(error, SCOOP_SUSPECT_EXPORT,
               "%.300s changes %llu of %llu rows: updates of %.1f %%, more than "
               "max_update_ratio, %g; most changed: %s; if that is right, approve it with "
               "a higher max_update_ratio",
               scoop_export_name(delta->sides[SCOOP_NEW]), (unsigned long long)updated,
               (unsigned long long)old_rows, 100.0 * ratio, delta->options.max_update_ratio,
               columns);
    note_limit(error, "max_update_ratio", old_rows, new_rows);
    return note_ratio(error, delta->options.max_update_ratio, SCOOP_FACT_UPDATED, updated, ratio);
}

static int check_size(const struct scoop_delta *delta, const uint64_t *rows,
                      struct scoop_error *error) {
    const char *name = scoop_export_name(delta->sides[SCOOP_NEW]);
    uint64_t old_rows = rows[SCOOP_OLD] - delta->counts.duplicates[SCOOP_OLD];
    uint64_t deleted = delta->counts.deleted;
    double ratio = old_rows == 0 ? 0.0 : (double)deleted / (double)old_rows;
    if (rows[SCOOP_NEW] < delta->options.min_rows) {
        scoop_fail(error, SCOOP_SUSPECT_EXPORT,
                   "%.300s has %llu rows, fewer than min_rows, %llu; if that is right, "
                   "approve it with a lower min_rows%s",
                   name, (unsigned long long)rows[SCOOP_NEW],
                   (unsigned long long)delta->options.min_rows,
                   deleted > 0 ? " (and, for its deletes, max_delete_ratio=1)" : "");
        scoop_error_number(error, SCOOP_FACT_LIMIT, (int64_t)delta->options.min_rows);
        scoop_error_number(error, SCOOP_FACT_DELETED, (int64_t)deleted);
        return note_limit(error, "min_rows", old_rows, rows[SCOOP_NEW]);
    }
    if (ratio > delta->options.max_delete_ratio) {
        scoop_fail(error, SCOOP_SUSPECT_EXPORT,
                   "%.300s lacks %llu of %llu rows: deletes of %.1f %%, more than "
                   "max_delete_ratio, %g; if that is right, approve it with a higher "
                   "max_delete_ratio",
                   name, (unsigned long long)deleted, (unsigned long long)old_rows, 100.0 * ratio,
                   delta->options.max_delete_ratio);
        note_limit(error, "max_delete_ratio", old_rows, rows[SCOOP_NEW]);
        return note_ratio(error, delta->options.max_delete_ratio, SCOOP_FACT_DELETED, deleted,
                          ratio);
    }
    return check_updates(delta, old_rows, rows[SCOOP_NEW], error);
}

/* Rows were looked at as they came; what many names add is seen of the changes alone. */
static void begin_measuring(struct scoop_delta *delta) {
    size_t most = delta->options.max_record_bytes;
    struct scoop_row_limit limit = {.json = delta->changes->json};
    limit.stamp_bytes = scoop_changes_stamp_bytes(delta->changes);
    limit.most_bytes = most == 0 ? SCOOP_MAX_RECORD_BYTES : most;
    bool proof = true;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        limit.plan = &delta->changes->plans[side];
        proof = proof && scoop_row_limit_is_proof(&limit);
    }
    delta->phase = proof ? DONE : MEASURING;
    if (!proof)
        scoop_change_length_begin(&delta->measuring, delta->changes, limit.most_bytes);
}

static int measure(struct scoop_delta *delta, struct scoop_error *error) {
    int status = scoop_change_length_step(&delta->measuring, error);
    if (status == 0)
        delta->phase = DONE;
    return status < 0 ? -1 : 1;
}

static int note_example(const struct scoop_delta *delta, struct scoop_error *error) {
    if (delta->examples > 0) {
        scoop_error_text(error, SCOOP_FACT_KEY, delta->example_key);
        scoop_error_line(error, delta->example_source, delta->example_line);
    }
    return -1;
}

static int look_at_result(struct scoop_delta *delta, struct scoop_error *error) {
    struct scoop_compare_facts facts;
    uint64_t duplicates = delta->counts.duplicates[SCOOP_OLD] + delta->counts.duplicates[SCOOP_NEW];
    scoop_compare_facts(delta->compare, &facts);
    if (duplicates > 0 && !delta->options.keep_last) {
        scoop_fail(error, SCOOP_DUPLICATE_KEY,
                   "%llu rows have a key that an earlier row of their export has%s%s%s; "
                   "if the last such row is the right one: on_duplicates=\"last\"",
                   (unsigned long long)duplicates, delta->examples > 0 ? ": " : "",
                   delta->examples > 0 ? delta->example_text
                                       : "; which is not known any more, as both exports "
                                         "have the same rows twice, far apart",
                   delta->examples > 0 && duplicates > delta->examples ? "; …" : "");
        return note_example(delta, error);
    }
    if (check_sums(&delta->counts, facts.rows, error) != 0 ||
        check_size(delta, facts.rows, error) != 0 ||
        scoop_changes_prepare(delta->changes, error) != 0)
        return -1;
    begin_measuring(delta);
    return 1;
}

static int count_columns(struct scoop_delta *delta, struct scoop_error *error) {
    int status = scoop_changed_columns_step(&delta->counting, error);
    if (status != 0)
        return status;
    scoop_changed_columns_free(&delta->counting);
    return look_at_result(delta, error);
}

static int arrange(struct scoop_delta *delta, struct scoop_error *error) {
    uint64_t same = 0;
    int status =
        delta->rearrange == NULL ? 1 : scoop_rearrange_step(delta->rearrange, &same, error);
    if (status <= 0)
        return status < 0 ? -1 : 1;
    delta->counts.updated -= same;
    delta->counts.unchanged += same;
    delta->phase = COUNTING;
    return scoop_changed_columns_begin(&delta->counting, delta->changes, error) == 0 ? 1 : -1;
}

/* 1: something moved, 0: waiting, -1. */
static int step(struct scoop_delta *delta, struct scoop_error *error) {
    if (atomic_load(&delta->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
    switch (delta->phase) {
    case STARTING:
        start(delta);
        return 1;
    case PLANNING:
        return plan(delta, error);
    case COMPARING:
        break;
    case ARRANGING:
        return arrange(delta, error);
    case COUNTING:
        return count_columns(delta, error);
    case MEASURING:
        return measure(delta, error);
    default:
        return 1;
    }
    switch (scoop_compare_step(delta->compare, error)) {
    case SCOOP_COMPARE_MOVED:
        return 1;
    case SCOOP_COMPARE_WAITS:
        return 0;
    case SCOOP_COMPARE_DONE:
        scoop_scratch_free(&delta->scratch);
        return close_plan(delta, error);
    case SCOOP_COMPARE_FAILED:
        break;
    }
    return -1;
}

static uint64_t rings(struct scoop_bell *bell) {
    pthread_mutex_lock(&bell->lock);
    uint64_t count = bell->rings;
    pthread_mutex_unlock(&bell->lock);
    return count;
}

static void wait_for_ring(struct scoop_bell *bell, uint64_t heard, int wait_ms) {
    struct timespec until = scoop_time_after_ms((uint64_t)(wait_ms < WAIT_MS ? wait_ms : WAIT_MS));
    pthread_mutex_lock(&bell->lock);
    while (bell->rings == heard)
        if (pthread_cond_timedwait(&bell->rung, &bell->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&bell->lock);
}

/* What the comparison waits for, where a side has no thread that does it: each is given a step. */
static bool go_on_alone(struct scoop_delta *delta) {
    bool any = false;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL && scoop_export_go_on_alone(delta->sides[side]))
            any = true;
    return any;
}

static void stop_sides(struct scoop_delta *delta) {
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        if (delta->sides[side] != NULL)
            scoop_export_stop(delta->sides[side]);
}

static void trace_phase(struct scoop_delta *delta) {
    static const char *const names[] = {"starting", "planning",  "comparing", "arranging",
                                        "counting", "measuring", "done",      "failed"};
    if (delta->told_phase == delta->phase)
        return;
    delta->told_phase = delta->phase;
    SCOOP_TRACE(
        "delta", "%s: %.150s%s%s, %llu bytes of temporary files", names[delta->phase],
        scoop_export_name(delta->sides[SCOOP_NEW]), delta->phase == FAILED ? ", " : "",
        delta->phase == FAILED ? scoop_code_name(delta->error.code) : "",
        (unsigned long long)(delta->scratch.length_bytes + delta->changes->scratch.length_bytes));
}

enum scoop_delta_state scoop_delta_run(struct scoop_delta *delta, int slice_ms,
                                       struct scoop_error *error) {
    uint64_t begun = scoop_now_ms(), now = begun;
    while (delta->phase < DONE && now - begun < (uint64_t)slice_ms) {
        uint64_t heard = rings(&delta->bell);
        int status = step(delta, &delta->error);
        if (status < 0) {
            delta->phase = FAILED;
            stop_sides(delta);
        } else if (status == 0 && !go_on_alone(delta)) {
            wait_for_ring(&delta->bell, heard, slice_ms - (int)(now - begun));
        }
        trace_phase(delta);
        now = scoop_now_ms();
    }
    if (delta->phase == FAILED)
        *error = delta->error;
    return delta->phase == DONE     ? SCOOP_DELTA_DONE
           : delta->phase == FAILED ? SCOOP_DELTA_FAILED
                                    : SCOOP_DELTA_RUNNING;
}

void scoop_delta_cancel(struct scoop_delta *delta) {
    atomic_store(&delta->cancelled, true);
}

void scoop_delta_facts(const struct scoop_delta *delta, struct scoop_delta_facts *facts) {
    struct scoop_compare_facts compared;
    memset(facts, 0, sizeof *facts);
    scoop_compare_facts(delta->compare, &compared);
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        if (delta->sides[side] != NULL)
            scoop_export_facts(delta->sides[side], &facts->sides[side]);
        facts->sides[side].rows = compared.rows[side];
        facts->sides[side].duplicates = delta->counts.duplicates[side];
    }
    facts->inserted = delta->counts.inserted;
    facts->updated = delta->counts.updated;
    facts->deleted = delta->counts.deleted;
    facts->unchanged = delta->counts.unchanged;
    facts->json = delta->changes->json;
    facts->sorted = compared.merged;
    facts->spilled_bytes = delta->scratch.length_bytes + delta->changes->scratch.length_bytes;
}

struct scoop_changes *scoop_delta_changes(struct scoop_delta *delta) {
    return scoop_changes_hold(delta->changes);
}

void scoop_delta_free(struct scoop_delta *delta) {
    if (delta == NULL)
        return;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        scoop_export_free(delta->sides[side]);
    scoop_compare_free(delta->compare);
    scoop_changed_columns_free(&delta->counting);
    scoop_change_length_free(&delta->measuring);
    scoop_rearrange_free(delta->rearrange);
    scoop_open_plan_free(&delta->open);
    scoop_scratch_free(&delta->scratch);
    for (size_t i = 0; delta->keys != NULL && i < delta->options.key_count; i++)
        scoop_free(delta->keys[i]);
    scoop_free(delta->keys);
    scoop_changes_give(delta->changes);
    pthread_cond_destroy(&delta->bell.rung);
    pthread_mutex_destroy(&delta->bell.lock);
    scoop_free(delta);
}
