/* Drives one transfer: phase after phase, in slices, to its end. */
#include "scoop/transfer.h"

#include "base/clock.h"
#include "copy/transfer_internal.h"
#include "scoop/memory.h"

enum { ABORT_SLICE_MS = 50 };

/* 1: something moved, 0: waiting, -1 with *error. */
static int step(struct scoop_transfer *transfer, struct scoop_error *error) {
    switch (transfer->phase) {
    case OPENING:
        return scoop_transfer_open(transfer, error);
    case LOOKING:
        return scoop_transfer_look(transfer, error);
    case SNIFFING:
        return scoop_transfer_sniff(transfer, error);
    case STREAMING:
        return scoop_transfer_pump(transfer, error);
    case FINISHING:
        return scoop_transfer_finish(transfer, error);
    case RESTARTING:
        return scoop_transfer_wait_restart(transfer);
    case SEALING:
        return scoop_transfer_wait_sealed(transfer, error);
    case HOLDING:
        return scoop_transfer_hold(transfer, error);
    case REJECTS:
        return scoop_transfer_wait_rejects(transfer, error);
    case COMMITTING:
        return scoop_transfer_wait_committed(transfer, error);
    case CLEANING:
        return scoop_transfer_wait_cleaned(transfer, error);
    case ABORTING:
        return scoop_transfer_wait_aborted(transfer, error);
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
           scoop_fed_source_is_empty(transfer->attempt.source);
}

/* What is being committed is not stopped by the clock. */
static bool is_overdue(const struct scoop_transfer *transfer) {
    uint64_t most = transfer->options.web.whole_ms;
    return most > 0 && transfer->phase < COMMITTING &&
           scoop_now_ms() - transfer->started_ms >= most;
}

static void turn(struct scoop_transfer *transfer, int wait_ms) {
    struct scoop_error error = {0};
    if (atomic_load(&transfer->cancelled) && transfer->phase < ABORTING) {
        scoop_fail(&error, SCOOP_CANCELLED, "%s: the transfer was cancelled",
                   transfer->source_name);
        scoop_transfer_fail(transfer, &error);
    } else if (is_overdue(transfer)) {
        scoop_fail(&error, SCOOP_TIMEOUT, "%s: the whole took longer than the %.10g s it may take",
                   transfer->source_name, (double)transfer->options.web.whole_ms / 1000);
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
    if (transfer->started_ms == 0)
        transfer->started_ms = start;
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

void scoop_transfer_use_engine(struct scoop_transfer *transfer, struct scoop_engine *engine) {
    transfer->engine = engine;
}

void scoop_transfer_release(struct scoop_transfer *transfer) {
    transfer->options.held = false;
}

void scoop_transfer_feed(struct scoop_transfer *transfer, const void *data, size_t length) {
    if (transfer->attempt.source != NULL)
        scoop_fed_source_feed(transfer->attempt.source, data, length);
}

void scoop_transfer_feed_end(struct scoop_transfer *transfer) {
    if (transfer->attempt.source != NULL)
        scoop_fed_source_end(transfer->attempt.source);
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
    if (scoop_attempt_has_destination(&transfer->attempt) || scoop_transfer_owes_upload(transfer))
        abort_now(transfer);
    scoop_chain_free(&transfer->attempt.chain); /* its threads take rejects */
    scoop_rejects_free(&transfer->rejects);     /* they use the attempt's client */
    scoop_attempt_free(&transfer->attempt);
    scoop_resume_free(transfer->kept);
    scoop_resume_free(transfer->spent);
    scoop_engine_free(transfer->engine);
    scoop_transfer_free_options(transfer);
    scoop_free(transfer);
}
