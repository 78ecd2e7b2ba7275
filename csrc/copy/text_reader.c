#include "copy/text_reader.h"

#include <pthread.h>
#include <string.h>

#include "scoop/memory.h"
#include "stage/checked_lines.h"

enum { BLOCK_CEILING = 64 * 1024 * 1024, SLICE_MS = 100, ALONE_MS = 10 };

struct scoop_text_reader {
    struct scoop_transfer *transfer;
    struct scoop_buf arrived; /* the thread's, also the next */
    struct scoop_checked_lines lines;
    struct scoop_waker *waker;
    pthread_t thread;
    bool started; /* else whoever takes the text also reads it */
    pthread_mutex_t lock;
    pthread_cond_t taken; /* or stopped */
    struct {
        struct scoop_buf block;            /* to be taken, if it holds anything */
        struct scoop_record_places places; /* of its records */
        bool stopped, ended;
        struct scoop_error error;
        struct scoop_text_facts facts;
    } synced;
};

struct scoop_text_reader *scoop_text_reader_new(const struct scoop_transfer_options *options,
                                                struct scoop_error *error) {
    struct scoop_text_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->taken, NULL);
    scoop_buf_init(&reader->arrived, BLOCK_CEILING);
    scoop_buf_init(&reader->synced.block, BLOCK_CEILING);
    reader->synced.facts.source_total_bytes = -1;
    struct scoop_transfer_options transfer = *options;
    transfer.destination = (struct scoop_place){0};
    transfer.memory = &reader->arrived;
    transfer.format = SCOOP_FORMAT_RAW;
    transfer.compression = SCOOP_COMPRESSION_NONE;
    transfer.allow_plain = true; /* it goes by the content */
    const struct scoop_record_options records = {.max_record_bytes = options->max_record_bytes,
                                                 .replace_invalid = options->replace_invalid,
                                                 .key_case = options->key_case};
    reader->transfer = scoop_transfer_new(&transfer, error);
    if (reader->transfer != NULL && scoop_checked_lines_init(&reader->lines, &records, error) == 0)
        return reader;
    scoop_text_reader_free(reader);
    return NULL;
}

const char *scoop_text_reader_name(const struct scoop_text_reader *reader) {
    return scoop_transfer_source_name(reader->transfer);
}

static void note_facts(struct scoop_text_reader *reader) {
    struct scoop_transfer_facts facts;
    struct scoop_text_facts *told = &reader->synced.facts;
    scoop_transfer_facts(reader->transfer, &facts);
    pthread_mutex_lock(&reader->lock);
    told->source_bytes = facts.counters.source_bytes;
    told->source_total_bytes = facts.source_total_bytes;
    told->retries = facts.retries;
    memcpy(told->etag, facts.source_etag, sizeof told->etag);
    pthread_mutex_unlock(&reader->lock);
}

/* Hands over the lines once the block before is taken. 1; 0: stopped; -1. */
static int hand_over(struct scoop_text_reader *reader, bool last, struct scoop_error *error) {
    pthread_mutex_lock(&reader->lock);
    while (reader->synced.block.length > 0 && !reader->synced.stopped)
        pthread_cond_wait(&reader->taken, &reader->lock);
    int status = reader->synced.stopped ? 0 : 1;
    struct scoop_buf empty = reader->synced.block;
    if (status > 0 && reader->lines.text.length > 0) {
        reader->synced.block = reader->lines.text;
        reader->lines.text = empty;
        if (scoop_record_places_move(&reader->lines.places, &reader->synced.places, error) != 0)
            status = -1;
    }
    reader->synced.ended = last && status >= 0;
    pthread_mutex_unlock(&reader->lock);
    scoop_waker_wake(reader->waker);
    return status;
}

static bool fail(struct scoop_text_reader *reader, struct scoop_error *error) {
    if (error->code == SCOOP_BAD_RECORD || error->code == SCOOP_UNSUPPORTED)
        scoop_error_name_source(error, scoop_text_reader_name(reader));
    pthread_mutex_lock(&reader->lock);
    reader->synced.error = *error;
    pthread_mutex_unlock(&reader->lock);
    scoop_waker_wake(reader->waker);
    return false;
}

/* Reads on for a while, and hands over what has arrived. False: there is no more to do. */
static bool read_on(struct scoop_text_reader *reader, int slice_ms) {
    struct scoop_error error = {0};
    enum scoop_transfer_state state = scoop_transfer_run(reader->transfer, slice_ms, &error);
    bool last = state == SCOOP_TRANSFER_DONE;
    note_facts(reader);
    if (state == SCOOP_TRANSFER_FAILED ||
        scoop_checked_lines_add(&reader->lines, &reader->arrived, last, &error) != 0)
        return fail(reader, &error);
    reader->arrived.length = 0;
    int handed = hand_over(reader, last, &error);
    return handed < 0 ? fail(reader, &error) : handed > 0 && !last;
}

static void *run(void *user) {
    while (read_on(user, SLICE_MS))
        ;
    return NULL;
}

void scoop_text_reader_start(struct scoop_text_reader *reader, struct scoop_waker *waker) {
    reader->waker = waker;
    reader->started = scoop_thread_start(&reader->thread, run, reader);
}

/* Without a thread: reads on here, if nothing is to be taken. */
static void read_alone(struct scoop_text_reader *reader) {
    if (reader->synced.block.length == 0 && !reader->synced.ended &&
        reader->synced.error.code == SCOOP_OK)
        read_on(reader, ALONE_MS);
}

enum scoop_text_state scoop_text_reader_take(struct scoop_text_reader *reader,
                                             struct scoop_buf *text,
                                             struct scoop_record_places *places,
                                             struct scoop_error *error) {
    enum scoop_text_state state = SCOOP_TEXT_WAITING;
    if (!reader->started)
        read_alone(reader);
    pthread_mutex_lock(&reader->lock);
    struct scoop_buf *block = &reader->synced.block;
    if (block->length > 0) {
        state = SCOOP_TEXT_READY;
        if (scoop_buf_append(text, block->data, block->length, error) != 0 ||
            scoop_record_places_move(&reader->synced.places, places, error) != 0)
            state = SCOOP_TEXT_FAILED;
        block->length = 0;
        pthread_cond_signal(&reader->taken);
    } else if (reader->synced.error.code != SCOOP_OK) {
        *error = reader->synced.error;
        state = SCOOP_TEXT_FAILED;
    } else if (reader->synced.ended) {
        state = SCOOP_TEXT_ENDED;
    }
    pthread_mutex_unlock(&reader->lock);
    return state;
}

void scoop_text_reader_facts(struct scoop_text_reader *reader, struct scoop_text_facts *facts) {
    pthread_mutex_lock(&reader->lock);
    *facts = reader->synced.facts;
    pthread_mutex_unlock(&reader->lock);
}

void scoop_text_reader_free(struct scoop_text_reader *reader) {
    if (reader == NULL)
        return;
    if (reader->started) {
        scoop_transfer_cancel(reader->transfer);
        pthread_mutex_lock(&reader->lock);
        reader->synced.stopped = true;
        pthread_cond_signal(&reader->taken);
        pthread_mutex_unlock(&reader->lock);
        pthread_join(reader->thread, NULL);
    }
    scoop_transfer_free(reader->transfer);
    scoop_checked_lines_free(&reader->lines);
    scoop_record_places_free(&reader->synced.places);
    scoop_buf_free(&reader->arrived);
    scoop_buf_free(&reader->synced.block);
    pthread_cond_destroy(&reader->taken);
    pthread_mutex_destroy(&reader->lock);
    scoop_free(reader);
}
