#include <string.h>

#include "base/invariant.h"
#include "base/thread.h"
#include "copy/places.h"
#include "delta/reading_internal.h"
#include "net/http.h"
#include "scoop/memory.h"
#include "text/text.h"

enum {
    LEAST_WAITING = 2,
    MOST_WAITING_ROWS = 16384,
    MEMORY_CEILING = 1 << 30, /* as a batch's: they change places */
    SLICE_MS = 100,
    ALONE_MS = 10,
    PROCESSORS_FOR_MORE_THREADS = 4, /* two that inflate, two that make rows */
};

static void lock(struct scoop_reading *reading) {
    pthread_mutex_lock(&reading->options.bell->lock);
}

static void ring_and_unlock(struct scoop_reading *reading) {
    reading->options.bell->rings++;
    pthread_cond_broadcast(&reading->options.bell->rung);
    pthread_mutex_unlock(&reading->options.bell->lock);
}

static void wait_locked(struct scoop_reading *reading) {
    pthread_cond_wait(&reading->options.bell->rung, &reading->options.bell->lock);
}

static int fail_stopped(struct scoop_error *error) {
    return scoop_fail(error, SCOOP_CANCELLED, "the comparison was cancelled");
}

/* Of short rows fewer batches wait: what stands for a row is longer than such a row. */
static struct scoop_batch *free_batch_locked(struct scoop_reading *reading) {
    struct scoop_batch *found = NULL;
    size_t busy = 0, rows = 0;
    for (size_t i = 0; i < SCOOP_READING_BATCHES; i++) {
        if (reading->synced.busy[i]) {
            busy++;
            rows += reading->batches[i].count;
        } else if (found == NULL) {
            found = &reading->batches[i];
        }
    }
    return busy >= LEAST_WAITING && rows >= MOST_WAITING_ROWS ? NULL : found;
}

int scoop_reading_take_batch(struct scoop_reading *reading, struct scoop_error *error) {
    lock(reading);
    while (!reading->synced.stopped && (reading->filling = free_batch_locked(reading)) == NULL &&
           reading->started)
        wait_locked(reading);
    if (reading->filling != NULL)
        reading->synced.busy[reading->filling - reading->batches] = true;
    bool stopped = reading->synced.stopped;
    pthread_mutex_unlock(&reading->options.bell->lock);
    if (reading->filling != NULL)
        return 1;
    return stopped ? fail_stopped(error) : 0;
}

void scoop_reading_hand_over(struct scoop_reading *reading) {
    struct scoop_batch *batch = reading->filling;
    batch->last = reading->finished = reading->formed_last;
    reading->filling = NULL;
    lock(reading);
    if (SCOOP_INVARIANT(reading->synced.count < SCOOP_READING_BATCHES, &reading->synced.error)) {
        size_t at = (reading->synced.first + reading->synced.count++) % SCOOP_READING_BATCHES;
        reading->synced.ready[at] = batch;
    } else {
        reading->synced.failed = true;
    }
    ring_and_unlock(reading);
}

void scoop_reading_tell_columns(struct scoop_reading *reading) {
    reading->csv.plan = reading->rows.plan = NULL;
    lock(reading);
    reading->synced.columns_known = true;
    reading->synced.plan = NULL;
    ring_and_unlock(reading);
}

void scoop_reading_tell_empty(struct scoop_reading *reading) {
    reading->finished = true;
    lock(reading);
    reading->synced.columns_known = reading->synced.empty = true;
    ring_and_unlock(reading);
}

int scoop_reading_take_plan(struct scoop_reading *reading, struct scoop_error *error) {
    if (reading->csv.plan != NULL)
        return 1;
    lock(reading);
    while (reading->synced.plan == NULL && !reading->synced.stopped && reading->started)
        wait_locked(reading);
    reading->csv.plan = reading->rows.plan = reading->synced.plan;
    bool stopped = reading->synced.stopped;
    pthread_mutex_unlock(&reading->options.bell->lock);
    if (reading->csv.plan != NULL)
        return 1;
    return stopped ? fail_stopped(error) : 0;
}

static bool ends_with(const char *name, const char *suffix) {
    size_t length = strlen(name), most = strlen(suffix);
    return length >= most && strcmp(name + length - most, suffix) == 0;
}

/* AUTO when the name does not tell. */
static enum scoop_table_format format_by_name(const char *uri) {
    char name[512];
    size_t length = strcspn(uri, "?#");
    if (length >= sizeof name)
        return SCOOP_TABLE_FORMAT_AUTO;
    memcpy(name, uri, length);
    name[length] = 0;
    if (ends_with(name, ".gz"))
        name[length - 3] = 0;
    if (ends_with(name, ".csv"))
        return SCOOP_TABLE_FORMAT_CSV;
    if (ends_with(name, ".jsonl") || ends_with(name, ".ndjson") || ends_with(name, ".json"))
        return SCOOP_TABLE_FORMAT_JSONL;
    return SCOOP_TABLE_FORMAT_AUTO;
}

static bool is_stopped(struct scoop_reading *reading) {
    lock(reading);
    bool stopped = reading->synced.stopped;
    pthread_mutex_unlock(&reading->options.bell->lock);
    return stopped;
}

static void tell_facts(struct scoop_reading *reading) {
    struct scoop_transfer_facts facts;
    scoop_transfer_facts(reading->transfer, &facts);
    lock(reading);
    struct scoop_delta_side_facts *told = &reading->synced.facts;
    told->source_bytes = facts.counters.source_bytes;
    told->text_bytes = facts.counters.text_bytes;
    told->retries = facts.retries;
    memcpy(told->etag, facts.source_etag, sizeof told->etag);
    pthread_mutex_unlock(&reading->options.bell->lock);
}

static int receive(struct scoop_reading *reading, int slice_ms, struct scoop_error *error) {
    enum scoop_transfer_state state = scoop_transfer_run(reading->transfer, slice_ms, error);
    if (state == SCOOP_TRANSFER_FAILED)
        return -1;
    if (is_stopped(reading))
        return fail_stopped(error);
    if (state == SCOOP_TRANSFER_RUNNING)
        return 0;
    if (state == SCOOP_TRANSFER_DONE)
        tell_facts(reading); /* before the last rows, with which the comparison may end */
    return scoop_reading_pass_on(reading, state == SCOOP_TRANSFER_DONE, error);
}

/* Reads for a while and makes rows; no more is received before what is here has become rows. 1, 0:
 * alone, and rows must be taken, or the plan given, before it can go on, -1. */
static int read_on(struct scoop_reading *reading, int slice_ms, struct scoop_error *error) {
    if (!reading->waiting && receive(reading, slice_ms, error) != 0)
        return -1;
    int status = scoop_reading_make_rows(reading, error);
    reading->waiting = status == 0;
    return status;
}

/* The rows do not know whose they are. */
static void name_source(const struct scoop_reading *reading, struct scoop_error *error) {
    if (error->code == SCOOP_BAD_RECORD || error->code == SCOOP_UNSUPPORTED)
        scoop_error_name_source(error, scoop_reading_name(reading));
}

/* One step. False: it has to wait, has ended or has failed. */
static bool step(struct scoop_reading *reading, int slice_ms) {
    struct scoop_error error = {0};
    int status = read_on(reading, slice_ms, &error);
    if (status >= 0)
        return status > 0 && !reading->finished;
    reading->finished = true;
    name_source(reading, &error);
    tell_facts(reading);
    lock(reading);
    reading->synced.failed = true;
    reading->synced.error = error;
    ring_and_unlock(reading);
    return false;
}

static void *run(void *user) {
    while (step(user, SLICE_MS))
        ;
    return NULL;
}

/* A place that never makes a thread wait. */
static bool is_local(const char *uri) {
    return !scoop_place_is_http(uri) && !scoop_place_is_s3(uri) && strcmp(uri, "-") != 0;
}

/* The transfer makes plain CSV of it. */
static void read_dialect(struct scoop_reading *reading, struct scoop_transfer_options *transfer) {
    transfer->format = SCOOP_FORMAT_CSV;
    transfer->csv.for_rows = true;
    reading->options.format = SCOOP_TABLE_FORMAT_CSV;
    reading->csv.is_made = true;
    if (transfer->csv.columns != NULL)
        reading->csv.line = 0; /* of the header, which is not in the source */
}

/* Takes the names of columns that are told of JSON lines, which come as a row of CSV. 0 or -1. */
static int take_told(struct scoop_reading *reading, struct scoop_csv_dialect *dialect,
                     struct scoop_error *error) {
    struct scoop_csv csv;
    size_t used = 0, length;
    if (dialect->columns == NULL || dialect->no_header)
        return 0;
    length = strlen(dialect->columns);
    unsigned char *row = scoop_calloc(1, length + SCOOP_CSV_PADDING);
    if (row == NULL)
        return scoop_fail_memory(error);
    memcpy(row, dialect->columns, length);
    scoop_csv_init(&csv);
    int status = scoop_csv_header(&csv, row, length, true, &reading->told, &used, error);
    scoop_csv_free(&csv);
    scoop_free(row);
    dialect->columns = NULL;
    return status;
}

struct scoop_reading *scoop_reading_new(const struct scoop_reading_options *options,
                                        struct scoop_error *error) {
    struct scoop_reading *reading = scoop_calloc(1, sizeof *reading);
    if (reading == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    reading->options = *options;
    reading->options.transfer = NULL; /* the caller's */
    if (reading->options.max_record_bytes == 0)
        reading->options.max_record_bytes = SCOOP_MAX_RECORD_BYTES;
    scoop_buf_init(&reading->arrived, MEMORY_CEILING);
    scoop_buf_init(&reading->rest, MEMORY_CEILING);
    scoop_buf_init(&reading->over, MEMORY_CEILING);
    scoop_csv_init(&reading->csv);
    scoop_json_rows_init(&reading->rows);
    reading->rows.numbers_by_value = options->numbers_by_value;
    reading->key_case = options->transfer->key_case;
    reading->replace_invalid = reading->csv.replace_invalid = options->transfer->replace_invalid;
    for (size_t i = 0; i < SCOOP_READING_BATCHES; i++)
        scoop_batch_init(&reading->batches[i]);
    if (options->format == SCOOP_TABLE_FORMAT_AUTO)
        reading->options.format = format_by_name(options->transfer->source.uri);
    struct scoop_transfer_options transfer = *options->transfer;
    transfer.destination = (struct scoop_place){0};
    transfer.memory = &reading->arrived;
    transfer.format = SCOOP_FORMAT_RAW;
    if (take_told(reading, &transfer.csv, error) != 0) {
        scoop_reading_free(reading);
        return NULL;
    }
    if (!scoop_csv_dialect_is_default(&transfer.csv))
        read_dialect(reading, &transfer);
    transfer.compression = SCOOP_COMPRESSION_NONE;
    transfer.allow_plain = true;
    transfer.memory_limit_bytes = options->memory_bytes;
    transfer.one_thread =
        is_local(options->transfer->source.uri) && scoop_processors() < PROCESSORS_FOR_MORE_THREADS;
    reading->transfer = scoop_transfer_new(&transfer, error);
    if (reading->transfer != NULL)
        return reading;
    scoop_reading_free(reading);
    return NULL;
}

void scoop_reading_start(struct scoop_reading *reading) {
    reading->started = true; /* before the thread looks */
    if (!scoop_thread_start(&reading->thread, run, reading))
        reading->started = false;
}

bool scoop_reading_go_on_alone(struct scoop_reading *reading) {
    return !reading->started && !reading->finished && step(reading, ALONE_MS);
}

const char *scoop_reading_name(const struct scoop_reading *reading) {
    return scoop_transfer_source_name(reading->transfer);
}

int scoop_reading_columns(struct scoop_reading *reading, const struct scoop_columns **columns,
                          bool *json, struct scoop_error *error) {
    int status = 0;
    lock(reading);
    if (reading->synced.columns_known) {
        *columns = reading->synced.empty ? NULL : &reading->columns;
        *json = reading->json;
        status = 1;
    } else if (reading->synced.failed) {
        *error = reading->synced.error;
        status = -1;
    }
    pthread_mutex_unlock(&reading->options.bell->lock);
    return status;
}

bool scoop_reading_needs_plan(struct scoop_reading *reading) {
    lock(reading);
    bool needs = reading->synced.columns_known && reading->synced.plan == NULL &&
                 reading->synced.count == 0 && !reading->synced.failed;
    pthread_mutex_unlock(&reading->options.bell->lock);
    return needs;
}

void scoop_reading_set_plan(struct scoop_reading *reading, const struct scoop_row_plan *plan) {
    lock(reading);
    reading->synced.plan = plan;
    ring_and_unlock(reading);
}

int scoop_reading_next(struct scoop_reading *reading, struct scoop_batch **batch,
                       struct scoop_error *error) {
    int status = 0;
    lock(reading);
    if (reading->synced.failed) {
        *error = reading->synced.error;
        status = -1;
    } else if (reading->synced.count > 0) {
        if (reading->synced.lent != NULL) {
            reading->synced.busy[reading->synced.lent - reading->batches] = false;
            reading->options.bell->rings++;
            pthread_cond_broadcast(&reading->options.bell->rung);
        }
        *batch = reading->synced.lent = reading->synced.ready[reading->synced.first];
        reading->synced.first = (reading->synced.first + 1) % SCOOP_READING_BATCHES;
        reading->synced.count--;
        status = 1;
    }
    pthread_mutex_unlock(&reading->options.bell->lock);
    return status;
}

void scoop_reading_stop(struct scoop_reading *reading) {
    scoop_transfer_cancel(reading->transfer);
    lock(reading);
    reading->synced.stopped = true;
    ring_and_unlock(reading);
}

void scoop_reading_facts(struct scoop_reading *reading, struct scoop_delta_side_facts *facts) {
    lock(reading);
    *facts = reading->synced.facts;
    pthread_mutex_unlock(&reading->options.bell->lock);
}

void scoop_reading_free(struct scoop_reading *reading) {
    if (reading == NULL)
        return;
    if (reading->started) {
        scoop_reading_stop(reading);
        pthread_join(reading->thread, NULL);
    }
    scoop_transfer_free(reading->transfer);
    scoop_stage_free_chain(reading->check);
    scoop_csv_free(&reading->csv);
    scoop_json_rows_free(&reading->rows);
    scoop_columns_free(&reading->columns);
    scoop_columns_free(&reading->told);
    for (size_t i = 0; i < SCOOP_READING_BATCHES; i++)
        scoop_batch_free(&reading->batches[i]);
    scoop_buf_free(&reading->arrived);
    scoop_buf_free(&reading->rest);
    scoop_buf_free(&reading->over);
    scoop_free(reading);
}
