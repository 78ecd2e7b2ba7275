#include "source/file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scoop/memory.h"
#include "source/file_internal.h"

struct scoop_file_reader {
    char *path;
    int fd;
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
};

static int look(const struct scoop_file_reader *reader, struct stat *facts,
                struct scoop_error *error) {
    if (fstat(reader->fd, facts) != 0)
        return scoop_fail_file(error, errno, "looking at", reader->path);
    return 0;
}

static int check_same(const struct scoop_file_reader *reader, struct scoop_error *error) {
    char found[SCOOP_SOURCE_IDENTITY_SIZE];
    struct stat facts;
    if (look(reader, &facts, error) != 0)
        return -1;
    scoop_file_identity(&facts, found);
    if (strcmp(found, reader->identity) == 0)
        return 0;
    return scoop_fail(error, SCOOP_SOURCE_CHANGED, "%s changed while it was read", reader->path);
}

static int open_it(struct scoop_file_reader *reader, const char *path, struct scoop_error *error) {
    reader->path = scoop_strdup(path);
    if (reader->path == NULL)
        return scoop_fail_memory(error);
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return scoop_fail_file(error, errno, "opening", path);
    return check_same(reader, error);
}

static int share(struct scoop_file_reader *reader, int fd, struct scoop_error *error) {
    char name[32];
    struct stat facts;
    snprintf(name, sizeof name, "descriptor %d", fd);
    reader->path = scoop_strdup(name);
    if (reader->path == NULL)
        return scoop_fail_memory(error);
    reader->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (reader->fd < 0)
        return scoop_fail_file(error, errno, "opening", reader->path);
    if (look(reader, &facts, error) != 0)
        return -1;
    if (!S_ISREG(facts.st_mode))
        return scoop_fail(error, SCOOP_USAGE, "%s is not of a regular file", reader->path);
    scoop_file_identity(&facts, reader->identity);
    return 0;
}

static struct scoop_file_reader *new_reader(struct scoop_error *error) {
    struct scoop_file_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL)
        scoop_fail_memory(error);
    else
        reader->fd = -1;
    return reader;
}

struct scoop_file_reader *scoop_file_reader_new(const char *path, const char *identity,
                                                struct scoop_error *error) {
    struct scoop_file_reader *reader = new_reader(error);
    if (reader == NULL)
        return NULL;
    snprintf(reader->identity, sizeof reader->identity, "%s", identity);
    if (open_it(reader, path, error) == 0)
        return reader;
    scoop_file_reader_free(reader);
    return NULL;
}

struct scoop_file_reader *scoop_file_reader_new_of(int fd, struct scoop_error *error) {
    struct scoop_file_reader *reader = new_reader(error);
    if (reader == NULL || share(reader, fd, error) == 0)
        return reader;
    scoop_file_reader_free(reader);
    return NULL;
}

int scoop_file_reader_read(struct scoop_file_reader *reader, uint64_t offset, void *data,
                           size_t length, size_t *got, struct scoop_error *error) {
    ssize_t count;
    do
        count = pread(reader->fd, data, length, (off_t)offset);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return scoop_fail_file(error, errno, "reading", reader->path);
    *got = (size_t)count;
    if (check_same(reader, error) != 0)
        return -1;
    if (count == 0 && length > 0)
        return scoop_fail(error, SCOOP_TRUNCATED, "%s ended before byte %llu", reader->path,
                          (unsigned long long)offset);
    return 0;
}

void scoop_file_reader_free(struct scoop_file_reader *reader) {
    if (reader == NULL)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    scoop_free(reader->path);
    scoop_free(reader);
}
