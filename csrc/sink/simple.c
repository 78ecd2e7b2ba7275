/* The sinks that keep nothing themselves: nothing, and memory. */
#include "scoop/memory.h"
#include "sink/sink.h"

struct simple_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
    struct scoop_buf *buffer; /* memory: borrowed */
    size_t high_bytes;
};

static struct simple_sink *new_sink(const struct scoop_sink_type *type, struct scoop_error *error) {
    struct simple_sink *sink = scoop_calloc(1, sizeof *sink);
    if (sink == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sink->base.type = type;
    sink->base.wait_fd = -1;
    sink->base.local = true;
    return sink;
}

static int seal(struct scoop_sink *base, struct scoop_error *error) {
    (void)error;
    ((struct simple_sink *)base)->state = SCOOP_SINK_SEALING;
    return 0;
}

static int commit(struct scoop_sink *base, struct scoop_error *error) {
    (void)error;
    ((struct simple_sink *)base)->state = SCOOP_SINK_COMMITTED;
    return 0;
}

static void abort_sink(struct scoop_sink *base) {
    ((struct simple_sink *)base)->state = SCOOP_SINK_ABORTED;
}

static void free_sink(struct scoop_sink *base) {
    scoop_free(base);
}

static enum scoop_sink_state poll_simple(struct scoop_sink *base, struct scoop_error *error) {
    struct simple_sink *sink = (struct simple_sink *)base;
    (void)error;
    if (sink->state == SCOOP_SINK_SEALING)
        sink->state = SCOOP_SINK_SEALED;
    return sink->state;
}

static bool null_ready(struct scoop_sink *base, size_t room_bytes) {
    (void)base;
    (void)room_bytes;
    return true;
}

static int null_write(struct scoop_sink *base, const void *data, size_t length,
                      struct scoop_error *error) {
    (void)base;
    (void)data;
    (void)length;
    (void)error;
    return 0;
}

static const struct scoop_sink_type null_type = {"null",      null_ready, null_write, seal,
                                                 poll_simple, commit,     abort_sink, free_sink};

struct scoop_sink *scoop_null_sink_new(struct scoop_error *error) {
    return (struct scoop_sink *)new_sink(&null_type, error);
}

static bool memory_ready(struct scoop_sink *base, size_t room_bytes) {
    struct simple_sink *sink = (struct simple_sink *)base;
    (void)room_bytes;
    return sink->buffer->length < sink->high_bytes;
}

static int memory_write(struct scoop_sink *base, const void *data, size_t length,
                        struct scoop_error *error) {
    return scoop_buf_append(((struct simple_sink *)base)->buffer, data, length, error);
}

static const struct scoop_sink_type memory_type = {
    "memory", memory_ready, memory_write, seal, poll_simple, commit, abort_sink, free_sink};

struct scoop_sink *scoop_memory_sink_new(struct scoop_buf *buffer, size_t high_bytes,
                                         struct scoop_error *error) {
    struct simple_sink *sink = new_sink(&memory_type, error);
    if (sink != NULL) {
        sink->buffer = buffer;
        sink->high_bytes = high_bytes;
    }
    return (struct scoop_sink *)sink;
}
