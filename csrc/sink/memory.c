/* A sink that gathers what is written in its owner's memory. */
#include "sink/state_internal.h"

struct memory_sink {
    struct scoop_state_sink base;
    struct scoop_buf *buffer; /* borrowed */
    size_t high_bytes;
};

static bool memory_ready(struct scoop_sink *base, size_t room_bytes) {
    struct memory_sink *sink = (struct memory_sink *)base;
    (void)room_bytes;
    return sink->buffer->length < sink->high_bytes;
}

static int memory_write(struct scoop_sink *base, const void *data, size_t length,
                        struct scoop_error *error) {
    return scoop_buf_append(((struct memory_sink *)base)->buffer, data, length, error);
}

static const struct scoop_sink_type memory_type = {"memory",
                                                   memory_ready,
                                                   memory_write,
                                                   scoop_state_sink_seal,
                                                   scoop_state_sink_poll,
                                                   scoop_state_sink_commit,
                                                   scoop_state_sink_abort,
                                                   scoop_state_sink_free};

struct scoop_sink *scoop_memory_sink_new(struct scoop_buf *buffer, size_t high_bytes,
                                         struct scoop_error *error) {
    struct memory_sink *sink =
        (struct memory_sink *)scoop_state_sink_new(sizeof *sink, &memory_type, error);
    if (sink == NULL)
        return NULL;
    sink->buffer = buffer;
    sink->high_bytes = high_bytes;
    return (struct scoop_sink *)sink;
}
