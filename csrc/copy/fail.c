/* How a transfer fails: everything is taken back, and the error says what stands nevertheless. */
#include <string.h>

#include "base/clock.h"
#include "base/record_place.h"
#include "copy/transfer_internal.h"

enum { CANCEL_ABORT_MS = 2800 };

/* The stages do not know whose bytes they read, and lack of memory is no place's own. */
static void name_source(struct scoop_transfer *transfer) {
    struct scoop_error *error = &transfer->error;
    bool about_data = error->code == SCOOP_TRUNCATED || error->code == SCOOP_CORRUPT ||
                      error->code == SCOOP_TRAILING_GARBAGE || error->code == SCOOP_INFLATION ||
                      error->code == SCOOP_NO_MEMORY || error->code == SCOOP_BAD_RECORD;
    if (about_data)
        scoop_error_name_source(error, transfer->source_name);
}

/* Appends to the error's message. */
static void add_to_error(struct scoop_transfer *transfer, const char *text) {
    scoop_error_say(&transfer->error, "%s%s", transfer->error.message, text);
}

/* The destination stands. Where it has no rejects, a file beside it may say otherwise. */
static int fail_committed(struct scoop_transfer *transfer) {
    bool anything = transfer->options.destination.uri != NULL;
    transfer->phase = FAILED;
    transfer->error.committed = anything ? SCOOP_COMMITTED_YES : SCOOP_COMMITTED_NO;
    if (!scoop_rejects_must_clean(&transfer->rejects)) {
        add_to_error(transfer, anything ? "; the destination is committed" : "; it had ended");
        return -1;
    }
    scoop_error_say(
        &transfer->error,
        "%.300s is committed without rejected records, but the earlier reject file %.300s "
        "could not be removed, remove it: %.280s",
        anything ? transfer->options.destination.uri : transfer->source_name,
        transfer->options.rejects_uri, transfer->error.message);
    return -1;
}

/* Everything was taken back, as far as it could be. */
static void fail_aborted(struct scoop_transfer *transfer) {
    struct scoop_sink_facts facts;
    bool cancelled = transfer->error.code == SCOOP_CANCELLED;
    scoop_attempt_sink_facts(&transfer->attempt, &facts);
    transfer->phase = FAILED;
    if (facts.in_doubt) {
        transfer->error.committed = SCOOP_COMMITTED_UNKNOWN;
        add_to_error(transfer, cancelled
                                   ? "; it was being committed: the whole destination may be there"
                                   : "; whether the destination is committed is not known");
    } else if (cancelled) {
        add_to_error(transfer, "; nothing was committed");
    }
}

static bool is_committed(struct scoop_transfer *transfer) {
    struct scoop_error ignored = {0};
    return transfer->phase == CLEANING ||
           (transfer->phase == COMMITTING &&
            scoop_attempt_poll(&transfer->attempt, &ignored) == SCOOP_SINK_COMMITTED);
}

/* An upload is aborted by its sink, and the one that was to go on with it is not there yet. */
static void reopen_sink(struct scoop_transfer *transfer) {
    struct scoop_error ignored = {0};
    scoop_s3_client_free(transfer->attempt.destination_client);
    transfer->attempt.destination_client = NULL;
    scoop_transfer_open_sink(transfer, &ignored);
}

int scoop_transfer_fail(struct scoop_transfer *transfer, const struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    uint64_t most = error->code == SCOOP_CANCELLED ? CANCEL_ABORT_MS : SCOOP_TRANSFER_ABORT_MS;
    transfer->error = *error;
    if (is_committed(transfer))
        return fail_committed(transfer);
    if (transfer->phase <= FINISHING)
        name_source(transfer);
    transfer->phase = ABORTING;
    transfer->abort_deadline_ms = scoop_now_ms() + most;
    bool leaves = scoop_transfer_leaves(transfer, error);
    scoop_attempt_free_source(attempt);
    scoop_chain_free(&attempt->chain);
    scoop_rejects_abort(&transfer->rejects);
    if (scoop_transfer_owes_upload(transfer))
        reopen_sink(transfer);
    if (attempt->sink != NULL) /* one that was handed on, too, is nobody's now */
        scoop_sink_leave_upload(attempt->sink, leaves);
    scoop_attempt_abort(attempt);
    return -1;
}

bool scoop_transfer_end_abort(struct scoop_transfer *transfer, bool committed, bool late) {
    struct scoop_sink_facts facts;
    scoop_attempt_sink_facts(&transfer->attempt, &facts);
    /* Of what is there, or may be, the rejected records stay accounted for. */
    if (!committed && !facts.in_doubt && !late && !scoop_rejects_take_back(&transfer->rejects))
        return false;
    if (committed)
        fail_committed(transfer);
    else
        fail_aborted(transfer);
    return true;
}

enum scoop_committed scoop_transfer_committed(const struct scoop_transfer *transfer) {
    if (transfer->phase == DONE)
        return transfer->options.destination.uri == NULL ? SCOOP_COMMITTED_NO : SCOOP_COMMITTED_YES;
    return transfer->phase == FAILED ? transfer->error.committed : SCOOP_COMMITTED_NO;
}
