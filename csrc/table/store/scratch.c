#include "table/store/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/temp_file.h"
#include "base/thread.h"
#include "scoop/memory.h"

enum { VIEW_BYTES = 2 * 1024 * 1024, PAGE_BYTES = 4096, LONG_BYTES = 32 * 1024 * 1024 };

int scoop_scratch_init(struct scoop_scratch *scratch, const char *folder,
                       struct scoop_error *error) {
    memset(scratch, 0, sizeof *scratch);
    scratch->fd = -1;
    if (folder != NULL && access(folder, W_OK | X_OK) != 0)
        return scoop_fail_file(error, errno, "temp_dir", folder);
    scratch->folder = scoop_strdup(folder == NULL ? scoop_temp_folder() : folder);
    if (scratch->folder == NULL)
        return scoop_fail_memory(error);
    scratch->in_memory = scoop_folder_is_memory(scratch->folder);
    return 0;
}

void scoop_scratch_bound(struct scoop_scratch *scratch, struct scoop_scratch_room *room) {
    scratch->room = scratch->in_memory ? room : NULL;
}

int scoop_scratch_reserve(struct scoop_scratch *scratch, uint64_t bytes,
                          struct scoop_error *error) {
    struct scoop_scratch_room *room = scratch->room;
    if (room == NULL)
        return 0;
    if (bytes <= room->most_bytes - room->used_bytes) {
        room->used_bytes += bytes;
        return 0;
    }
    scoop_fail(error, SCOOP_NO_MEMORY,
               "%.300s is memory (tmpfs), so temporary files there count as memory, and the %llu "
               "bytes that memory_limit leaves for them are used up; give temp_dir a folder on a "
               "disk, or raise memory_limit",
               scratch->folder, (unsigned long long)room->most_bytes);
    error->retryable = false;
    return -1;
}

static void *close_file(void *fd) {
    close((int)(intptr_t)fd);
    return NULL;
}

/* To give back a long file takes the system some time, in which others can go on. */
static void close_beside(int fd) {
    pthread_t thread;
    if (scoop_thread_start(&thread, close_file, (void *)(intptr_t)fd))
        pthread_detach(thread);
    else
        close(fd);
}

void scoop_scratch_free(struct scoop_scratch *scratch) {
    if (scratch->folder == NULL)
        return;
    if (scratch->fd >= 0 && scratch->length_bytes >= LONG_BYTES)
        close_beside(scratch->fd);
    else if (scratch->fd >= 0)
        close(scratch->fd);
    if (scratch->room != NULL)
        scratch->room->used_bytes -= scratch->length_bytes;
    scratch->room = NULL;
    scoop_free(scratch->folder);
    scratch->folder = NULL;
    scratch->fd = -1;
}

static int open_scratch(struct scoop_scratch *scratch, struct scoop_error *error) {
    scratch->fd = scoop_temp_file_open(scratch->folder);
    return scratch->fd >= 0
               ? 0
               : scoop_fail_errno(error, errno, "opening a temporary file in %s", scratch->folder);
}

static int fail_write(const struct scoop_scratch *scratch, int os_errno,
                      struct scoop_error *error) {
    return scoop_fail_errno(error, os_errno,
                            "writing a temporary file in %s, behind %llu bytes (give more room, "
                            "another temp_dir or a higher memory_limit)",
                            scratch->folder, (unsigned long long)scratch->length_bytes);
}

/* Leaves out what was written. */
static size_t drop_pieces(struct iovec *pieces, size_t count, size_t written) {
    size_t gone = 0;
    while (gone < count && written >= pieces[gone].iov_len)
        written -= pieces[gone++].iov_len;
    if (gone < count) {
        pieces[gone].iov_base = (char *)pieces[gone].iov_base + written;
        pieces[gone].iov_len -= written;
    }
    return gone;
}

int scoop_scratch_write(struct scoop_scratch *scratch, struct iovec *pieces, size_t count,
                        struct scoop_error *error) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    size_t gone = drop_pieces(pieces, count, 0);
    if (scoop_scratch_reserve(scratch, bytes, error) != 0 ||
        (scratch->fd < 0 && open_scratch(scratch, error) != 0))
        return -1;
    while (gone < count) {
        ssize_t put =
            pwritev(scratch->fd, pieces + gone, (int)(count - gone), (off_t)scratch->length_bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail_write(scratch, put < 0 ? errno : ENOSPC, error);
        scratch->length_bytes += (uint64_t)put;
        gone += drop_pieces(pieces + gone, count - gone, (size_t)put);
    }
    return 0;
}

int scoop_scratch_read(const struct scoop_scratch *scratch, uint64_t offset, void *data,
                       size_t length, struct scoop_error *error) {
    char *at = data;
    while (length > 0) {
        ssize_t got = pread(scratch->fd, at, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return scoop_fail_errno(error, got < 0 ? errno : EIO, "reading a temporary file in %s",
                                    scratch->folder);
        offset += (uint64_t)got;
        at += got;
        length -= (size_t)got;
    }
    return 0;
}

void scoop_scratch_hide(struct scoop_scratch_view *view) {
    if (view->data != NULL)
        munmap(view->data, view->length);
    *view = (struct scoop_scratch_view){0};
}

/* All of it is read here: an error of the disk would end the process later. */
static bool map_view(const struct scoop_scratch *scratch, struct scoop_scratch_view *view,
                     uint64_t from, uint64_t length) {
    void *data = mmap(NULL, length, PROT_READ, MAP_SHARED, scratch->fd, (off_t)from);
    if (data == MAP_FAILED)
        return false;
    *view = (struct scoop_scratch_view){data, from, length};
    if (madvise(data, length, MADV_POPULATE_READ) == 0)
        return true;
    scoop_scratch_hide(view);
    return false;
}

const unsigned char *scoop_scratch_show(const struct scoop_scratch *scratch,
                                        struct scoop_scratch_view *view, uint64_t offset,
                                        uint64_t length) {
    uint64_t from = offset - offset % PAGE_BYTES, end = offset + length;
    if (view->data == NULL || offset < view->offset || end > view->offset + view->length) {
        if (end < from + VIEW_BYTES)
            end = from + VIEW_BYTES < scratch->length_bytes ? from + VIEW_BYTES
                                                            : scratch->length_bytes;
        scoop_scratch_hide(view);
        if (!map_view(scratch, view, from, end - from))
            return NULL;
    }
    return view->data + (offset - view->offset);
}
