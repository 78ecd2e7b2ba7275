/* Drives one transfer: opens both ends, pumps, seals, writes rejects, commits, or aborts. */
#include "scoop/transfer.h"

#include <string.h>

#include "copy/places.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "text/text.h"
#include "scoop/trace.h"
#include "copy/server_copy.h"
#include "copy/transfer_internal.h"

enum {
    STEPS_PER_TURN = 16,
    ABORT_SLICE_MS = 50,
};

/* Whether the source can be read a second time. */
static bool rereadable(const struct scoop_transfer *transfer) {
    const char *uri = transfer->options.source.uri;
    return uri != NULL &&
           (scoop_place_is_http(uri) || scoop_place_is_s3(uri) || transfer->source->wait_fd < 0) &&
           strcmp(uri, "-") != 0;
}

/* Takes back what was written, and what an earlier try had left, and reads the source again. */
static int start_over(struct scoop_transfer *transfer) {
    scoop_chain_free(&transfer->chain);
    transfer->source->type->free(transfer->source);
    transfer->source = NULL;
    transfer->sink->type->abort(transfer->sink);
    transfer->resume_dropped = transfer->resume_dropped || transfer->resume != NULL;
    if (transfer->resume != NULL)
        SCOOP_TRACE("transfer", "what an earlier try left does not fit: it is taken back");
    transfer->resume = NULL;
    transfer->unchanged = transfer->bare = false;
    transfer->upload_told = transfer->upload_kept = false;
    transfer->abort_deadline_ms = scoop_now_ms() + SCOOP_TRANSFER_ABORT_MS;
    transfer->phase = RESTARTING;
    return 1;
}

/* A record must change after all. */
static int restart(struct scoop_transfer *transfer) {
    transfer->restarted = true;
    SCOOP_TRACE("transfer", "a record must change: the source is read again, and written anew");
    return start_over(transfer);
}

static int wait_restart(struct scoop_transfer *transfer) {
    struct scoop_error ignored = {0};
    if (transfer->sink->type->poll(transfer->sink, &ignored) == SCOOP_SINK_ABORTING &&
        scoop_now_ms() < transfer->abort_deadline_ms)
        return 0;
    transfer->sink->type->free(transfer->sink);
    transfer->sink = NULL;
    scoop_s3_client_free(transfer->source_client);
    scoop_s3_client_free(transfer->destination_client);
    transfer->source_client = transfer->destination_client = NULL;
    memset(&transfer->counters, 0, sizeof transfer->counters);
    scoop_rejects_forget(&transfer->rejects);
    transfer->prefix_length = 0;
    transfer->phase = OPENING;
    return 1;
}

static int open_both(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(transfer->source == NULL || transfer->fed, error) ||
        !SCOOP_INVARIANT(transfer->sink == NULL, error))
        return -1;
    if (!transfer->server_tried && scoop_server_copy_is_possible(&transfer->options)) {
        transfer->phase = LOOKING;
        return scoop_transfer_open_server_copy(transfer, error) == 0 ? 1 : -1;
    }
    if (scoop_transfer_open_source(transfer, error) != 0 ||
        scoop_transfer_open_sink(transfer, error) != 0)
        return -1;
    transfer->rejects.client = transfer->destination_client;
    transfer->counters.source_bytes = transfer->counters.text_bytes =
        transfer->counters.destination_bytes = scoop_transfer_start_bytes(transfer);
    transfer->phase = SNIFFING;
    return 1;
}

/* Goes on without the server's help. */
static int stop_server_copy(struct scoop_transfer *transfer) {
    transfer->server_copies = false;
    transfer->server_tried = true;
    transfer->sink->type->abort(transfer->sink);
    transfer->abort_deadline_ms = scoop_now_ms() + SCOOP_TRANSFER_ABORT_MS;
    transfer->phase = RESTARTING;
    return 1;
}

/* What the server refuses to copy in parts it may copy at once; what it does not copy by itself is
 * read and written instead. -1: it is no refusal. */
static int fall_back(struct scoop_transfer *transfer, const struct scoop_error *error) {
    struct scoop_server_copy_facts facts;
    if (!transfer->server_copies || !scoop_server_copy_is_refusal(error))
        return -1;
    scoop_text_print(transfer->server_side_refused, sizeof transfer->server_side_refused, "%s",
                     error->message);
    SCOOP_TRACE("transfer", "the server refuses to copy: %s, HTTP %d", scoop_code_name(error->code),
                error->http_status);
    scoop_server_copy_facts(transfer->sink, &facts);
    stop_server_copy(transfer);
    transfer->server_tried = !facts.in_parts;
    transfer->server_at_once = facts.in_parts;
    return 1;
}

static void count_server_copy(struct scoop_transfer *transfer) {
    struct scoop_server_copy_facts facts;
    struct scoop_counters *counters = &transfer->counters;
    if (!transfer->server_copies)
        return;
    scoop_server_copy_facts(transfer->sink, &facts);
    counters->source_bytes = counters->destination_bytes = facts.copied_bytes;
    if (!facts.gzip)
        counters->text_bytes = facts.copied_bytes;
}

static int look(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_server_copy_facts facts;
    if (transfer->sink->type->poll(transfer->sink, error) == SCOOP_SINK_FAILED)
        return fall_back(transfer, error);
    scoop_server_copy_facts(transfer->sink, &facts);
    if (facts.verdict == SCOOP_SERVER_COPY_DECLINES)
        return stop_server_copy(transfer);
    if (facts.verdict == SCOOP_SERVER_COPY_LOOKING)
        return 0;
    transfer->unchanged = true;
    transfer->rejects.client = transfer->destination_client;
    transfer->phase = SEALING;
    return 1;
}

bool scoop_transfer_is_blocked(struct scoop_transfer *transfer) {
    return !transfer->sink->type->ready(transfer->sink, transfer->room_bytes);
}

/* Whether the chain takes SCOOP_STEP_BYTES without waiting. */
static bool has_room(struct scoop_transfer *transfer) {
    return scoop_chain_ready(&transfer->chain) &&
           (transfer->chain.outlet != NULL || !scoop_transfer_is_blocked(transfer));
}

static bool can_take(struct scoop_transfer *transfer) {
    return transfer->phase == STREAMING && transfer->taken_error.code == SCOOP_OK &&
           !transfer->chain.head_reached && !scoop_chain_must_transform(&transfer->chain) &&
           !scoop_chain_has_failed(&transfer->chain) && has_room(transfer);
}

/* The source's bytes as they arrive; an error is the next turn's. */
static size_t take(void *user, const void *data, size_t length) {
    struct scoop_transfer *transfer = user;
    size_t taken = 0;
    while (taken < length && can_take(transfer)) {
        size_t left = length - taken, consumed = 0;
        size_t step = left < SCOOP_STEP_BYTES ? left : SCOOP_STEP_BYTES;
        if (scoop_chain_write(&transfer->chain, (const unsigned char *)data + taken, step,
                              &consumed, &transfer->taken_error) != 0)
            break;
        transfer->counters.source_bytes += consumed;
        taken += consumed;
    }
    return taken;
}

/* The same from anywhere in the source, to a sink that takes it anywhere. */
static bool put(void *user, uint64_t offset, const void *data, size_t length) {
    struct scoop_transfer *transfer = user;
    if (!can_take(transfer) ||
        transfer->sink->write_at(transfer->sink, offset, data, length, &transfer->taken_error) != 0)
        return false;
    transfer->counters.source_bytes += length;
    transfer->counters.text_bytes += length;
    transfer->counters.destination_bytes += length;
    return true;
}

static void offer_to_take(struct scoop_transfer *transfer) {
    const struct scoop_sink *sink = transfer->sink;
    if (!sink->local && transfer->chain.outlet == NULL)
        return;
    bool in_place = sink->write_at != NULL && scoop_chain_is_bare(&transfer->chain);
    transfer->source->taker = (struct scoop_taker){take, in_place ? put : NULL, transfer};
}

static int start_stream(struct scoop_transfer *transfer, struct scoop_error *error) {
    bool middle = scoop_transfer_start_bytes(transfer) > 0;
    enum scoop_content content = transfer->options.as_stored || middle
                                     ? SCOOP_CONTENT_PLAIN
                                     : scoop_sniff(transfer->prefix, transfer->prefix_length);
    if (!transfer->source->length_known && content != SCOOP_CONTENT_GZIP)
        return scoop_fail(error, SCOOP_LENGTH_UNKNOWN,
                          "%s: of a body without a known length only gzip data shows its own end",
                          transfer->source_name);
    struct scoop_chain_options options = {
        .transfer = &transfer->options,
        .content = content,
        .may_pass = !transfer->restarted && rereadable(transfer),
        .source_name = transfer->source_name,
        .sink = transfer->sink,
        .counters = &transfer->counters,
        .policy = {scoop_rejects_take, &transfer->rejects},
    };
    if (!SCOOP_INVARIANT(transfer->chain.first == NULL, error))
        return -1;
    if (scoop_chain_build(&transfer->chain, &options, error) != 0)
        return -1;
    if (transfer->resume != NULL && !transfer->chain.unchanged)
        return start_over(transfer);
    transfer->unchanged = transfer->chain.unchanged;
    transfer->bare = transfer->unchanged && transfer->chain.worker == NULL;
    if (transfer->unchanged && transfer->options.head_lines == 0 &&
        scoop_s3_sink_expect(transfer->sink, transfer->source->total_bytes,
                             scoop_file_source_fd(transfer->source), error) != 0)
        return -1;
    if (!scoop_sink_resume_fits(transfer->sink))
        return start_over(transfer);
    transfer->phase = STREAMING;
    offer_to_take(transfer);
    return scoop_chain_write_all(&transfer->chain, transfer->prefix, transfer->prefix_length,
                                 error) == 0
               ? 1
               : -1;
}

/* Gathers the first bytes, which may come one at a time. */
static int sniff(struct scoop_transfer *transfer, struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    enum scoop_source_state state =
        transfer->source->type->peek(transfer->source, &data, &length, error);
    if (scoop_transfer_misfits(transfer, state, error))
        return start_over(transfer);
    switch (state) {
    case SCOOP_SOURCE_WAITING:
        return 0;
    case SCOOP_SOURCE_FAILED:
        return -1;
    case SCOOP_SOURCE_ENDED:
        return start_stream(transfer, error);
    case SCOOP_SOURCE_READY:
        break;
    }
    size_t left = sizeof transfer->prefix - transfer->prefix_length;
    size_t taken = length < left ? length : left;
    memcpy(transfer->prefix + transfer->prefix_length, data, taken);
    transfer->prefix_length += taken;
    transfer->counters.source_bytes += taken;
    transfer->source->type->consume(transfer->source, taken);
    return transfer->prefix_length == sizeof transfer->prefix ? start_stream(transfer, error) : 1;
}

static int seal(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(transfer->phase == STREAMING || transfer->phase == FINISHING, error) ||
        scoop_chain_finish(&transfer->chain, error) != 0)
        return -1;
    if (scoop_chain_must_transform(&transfer->chain))
        return restart(transfer);
    if (transfer->sink->type->seal(transfer->sink, error) != 0)
        return -1;
    const struct scoop_counters *counters = &transfer->counters;
    if (counters->records_in != counters->records_out + counters->records_rejected)
        return scoop_fail(error, SCOOP_COUNT_MISMATCH,
                          "%s: %llu records came in, %llu went out and %llu were rejected",
                          transfer->source_name, (unsigned long long)counters->records_in,
                          (unsigned long long)counters->records_out,
                          (unsigned long long)counters->records_rejected);
    transfer->phase = SEALING;
    return 1;
}

/* The source has ended: what the stages still hold comes next. */
static int end_stream(struct scoop_transfer *transfer) {
    scoop_chain_end(&transfer->chain);
    transfer->phase = FINISHING;
    return 1;
}

/* What came before the source's fault may hold another one: that is the first, and the one to tell.
 */
static int fail_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!scoop_chain_abandon(&transfer->chain, error))
        return -1;
    memset(error, 0, sizeof *error);
    transfer->phase = FINISHING;
    return 1;
}

static int pump_once(struct scoop_transfer *transfer, struct scoop_error *error) {
    const unsigned char *data;
    size_t length, consumed = 0;
    if (transfer->taken_error.code != SCOOP_OK) {
        *error = transfer->taken_error;
        return -1;
    }
    if (transfer->chain.head_reached)
        return seal(transfer, error);
    if (scoop_chain_must_transform(&transfer->chain))
        return restart(transfer);
    if (scoop_chain_has_failed(&transfer->chain))
        return scoop_chain_finish(&transfer->chain, error);
    transfer->waits_for_room = !scoop_chain_ready(&transfer->chain);
    if (transfer->waits_for_room ||
        (transfer->chain.outlet == NULL && scoop_transfer_is_blocked(transfer)))
        return 0;
    switch (transfer->source->type->peek(transfer->source, &data, &length, error)) {
    case SCOOP_SOURCE_WAITING:
        return 0;
    case SCOOP_SOURCE_FAILED:
        return fail_source(transfer, error);
    case SCOOP_SOURCE_ENDED:
        return end_stream(transfer);
    case SCOOP_SOURCE_READY:
        break;
    }
    if (length > SCOOP_STEP_BYTES)
        length = SCOOP_STEP_BYTES;
    if (scoop_chain_write(&transfer->chain, data, length, &consumed, error) != 0)
        return -1;
    transfer->counters.source_bytes += consumed;
    transfer->source->type->consume(transfer->source, consumed);
    return 1;
}

/* An upload that is taken up may be completed or aborted by another try meanwhile. */
static int sink_failed(struct scoop_transfer *transfer, const struct scoop_error *error) {
    if (transfer->resume != NULL && error->code == SCOOP_NOT_FOUND)
        return start_over(transfer);
    return -1;
}

static int pump(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (transfer->sink->type->poll(transfer->sink, error) == SCOOP_SINK_FAILED)
        return sink_failed(transfer, error);
    int moved = scoop_chain_drain(&transfer->chain, transfer->room_bytes, error);
    if (moved < 0)
        return -1;
    for (int i = 0; i < STEPS_PER_TURN && transfer->phase == STREAMING; i++) {
        int status = pump_once(transfer, error);
        if (status < 0)
            return -1;
        if (status == 0)
            break;
        moved = 1;
    }
    return moved;
}

static int finish_stream(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (transfer->sink->type->poll(transfer->sink, error) == SCOOP_SINK_FAILED)
        return -1;
    int moved = scoop_chain_drain(&transfer->chain, transfer->room_bytes, error);
    if (moved < 0)
        return -1;
    return scoop_chain_has_ended(&transfer->chain) ? seal(transfer, error) : moved;
}

static int begin_rejects(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(transfer->phase == SEALING || transfer->phase == HOLDING, error))
        return -1;
    transfer->phase = REJECTS;
    return scoop_rejects_begin(&transfer->rejects, error) == 0 ? 1 : -1;
}

static int wait_sealed(struct scoop_transfer *transfer, struct scoop_error *error) {
    enum scoop_sink_state state = transfer->sink->type->poll(transfer->sink, error);
    count_server_copy(transfer);
    if (state == SCOOP_SINK_FAILED)
        return transfer->server_copies ? fall_back(transfer, error) : sink_failed(transfer, error);
    if (state != SCOOP_SINK_SEALED)
        return 0;
    if (transfer->options.held) {
        scoop_chain_free(&transfer->chain);
        transfer->phase = HOLDING;
        return 1;
    }
    return begin_rejects(transfer, error);
}

void scoop_transfer_release(struct scoop_transfer *transfer) {
    transfer->options.held = false;
}

static int hold(struct scoop_transfer *transfer, struct scoop_error *error) {
    return transfer->options.held ? 0 : begin_rejects(transfer, error);
}

/* The reject file is written first: rows that are left out must never be unaccounted for. */
static int wait_rejects(struct scoop_transfer *transfer, struct scoop_error *error) {
    int status = scoop_rejects_poll(&transfer->rejects, error);
    if (status <= 0)
        return status;
    transfer->phase = COMMITTING;
    return transfer->sink->type->commit(transfer->sink, error) == 0 ? 1 : -1;
}

/* Only now: should the commit fail, the earlier object keeps the file that accounts for it. */
static int clean(struct scoop_transfer *transfer, struct scoop_error *error) {
    transfer->phase = CLEANING;
    return scoop_rejects_clean(&transfer->rejects, error) == 0 ? 1 : -1;
}

static int wait_committed(struct scoop_transfer *transfer, struct scoop_error *error) {
    enum scoop_sink_state state = transfer->sink->type->poll(transfer->sink, error);
    count_server_copy(transfer);
    if (state == SCOOP_SINK_FAILED)
        return fall_back(transfer, error);
    return state == SCOOP_SINK_COMMITTED ? clean(transfer, error) : 0;
}

static int wait_cleaned(struct scoop_transfer *transfer, struct scoop_error *error) {
    int status = scoop_rejects_poll(&transfer->rejects, error);
    if (status > 0)
        transfer->phase = DONE;
    return status;
}

static int wait_aborted(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_error ignored = {0};
    enum scoop_sink_state state = transfer->sink == NULL
                                      ? SCOOP_SINK_ABORTED
                                      : transfer->sink->type->poll(transfer->sink, &ignored);
    if (state == SCOOP_SINK_COMMITTED && transfer->error.code != SCOOP_CANCELLED) {
        /* The answer to Complete was lost, but it had won. */
        return clean(transfer, error);
    }
    bool late = scoop_now_ms() >= transfer->abort_deadline_ms;
    if (state == SCOOP_SINK_ABORTING && !late)
        return 0;
    return scoop_transfer_end_abort(transfer, state == SCOOP_SINK_COMMITTED, late);
}

/* 1: something moved, 0: waiting, -1 with *error. */
static int step(struct scoop_transfer *transfer, struct scoop_error *error) {
    switch (transfer->phase) {
    case OPENING:
        return open_both(transfer, error);
    case LOOKING:
        return look(transfer, error);
    case SNIFFING:
        return sniff(transfer, error);
    case STREAMING:
        return pump(transfer, error);
    case FINISHING:
        return finish_stream(transfer, error);
    case RESTARTING:
        return wait_restart(transfer);
    case SEALING:
        return wait_sealed(transfer, error);
    case HOLDING:
        return hold(transfer, error);
    case REJECTS:
        return wait_rejects(transfer, error);
    case COMMITTING:
        return wait_committed(transfer, error);
    case CLEANING:
        return wait_cleaned(transfer, error);
    case ABORTING:
        return wait_aborted(transfer, error);
    default:
        return 0;
    }
}

static bool is_over(const struct scoop_transfer *transfer) {
    return transfer->phase == DONE || transfer->phase == FAILED;
}

static bool is_held(const struct scoop_transfer *transfer) {
    return transfer->phase == HOLDING && transfer->options.held &&
           !atomic_load(&transfer->cancelled);
}

static bool is_full(const struct scoop_transfer *transfer) {
    return transfer->options.memory != NULL &&
           (transfer->phase == STREAMING || transfer->phase == FINISHING) &&
           transfer->options.memory->length >= SCOOP_TRANSFER_MEMORY_HIGH_BYTES;
}

static bool is_empty(const struct scoop_transfer *transfer) {
    return transfer->fed && transfer->phase <= STREAMING && !atomic_load(&transfer->cancelled) &&
           scoop_fed_source_is_empty(transfer->source);
}

static void turn(struct scoop_transfer *transfer, int wait_ms) {
    struct scoop_error error = {0};
    if (atomic_load(&transfer->cancelled) && transfer->phase < ABORTING) {
        scoop_fail(&error, SCOOP_CANCELLED, "%s: the transfer was cancelled",
                   transfer->source_name);
        scoop_transfer_fail(transfer, &error);
    }
    int status = step(transfer, &error);
    if (status < 0) {
        scoop_transfer_fail(transfer, &error);
        status = 1;
    }
    scoop_transfer_trace_phase(transfer);
    if (is_over(transfer) || is_full(transfer) || is_held(transfer))
        return;
    if (is_empty(transfer))
        wait_ms = 0;
    if (scoop_transfer_wait(transfer, status > 0 ? 0 : wait_ms, &error) != 0 &&
        transfer->phase < ABORTING)
        scoop_transfer_fail(transfer, &error);
}

enum scoop_transfer_state scoop_transfer_run(struct scoop_transfer *transfer, int slice_ms,
                                             struct scoop_error *error) {
    uint64_t start = scoop_now_ms(), now = start;
    while (!is_over(transfer) && !is_full(transfer) && !is_held(transfer) &&
           now - start < (uint64_t)slice_ms) {
        turn(transfer, slice_ms - (int)(now - start));
        if (scoop_transfer_tells_upload(transfer))
            return SCOOP_TRANSFER_UPLOAD_CREATED;
        if (is_empty(transfer))
            return SCOOP_TRANSFER_EMPTY;
        now = scoop_now_ms();
    }
    if (transfer->phase == FAILED)
        *error = transfer->error;
    if (is_over(transfer))
        return transfer->phase == DONE ? SCOOP_TRANSFER_DONE : SCOOP_TRANSFER_FAILED;
    if (is_held(transfer))
        return SCOOP_TRANSFER_HELD;
    return is_full(transfer) ? SCOOP_TRANSFER_FULL : SCOOP_TRANSFER_RUNNING;
}

void scoop_transfer_feed(struct scoop_transfer *transfer, const void *data, size_t length) {
    if (transfer->source != NULL)
        scoop_fed_source_feed(transfer->source, data, length);
}

void scoop_transfer_feed_end(struct scoop_transfer *transfer) {
    if (transfer->source != NULL)
        scoop_fed_source_end(transfer->source);
}

void scoop_transfer_cancel(struct scoop_transfer *transfer) {
    atomic_store(&transfer->cancelled, true);
}

static void abort_now(struct scoop_transfer *transfer) {
    scoop_transfer_cancel(transfer);
    while (!is_over(transfer))
        turn(transfer, ABORT_SLICE_MS);
}

void scoop_transfer_free(struct scoop_transfer *transfer) {
    if (transfer == NULL)
        return;
    if (transfer->sink != NULL)
        abort_now(transfer);
    scoop_chain_free(&transfer->chain);
    if (transfer->source != NULL)
        transfer->source->type->free(transfer->source);
    if (transfer->sink != NULL)
        transfer->sink->type->free(transfer->sink);
    scoop_rejects_free(&transfer->rejects);
    scoop_s3_client_free(transfer->source_client);
    scoop_s3_client_free(transfer->destination_client);
    scoop_engine_free(transfer->engine);
    scoop_transfer_free_options(transfer);
    scoop_free(transfer);
}
