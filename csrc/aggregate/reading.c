#include "aggregate/reading.h"

#include <string.h>

#include "aggregate/kept_rejects.h"
#include "base/thread.h"
#include "copy/places.h"
#include "scoop/memory.h"
#include "stage/sniff.h"
#include "text/bom.h"

enum {
    BLOCKS = 32,
    BLOCK_BYTES = 256 * 1024,
    CEILING = 1 << 30,
    SLICE_MS = 100,
    ALONE_MS = 10,
    PROCESSORS_FOR_MORE_THREADS = 4, /* one that inflates, two that read, one that counts */
};

struct scoop_record_reading {
    struct scoop_transfer *transfer;
    struct scoop_reading_bell *bell; /* borrowed; its lock is that of `synced` */
    size_t queue_bytes;
    struct scoop_buf arrived;
    size_t passed;                       /* of that */
    struct scoop_record_options records; /* of what the check is made */
    enum scoop_format format;            /* RAW: JSON, an array or values, by the first byte */
    char *path;                          /* of JSON_ARRAY; NULL: the document is the array */
    struct scoop_csv_dialect csv;        /* its strings are ours */
    struct scoop_counters counters;
    struct scoop_stage *chain; /* ends in `end` */
    struct scoop_stage end;
    struct scoop_record_block filling;
    bool begun, waiting, read, closed, finished;
    pthread_t thread;
    bool started;
    struct {
        struct scoop_record_block blocks[BLOCKS]; /* a ring; those that do not wait are room */
        size_t first, count, bytes;
        bool lent; /* the one before the first is in use */
        bool stopped, ended, failed;
        struct scoop_error error;
        struct scoop_transfer_facts facts;
    } synced;
};

static void lock(struct scoop_record_reading *reading) {
    pthread_mutex_lock(&reading->bell->lock);
}

static void unlock(struct scoop_record_reading *reading) {
    pthread_mutex_unlock(&reading->bell->lock);
}

static void ring_and_unlock(struct scoop_record_reading *reading) {
    reading->bell->rings++;
    pthread_cond_broadcast(&reading->bell->rung);
    unlock(reading);
}

/* --- blocks --- */

static void init_block(struct scoop_record_block *block) {
    memset(block, 0, sizeof *block);
    scoop_buf_init(&block->text, CEILING);
    scoop_buf_init(&block->rejects, CEILING);
}

static void free_block(struct scoop_record_block *block) {
    scoop_buf_free(&block->text);
    scoop_buf_free(&block->rejects);
    scoop_record_places_free(&block->places);
}

static size_t block_bytes(const struct scoop_record_block *block) {
    return block->text.length + block->rejects.length;
}

static bool has_room_locked(const struct scoop_record_reading *reading) {
    return reading->synced.count + reading->synced.lent < BLOCKS &&
           (reading->synced.count == 0 || reading->synced.bytes < reading->queue_bytes);
}

/* Hands over what was filled. 1; 0: alone, and it has to wait; -1 with CANCELLED. */
static int hand_over(struct scoop_record_reading *reading, struct scoop_error *error) {
    lock(reading);
    while (!has_room_locked(reading) && !reading->synced.stopped && reading->started)
        pthread_cond_wait(&reading->bell->rung, &reading->bell->lock);
    if (reading->synced.stopped || !has_room_locked(reading)) {
        bool stopped = reading->synced.stopped;
        unlock(reading);
        return stopped ? scoop_fail(error, SCOOP_CANCELLED, "the count was cancelled") : 0;
    }
    size_t at = (reading->synced.first + reading->synced.count++) % BLOCKS;
    struct scoop_record_block *to = &reading->synced.blocks[at];
    struct scoop_record_block room = *to;
    *to = reading->filling;
    reading->filling = room;
    reading->synced.bytes += block_bytes(to);
    /* The marks are in `to`; how many records were told, and where the next is, goes on. */
    struct scoop_record_places places = to->places;
    reading->filling.places.told = places.told;
    reading->filling.places.next = places.next;
    ring_and_unlock(reading);
    reading->filling.text.length = reading->filling.rejects.length = 0;
    reading->filling.places.first = reading->filling.places.count = 0;
    return 1;
}

int scoop_record_reading_next(struct scoop_record_reading *reading,
                              struct scoop_record_block **block, struct scoop_error *error) {
    int status = 0;
    lock(reading);
    *block = NULL;
    reading->synced.lent = false;
    if (reading->synced.count > 0) {
        *block = &reading->synced.blocks[reading->synced.first];
        reading->synced.first = (reading->synced.first + 1) % BLOCKS;
        reading->synced.count--;
        reading->synced.bytes -= block_bytes(*block);
        reading->synced.lent = true;
        status = 1;
    } else if (reading->synced.failed) {
        *error = reading->synced.error;
        status = -1;
    } else if (reading->synced.ended) {
        status = 1;
    }
    ring_and_unlock(reading);
    return status;
}

/* --- the text --- */

static struct scoop_record_reading *reading_of(struct scoop_stage *end) {
    return (struct scoop_record_reading *)((char *)end -
                                           offsetof(struct scoop_record_reading, end));
}

static int end_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                     size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    return scoop_buf_append(&reading_of(stage)->filling.text, data, length, error);
}

static int end_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct scoop_buf *text = &reading_of(stage)->filling.text;
    bool ended = text->length == 0 || text->data[text->length - 1] == '\n';
    return ended ? 0 : scoop_buf_append(text, "\n", 1, error);
}

static void end_free(struct scoop_stage *stage) {
    (void)stage; /* a part of the reading */
}

static const struct scoop_stage_type end_type = {
    .name = "records", .write = end_write, .finish = end_finish, .free = end_free};

static int reject(void *user, const struct scoop_reject *reject, struct scoop_error *error) {
    struct scoop_record_reading *reading = user;
    return scoop_kept_reject_add(&reading->filling.rejects, reject, error);
}

static struct scoop_stage *new_check(struct scoop_record_reading *reading, enum scoop_format format,
                                     struct scoop_error *error) {
    struct scoop_counters *counters = &reading->counters;
    switch (format) {
    case SCOOP_FORMAT_JSONL:
        return scoop_json_check_new(&reading->records, counters, error);
    case SCOOP_FORMAT_JSON_ARRAY:
        return scoop_json_array_new(reading->path, &reading->records, counters, error);
    case SCOOP_FORMAT_CSV:
        return scoop_csv_clean_new(&reading->csv, &reading->records, counters, error);
    default:
        return scoop_json_values_new(&reading->records, counters, error);
    }
}

static int make_chain(struct scoop_record_reading *reading, enum scoop_format format,
                      struct scoop_error *error) {
    struct scoop_stage *check = new_check(reading, format, error);
    if (check == NULL)
        return -1;
    reading->end.type = &end_type;
    reading->end.counters = &reading->counters;
    check->next = &reading->end;
    reading->chain = check;
    if (format != SCOOP_FORMAT_CSV || reading->csv.encoding == NULL)
        return 0;
    struct scoop_stage *decode = scoop_decode_new(reading->csv.encoding, &reading->counters, error);
    if (decode == NULL)
        return -1;
    decode->next = check;
    reading->chain = decode;
    return 0;
}

/* Whether what has arrived begins with a bracket; a text of white space alone does not. */
static bool is_array(const struct scoop_buf *text) {
    size_t at = scoop_bom_length(text->data, text->length);
    while (at < text->length && (text->data[at] == ' ' || text->data[at] == '\t' ||
                                 text->data[at] == '\r' || text->data[at] == '\n'))
        at++;
    return at < text->length && text->data[at] == '[';
}

static enum scoop_format format_of(const struct scoop_record_reading *reading) {
    if (reading->format != SCOOP_FORMAT_RAW)
        return reading->format;
    return is_array(&reading->arrived) ? SCOOP_FORMAT_JSON_ARRAY : SCOOP_FORMAT_JSON_VALUES;
}

static int check_content(const struct scoop_record_reading *reading, struct scoop_error *error) {
    enum scoop_content content = scoop_sniff(reading->arrived.data, reading->arrived.length);
    if (content == SCOOP_CONTENT_PLAIN || reading->csv.encoding != NULL)
        return 0;
    return scoop_fail(error, SCOOP_UNSUPPORTED,
                      "%s data; only plain UTF-8 text and gzip can be read as records, and CSV "
                      "whose encoding is named: csv=CsvDialect(encoding=…)",
                      scoop_content_name(content));
}

/* What has arrived becomes lines, some at a time. 1, 0: alone, and it has to wait, -1. */
static int pass_on(struct scoop_record_reading *reading, struct scoop_error *error) {
    struct scoop_buf *arrived = &reading->arrived;
    if (!reading->begun && (arrived->length > 0 || reading->read)) {
        if (check_content(reading, error) != 0 ||
            make_chain(reading, format_of(reading), error) != 0)
            return -1;
        reading->begun = true;
    }
    while (reading->passed < arrived->length) {
        if (block_bytes(&reading->filling) >= BLOCK_BYTES) {
            int status = hand_over(reading, error);
            if (status <= 0)
                return status;
        }
        size_t left = arrived->length - reading->passed;
        size_t piece = left < SCOOP_STEP_BYTES ? left : SCOOP_STEP_BYTES;
        if (scoop_stage_push(reading->chain, arrived->data + reading->passed, piece, error) != 0)
            return -1;
        reading->passed += piece;
    }
    arrived->length = reading->passed = 0;
    return 1;
}

static void note_facts(struct scoop_record_reading *reading) {
    struct scoop_transfer_facts facts;
    scoop_transfer_facts(reading->transfer, &facts);
    lock(reading);
    reading->synced.facts = facts;
    unlock(reading);
}

/* Some more of the source. 0 or -1. */
static int receive(struct scoop_record_reading *reading, int slice_ms, struct scoop_error *error) {
    enum scoop_transfer_state state = scoop_transfer_run(reading->transfer, slice_ms, error);
    note_facts(reading);
    reading->read = state == SCOOP_TRANSFER_DONE;
    return state == SCOOP_TRANSFER_FAILED ? -1 : 0;
}

/* The source was read to its proven end. 1, 0, -1 as above. */
static int finish(struct scoop_record_reading *reading, struct scoop_error *error) {
    if (!reading->closed && scoop_stage_finish_chain(reading->chain, error) != 0)
        return -1;
    reading->closed = true;
    int status = block_bytes(&reading->filling) == 0 ? 1 : hand_over(reading, error);
    if (status <= 0)
        return status;
    reading->finished = true;
    lock(reading);
    reading->synced.ended = true;
    ring_and_unlock(reading);
    return 1;
}

static int read_on(struct scoop_record_reading *reading, int slice_ms, struct scoop_error *error) {
    if (!reading->read && !reading->waiting && receive(reading, slice_ms, error) != 0)
        return -1;
    int status = pass_on(reading, error);
    if (status > 0 && reading->read)
        status = finish(reading, error);
    reading->waiting = status == 0;
    return status;
}

/* What was read before is handed over, so that an earlier bad record is told first. */
static void fail(struct scoop_record_reading *reading, struct scoop_error *error) {
    struct scoop_error ignored = {0};
    if (error->code == SCOOP_BAD_RECORD || error->code == SCOOP_UNSUPPORTED)
        scoop_error_name_source(error, scoop_record_reading_name(reading));
    if (block_bytes(&reading->filling) > 0)
        hand_over(reading, &ignored);
    reading->finished = true;
    lock(reading);
    reading->synced.failed = true;
    reading->synced.error = *error;
    ring_and_unlock(reading);
}

/* One step. False: it has to wait, has ended or has failed. */
static bool step(struct scoop_record_reading *reading, int slice_ms) {
    struct scoop_error error = {0};
    int status = read_on(reading, slice_ms, &error);
    if (status < 0)
        fail(reading, &error);
    return status > 0 && !reading->finished;
}

static void *run(void *user) {
    while (step(user, SLICE_MS))
        ;
    return NULL;
}

void scoop_record_reading_start(struct scoop_record_reading *reading) {
    reading->started = true; /* before the thread looks */
    if (!scoop_thread_start(&reading->thread, run, reading))
        reading->started = false;
}

bool scoop_record_reading_go_on_alone(struct scoop_record_reading *reading) {
    return !reading->started && !reading->finished && step(reading, ALONE_MS);
}

/* --- the object --- */

static int copy_text(const char **to, const char *text, struct scoop_error *error) {
    if (text == NULL)
        return 0;
    *to = scoop_strdup(text);
    return *to == NULL ? scoop_fail_memory(error) : 0;
}

/* What the records may be; of RAW, which format they have is seen later. */
static int take_options(struct scoop_record_reading *reading,
                        const struct scoop_transfer_options *options, struct scoop_error *error) {
    if (options->format == SCOOP_FORMAT_PYTHON_LITERAL)
        return scoop_fail(error, SCOOP_USAGE,
                          "records are counted of the formats jsonl, json-values, json-array and "
                          "csv");
    reading->format = options->format;
    reading->records = (struct scoop_record_options){
        .max_record_bytes = options->max_record_bytes,
        .replace_invalid = options->replace_invalid,
        .nonfinite_null = options->nonfinite_null,
        .key_case = options->key_case,
        .policy = {.on_reject = reject, .user = reading},
        .places = &reading->filling.places,
    };
    const char *path = NULL;
    if (copy_text(&path, options->records, error) != 0)
        return -1;
    reading->path = (char *)path;
    return 0;
}

static int copy_dialect(struct scoop_csv_dialect *to, const struct scoop_csv_dialect *from,
                        struct scoop_error *error) {
    to->skip_rows = from->skip_rows;
    to->no_header = from->no_header;
    if (copy_text(&to->delimiter, from->delimiter, error) != 0 ||
        copy_text(&to->quote, from->quote, error) != 0 ||
        copy_text(&to->escape, from->escape, error) != 0 ||
        copy_text(&to->comment, from->comment, error) != 0 ||
        copy_text(&to->encoding, from->encoding, error) != 0 ||
        copy_text(&to->null_values, from->null_values, error) != 0)
        return -1;
    return copy_text(&to->columns, from->columns, error);
}

static void free_dialect(struct scoop_csv_dialect *csv) {
    const char *texts[] = {csv->delimiter, csv->quote,       csv->escape, csv->comment,
                           csv->encoding,  csv->null_values, csv->columns};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        scoop_free((char *)texts[i]);
}

/* A place that never makes a thread wait. */
static bool is_local(const char *uri) {
    return !scoop_place_is_http(uri) && !scoop_place_is_s3(uri) && strcmp(uri, "-") != 0;
}

static int make_transfer(struct scoop_record_reading *reading,
                         const struct scoop_transfer_options *options, size_t memory_bytes,
                         struct scoop_error *error) {
    struct scoop_transfer_options transfer = *options;
    transfer.destination = (struct scoop_place){0};
    transfer.memory = &reading->arrived;
    transfer.format = SCOOP_FORMAT_RAW;
    transfer.csv = (struct scoop_csv_dialect){0};
    transfer.records = NULL;
    transfer.nonfinite_null = transfer.replace_invalid = false;
    transfer.compression = SCOOP_COMPRESSION_NONE;
    transfer.allow_plain = true;
    transfer.max_rejected = 0;
    transfer.rejects_uri = NULL;
    transfer.memory_limit_bytes = memory_bytes;
    transfer.one_thread =
        is_local(options->source.uri) && scoop_processors() < PROCESSORS_FOR_MORE_THREADS;
    reading->transfer = scoop_transfer_new(&transfer, error);
    return reading->transfer == NULL ? -1 : 0;
}

struct scoop_record_reading *scoop_record_reading_new(const struct scoop_transfer_options *options,
                                                      size_t memory_bytes, size_t queue_bytes,
                                                      struct scoop_reading_bell *bell,
                                                      struct scoop_error *error) {
    struct scoop_record_reading *reading = scoop_calloc(1, sizeof *reading);
    if (reading == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    reading->bell = bell;
    reading->queue_bytes = queue_bytes;
    scoop_buf_init(&reading->arrived, CEILING);
    init_block(&reading->filling);
    for (size_t i = 0; i < BLOCKS; i++)
        init_block(&reading->synced.blocks[i]);
    if (scoop_csv_dialect_check(&options->csv, error) == 0 &&
        copy_dialect(&reading->csv, &options->csv, error) == 0 &&
        make_transfer(reading, options, memory_bytes, error) == 0 &&
        take_options(reading, options, error) == 0)
        return reading;
    scoop_record_reading_free(reading);
    return NULL;
}

const char *scoop_record_reading_name(const struct scoop_record_reading *reading) {
    return scoop_transfer_source_name(reading->transfer);
}

void scoop_record_reading_counts(const struct scoop_record_reading *reading, uint64_t *good,
                                 uint64_t *bad) {
    *good = reading->counters.records_out;
    *bad = reading->counters.records_rejected;
}

void scoop_record_reading_facts(struct scoop_record_reading *reading,
                                struct scoop_transfer_facts *facts) {
    lock(reading);
    *facts = reading->synced.facts;
    unlock(reading);
}

void scoop_record_reading_stop(struct scoop_record_reading *reading) {
    if (reading->started)
        scoop_transfer_cancel(reading->transfer);
    lock(reading);
    reading->synced.stopped = true;
    ring_and_unlock(reading);
}

void scoop_record_reading_free(struct scoop_record_reading *reading) {
    if (reading == NULL)
        return;
    if (reading->started) {
        scoop_record_reading_stop(reading);
        pthread_join(reading->thread, NULL);
    }
    scoop_stage_free_chain(reading->chain);
    scoop_transfer_free(reading->transfer);
    free_dialect(&reading->csv);
    scoop_free(reading->path);
    scoop_buf_free(&reading->arrived);
    free_block(&reading->filling);
    for (size_t i = 0; i < BLOCKS; i++)
        free_block(&reading->synced.blocks[i]);
    scoop_free(reading);
}
