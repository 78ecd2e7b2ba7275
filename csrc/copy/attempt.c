/* The attempts of a transfer: what belongs to one, and which follows which. */
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/invariant.h"
#include "copy/transfer_internal.h"
#include "scoop/trace.h"
#include "text/text.h"

enum { HAND_ON_MS = 10000 }; /* for parts that are on their way */

/* --- one attempt --- */

void scoop_attempt_init(struct scoop_attempt *attempt) {
    memset(attempt, 0, sizeof *attempt);
    attempt->read.total_bytes = -1;
}

bool scoop_attempt_has_destination(const struct scoop_attempt *attempt) {
    return attempt->server_copy != NULL || attempt->sink != NULL;
}

enum scoop_sink_state scoop_attempt_poll(struct scoop_attempt *attempt, struct scoop_error *error) {
    if (attempt->server_copy != NULL)
        return scoop_server_copy_poll(attempt->server_copy, error);
    if (attempt->sink != NULL)
        return attempt->sink->type->poll(attempt->sink, error);
    return SCOOP_SINK_ABORTED;
}

int scoop_attempt_commit(struct scoop_attempt *attempt, struct scoop_error *error) {
    return attempt->server_copy != NULL ? scoop_server_copy_commit(attempt->server_copy, error)
                                        : attempt->sink->type->commit(attempt->sink, error);
}

void scoop_attempt_abort(struct scoop_attempt *attempt) {
    if (attempt->server_copy != NULL)
        scoop_server_copy_abort(attempt->server_copy);
    else if (attempt->sink != NULL)
        attempt->sink->type->abort(attempt->sink);
}

void scoop_attempt_sink_facts(const struct scoop_attempt *attempt, struct scoop_sink_facts *facts) {
    memset(facts, 0, sizeof *facts);
    if (attempt->server_copy != NULL)
        scoop_server_copy_sink_facts(attempt->server_copy, facts);
    else if (attempt->sink != NULL)
        scoop_sink_facts(attempt->sink, facts);
}

bool scoop_attempt_server_copies(const struct scoop_attempt *attempt) {
    return attempt->server_copy != NULL && !attempt->given_up;
}

void scoop_attempt_count(struct scoop_attempt *attempt) {
    struct scoop_server_copy_facts facts;
    struct scoop_counters *counters = &attempt->counters;
    if (attempt->server_copy == NULL)
        return;
    scoop_server_copy_facts(attempt->server_copy, &facts);
    counters->source_bytes = counters->destination_bytes = facts.copied_bytes;
    if (!facts.gzip)
        counters->text_bytes = facts.copied_bytes;
}

void scoop_attempt_free_source(struct scoop_attempt *attempt) {
    struct scoop_source *source = attempt->source;
    if (source == NULL)
        return;
    attempt->read.total_bytes = source->total_bytes;
    attempt->read.retries = source->retries;
    attempt->read.seekable = source->seekable;
    memcpy(attempt->read.etag, source->etag, sizeof attempt->read.etag);
    memcpy(attempt->read.identity, source->identity, sizeof attempt->read.identity);
    source->type->free(source);
    attempt->source = NULL;
}

void scoop_attempt_free(struct scoop_attempt *attempt) {
    scoop_s3_cancel(attempt->tags_call);
    scoop_buf_free(&attempt->tags);
    scoop_chain_free(&attempt->chain);
    scoop_encoded_free(attempt->encoded);
    if (attempt->source != NULL)
        attempt->source->type->free(attempt->source);
    if (attempt->sink != NULL)
        attempt->sink->type->free(attempt->sink);
    scoop_server_copy_free(attempt->server_copy);
    scoop_kept_headers_free(&attempt->kept);
    scoop_s3_client_free(attempt->source_client);
    scoop_s3_client_free(attempt->destination_client);
}

/* --- which follows which --- */

/* What the attempt has done is taken back. */
static void take_back(struct scoop_transfer *transfer) {
    scoop_attempt_abort(&transfer->attempt);
    transfer->abort_deadline_ms = scoop_now_ms() + SCOOP_TRANSFER_ABORT_MS;
}

/* … then another one is made. */
static int give_up(struct scoop_transfer *transfer, enum scoop_attempt_kind next) {
    take_back(transfer);
    transfer->attempt.given_up = true;
    transfer->kind = next;
    transfer->phase = RESTARTING;
    return 1;
}

static void end_stream(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    scoop_chain_free(&attempt->chain);
    attempt->source->type->free(attempt->source);
    attempt->source = NULL;
    attempt->unchanged = attempt->bare = false;
}

static int give_up_stream(struct scoop_transfer *transfer, enum scoop_attempt_kind next) {
    end_stream(transfer);
    give_up(transfer, next);
    scoop_transfer_drop_upload(transfer);
    return 1;
}

int scoop_transfer_start_over(struct scoop_transfer *transfer) {
    return give_up_stream(transfer, transfer->kind);
}

/* Whether nothing that the source brought has been given to somebody. */
static bool may_be_taken_back(const struct scoop_transfer *transfer) {
    const struct scoop_transfer_options *options = &transfer->options;
    uint64_t written = transfer->attempt.counters.destination_bytes;
    if (options->destination.uri != NULL)
        return strcmp(options->destination.uri, "-") != 0 || written == 0;
    return options->memory == NULL || options->memory->length == written;
}

static uint32_t most_restarts(const struct scoop_transfer *transfer) {
    int given = transfer->options.web.restarts;
    return given == 0 ? SCOOP_WEB_RESTARTS : given > 0 ? (uint32_t)given : 0;
}

/* A lost connection is not made anew at once. */
static uint64_t restart_wait_ms(struct scoop_transfer *transfer) {
    struct scoop_outage_rule rule = scoop_source_outage_rule(&transfer->options.web);
    int64_t wait = scoop_outage_next_ms(&transfer->outage, &rule, -1, scoop_random01());
    return wait > 0 ? (uint64_t)wait : 0;
}

/* What is on its way to S3 arrives first, if it does so in time, and is kept for the next reading,
 * which proves it or not. False: not yet. */
static bool hand_on(struct scoop_transfer *transfer) {
    struct scoop_error ignored = {0};
    struct scoop_attempt *attempt = &transfer->attempt;
    if (scoop_attempt_poll(attempt, &ignored) == SCOOP_SINK_OPEN &&
        scoop_sink_sends_parts(attempt->sink) && scoop_now_ms() < transfer->abort_deadline_ms)
        return false;
    struct scoop_resume *kept = scoop_sink_hand_on(attempt->sink, &ignored);
    transfer->hands_on = false;
    take_back(transfer);
    if (kept == NULL) {
        scoop_transfer_drop_upload(transfer);
        return true;
    }
    transfer->spent = transfer->kept;
    transfer->resume = transfer->kept = kept;
    return true;
}

int scoop_transfer_restart(struct scoop_transfer *transfer, const struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    uint32_t most = most_restarts(transfer);
    if (!attempt->source->restartable || transfer->restarts >= most || !may_be_taken_back(transfer))
        return -1;
    uint64_t wait_ms = restart_wait_ms(transfer);
    transfer->restarts++;
    transfer->earlier_retries += attempt->source->retries;
    transfer->restart_due_ms = scoop_now_ms() + wait_ms;
    if (transfer->options.memory != NULL)
        transfer->options.memory->length = 0;
    SCOOP_TRACE("transfer",
                "%s: %s, and the rest cannot be asked for: read again from the start in %llu ms, "
                "restart %u of %u",
                transfer->source_name, scoop_code_name(error->code), (unsigned long long)wait_ms,
                transfer->restarts, most);
    end_stream(transfer);
    attempt->given_up = transfer->hands_on = true;
    transfer->abort_deadline_ms = scoop_now_ms() + HAND_ON_MS;
    transfer->phase = RESTARTING;
    return 1;
}

int scoop_transfer_start_transform(struct scoop_transfer *transfer) {
    SCOOP_TRACE("transfer", "a record must change: the source is read again, and written anew");
    return give_up_stream(transfer, SCOOP_ATTEMPT_TRANSFORM);
}

/* An upload that is taken up may be completed or aborted by another try meanwhile. */
int scoop_transfer_sink_failed(struct scoop_transfer *transfer, const struct scoop_error *error) {
    if (transfer->resume != NULL && error->code == SCOOP_NOT_FOUND)
        return scoop_transfer_start_over(transfer);
    return -1;
}

/* What the server refuses to copy in parts it may copy at once. */
static enum scoop_attempt_kind after_refusal(const struct scoop_transfer *transfer) {
    struct scoop_server_copy_facts facts;
    scoop_server_copy_facts(transfer->attempt.server_copy, &facts);
    return transfer->kind == SCOOP_ATTEMPT_SERVER && facts.in_parts ? SCOOP_ATTEMPT_SERVER_AT_ONCE
                                                                    : SCOOP_ATTEMPT_STREAM;
}

int scoop_transfer_fall_back(struct scoop_transfer *transfer, const struct scoop_error *error) {
    if (!SCOOP_INVARIANT(transfer->attempt.server_copy != NULL, NULL) ||
        !scoop_server_copy_is_refusal(error))
        return -1;
    scoop_text_print(transfer->server_side_refused, sizeof transfer->server_side_refused, "%s",
                     error->message);
    SCOOP_TRACE("transfer", "the server refuses to copy: %s, HTTP %d", scoop_code_name(error->code),
                error->http_status);
    return give_up(transfer, after_refusal(transfer));
}

int scoop_transfer_wait_restart(struct scoop_transfer *transfer) {
    struct scoop_error ignored = {0};
    if (transfer->hands_on && !hand_on(transfer))
        return 0;
    if (scoop_attempt_poll(&transfer->attempt, &ignored) == SCOOP_SINK_ABORTING &&
        scoop_now_ms() < transfer->abort_deadline_ms)
        return 0;
    if (scoop_now_ms() < transfer->restart_due_ms)
        return 0;
    scoop_attempt_free(&transfer->attempt);
    scoop_attempt_init(&transfer->attempt);
    scoop_resume_free(transfer->spent);
    transfer->spent = NULL;
    scoop_rejects_forget(&transfer->rejects);
    transfer->phase = OPENING;
    return 1;
}

/* --- how it begins --- */

static int open_stream(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_counters *counters = &transfer->attempt.counters;
    if (scoop_transfer_open_source(transfer, error) != 0 ||
        scoop_transfer_open_sink(transfer, error) != 0)
        return -1;
    transfer->rejects.client = transfer->attempt.destination_client;
    counters->source_bytes = counters->text_bytes = counters->destination_bytes =
        scoop_transfer_start_bytes(transfer);
    transfer->phase = SNIFFING;
    return 1;
}

int scoop_transfer_open(struct scoop_transfer *transfer, struct scoop_error *error) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    if (!SCOOP_INVARIANT(attempt->source == NULL || transfer->fed, error) ||
        !SCOOP_INVARIANT(!scoop_attempt_has_destination(attempt), error))
        return -1;
    if (transfer->kind >= SCOOP_ATTEMPT_STREAM)
        return open_stream(transfer, error);
    transfer->phase = LOOKING;
    return scoop_transfer_open_server_copy(transfer, error) == 0 ? 1 : -1;
}

int scoop_transfer_look(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_server_copy_facts facts;
    if (scoop_attempt_poll(attempt, error) == SCOOP_SINK_FAILED)
        return scoop_transfer_fall_back(transfer, error);
    scoop_server_copy_facts(attempt->server_copy, &facts);
    if (facts.verdict == SCOOP_SERVER_COPY_DECLINES)
        return give_up(transfer, SCOOP_ATTEMPT_STREAM);
    if (facts.verdict == SCOOP_SERVER_COPY_LOOKING)
        return 0;
    attempt->unchanged = true;
    transfer->rejects.client = attempt->destination_client;
    transfer->phase = SEALING;
    return 1;
}
