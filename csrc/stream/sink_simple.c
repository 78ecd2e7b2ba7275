/* The sinks that need no server: a descriptor, nothing, memory. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "scoop/memory.h"
#include "sink.h"

enum { FD_BUFFER_CEILING = 64 * 1024 * 1024, PIPE_STEP = 4096 };

struct simple_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
    struct scoop_buf *buffer; /* memory: borrowed; fd: &own */
    struct scoop_buf own;
    size_t high_bytes;
    size_t sent; /* fd: bytes of the buffer that are written */
    int fd;
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
    sink->fd = -1;
    scoop_buf_init(&sink->own, FD_BUFFER_CEILING);
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
    scoop_buf_free(&((struct simple_sink *)base)->own);
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

static bool writable(int fd) {
    struct pollfd poll_fd = {fd, POLLOUT, 0};
    return poll(&poll_fd, 1, 0) > 0;
}

/* Writes while the descriptor takes it at once; PIPE_STEP bytes never block a writable pipe. */
static int flush(struct simple_sink *sink, struct scoop_error *error) {
    while (sink->sent < sink->own.length && writable(sink->fd)) {
        size_t left = sink->own.length - sink->sent;
        ssize_t wrote =
            write(sink->fd, sink->own.data + sink->sent, left < PIPE_STEP ? left : PIPE_STEP);
        if (wrote < 0 && errno != EINTR && errno != EAGAIN)
            return scoop_fail_errno(error, errno, "writing to descriptor %d", sink->fd);
        if (wrote > 0)
            sink->sent += (size_t)wrote;
    }
    if (sink->sent == sink->own.length)
        sink->sent = sink->own.length = 0;
    return 0;
}

static bool fd_ready(struct scoop_sink *base, size_t room_bytes) {
    (void)room_bytes;
    return ((struct simple_sink *)base)->own.length == 0;
}

static int fd_write(struct scoop_sink *base, const void *data, size_t length,
                    struct scoop_error *error) {
    return scoop_buf_append(&((struct simple_sink *)base)->own, data, length, error);
}

static enum scoop_sink_state fd_poll(struct scoop_sink *base, struct scoop_error *error) {
    struct simple_sink *sink = (struct simple_sink *)base;
    if (sink->state != SCOOP_SINK_OPEN && sink->state != SCOOP_SINK_SEALING)
        return sink->state;
    if (flush(sink, error) != 0)
        sink->state = SCOOP_SINK_FAILED;
    else if (sink->state == SCOOP_SINK_SEALING && sink->own.length == 0)
        sink->state = SCOOP_SINK_SEALED;
    return sink->state;
}

static const struct scoop_sink_type fd_type = {"fd",    fd_ready, fd_write,   seal,
                                               fd_poll, commit,   abort_sink, free_sink};

struct scoop_sink *scoop_fd_sink_new(int fd, struct scoop_error *error) {
    struct simple_sink *sink = new_sink(&fd_type, error);
    if (sink != NULL) {
        sink->fd = fd;
        sink->base.wait_fd = fd;
    }
    return (struct scoop_sink *)sink;
}
