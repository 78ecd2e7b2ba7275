/* Drives the publishing of changes: source -> lines -> requests -> Kinesis. */
#include "base/error_facts.h"
#include "base/clock.h"
#include "scoop/publish.h"

#include <stdatomic.h>
#include <string.h>

#include "aws/kinesis/client.h"
#include "aws/kinesis/message.h"
#include "aws/kinesis/outbox.h"
#include "base/budget.h"
#include "base/crypto.h"
#include "base/invariant.h"
#include "base/memory_ceiling.h"
#include "base/retry.h"
#include "base/thread.h"
#include "copy/text_reader.h"
#include "scoop/memory.h"
#include "scoop/trace.h"

enum {
    LEAST_MEMORY_BYTES = 16 * 1024 * 1024,
    READING_MEMORY_BYTES = 10 * 1024 * 1024, /* the source's buffers, inflating, blocks */
    MOST_CALLS = 64,
    UNHEARD_MS = 30 * 1000,
};

enum phase { ASKING, ASKED_LATER, PUBLISHING, DONE, FAILED };

/* A request to Kinesis that is under way. */
struct sending {
    struct scoop_publish *publish;
    struct scoop_parcel *parcel; /* NULL: DescribeStreamSummary */
    struct scoop_kinesis_call *call;
};

struct scoop_publish {
    struct scoop_publish_options options; /* without `changes` and `kinesis` */
    char *stream;
    size_t memory_bytes;
    enum phase phase, told_phase; /* the latter in the trace */
    atomic_bool cancelled;
    atomic_uint_least64_t allowed_until_ms; /* of scoop_boottime_ms */
    struct scoop_engine *engine;
    struct scoop_kinesis_client *client;
    struct scoop_waker waker;
    struct scoop_transfer_options source; /* strings are the caller's */
    struct scoop_text_reader *reader;
    struct scoop_text_facts read; /* of a reader that is gone */
    struct scoop_outbox *outbox;
    struct sending sendings[MOST_CALLS];
    struct scoop_buf question; /* the body of DescribeStreamSummary */
    uint32_t asked;
    struct scoop_patience asking;
    uint64_t ask_again_ms;
    struct scoop_kinesis_stream summary;
    struct scoop_buf text; /* read, from text_at on not yet taken */
    size_t text_at;
    uint64_t skipped, taken, lines;    /* lines: of both, and those that are no change */
    struct scoop_record_places places; /* of the changes in the source */
    struct scoop_record_place place;   /* of the next one, if it follows at once */
    bool source_ended;
    struct scoop_error source_error, error;
};

/* --- set-up --- */

static int check_options(const struct scoop_publish_options *options, struct scoop_error *error) {
    size_t limit = options->changes->memory_limit_bytes;
    if (options->changes->source.uri == NULL || options->changes->source.uri[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "there is no file of changes to publish");
    if (limit != 0 && limit < LEAST_MEMORY_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "memory_limit %zu is less than the least, %d", limit,
                          LEAST_MEMORY_BYTES);
    if (options->max_in_flight > MOST_CALLS)
        return scoop_fail(error, SCOOP_USAGE, "max_in_flight %u is more than the most, %d",
                          options->max_in_flight, MOST_CALLS);
    return 0;
}

static void set_defaults(struct scoop_publish_options *options) {
    if (options->max_in_flight == 0)
        options->max_in_flight = SCOOP_PUBLISH_IN_FLIGHT;
    if (options->max_age_ms == 0)
        options->max_age_ms = SCOOP_PUBLISH_AGE_MS;
    if (options->retry_ms == 0)
        options->retry_ms = SCOOP_PUBLISH_RETRY_MS;
}

static int set_up(struct scoop_publish *publish, const struct scoop_publish_options *options,
                  struct scoop_error *error) {
    struct scoop_engine_options engine = {.ca_file = options->changes->ca_file};
    size_t limit = options->changes->memory_limit_bytes;
    if (limit == 0)
        limit = scoop_default_memory_bytes(SCOOP_MEMORY_LIMIT_BYTES, LEAST_MEMORY_BYTES);
    publish->memory_bytes = limit - READING_MEMORY_BYTES;
    publish->stream = scoop_strdup(options->stream);
    if (publish->stream == NULL)
        return scoop_fail_memory(error);
    if (scoop_waker_open(&publish->waker, error) != 0 ||
        scoop_kinesis_begin_request(&publish->question, publish->stream, error) != 0 ||
        scoop_buf_append_text(&publish->question, "}", error) != 0)
        return -1;
    publish->engine = scoop_engine_new(&engine, error);
    if (publish->engine != NULL)
        publish->client = scoop_kinesis_client_new(publish->engine, &options->kinesis, error);
    return publish->client == NULL ? -1 : 0;
}

struct scoop_publish *scoop_publish_new(const struct scoop_publish_options *options,
                                        struct scoop_error *error) {
    if (check_options(options, error) != 0)
        return NULL;
    struct scoop_publish *publish = scoop_calloc(1, sizeof *publish);
    if (publish == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    publish->options = *options;
    publish->options.changes = NULL;
    publish->source = *options->changes;
    memset(&publish->options.kinesis, 0, sizeof publish->options.kinesis);
    set_defaults(&publish->options);
    atomic_init(&publish->allowed_until_ms, UINT64_MAX);
    publish->waker.fd = -1;
    publish->read.source_total_bytes = -1;
    scoop_buf_init(&publish->question, 4096);
    scoop_buf_init(&publish->text, 4 * SCOOP_KINESIS_LARGEST_RECORD_BYTES);
    if (set_up(publish, options, error) == 0)
        return publish;
    scoop_publish_free(publish);
    return NULL;
}

static void stop_calls(struct scoop_publish *publish) {
    for (size_t i = 0; i < MOST_CALLS; i++) {
        scoop_kinesis_cancel(publish->sendings[i].call);
        publish->sendings[i].call = NULL;
    }
}

void scoop_publish_free(struct scoop_publish *publish) {
    if (publish == NULL)
        return;
    stop_calls(publish);
    scoop_text_reader_free(publish->reader);
    scoop_waker_close(&publish->waker);
    scoop_kinesis_client_free(publish->client);
    scoop_engine_free(publish->engine);
    scoop_outbox_free(publish->outbox);
    scoop_buf_free(&publish->question);
    scoop_buf_free(&publish->text);
    scoop_record_places_free(&publish->places);
    scoop_free(publish->stream);
    scoop_free(publish);
}

/* --- the stream --- */

static int check_stream(const struct scoop_publish *publish, struct scoop_error *error) {
    const struct scoop_kinesis_stream *summary = &publish->summary;
    if (strcmp(summary->status, "ACTIVE") != 0 && strcmp(summary->status, "UPDATING") != 0) {
        scoop_fail(error, SCOOP_STREAM_NOT_READY, "the stream %.300s is %s, not ACTIVE",
                   publish->stream, summary->status);
        error->retryable = strcmp(summary->status, "CREATING") == 0;
        return -1;
    }
    if (strcmp(summary->distribution, "AUTO") == 0 && !publish->options.any_order)
        return scoop_fail(error, SCOOP_USAGE,
                          "the stream %.300s has the record distribution strategy AUTO, which "
                          "ignores partition keys, so changes of one key may overtake each other; "
                          "set it to USER_PARTITION_KEY, or accept that with any_order",
                          publish->stream);
    if (2 * summary->record_bytes > publish->memory_bytes)
        return scoop_fail(error, SCOOP_USAGE,
                          "memory_limit is too small for records of up to %zu bytes, which the "
                          "stream %.300s takes: at least %zu is needed",
                          summary->record_bytes, publish->stream,
                          2 * summary->record_bytes + READING_MEMORY_BYTES);
    return 0;
}

/* A line that is longer than any record is not kept to say so. */
static int start_reading(struct scoop_publish *publish, struct scoop_error *error) {
    publish->source.memory_limit_bytes = READING_MEMORY_BYTES;
    publish->source.max_record_bytes = 2 * publish->summary.record_bytes;
    publish->reader = scoop_text_reader_new(&publish->source, error);
    if (publish->reader == NULL)
        return -1;
    scoop_text_reader_start(publish->reader, &publish->waker);
    return 0;
}

static int begin_publishing(struct scoop_publish *publish, struct scoop_error *error) {
    const struct scoop_outbox_options options = {
        .stream = publish->stream,
        .first_number = publish->options.start_at,
        .memory_bytes = publish->memory_bytes - publish->summary.record_bytes,
        .max_record_bytes = publish->summary.record_bytes,
        .max_in_flight = publish->options.max_in_flight,
        .max_age_ms = publish->options.max_age_ms,
        .retry_ms = publish->options.retry_ms,
    };
    if (check_stream(publish, error) != 0)
        return -1;
    publish->outbox = scoop_outbox_new(&options, error);
    if (publish->outbox == NULL)
        return -1;
    publish->phase = PUBLISHING;
    return start_reading(publish, error);
}

static int take_summary(struct scoop_publish *publish, const struct scoop_kinesis_answer *answer,
                        struct scoop_error *error) {
    *error = answer->error;
    if (error->code == SCOOP_OK &&
        scoop_kinesis_parse_stream(answer->body, answer->length, &publish->summary, error) == 0)
        return begin_publishing(publish, error);
    uint64_t now = scoop_now_ms();
    uint64_t most = publish->options.retry_ms;
    if (error->http_status == 0 && most > UNHEARD_MS)
        most = UNHEARD_MS; /* most likely there is no such endpoint */
    publish->asked++;
    if (!error->retryable || scoop_patience_ends(&publish->asking, now, most))
        return -1;
    publish->ask_again_ms =
        now + scoop_retry_delay_ms(publish->asked, answer->throttled, scoop_random01());
    SCOOP_TRACE("publish", "the stream %s is asked again: %s", publish->stream,
                scoop_code_name(error->code));
    publish->phase = ASKED_LATER;
    memset(error, 0, sizeof *error);
    return 0;
}

/* --- requests --- */

static int take_answer(struct scoop_publish *publish, struct scoop_parcel *parcel,
                       const struct scoop_kinesis_answer *answer, struct scoop_error *error) {
    uint64_t now = scoop_now_ms();
    double random01 = scoop_random01();
    if (answer->error.code == SCOOP_OK)
        return scoop_outbox_answered(publish->outbox, parcel, answer->body, answer->length, now,
                                     random01, error);
    if (answer->error.retryable && answer->error.code != SCOOP_EXPIRED)
        return scoop_outbox_failed(publish->outbox, parcel, &answer->error, answer->throttled, now,
                                   random01, error);
    *error = answer->error;
    return -1;
}

static void on_done(void *user, const struct scoop_kinesis_answer *answer) {
    struct sending *sending = user;
    struct scoop_publish *publish = sending->publish;
    struct scoop_error error = {0};
    sending->call = NULL;
    int status = sending->parcel == NULL ? take_summary(publish, answer, &error)
                                         : take_answer(publish, sending->parcel, answer, &error);
    if (status != 0 && publish->phase != FAILED) {
        publish->phase = FAILED;
        publish->error = error;
    }
}

static bool is_allowed(const struct scoop_publish *publish) {
    return scoop_boottime_ms() <= atomic_load(&publish->allowed_until_ms);
}

static bool may_send(void *user) {
    return is_allowed(((struct sending *)user)->publish);
}

static int start_call(struct scoop_publish *publish, const char *operation,
                      const struct scoop_buf *body, struct scoop_parcel *parcel,
                      struct scoop_error *error) {
    struct sending *sending = publish->sendings;
    const struct sending *end = publish->sendings + MOST_CALLS;
    while (sending < end && sending->call != NULL)
        sending++;
    if (!SCOOP_INVARIANT(sending < end, error)) /* no more requests than places */
        return -1;
    const struct scoop_kinesis_request request = {
        .operation = operation,
        .stream = publish->stream,
        .body = body->data,
        .body_length = body->length,
        .may_send = may_send,
        .on_done = on_done,
        .user = sending,
    };
    *sending = (struct sending){.publish = publish, .parcel = parcel};
    sending->call = scoop_kinesis_start(publish->client, &request, error);
    return sending->call == NULL ? -1 : 0;
}

static int ask_stream(struct scoop_publish *publish, struct scoop_error *error) {
    if (publish->phase == ASKED_LATER && scoop_now_ms() < publish->ask_again_ms)
        return 0;
    if ((publish->phase == ASKING && publish->sendings[0].call != NULL) || !is_allowed(publish))
        return 0;
    publish->phase = ASKING;
    if (publish->asked == 0)
        scoop_patience_begin(&publish->asking, scoop_now_ms());
    return start_call(publish, "DescribeStreamSummary", &publish->question, NULL, error);
}

static int send_what_is_due(struct scoop_publish *publish, struct scoop_error *error) {
    struct scoop_parcel *parcel;
    while (is_allowed(publish) &&
           (parcel = scoop_outbox_next(publish->outbox, scoop_now_ms())) != NULL)
        if (start_call(publish, "PutRecords", scoop_parcel_body(parcel), parcel, error) != 0)
            return -1;
    return 0;
}

/* --- changes --- */

/* The outbox does not know where its changes are from. */
static int fail_line(const struct scoop_publish *publish, struct scoop_error *error) {
    char where[SCOOP_PLACE_SIZE];
    if (error->code != SCOOP_BAD_RECORD && error->code != SCOOP_TOO_LARGE)
        return -1;
    scoop_record_place_print(where, publish->place);
    scoop_error_say(error, "%s: %s: %s", scoop_text_reader_name(publish->reader), where,
                    error->message);
    return -1;
}

/* A line without its newline. 1: it was skipped or taken, 0: not now, -1. */
static int take_line(struct scoop_publish *publish, const unsigned char *line, size_t length,
                     uint64_t now, struct scoop_error *error) {
    struct scoop_record_places *places = &publish->places;
    int taken = 1;
    scoop_record_places_look_up(places, &places->first, publish->lines, &publish->place);
    if (publish->skipped < publish->options.start_at) {
        publish->skipped++;
    } else if (!scoop_kinesis_no_change(line, length)) {
        taken = scoop_outbox_offer(publish->outbox, line, length, now, error);
        publish->taken += taken > 0;
    }
    if (taken < 0)
        return fail_line(publish, error);
    publish->lines += (uint64_t)taken;
    publish->place.line += (uint64_t)taken;
    publish->place.offset += taken > 0 ? length + 1 : 0;
    return taken;
}

/* The lines that have arrived. 1: all were taken, 0: the outbox is full, -1. */
static int take_lines(struct scoop_publish *publish, struct scoop_error *error) {
    struct scoop_buf *text = &publish->text;
    uint64_t now = scoop_now_ms();
    const unsigned char *newline;
    while (publish->text_at < text->length &&
           (newline = memchr(text->data + publish->text_at, '\n',
                             text->length - publish->text_at)) != NULL) {
        const unsigned char *line = text->data + publish->text_at;
        int taken = take_line(publish, line, (size_t)(newline - line), now, error);
        if (taken <= 0)
            return taken;
        publish->text_at = (size_t)(newline - text->data) + 1;
    }
    scoop_buf_consume(text, publish->text_at);
    publish->text_at = 0;
    return 1;
}

/* No more changes: those that were taken are still sent. */
static void end_source(struct scoop_publish *publish) {
    publish->source_ended = true;
    scoop_outbox_end(publish->outbox);
}

/* 1: there is more to do at once, 0: wait, -1. A bad change is the source's fault. */
static int take_changes(struct scoop_publish *publish, struct scoop_error *error) {
    if (publish->source_ended)
        return 0;
    int taken = take_lines(publish, &publish->source_error);
    if (taken < 0) {
        end_source(publish);
        return 1;
    }
    if (taken == 0)
        return 0;
    switch (scoop_text_reader_take(publish->reader, &publish->text, &publish->places,
                                   &publish->source_error)) {
    case SCOOP_TEXT_READY:
        return 1;
    case SCOOP_TEXT_WAITING:
        return 0;
    case SCOOP_TEXT_ENDED:
        if (publish->text.length > 0)
            return scoop_fail(error, SCOOP_INTERNAL, "the last change has no end");
        break;
    case SCOOP_TEXT_FAILED:
        break;
    }
    end_source(publish);
    return 1;
}

static int finish(struct scoop_publish *publish, struct scoop_error *error) {
    struct scoop_outbox_facts facts;
    scoop_outbox_facts(publish->outbox, &facts);
    if (publish->source_error.code != SCOOP_OK) {
        *error = publish->source_error;
        return -1;
    }
    if (publish->skipped < publish->options.start_at)
        return scoop_fail(error, SCOOP_USAGE,
                          "start_at is %llu, but there are only %llu changes: is it the same file?",
                          (unsigned long long)publish->options.start_at,
                          (unsigned long long)publish->skipped);
    if (facts.sent != publish->taken || facts.acknowledged != publish->skipped + publish->taken) {
        scoop_fail(error, SCOOP_COUNT_MISMATCH, "of %llu changes, %llu left out, %llu were stored",
                   (unsigned long long)(publish->skipped + publish->taken),
                   (unsigned long long)publish->skipped, (unsigned long long)facts.sent);
        return scoop_error_counts(error, "changes", (int64_t)publish->taken, (int64_t)facts.sent);
    }
    publish->phase = DONE;
    return 0;
}

/* Whether what is left to store has an answer on its way, or a time at which it is sent. */
static bool is_under_way(const struct scoop_publish *publish) {
    struct scoop_outbox_facts facts;
    uint64_t longest = UINT32_MAX;
    scoop_outbox_facts(publish->outbox, &facts);
    return facts.in_flight > 0 ||
           scoop_outbox_wait_ms(publish->outbox, scoop_now_ms(), longest) < longest;
}

/* 1: there is more to do at once, 0: wait, -1. */
static int step(struct scoop_publish *publish, struct scoop_error *error) {
    if (atomic_load(&publish->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "publishing was cancelled");
    if (publish->phase < PUBLISHING)
        return ask_stream(publish, error);
    int more = take_changes(publish, error);
    if (more < 0 || send_what_is_due(publish, error) != 0)
        return -1;
    if (publish->source_ended && scoop_outbox_is_empty(publish->outbox))
        return finish(publish, error);
    bool waits = publish->source_ended && more == 0;
    return !waits || SCOOP_INVARIANT(is_under_way(publish), error) ? more : -1;
}

/* Tells how to go on, once anything was sent. */
static void add_mark(struct scoop_publish *publish) {
    struct scoop_outbox_facts facts;
    if (publish->outbox == NULL || publish->error.code == SCOOP_USAGE)
        return;
    scoop_outbox_facts(publish->outbox, &facts);
    if (facts.calls == 0)
        return;
    unsigned long long stored = facts.acknowledged;
    if (stored > publish->options.start_at)
        scoop_error_say(&publish->error,
                        "%.850s; the first %llu changes are stored: start_at=%llu goes on behind "
                        "them",
                        publish->error.message, stored, stored);
    else
        scoop_error_say(&publish->error,
                        "%.850s; no further change is known to be stored: start_at=%llu goes on "
                        "there",
                        publish->error.message, stored);
}

/* What is under way is forgotten, and nothing more is sent. */
static void end_failed(struct scoop_publish *publish) {
    stop_calls(publish);
    if (publish->reader != NULL)
        scoop_text_reader_facts(publish->reader, &publish->read);
    scoop_text_reader_free(publish->reader);
    publish->reader = NULL;
    add_mark(publish);
}

static int wait_ms(struct scoop_publish *publish, uint64_t now, uint64_t until) {
    uint64_t most = until > now ? until - now : 0;
    if (publish->phase == ASKED_LATER && publish->ask_again_ms < until)
        return publish->ask_again_ms > now ? (int)(publish->ask_again_ms - now) : 0;
    return (int)(publish->outbox == NULL || !is_allowed(publish)
                     ? most
                     : scoop_outbox_wait_ms(publish->outbox, now, most));
}

/* Lets requests move on; waits for them, or for the reader, if there is nothing else to do. */
static int let_move(struct scoop_publish *publish, bool busy, uint64_t until,
                    struct scoop_error *error) {
    if (busy)
        return scoop_engine_run(publish->engine, 0, error);
    scoop_waker_arm(&publish->waker);
    int more = publish->phase == PUBLISHING ? take_changes(publish, error) : 0;
    int status =
        more < 0 ? -1
                 : scoop_engine_run_until(publish->engine,
                                          more > 0 ? 0 : wait_ms(publish, scoop_now_ms(), until),
                                          publish->waker.fd, error);
    scoop_waker_disarm(&publish->waker);
    return status;
}

static void trace_phase(struct scoop_publish *publish) {
    static const char *const names[] = {"asking the stream", "asking later", "publishing", "done",
                                        "failed"};
    if (publish->told_phase == publish->phase)
        return;
    publish->told_phase = publish->phase;
    SCOOP_TRACE("publish", "%s: %s, %llu changes taken%s%s", names[publish->phase], publish->stream,
                (unsigned long long)publish->taken, publish->phase == FAILED ? ", " : "",
                publish->phase == FAILED ? scoop_code_name(publish->error.code) : "");
}

enum scoop_publish_state scoop_publish_run(struct scoop_publish *publish, int slice_ms,
                                           struct scoop_error *error) {
    uint64_t now = scoop_now_ms(), until = now + (uint64_t)slice_ms;
    while (publish->phase < DONE && now < until) {
        struct scoop_error failure = {0};
        int more = step(publish, &failure);
        if (more >= 0 && publish->phase < DONE && let_move(publish, more > 0, until, &failure) != 0)
            more = -1;
        if (more < 0 && publish->phase != FAILED) {
            publish->phase = FAILED;
            publish->error = failure;
        }
        if (publish->phase == FAILED)
            end_failed(publish);
        trace_phase(publish);
        now = scoop_now_ms();
    }
    if (publish->phase == FAILED)
        *error = publish->error;
    return publish->phase == DONE     ? SCOOP_PUBLISH_DONE
           : publish->phase == FAILED ? SCOOP_PUBLISH_FAILED
                                      : SCOOP_PUBLISH_RUNNING;
}

void scoop_publish_allow_until(struct scoop_publish *publish, uint64_t until_ms) {
    atomic_store(&publish->allowed_until_ms, until_ms);
    scoop_waker_wake(&publish->waker);
}

void scoop_publish_cancel(struct scoop_publish *publish) {
    atomic_store(&publish->cancelled, true);
}

void scoop_publish_facts(struct scoop_publish *publish, struct scoop_publish_facts *facts) {
    memset(facts, 0, sizeof *facts);
    facts->skipped = publish->skipped;
    facts->changes = publish->skipped + publish->taken;
    facts->acknowledged = publish->options.start_at;
    facts->stream = publish->summary;
    if (publish->outbox != NULL) {
        struct scoop_outbox_facts sent;
        scoop_outbox_facts(publish->outbox, &sent);
        facts->acknowledged = sent.acknowledged;
        facts->sent = sent.sent;
        facts->sent_bytes = sent.sent_bytes;
        facts->retried = sent.retried;
        facts->throttled = sent.throttled;
        facts->calls = sent.calls;
        facts->in_flight = sent.in_flight;
        facts->window = sent.window;
    }
    if (publish->reader != NULL)
        scoop_text_reader_facts(publish->reader, &publish->read);
    facts->source_bytes = publish->read.source_bytes;
    facts->source_total_bytes = publish->read.source_total_bytes;
    facts->source_retries = publish->read.retries;
    memcpy(facts->source_etag, publish->read.etag, sizeof facts->source_etag);
}

int scoop_publish_each_shard(const struct scoop_publish *publish,
                             int (*visit)(void *user, const char *name, uint64_t records),
                             void *user) {
    int status = 0;
    if (publish->outbox == NULL)
        return 0;
    const struct scoop_shards *shards = scoop_outbox_shards(publish->outbox);
    for (size_t i = 0; i < shards->count && status == 0; i++)
        status = visit(user, shards->shards[i].name, shards->shards[i].records);
    return status;
}
