#include "sink/state_internal.h"

#include "scoop/memory.h"

struct scoop_state_sink *scoop_state_sink_new(size_t size, const struct scoop_sink_type *type,
                                              struct scoop_error *error) {
    struct scoop_state_sink *sink = scoop_calloc(1, size);
    if (sink == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sink->base.type = type;
    sink->base.wait_fd = -1;
    sink->base.local = true;
    return sink;
}

int scoop_state_sink_seal(struct scoop_sink *base, struct scoop_error *error) {
    (void)error;
    ((struct scoop_state_sink *)base)->state = SCOOP_SINK_SEALING;
    return 0;
}

enum scoop_sink_state scoop_state_sink_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct scoop_state_sink *sink = (struct scoop_state_sink *)base;
    (void)error;
    if (sink->state == SCOOP_SINK_SEALING)
        sink->state = SCOOP_SINK_SEALED;
    return sink->state;
}

int scoop_state_sink_commit(struct scoop_sink *base, struct scoop_error *error) {
    (void)error;
    ((struct scoop_state_sink *)base)->state = SCOOP_SINK_COMMITTED;
    return 0;
}

void scoop_state_sink_abort(struct scoop_sink *base) {
    ((struct scoop_state_sink *)base)->state = SCOOP_SINK_ABORTED;
}

void scoop_state_sink_free(struct scoop_sink *base) {
    scoop_free(base);
}
