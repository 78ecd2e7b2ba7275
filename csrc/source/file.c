/* A file or an open descriptor as a source. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scoop/memory.h"
#include "source/file_internal.h"
#include "source/source.h"

enum { READ_BYTES = 256 * 1024 };

struct file_source {
    struct scoop_source base;
    char *path; /* NULL for a descriptor that is not ours */
    int fd;
    struct stat before;
    uint64_t start; /* where reading begins */
    bool at_end;
    size_t offset, length; /* of what is buffered */
    unsigned char buffer[READ_BYTES];
};

/* ctime moves with every write, even where mtime is set back. */
void scoop_file_identity(const struct stat *facts, char text[SCOOP_SOURCE_IDENTITY_SIZE]) {
    snprintf(text, SCOOP_SOURCE_IDENTITY_SIZE, "file %ju %ju %jd.%09ld %jd.%09ld %jd",
             (uintmax_t)facts->st_dev, (uintmax_t)facts->st_ino, (intmax_t)facts->st_mtim.tv_sec,
             facts->st_mtim.tv_nsec, (intmax_t)facts->st_ctim.tv_sec, facts->st_ctim.tv_nsec,
             (intmax_t)facts->st_size);
}

static void identify(struct file_source *source) {
    if (source->path == NULL)
        return;
    scoop_file_identity(&source->before, source->base.identity);
    source->base.seekable = true;
}

/* Its identity is compared by whoever asked for this: a file is never read before it is opened. */
static void file_start_at(struct scoop_source *base, uint64_t offset, const char *identity) {
    (void)identity;
    ((struct file_source *)base)->start = offset;
}

/* A pipe holds 64 KiB by itself: its two ends would wait for each other four times as often. */
static void widen_pipe(int fd) {
    int held_bytes = fcntl(fd, F_GETPIPE_SZ);
    if (held_bytes >= 0 && held_bytes < READ_BYTES)
        fcntl(fd, F_SETPIPE_SZ, READ_BYTES); /* refused to users with many pipes: no harm */
}

static int fail_folder(const struct file_source *source, struct scoop_error *error) {
    if (source->path == NULL)
        return scoop_fail(error, SCOOP_USAGE, "descriptor %d is one of a folder", source->fd);
    return scoop_fail(error, SCOOP_USAGE, "%s is a folder", source->path);
}

static int file_open(struct scoop_source *base, struct scoop_error *error) {
    struct file_source *source = (struct file_source *)base;
    if (source->path != NULL)
        source->fd = open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return scoop_fail_file(error, errno, "opening", source->path);
    if (fstat(source->fd, &source->before) != 0)
        return scoop_fail_file(error, errno, "reading the size of", source->path);
    if (S_ISDIR(source->before.st_mode))
        return fail_folder(source, error);
    if (S_ISREG(source->before.st_mode)) {
        off_t begun = source->path == NULL ? lseek(source->fd, 0, SEEK_CUR) : 0;
        base->total_bytes = source->before.st_size - (begun > 0 ? begun : 0);
        identify(source);
        if (source->start > 0 && lseek(source->fd, (off_t)source->start, SEEK_SET) < 0)
            return scoop_fail_file(error, errno, "seeking in", source->path);
        posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    } else {
        base->wait_fd = source->fd;
        widen_pipe(source->fd);
    }
    return 0;
}

static void fail_reading(const struct file_source *source, struct scoop_error *error) {
    if (source->path != NULL)
        scoop_fail_file(error, errno, "reading", source->path);
    else
        scoop_fail_errno(error, errno, "reading descriptor %d", source->fd);
}

/* A file that someone wrote to while it was read is not the file that was asked for. */
static enum scoop_source_state ended(struct file_source *source, struct scoop_error *error) {
    struct stat after;
    source->at_end = true;
    if (source->path == NULL || !S_ISREG(source->before.st_mode))
        return SCOOP_SOURCE_ENDED;
    if (fstat(source->fd, &after) == 0 && after.st_size == source->before.st_size &&
        after.st_mtim.tv_sec == source->before.st_mtim.tv_sec &&
        after.st_mtim.tv_nsec == source->before.st_mtim.tv_nsec)
        return SCOOP_SOURCE_ENDED;
    scoop_fail(error, SCOOP_SOURCE_CHANGED, "%s changed while it was read", source->path);
    return SCOOP_SOURCE_FAILED;
}

static enum scoop_source_state file_peek(struct scoop_source *base, const unsigned char **data,
                                         size_t *length, struct scoop_error *error) {
    struct file_source *source = (struct file_source *)base;
    if (source->offset == source->length) {
        struct pollfd readable = {source->fd, POLLIN, 0};
        if (source->at_end)
            return SCOOP_SOURCE_ENDED;
        if (base->wait_fd >= 0 && poll(&readable, 1, 0) <= 0) /* EINTR, too: a read would block */
            return SCOOP_SOURCE_WAITING;
        ssize_t got = read(source->fd, source->buffer, sizeof source->buffer);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            return SCOOP_SOURCE_WAITING;
        if (got < 0) {
            fail_reading(source, error);
            return SCOOP_SOURCE_FAILED;
        }
        if (got == 0)
            return ended(source, error);
        source->offset = 0;
        source->length = (size_t)got;
    }
    *data = source->buffer + source->offset;
    *length = source->length - source->offset;
    return SCOOP_SOURCE_READY;
}

static void file_consume(struct scoop_source *base, size_t length) {
    ((struct file_source *)base)->offset += length;
}

static void file_free(struct scoop_source *base) {
    struct file_source *source = (struct file_source *)base;
    if (source->path != NULL && source->fd >= 0)
        close(source->fd);
    scoop_free(source->path);
    scoop_free(source);
}

static const struct scoop_source_type file_type = {
    "file", file_open, file_peek, file_consume, file_free, file_start_at,
};

static struct file_source *new_source(struct scoop_error *error) {
    struct file_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    source->base.type = &file_type;
    source->base.wait_fd = -1;
    source->base.length_known = true;
    source->base.total_bytes = -1;
    source->fd = -1;
    return source;
}

struct scoop_source *scoop_file_source_new(const char *path, struct scoop_error *error) {
    struct file_source *source = new_source(error);
    if (source == NULL)
        return NULL;
    source->path = scoop_strdup(path);
    if (source->path == NULL) {
        scoop_fail_memory(error);
        file_free(&source->base);
        return NULL;
    }
    return &source->base;
}

int scoop_file_source_fd(const struct scoop_source *base) {
    const struct file_source *source = (const struct file_source *)base;
    if (base->type != &file_type || source->path == NULL || !S_ISREG(source->before.st_mode))
        return -1;
    return source->fd;
}

struct scoop_source *scoop_fd_source_new(int fd, struct scoop_error *error) {
    struct file_source *source = new_source(error);
    if (source != NULL)
        source->fd = fd;
    return (struct scoop_source *)source;
}
