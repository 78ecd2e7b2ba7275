/* Sinks whose commit and abort have nothing to do: what was written is written. */
#ifndef SCOOP_SINK_STATE_INTERNAL_H
#define SCOOP_SINK_STATE_INTERNAL_H

#include "sink/sink.h"

/* First member of such a sink. */
struct scoop_state_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
};

/* A sink of size bytes, freed by scoop_free. NULL with NO_MEMORY. */
struct scoop_state_sink *scoop_state_sink_new(size_t size, const struct scoop_sink_type *type,
                                              struct scoop_error *error);
/* These move the state and do nothing else. */
int scoop_state_sink_seal(struct scoop_sink *sink, struct scoop_error *error);
enum scoop_sink_state scoop_state_sink_poll(struct scoop_sink *sink, struct scoop_error *error);
int scoop_state_sink_commit(struct scoop_sink *sink, struct scoop_error *error);
void scoop_state_sink_abort(struct scoop_sink *sink);
void scoop_state_sink_free(struct scoop_sink *sink);

#endif
