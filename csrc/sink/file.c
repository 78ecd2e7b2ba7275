/* A file that appears only when it is whole: written beside, synced, renamed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scoop/memory.h"
#include "scoop/split_mark.h"
#include "sink/file_blocks_internal.h"
#include "sink/sink.h"

enum {
    NEW_FILE_MODE = 0666, /* less the umask */
    TEMPORARY_NAME_BYTES = 48,
    SELF_BYTES = 64,
    MOST_LINKS = 40, /* one after the other, as Linux has it */
};

struct file_sink {
    struct scoop_sink base;
    enum scoop_sink_state state;
    char *path;
    char *folder;
    char *beside; /* the name it is written under */
    bool named;   /* `beside` exists on disk */
    bool keep_existing;
    bool split_part;
    int fd;
    struct scoop_file_blocks *blocks;
    uint64_t length; /* of what `write` wrote */
};

static bool file_ready(struct scoop_sink *base, size_t room_bytes) {
    (void)base;
    (void)room_bytes;
    return true;
}

static int file_write_at(struct scoop_sink *base, uint64_t offset, const void *data, size_t length,
                         struct scoop_error *error) {
    struct file_sink *sink = (struct file_sink *)base;
    return scoop_file_blocks_put(sink->blocks, offset, data, length, error);
}

static int file_write(struct scoop_sink *base, const void *data, size_t length,
                      struct scoop_error *error) {
    struct file_sink *sink = (struct file_sink *)base;
    uint64_t offset = sink->length;
    sink->length += length;
    return file_write_at(base, offset, data, length, error);
}

static int file_seal(struct scoop_sink *base, struct scoop_error *error) {
    struct file_sink *sink = (struct file_sink *)base;
    if (scoop_file_blocks_flush(sink->blocks, error) != 0)
        return -1;
    if (sink->split_part)
        scoop_split_mark_set(sink->fd, sink->path);
    if (fsync(sink->fd) != 0 && errno != EINVAL)
        return scoop_fail_file(error, errno, "syncing", sink->path);
    sink->state = SCOOP_SINK_SEALED;
    return 0;
}

static enum scoop_sink_state file_poll(struct scoop_sink *base, struct scoop_error *error) {
    (void)error;
    return ((struct file_sink *)base)->state;
}

static void name_self(int fd, char self[SELF_BYTES]) {
    snprintf(self, SELF_BYTES, "/proc/self/fd/%d", fd);
}

/* Gives an unnamed temporary file its name beside the target. */
static int name_it(struct file_sink *sink) {
    char self[SELF_BYTES];
    name_self(sink->fd, self);
    if (linkat(AT_FDCWD, self, AT_FDCWD, sink->beside, AT_SYMLINK_FOLLOW) != 0)
        return -1;
    sink->named = true;
    return 0;
}

static void sync_folder(const struct file_sink *sink) {
    int fd = open(sink->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static int refuse_existing(const char *path, struct scoop_error *error) {
    scoop_fail(error, SCOOP_EXISTS, "%s is there already and was not overwritten", path);
    scoop_error_place(error, "%s", path);
    return -1;
}

/* Unlike a rename, a link does not replace what has come into being meanwhile. */
static int link_new(struct file_sink *sink, struct scoop_error *error) {
    char self[SELF_BYTES];
    name_self(sink->fd, self);
    const char *from = sink->named ? sink->beside : self;
    if (linkat(AT_FDCWD, from, AT_FDCWD, sink->path, AT_SYMLINK_FOLLOW) != 0)
        return errno == EEXIST ? refuse_existing(sink->path, error)
                               : scoop_fail_file(error, errno, "naming", sink->path);
    if (sink->named)
        unlink(sink->beside);
    return 0;
}

static int replace(struct file_sink *sink, struct scoop_error *error) {
    if (!sink->named && name_it(sink) != 0)
        return scoop_fail_file(error, errno, "naming", sink->beside);
    if (rename(sink->beside, sink->path) != 0) {
        scoop_fail_errno(error, errno, "renaming %s to %s", sink->beside, sink->path);
        scoop_error_place(error, "%s", sink->path);
        return -1;
    }
    return 0;
}

static int file_commit(struct scoop_sink *base, struct scoop_error *error) {
    struct file_sink *sink = (struct file_sink *)base;
    if ((sink->keep_existing ? link_new(sink, error) : replace(sink, error)) != 0)
        return -1;
    sink->named = false;
    sync_folder(sink);
    sink->state = SCOOP_SINK_COMMITTED;
    return 0;
}

static void file_abort(struct scoop_sink *base) {
    struct file_sink *sink = (struct file_sink *)base;
    if (sink->named)
        unlink(sink->beside);
    sink->named = false;
    sink->state = SCOOP_SINK_ABORTED;
}

static void file_free(struct scoop_sink *base) {
    struct file_sink *sink = (struct file_sink *)base;
    if (sink->named)
        unlink(sink->beside);
    scoop_file_blocks_free(sink->blocks);
    if (sink->fd >= 0)
        close(sink->fd);
    scoop_free(sink->path);
    scoop_free(sink->folder);
    scoop_free(sink->beside);
    scoop_free(sink);
}

static const struct scoop_sink_type file_type = {"file",    file_ready,  file_write, file_seal,
                                                 file_poll, file_commit, file_abort, file_free};

/* Length of the folder of `path` with its slash, 0 without one. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* Follows one link at `*path`, which is ours: 1 when there was one, 0, or -1. */
static int follow_link(char **path, struct scoop_error *error) {
    char target[PATH_MAX];
    ssize_t length = readlink(*path, target, sizeof target - 1);
    if (length < 0)
        return 0;
    target[length] = 0;
    size_t kept = target[0] == '/' ? 0 : folder_length(*path);
    size_t size = kept + (size_t)length + 1;
    char *next = scoop_malloc(size);
    if (next == NULL)
        return scoop_fail_memory(error);
    snprintf(next, size, "%.*s%s", (int)kept, *path, target);
    scoop_free(*path);
    *path = next;
    return 1;
}

/* A link as destination stays: what it points at is written, there already or not. */
static int resolve_links(struct file_sink *sink, const char *path, struct scoop_error *error) {
    int followed = 1;
    sink->path = scoop_strdup(path);
    if (sink->path == NULL)
        return scoop_fail_memory(error);
    for (int i = 0; i <= MOST_LINKS && followed == 1; i++)
        followed = follow_link(&sink->path, error);
    return followed == 1 ? scoop_fail_errno(error, ELOOP, "following the link %s", path) : followed;
}

/* The temporary name is short: beside a name of the full length there is room for no longer one. */
static int name_beside(struct file_sink *sink, struct scoop_error *error) {
    size_t length = folder_length(sink->path), size = length + TEMPORARY_NAME_BYTES;
    sink->folder = scoop_malloc(length + 2);
    sink->beside = scoop_malloc(size);
    if (sink->folder == NULL || sink->beside == NULL)
        return scoop_fail_memory(error);
    snprintf(sink->folder, length + 2, "%.*s", length ? (int)length : 1, length ? sink->path : ".");
    snprintf(sink->beside, size, "%.*s.airscoop.%d.%llx", (int)length, sink->path, (int)getpid(),
             (unsigned long long)(size_t)sink);
    return 0;
}

/* A file without a name is given one by way of /proc, which may not be there. */
static bool can_be_named(int fd) {
    char self[SELF_BYTES];
    name_self(fd, self);
    return access(self, F_OK) == 0;
}

/* Unnamed where the file system can: then even kill -9 leaves nothing. */
static int open_unnamed(const struct file_sink *sink) {
    int fd = open(sink->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, NEW_FILE_MODE);
    if (fd < 0 || can_be_named(fd))
        return fd;
    close(fd);
    errno = EOPNOTSUPP;
    return -1;
}

static int open_beside(struct file_sink *sink, struct scoop_error *error) {
    sink->fd = open_unnamed(sink);
    if (sink->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        sink->fd = open(sink->beside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, NEW_FILE_MODE);
        sink->named = sink->fd >= 0;
    }
    if (sink->fd >= 0)
        return 0;
    scoop_fail_errno(error, errno, "creating a file in %s", sink->folder);
    scoop_error_place(error, "%s", sink->path);
    return -1;
}

/* A file that replaces another has its permissions. */
static int keep_mode(const struct file_sink *sink, const struct stat *old,
                     struct scoop_error *error) {
    if (fchmod(sink->fd, old->st_mode & 0777) != 0)
        return scoop_fail_file(error, errno, "setting the permissions of", sink->path);
    return 0;
}

struct scoop_sink *scoop_file_sink_new(const char *path, bool keep_existing, bool split_part,
                                       struct scoop_error *error) {
    struct stat there;
    bool exists = stat(path, &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) {
        scoop_fail(error, SCOOP_USAGE,
                   S_ISDIR(there.st_mode)
                       ? "%s is a folder; name the file to write"
                       : "%s is not a regular file, and a rename would replace it; use - and "
                         "redirect standard output",
                   path);
        return NULL;
    }
    if (exists && keep_existing) {
        refuse_existing(path, error);
        return NULL;
    }
    struct file_sink *sink = scoop_calloc(1, sizeof *sink);
    if (sink == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sink->base.type = &file_type;
    sink->base.wait_fd = -1;
    sink->base.local = true;
    sink->base.write_at = file_write_at;
    sink->fd = -1;
    sink->keep_existing = keep_existing;
    sink->split_part = split_part;
    if (resolve_links(sink, path, error) == 0 && name_beside(sink, error) == 0 &&
        open_beside(sink, error) == 0 && (!exists || keep_mode(sink, &there, error) == 0) &&
        (sink->blocks = scoop_file_blocks_new(sink->fd, sink->path, error)) != NULL)
        return &sink->base;
    file_free(&sink->base);
    return NULL;
}
