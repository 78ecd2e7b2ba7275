#include "side.h"

#include <string.h>

#include "../table/csv.h"
#include "../table/json_rows.h"
#include "places.h"
#include "table_format.h"
#include "scoop/http.h"
#include "scoop/invariant.h"
#include "scoop/memory.h"
#include "scoop/sniff.h"
#include "scoop/stage.h"
#include "scoop/text.h"
#include "scoop/thread.h"

enum {
    BATCHES = 6, /* so that neither thread waits for the other's next step */
    LEAST_WAITING = 2,
    MOST_WAITING_ROWS = 16384,
    BATCH_BYTES = SCOOP_TRANSFER_MEMORY_HIGH_BYTES, /* no more arrives before some is taken */
    MOST_REST_BYTES = BATCH_BYTES / 2,
    MEMORY_CEILING = 1 << 30, /* as a batch's: they change places */
    SLICE_MS = 100,
    ALONE_MS = 20,
    BOM_BYTES = 3,
    PROCESSORS_FOR_MORE_THREADS = 4, /* two that inflate, two that make rows */
};

struct scoop_reading {
    struct scoop_side_options options;
    char name[512];
    struct scoop_transfer *transfer;
    struct scoop_buf arrived; /* what the transfer has read; of CSV, behind the row under way */
    struct scoop_buf rest;    /* of a batch: the beginning of a row */
    struct scoop_buf over;    /* what has arrived beyond a batch */
    struct scoop_counters counters;
    struct scoop_stage *check; /* of JSON lines, ends in `end`; NULL for CSV */
    struct rows_stage {
        struct scoop_stage base;
        struct scoop_reading *reading;
    } end;
    bool begun, json, columns_known;
    struct scoop_csv csv;
    struct scoop_json_rows rows;
    struct scoop_columns columns;
    struct scoop_batch batches[BATCHES];
    struct scoop_batch *filling;
    size_t scan_at_bytes; /* of text in `filling` */
    pthread_t thread;
    bool started;
    /* Without a thread the comparing one reads, and comes back where this one would wait: for the
     * plan, which needs the other side, rows are parked. */
    bool alone, ended;
    bool parked, parked_last; /* rows to be made, with the export's end */
    bool end_parked;          /* the end comes behind them */
    struct {
        bool columns_known, stopped, failed;
        const struct scoop_row_plan *plan;
        struct scoop_batch *ready[BATCHES]; /* a ring */
        size_t first, count;
        struct scoop_batch *lent; /* to the comparing thread */
        bool busy[BATCHES];       /* batches that are not free */
        struct scoop_delta_side_facts facts;
        struct scoop_error error;
    } synced;
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
    for (size_t i = 0; i < BATCHES; i++) {
        if (reading->synced.busy[i]) {
            busy++;
            rows += reading->batches[i].count;
        } else if (found == NULL) {
            found = &reading->batches[i];
        }
    }
    if (reading->alone) /* it reads no more before these are taken */
        return found;
    return busy >= LEAST_WAITING && rows >= MOST_WAITING_ROWS ? NULL : found;
}

/* Waits for a batch that is free. */
static int take_batch(struct scoop_reading *reading, struct scoop_error *error) {
    reading->filling = NULL;
    lock(reading);
    while (!reading->synced.stopped && (reading->filling = free_batch_locked(reading)) == NULL &&
           !reading->alone)
        wait_locked(reading);
    if (reading->filling != NULL)
        reading->synced.busy[reading->filling - reading->batches] = true;
    bool stopped = reading->synced.stopped;
    pthread_mutex_unlock(&reading->options.bell->lock);
    if (stopped)
        return fail_stopped(error);
    if (!SCOOP_INVARIANT(reading->filling != NULL, error))
        return -1;
    scoop_batch_clear(reading->filling);
    reading->scan_at_bytes = BATCH_BYTES;
    return 0;
}

static void hand_over(struct scoop_reading *reading, bool last) {
    reading->filling->last = last;
    lock(reading);
    if (SCOOP_INVARIANT(reading->synced.count < BATCHES, &reading->synced.error)) {
        size_t at = (reading->synced.first + reading->synced.count++) % BATCHES;
        reading->synced.ready[at] = reading->filling;
    } else {
        reading->synced.failed = true;
    }
    ring_and_unlock(reading);
}

/* Tells the columns and waits for the plan, which needs the other side's. Alone it takes the plan
 * if there is one. */
static int agree_on_plan(struct scoop_reading *reading, struct scoop_error *error) {
    lock(reading);
    reading->synced.columns_known = true;
    ring_and_unlock(reading);
    lock(reading);
    while (reading->synced.plan == NULL && !reading->synced.stopped && !reading->alone)
        wait_locked(reading);
    reading->csv.plan = reading->rows.plan = reading->synced.plan;
    bool stopped = reading->synced.stopped;
    pthread_mutex_unlock(&reading->options.bell->lock);
    return stopped ? fail_stopped(error) : 0;
}

static int learn_columns(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    struct scoop_buf *text = &reading->filling->text;
    size_t used = 0;
    if (reading->json) {
        if (scoop_json_columns(text->data, text->length, &reading->columns, error) != 0)
            return -1;
        /* A record may be longer than a batch: then none has ended yet. */
        reading->columns_known =
            last || (text->length > 0 && memchr(text->data, '\n', text->length) != NULL);
    } else {
        if (scoop_csv_header(&reading->csv, text->data, text->length, last, &reading->columns,
                             &used, error) != 0)
            return -1;
        reading->columns_known = used > 0;
        scoop_buf_consume(text, used);
    }
    return reading->columns_known ? agree_on_plan(reading, error) : 0;
}

static int scan(struct scoop_reading *reading, bool last, size_t *used, struct scoop_error *error) {
    struct scoop_batch *batch = reading->filling;
    if (scoop_buf_reserve(&batch->text, SCOOP_CSV_PADDING, error) != 0)
        return -1;
    memset(batch->text.data + batch->text.length, 0, SCOOP_CSV_PADDING);
    return reading->json ? scoop_json_rows_scan(&reading->rows, batch, used, error)
                         : scoop_csv_scan(&reading->csv, batch, last, used, error);
}

static int check_record_size(struct scoop_reading *reading, struct scoop_error *error) {
    size_t most = reading->options.max_record_bytes;
    size_t length = reading->filling->text.length;
    if (length > most)
        return scoop_fail(error, SCOOP_BAD_RECORD,
                          "line %llu (byte %llu): the row has more than max_record_bytes, %zu",
                          (unsigned long long)reading->csv.line,
                          (unsigned long long)reading->csv.offset, most);
    reading->scan_at_bytes = length + BATCH_BYTES;
    return 0;
}

/* What the last batch has left comes before what arrives. */
static int put_rest(struct scoop_reading *reading, struct scoop_error *error) {
    bool before_arrived = !reading->json && reading->rest.length <= MOST_REST_BYTES;
    struct scoop_buf *to = before_arrived ? &reading->arrived : &reading->filling->text;
    if (scoop_buf_append(to, reading->rest.data, reading->rest.length, error) != 0)
        return -1;
    reading->scan_at_bytes = reading->filling->text.length + BATCH_BYTES;
    return 0;
}

/* Makes rows of the text that has come together. */
static int make_rows(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    size_t used = 0;
    if (!reading->columns_known && learn_columns(reading, last, error) != 0)
        return -1;
    if (!reading->columns_known)
        return check_record_size(reading, error);
    reading->parked = reading->csv.plan == NULL;
    reading->parked_last = last;
    if (reading->parked)
        return 0;
    struct scoop_batch *batch = reading->filling;
    if (scan(reading, last, &used, error) != 0)
        return -1;
    if (used == 0 && !last)
        return check_record_size(reading, error);
    if (scoop_order_watch_batch(reading->options.watch, batch, error) != 0)
        return -1;
    if (!scoop_order_watch_holds(reading->options.watch))
        scoop_batch_digest(batch);
    if (last) {
        hand_over(reading, true);
        return 0;
    }
    /* Once it is handed over the rest is the other thread's, too. */
    reading->rest.length = 0;
    if (scoop_buf_append(&reading->rest, batch->text.data + used, batch->text.length - used,
                         error) != 0)
        return -1;
    hand_over(reading, false);
    return take_batch(reading, error) == 0 ? put_rest(reading, error) : -1;
}

static int take_text(struct scoop_reading *reading, const unsigned char *data, size_t length,
                     struct scoop_error *error) {
    while (length > 0) {
        struct scoop_buf *text = &reading->filling->text;
        if (reading->parked)
            return scoop_buf_append(&reading->over, data, length, error);
        if (!SCOOP_INVARIANT(text->length <= reading->scan_at_bytes, error))
            return -1;
        size_t part = reading->scan_at_bytes - text->length;
        if (part > length)
            part = length;
        if (scoop_buf_append(text, data, part, error) != 0)
            return -1;
        data += part;
        length -= part;
        if (text->length == reading->scan_at_bytes && make_rows(reading, false, error) != 0)
            return -1;
    }
    return 0;
}

/* What has arrived becomes the batch's text, without a copy unless a row is very long; what is more
 * than a batch goes to `over`. */
static int fill_text(struct scoop_reading *reading, struct scoop_error *error) {
    struct scoop_buf *text = &reading->filling->text, *arrived = &reading->arrived;
    if (text->length > 0) {
        if (scoop_buf_append(text, arrived->data, arrived->length, error) != 0)
            return -1;
    } else {
        struct scoop_buf empty = *text;
        *text = *arrived;
        *arrived = empty;
    }
    arrived->length = reading->over.length = 0;
    if (text->length <= reading->scan_at_bytes)
        return 0;
    size_t over = text->length - reading->scan_at_bytes;
    text->length = reading->scan_at_bytes;
    return scoop_buf_append(&reading->over, text->data + text->length, over, error);
}

/* CSV. Where batches end depends on the export alone, not on what came when: so an order that
 * breaks is noticed at the same row each time, and the changes come in the same order. */
static int take_arrived_text(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    struct scoop_buf *arrived = &reading->arrived, *over = &reading->over;
    while (last || reading->filling->text.length + arrived->length >= reading->scan_at_bytes) {
        if (fill_text(reading, error) != 0)
            return -1;
        bool ends = last && over->length == 0;
        if (make_rows(reading, ends, error) != 0)
            return -1;
        if (ends || reading->parked)
            return 0;
        if (scoop_buf_append(arrived, over->data, over->length, error) != 0)
            return -1;
    }
    return 0;
}

static int rows_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    return take_text(((struct rows_stage *)stage)->reading, data, length, error);
}

static int rows_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct scoop_reading *reading = ((struct rows_stage *)stage)->reading;
    return reading->parked ? 0 : make_rows(reading, true, error);
}

static void rows_free(struct scoop_stage *stage) {
    (void)stage; /* a part of the reading */
}

static const struct scoop_stage_type rows_type = {
    .name = "rows", .write = rows_write, .finish = rows_finish, .free = rows_free};

static int on_reject(void *user, const struct scoop_reject *reject, struct scoop_error *error) {
    (void)user;
    return scoop_fail(error, SCOOP_BAD_RECORD, "line %llu (byte %llu): %s",
                      (unsigned long long)reject->line, (unsigned long long)reject->byte_offset,
                      reject->reason);
}

static bool is_json(const struct scoop_reading *reading, const unsigned char *data, size_t length) {
    if (reading->options.format != SCOOP_TABLE_FORMAT_AUTO)
        return reading->options.format == SCOOP_TABLE_FORMAT_JSONL;
    while (length > 0 && (*data == ' ' || *data == '\t' || *data == '\r' || *data == '\n')) {
        data++;
        length--;
    }
    return length > 0 && *data == '{';
}

/* The first bytes tell what follows. */
static int begin(struct scoop_reading *reading, struct scoop_error *error) {
    const unsigned char *data = reading->arrived.data;
    size_t length = reading->arrived.length;
    enum scoop_content content = scoop_sniff(data, length);
    size_t mark =
        length >= BOM_BYTES && memcmp(data, "\xef\xbb\xbf", BOM_BYTES) == 0 ? BOM_BYTES : 0;
    reading->begun = true;
    if (content != SCOOP_CONTENT_PLAIN)
        return scoop_fail(error, SCOOP_UNSUPPORTED,
                          "%s data; only plain UTF-8 text and gzip can be read as rows",
                          scoop_content_name(content));
    reading->json = is_json(reading, data + mark, length - mark);
    if (!reading->json) {
        reading->csv.offset = mark;
        scoop_buf_consume(&reading->arrived, mark);
        return 0;
    }
    /* The check takes the mark, and counts it. */
    const struct scoop_record_options options = {
        .max_record_bytes = reading->options.max_record_bytes, .policy = {on_reject, reading}};
    reading->check = scoop_json_check_new(&options, &reading->counters, error);
    if (reading->check == NULL)
        return -1;
    reading->check->next = &reading->end.base;
    return 0;
}

static int take_arrived(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    if (!reading->begun && (begin(reading, error) != 0 || take_batch(reading, error) != 0))
        return -1;
    if (reading->check == NULL)
        return take_arrived_text(reading, last, error);
    int status =
        scoop_stage_push(reading->check, reading->arrived.data, reading->arrived.length, error);
    reading->arrived.length = 0;
    return status == 0 && last ? scoop_stage_finish_chain(reading->check, error) : status;
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

/* Reads on for a while. 1, 0: that was all, -1. */
static int read_on(struct scoop_reading *reading, int slice_ms, struct scoop_error *error) {
    enum scoop_transfer_state state = scoop_transfer_run(reading->transfer, slice_ms, error);
    bool last = state == SCOOP_TRANSFER_DONE;
    if (state == SCOOP_TRANSFER_FAILED)
        return -1;
    if (is_stopped(reading))
        return fail_stopped(error);
    if (state == SCOOP_TRANSFER_RUNNING)
        return 1;
    if (last)
        tell_facts(reading); /* before the last rows, with which the comparison may end */
    if (take_arrived(reading, last, error) != 0)
        return -1;
    reading->end_parked = last && reading->parked && !reading->parked_last;
    return last && !reading->parked ? 0 : 1;
}

/* Goes on where rows were parked, now that there may be a plan. 1, 0: that was all, -1. */
static int unpark(struct scoop_reading *reading, struct scoop_error *error) {
    bool last = reading->parked_last, end = reading->end_parked;
    struct scoop_buf over = reading->over;
    if (agree_on_plan(reading, error) != 0)
        return -1;
    if (reading->csv.plan == NULL)
        return 1;
    scoop_buf_init(&reading->over, MEMORY_CEILING);
    int status = make_rows(reading, last, error);
    if (status == 0 && reading->json)
        status = take_text(reading, over.data, over.length, error);
    else if (status == 0)
        status = scoop_buf_append(&reading->arrived, over.data, over.length, error);
    scoop_buf_free(&over);
    if (status == 0 && end)
        status = reading->json ? make_rows(reading, true, error)
                               : take_arrived_text(reading, true, error);
    return status < 0 ? -1 : !(last || end);
}

/* The rows do not know whose they are. */
static void name_source(const struct scoop_reading *reading, struct scoop_error *error) {
    if ((error->code != SCOOP_BAD_RECORD && error->code != SCOOP_UNSUPPORTED) ||
        strncmp(error->message, reading->name, strlen(reading->name)) == 0)
        return;
    scoop_error_say(error, "%s: %.500s", reading->name, error->message);
}

static void fail(struct scoop_reading *reading, struct scoop_error *error) {
    name_source(reading, error);
    tell_facts(reading);
    lock(reading);
    reading->synced.failed = true;
    reading->synced.error = *error;
    ring_and_unlock(reading);
}

static void *run(void *user) {
    struct scoop_reading *reading = user;
    struct scoop_error error = {0};
    int status;
    while ((status = read_on(reading, SLICE_MS, &error)) > 0)
        ;
    if (status < 0)
        fail(reading, &error);
    return NULL;
}

static void read_alone(struct scoop_reading *reading) {
    struct scoop_error error = {0};
    if (reading->ended)
        return;
    int status = reading->parked ? unpark(reading, &error) : read_on(reading, ALONE_MS, &error);
    reading->ended = status <= 0;
    if (status < 0)
        fail(reading, &error);
}

static void name_it(struct scoop_reading *reading, const char *uri) {
    if (scoop_place_is_http(uri))
        scoop_url_display(uri, reading->name, sizeof reading->name);
    else
        scoop_text_print(reading->name, sizeof reading->name, "%s",
                         strcmp(uri, "-") == 0 ? "standard input" : uri);
}

/* A place that never makes a thread wait. */
static bool is_local(const char *uri) {
    return !scoop_place_is_http(uri) && !scoop_place_is_s3(uri) && strcmp(uri, "-") != 0;
}

struct scoop_reading *scoop_reading_new(const struct scoop_side_options *options,
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
    reading->end.base.type = &rows_type;
    reading->end.base.counters = &reading->counters;
    reading->end.reading = reading;
    scoop_csv_init(&reading->csv);
    scoop_json_rows_init(&reading->rows);
    for (size_t i = 0; i < BATCHES; i++)
        scoop_batch_init(&reading->batches[i]);
    if (options->format == SCOOP_TABLE_FORMAT_AUTO)
        reading->options.format = scoop_table_format_by_name(options->transfer->source.uri);
    name_it(reading, options->transfer->source.uri);
    struct scoop_transfer_options transfer = *options->transfer;
    transfer.destination = (struct scoop_place){0};
    transfer.memory = &reading->arrived;
    transfer.format = SCOOP_FORMAT_RAW;
    transfer.compression = SCOOP_COMPRESSION_NONE;
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
    struct scoop_error ignored = {0};
    reading->started = scoop_thread_start(&reading->thread, run, reading, &ignored) == 0;
    if (!reading->started)
        reading->alone = true; /* it takes longer */
}

const char *scoop_reading_name(const struct scoop_reading *reading) {
    return reading->name;
}

int scoop_reading_columns(struct scoop_reading *reading, const struct scoop_columns **columns,
                          bool *json, struct scoop_error *error) {
    int status = 0;
    if (reading->alone && !reading->columns_known)
        read_alone(reading);
    lock(reading);
    if (reading->synced.columns_known) {
        *columns = &reading->columns;
        *json = reading->json;
        status = 1;
    } else if (reading->synced.failed) {
        *error = reading->synced.error;
        status = -1;
    }
    pthread_mutex_unlock(&reading->options.bell->lock);
    return status;
}

void scoop_reading_set_plan(struct scoop_reading *reading, const struct scoop_row_plan *plan) {
    lock(reading);
    reading->synced.plan = plan;
    ring_and_unlock(reading);
}

int scoop_reading_next(struct scoop_reading *reading, struct scoop_batch **batch,
                       struct scoop_error *error) {
    int status = 0;
    if (reading->alone && reading->synced.count == 0)
        read_alone(reading);
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
        reading->synced.first = (reading->synced.first + 1) % BATCHES;
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
    for (size_t i = 0; i < BATCHES; i++)
        scoop_batch_free(&reading->batches[i]);
    scoop_buf_free(&reading->arrived);
    scoop_buf_free(&reading->rest);
    scoop_buf_free(&reading->over);
    scoop_free(reading);
}
