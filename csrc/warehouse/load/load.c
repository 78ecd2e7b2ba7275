#include "warehouse/load/load.h"

#include "base/crypto.h"
#include "base/retry.h"
#include "warehouse/load/schema.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session.h"

enum { ATTEMPTS = 5 };

int scoop_load_prepare(struct scoop_session *session, const struct scoop_load_turn *turn,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    return turn->dry_run
               ? 0
               : scoop_schema_prepare(session, turn->target, turn->lock, interrupt, error);
}

int scoop_load_begin(struct scoop_session *session, const struct scoop_load_turn *turn,
                     const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    bool begun = false;
    if (turn->dry_run &&
        scoop_schema_rehearse(session, turn->target, turn->lock, interrupt, &begun, error) != 0)
        return -1;
    return begun
               ? 0
               : scoop_lock_begin(session, turn->lock, turn->target, turn->mode, interrupt, error);
}

int scoop_load_commit(struct scoop_session *session, const char *why,
                      const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (scoop_session_run(session, "COMMIT", interrupt, error) == 0)
        return 0;
    if (scoop_session_made(session) == SCOOP_COMMITTED_YES) {
        scoop_fail(error, SCOOP_CANCELLED,
                   "cancelled when the rows were committed already; running again is safe, %s",
                   why);
        error->committed = SCOOP_COMMITTED_YES;
        return -1;
    }
    if (scoop_session_made(session) == SCOOP_COMMITTED_UNKNOWN) {
        error->retryable = true;
        error->committed = SCOOP_COMMITTED_UNKNOWN;
        return scoop_fail_prefix(
            error, "whether the rows were committed is unknown; running again is safe, %s: ", why);
    }
    return -1;
}

int scoop_load_try(struct scoop_session *session, int (*attempt)(void *user), void *user,
                   const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    for (uint32_t done = 1;; done++) {
        if (attempt(user) == 0)
            return 0;
        if (error->code != SCOOP_SERIALIZATION || done >= ATTEMPTS)
            return -1;
        uint32_t delay_ms = scoop_retry_delay_ms(done, false, scoop_random01());
        if (scoop_session_sleep(session, delay_ms, interrupt, error) != 0)
            return -1;
    }
}
