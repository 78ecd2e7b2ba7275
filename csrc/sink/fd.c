/* A sink on a descriptor that somebody else opened, such as standard output. It never blocks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "scoop/memory.h"
#include "sink/state_internal.h"

enum { PIPE_STEP = 4096, MEMORY_DEVICES = 1 };

struct fd_sink {
    struct scoop_state_sink base;
    struct scoop_buf
        behind;  /* what the descriptor did not take yet, of one step: a record or more */
    size_t sent; /* of these are written */
    int fd;
    int reopened; /* the same pipe without blocking; -1: there is none */
    bool whole;   /* a write of any length does not block */
};

/* A pipe's O_NONBLOCK belongs to all who share the description, so a second one is opened. -1:
 * `fd` is no pipe, or /proc is not there. */
static int reopen_pipe(int fd) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static const char *name_of(int fd) {
    return fd == STDOUT_FILENO ? "standard output" : "the descriptor";
}

static void look_at(struct fd_sink *sink) {
    struct stat status;
    if (fstat(sink->fd, &status) != 0)
        return;
    if (S_ISFIFO(status.st_mode))
        sink->reopened = reopen_pipe(sink->fd);
    bool null = S_ISCHR(status.st_mode) && major(status.st_rdev) == MEMORY_DEVICES;
    sink->whole = S_ISREG(status.st_mode) || null || sink->reopened >= 0;
}

static bool writable(int fd) {
    struct pollfd poll_fd = {fd, POLLOUT, 0};
    return poll(&poll_fd, 1, 0) > 0;
}

/* Writes what the descriptor takes at once: of the rest PIPE_STEP bytes never block when it is
 * writable. Returns the bytes written, 0 for none now, -1 on errors. */
static ssize_t write_some(struct fd_sink *sink, const unsigned char *data, size_t length,
                          struct scoop_error *error) {
    if (!sink->whole && !writable(sink->fd))
        return 0;
    if (!sink->whole && length > PIPE_STEP)
        length = PIPE_STEP;
    ssize_t wrote;
    do {
        wrote = write(sink->reopened >= 0 ? sink->reopened : sink->fd, data, length);
    } while (wrote < 0 && errno == EINTR);
    if (wrote < 0 && errno != EAGAIN)
        return scoop_fail_errno(error, errno, "writing to %s", name_of(sink->fd));
    return wrote < 0 ? 0 : wrote;
}

static int flush(struct fd_sink *sink, struct scoop_error *error) {
    struct scoop_buf *behind = &sink->behind;
    while (sink->sent < behind->length) {
        ssize_t wrote =
            write_some(sink, behind->data + sink->sent, behind->length - sink->sent, error);
        if (wrote < 0)
            return -1;
        if (wrote == 0)
            return 0;
        sink->sent += (size_t)wrote;
    }
    sink->sent = behind->length = 0;
    return 0;
}

static bool ready(struct scoop_sink *base, size_t room_bytes) {
    (void)room_bytes;
    return ((struct fd_sink *)base)->behind.length == 0;
}

static int write_fd(struct scoop_sink *base, const void *data, size_t length,
                    struct scoop_error *error) {
    struct fd_sink *sink = (struct fd_sink *)base;
    const unsigned char *from = data;
    while (length > 0 && sink->behind.length == 0) {
        ssize_t wrote = write_some(sink, from, length, error);
        if (wrote < 0)
            return -1;
        if (wrote == 0)
            break;
        from += wrote;
        length -= (size_t)wrote;
    }
    return length > 0 ? scoop_buf_append(&sink->behind, from, length, error) : 0;
}

static enum scoop_sink_state poll_fd(struct scoop_sink *base, struct scoop_error *error) {
    struct fd_sink *sink = (struct fd_sink *)base;
    enum scoop_sink_state *state = &sink->base.state;
    if (*state != SCOOP_SINK_OPEN && *state != SCOOP_SINK_SEALING)
        return *state;
    if (flush(sink, error) != 0)
        *state = SCOOP_SINK_FAILED;
    else if (*state == SCOOP_SINK_SEALING && sink->behind.length == 0)
        *state = SCOOP_SINK_SEALED;
    return *state;
}

static void free_sink(struct scoop_sink *base) {
    struct fd_sink *sink = (struct fd_sink *)base;
    if (sink->reopened >= 0)
        close(sink->reopened);
    scoop_buf_free(&sink->behind);
    scoop_free(sink);
}

static const struct scoop_sink_type fd_type = {"fd",
                                               ready,
                                               write_fd,
                                               scoop_state_sink_seal,
                                               poll_fd,
                                               scoop_state_sink_commit,
                                               scoop_state_sink_abort,
                                               free_sink};

/* Whoever closed it did not mean the file that has its number since. */
static int refuse_closed(int fd, struct scoop_error *error) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return scoop_fail(error, SCOOP_USAGE, "%s is closed: the data have nowhere to go",
                          name_of(fd));
    if ((flags & O_ACCMODE) == O_RDONLY)
        return scoop_fail(error, SCOOP_USAGE, "%s is not open for writing", name_of(fd));
    return 0;
}

struct scoop_sink *scoop_fd_sink_new(int fd, struct scoop_error *error) {
    if (refuse_closed(fd, error) != 0)
        return NULL;
    struct fd_sink *sink = (struct fd_sink *)scoop_state_sink_new(sizeof *sink, &fd_type, error);
    if (sink == NULL)
        return NULL;
    sink->base.base.wait_fd = fd;
    sink->fd = fd;
    sink->reopened = -1;
    scoop_buf_init(&sink->behind, SIZE_MAX);
    look_at(sink);
    return (struct scoop_sink *)sink;
}
