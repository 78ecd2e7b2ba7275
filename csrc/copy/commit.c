/* The phases after the last byte: all has arrived, the reject file, the commit; or all of it is
 * taken back. */
#include "base/clock.h"
#include "base/invariant.h"
#include "copy/transfer_internal.h"

static int begin_rejects(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(transfer->phase == SEALING || transfer->phase == HOLDING, error))
        return -1;
    transfer->phase = REJECTS;
    return scoop_rejects_begin(&transfer->rejects, error) == 0 ? 1 : -1;
}

int scoop_transfer_wait_sealed(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    enum scoop_sink_state state = scoop_attempt_poll(attempt, error);
    scoop_attempt_count(attempt);
    if (state == SCOOP_SINK_FAILED)
        return attempt->server_copy != NULL ? scoop_transfer_fall_back(transfer, error)
                                            : scoop_transfer_sink_failed(transfer, error);
    if (state != SCOOP_SINK_SEALED)
        return 0;
    if (transfer->options.held) {
        scoop_chain_free(&attempt->chain);
        transfer->phase = HOLDING;
        return 1;
    }
    return begin_rejects(transfer, error);
}

int scoop_transfer_hold(struct scoop_transfer *transfer, struct scoop_error *error) {
    return transfer->options.held ? 0 : begin_rejects(transfer, error);
}

/* The reject file is written first: rows that are left out must never be unaccounted for. */
int scoop_transfer_wait_rejects(struct scoop_transfer *transfer, struct scoop_error *error) {
    int status = scoop_rejects_poll(&transfer->rejects, error);
    if (status <= 0)
        return status;
    transfer->phase = COMMITTING;
    return scoop_attempt_commit(&transfer->attempt, error) == 0 ? 1 : -1;
}

/* Only now: should the commit fail, the earlier object keeps the file that accounts for it. */
static int clean(struct scoop_transfer *transfer, struct scoop_error *error) {
    transfer->phase = CLEANING;
    return scoop_rejects_clean(&transfer->rejects, error) == 0 ? 1 : -1;
}

int scoop_transfer_wait_committed(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    enum scoop_sink_state state = scoop_attempt_poll(attempt, error);
    scoop_attempt_count(attempt);
    if (state == SCOOP_SINK_FAILED)
        return attempt->server_copy != NULL ? scoop_transfer_fall_back(transfer, error) : -1;
    return state == SCOOP_SINK_COMMITTED ? clean(transfer, error) : 0;
}

int scoop_transfer_wait_cleaned(struct scoop_transfer *transfer, struct scoop_error *error) {
    int status = scoop_rejects_poll(&transfer->rejects, error);
    if (status > 0)
        transfer->phase = DONE;
    return status;
}

int scoop_transfer_wait_aborted(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_error ignored = {0};
    enum scoop_sink_state state = scoop_attempt_poll(&transfer->attempt, &ignored);
    if (state == SCOOP_SINK_COMMITTED && transfer->error.code != SCOOP_CANCELLED) {
        /* The answer to Complete was lost, but it had won. */
        return clean(transfer, error);
    }
    bool late = scoop_now_ms() >= transfer->abort_deadline_ms;
    if (state == SCOOP_SINK_ABORTING && !late)
        return 0;
    return scoop_transfer_end_abort(transfer, state == SCOOP_SINK_COMMITTED, late);
}
