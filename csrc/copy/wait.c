/* Waits until an end or a stage of a transfer has something to do. */
#include <poll.h>

#include "base/clock.h"
#include "copy/transfer_internal.h"

enum { FD_WAIT_MS = 50 };

/* What the threads did since the last look, now that they will wake us. */
static bool is_stirred(struct scoop_transfer *transfer, bool blocked) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_chain *chain = &attempt->chain;
    return (!blocked && scoop_chain_holds_output(chain)) || scoop_chain_must_transform(chain) ||
           scoop_chain_has_failed(chain) ||
           (transfer->phase == FINISHING ? scoop_chain_has_ended(chain)
                                         : attempt->waits_for_room && scoop_chain_ready(chain));
}

/* Which descriptor of the two ends brings the next event. */
static struct pollfd awaited(struct scoop_transfer *transfer, bool blocked) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (blocked)
        return (struct pollfd){attempt->sink->wait_fd, POLLOUT, 0};
    if (attempt->source != NULL && transfer->phase <= STREAMING &&
        !(transfer->phase == STREAMING && attempt->waits_for_room))
        return (struct pollfd){attempt->source->wait_fd, POLLIN, 0};
    return (struct pollfd){-1, 0, 0};
}

/* What is due at a time is not waited for longer. */
static int until_restart(const struct scoop_transfer *transfer, int wait_ms) {
    uint64_t now = scoop_now_ms(), due = transfer->restart_due_ms;
    if (transfer->phase != RESTARTING || due <= now || due - now >= (uint64_t)wait_ms)
        return wait_ms;
    return (int)(due - now);
}

int scoop_transfer_wait(struct scoop_transfer *transfer, int wait_ms, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_waker *waker = &attempt->chain.waker;
    wait_ms = until_restart(transfer, wait_ms);
    bool threads = attempt->chain.worker != NULL &&
                   (transfer->phase == STREAMING || transfer->phase == FINISHING);
    bool blocked = attempt->sink != NULL && transfer->phase >= STREAMING &&
                   scoop_transfer_is_blocked(transfer);
    struct pollfd fds[2] = {awaited(transfer, blocked), {threads ? waker->fd : -1, POLLIN, 0}};
    if (threads && wait_ms > 0) {
        scoop_waker_arm(waker);
        if (is_stirred(transfer, blocked))
            wait_ms = 0;
    }
    bool any_fd = fds[0].fd >= 0 || (threads && transfer->engine == NULL);
    if (any_fd && wait_ms > 0) {
        poll(fds, 2, transfer->engine != NULL && wait_ms > FD_WAIT_MS ? FD_WAIT_MS : wait_ms);
        wait_ms = 0;
    }
    int status = 0;
    if (transfer->engine != NULL)
        status = scoop_engine_run_until(transfer->engine, wait_ms, fds[1].fd, error);
    if (threads)
        scoop_waker_disarm(waker);
    return status;
}
