/* The phases of a stream: the first bytes are looked at, the stages are joined, and bytes move from
 * the source through them to the sink. */
#include <string.h>
#include <sys/types.h>

#include "base/error_facts.h"
#include "base/invariant.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"

enum { STEPS_PER_TURN = 16 };

/* Whether the source can be read a second time. */
static bool rereadable(const struct scoop_transfer *transfer) {
    const char *uri = transfer->options.source.uri;
    const struct scoop_web_options *web = &transfer->options.web;
    return uri != NULL && (web->body == NULL || web->idempotent) &&
           (scoop_place_is_http(uri) || scoop_place_is_s3(uri) ||
            transfer->attempt.source->wait_fd < 0) &&
           strcmp(uri, "-") != 0;
}

bool scoop_transfer_is_blocked(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    return !attempt->sink->type->ready(attempt->sink, transfer->room_bytes);
}

/* Whether the chain takes SCOOP_STEP_BYTES without waiting. */
static bool has_room(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    return scoop_chain_ready(&attempt->chain) &&
           (attempt->chain.outlet != NULL || !scoop_transfer_is_blocked(transfer));
}

static bool can_take(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    return transfer->phase == STREAMING && attempt->taken_error.code == SCOOP_OK &&
           !attempt->chain.head_reached && !scoop_chain_must_transform(&attempt->chain) &&
           !scoop_chain_has_failed(&attempt->chain) && has_room(transfer);
}

/* The source's bytes as they arrive; an error is the next turn's. */
static size_t take(void *user, const void *data, size_t length) {
    struct scoop_transfer *transfer = user;
    struct scoop_attempt *attempt = &transfer->attempt;
    size_t taken = 0;
    while (taken < length && can_take(transfer)) {
        size_t left = length - taken, consumed = 0;
        size_t step = left < SCOOP_STEP_BYTES ? left : SCOOP_STEP_BYTES;
        if (scoop_chain_write(&attempt->chain, (const unsigned char *)data + taken, step, &consumed,
                              &attempt->taken_error) != 0)
            break;
        attempt->counters.source_bytes += consumed;
        taken += consumed;
    }
    return taken;
}

/* The same from anywhere in the source, to a sink that takes it anywhere. */
static bool put(void *user, uint64_t offset, const void *data, size_t length) {
    struct scoop_transfer *transfer = user;
    struct scoop_attempt *attempt = &transfer->attempt;
    if (!can_take(transfer) ||
        attempt->sink->write_at(attempt->sink, offset, data, length, &attempt->taken_error) != 0)
        return false;
    attempt->counters.source_bytes += length;
    attempt->counters.text_bytes += length;
    attempt->counters.destination_bytes += length;
    return true;
}

static void offer_to_take(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_sink *sink = attempt->sink;
    if (!sink->local && attempt->chain.outlet == NULL)
        return;
    bool in_place = sink->write_at != NULL && scoop_chain_is_bare(&attempt->chain);
    attempt->source->taker = (struct scoop_taker){take, in_place ? put : NULL, transfer};
}

static int start_stream(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (scoop_transfer_awaits_tags(transfer))
        return 0;
    struct scoop_chain_options options = {
        .transfer = &transfer->options,
        .may_pass = transfer->kind == SCOOP_ATTEMPT_STREAM && rereadable(transfer),
        .source_name = transfer->source_name,
        .sink = attempt->sink,
        .counters = &attempt->counters,
        .policy = {scoop_rejects_take, &transfer->rejects},
    };
    if (!SCOOP_INVARIANT(attempt->chain.first == NULL, error) ||
        scoop_transfer_look_at_content(transfer, &options, error) != 0)
        return -1;
    if (scoop_chain_build(&attempt->chain, &options, error) != 0)
        return -1;
    if (scoop_transfer_takes_up(transfer) && !attempt->chain.unchanged)
        return scoop_transfer_start_over(transfer);
    attempt->unchanged = attempt->chain.unchanged;
    attempt->bare = attempt->unchanged && attempt->chain.worker == NULL;
    if (scoop_transfer_keep_headers(transfer, error) != 0)
        return -1;
    if (attempt->unchanged && transfer->options.head_lines == 0 &&
        scoop_s3_sink_expect(attempt->sink, attempt->source->total_bytes,
                             scoop_file_source_fd(attempt->source), error) != 0)
        return -1;
    if (!scoop_sink_resume_fits(attempt->sink))
        return scoop_transfer_start_over(transfer);
    transfer->phase = STREAMING;
    offer_to_take(transfer);
    const struct scoop_encoded *encoded = attempt->encoded;
    int status = encoded != NULL ? scoop_chain_write_all(&attempt->chain, encoded->raw.data,
                                                         encoded->raw.length, error)
                                 : scoop_chain_write_all(&attempt->chain, attempt->prefix,
                                                         attempt->prefix_length, error);
    return status == 0 ? 1 : -1;
}

/* The answer's head is there: whether the body is encoded, and in what. */
static int note_encoding(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (attempt->encoded != NULL || attempt->prefix_length > 0 ||
        !scoop_place_is_http(transfer->options.source.uri) ||
        scoop_transfer_start_bytes(transfer) > 0 ||
        !scoop_encoded_is(attempt->source->content_encoding))
        return 0;
    attempt->encoded =
        scoop_encoded_new(attempt->source->content_encoding, transfer->source_name, error);
    return attempt->encoded == NULL ? -1 : 0;
}

/* How many bytes were taken of the first ones, or -1. */
static ssize_t keep_first(struct scoop_attempt *attempt, const unsigned char *data, size_t length,
                          struct scoop_error *error) {
    size_t room = attempt->encoded != NULL ? SCOOP_ENCODED_STEP_BYTES
                                           : sizeof attempt->prefix - attempt->prefix_length;
    size_t taken = length < room ? length : room;
    if (attempt->encoded != NULL)
        return scoop_encoded_take(attempt->encoded, data, taken, error) == 0 ? (ssize_t)taken : -1;
    memcpy(attempt->prefix + attempt->prefix_length, data, taken);
    attempt->prefix_length += taken;
    return (ssize_t)taken;
}

static bool knows_content(const struct scoop_attempt *attempt) {
    return attempt->encoded != NULL ? attempt->encoded->known
                                    : attempt->prefix_length == sizeof attempt->prefix;
}

/* Whether the source's first answer shows another one than was looked at before. */
static bool has_changed(const struct scoop_transfer *transfer, enum scoop_source_state state) {
    const char *looked_at = transfer->options.source_identity;
    return looked_at != NULL && (state == SCOOP_SOURCE_READY || state == SCOOP_SOURCE_ENDED) &&
           strcmp(looked_at, transfer->attempt.source->identity) != 0;
}

/* Gathers the first bytes, which may come one at a time. */
int scoop_transfer_sniff(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const unsigned char *data;
    size_t length;
    enum scoop_source_state state =
        attempt->source->type->peek(attempt->source, &data, &length, error);
    if (has_changed(transfer, state))
        return scoop_fail(error, SCOOP_SOURCE_CHANGED, "%s changed while it was read",
                          transfer->source_name);
    if (scoop_transfer_misfits(transfer, state, error))
        return scoop_transfer_start_over(transfer);
    switch (state) {
    case SCOOP_SOURCE_WAITING:
        return 0;
    case SCOOP_SOURCE_FAILED:
        return scoop_transfer_restart(transfer, error);
    case SCOOP_SOURCE_ENDED:
        return start_stream(transfer, error);
    case SCOOP_SOURCE_READY:
        break;
    }
    if (note_encoding(transfer, error) != 0)
        return -1;
    ssize_t taken = keep_first(attempt, data, length, error);
    if (taken < 0)
        return -1;
    attempt->counters.source_bytes += (size_t)taken;
    attempt->source->type->consume(attempt->source, (size_t)taken);
    return knows_content(attempt) ? start_stream(transfer, error) : 1;
}

/* Whether the records add up, and are enough; before anything is visible. */
static int check_counts(const struct scoop_transfer *transfer, struct scoop_error *error) {
    const struct scoop_counters *counters = &transfer->attempt.counters;
    if (counters->records_in != counters->records_out + counters->records_rejected) {
        scoop_fail(error, SCOOP_COUNT_MISMATCH,
                   "%s: %llu records came in, %llu went out and %llu were rejected",
                   transfer->source_name, (unsigned long long)counters->records_in,
                   (unsigned long long)counters->records_out,
                   (unsigned long long)counters->records_rejected);
        return scoop_error_counts(error, "records", (int64_t)counters->records_in,
                                  (int64_t)(counters->records_out + counters->records_rejected));
    }
    if (counters->records_out < transfer->options.min_records)
        return scoop_fail_too_few(error, transfer->source_name,
                                  (int64_t)transfer->options.min_records,
                                  (int64_t)counters->records_out);
    return 0;
}

static int seal(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (!SCOOP_INVARIANT(transfer->phase == STREAMING || transfer->phase == FINISHING, error) ||
        scoop_chain_finish(&attempt->chain, error) != 0)
        return -1;
    if (scoop_chain_must_transform(&attempt->chain))
        return scoop_transfer_start_transform(transfer);
    if (attempt->sink->type->seal(attempt->sink, error) != 0 || check_counts(transfer, error) != 0)
        return -1;
    transfer->phase = SEALING;
    return 1;
}

/* The source has ended: what the stages still hold comes next. */
static int end_stream(struct scoop_transfer *transfer) {
    scoop_chain_end(&transfer->attempt.chain);
    transfer->phase = FINISHING;
    return 1;
}

/* What came before the source's fault may hold another one: that is the first, and the one to tell.
 */
static int fail_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (scoop_transfer_restart(transfer, error) > 0)
        return 1;
    if (!scoop_chain_abandon(&transfer->attempt.chain, error))
        return -1;
    memset(error, 0, sizeof *error);
    transfer->phase = FINISHING;
    return 1;
}

static int pump_once(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const unsigned char *data;
    size_t length, consumed = 0;
    if (attempt->taken_error.code != SCOOP_OK) {
        *error = attempt->taken_error;
        return -1;
    }
    if (attempt->chain.head_reached)
        return seal(transfer, error);
    if (scoop_chain_must_transform(&attempt->chain))
        return scoop_transfer_start_transform(transfer);
    if (scoop_chain_has_failed(&attempt->chain))
        return scoop_chain_finish(&attempt->chain, error);
    attempt->waits_for_room = !scoop_chain_ready(&attempt->chain);
    if (attempt->waits_for_room ||
        (attempt->chain.outlet == NULL && scoop_transfer_is_blocked(transfer)))
        return 0;
    switch (attempt->source->type->peek(attempt->source, &data, &length, error)) {
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
    if (scoop_chain_write(&attempt->chain, data, length, &consumed, error) != 0)
        return -1;
    attempt->counters.source_bytes += consumed;
    attempt->source->type->consume(attempt->source, consumed);
    return 1;
}

int scoop_transfer_pump(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (attempt->sink->type->poll(attempt->sink, error) == SCOOP_SINK_FAILED)
        return scoop_transfer_sink_failed(transfer, error);
    int moved = scoop_chain_drain(&attempt->chain, transfer->room_bytes, error);
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

int scoop_transfer_finish(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (attempt->sink->type->poll(attempt->sink, error) == SCOOP_SINK_FAILED)
        return -1;
    int moved = scoop_chain_drain(&attempt->chain, transfer->room_bytes, error);
    if (moved < 0)
        return -1;
    return scoop_chain_has_ended(&attempt->chain) ? seal(transfer, error) : moved;
}
