#include "scoop/split_mark.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { MARK_BYTES = 512 };

static const char attribute[] = "user.airscoop.split";

/* The folder by its number, so that it may be mounted elsewhere; the file by its own and by its
 * time, which copies and later writes change. False when the mark does not fit or the folder is
 * gone. */
static bool make_mark(char *mark, const char *path, const struct stat *file) {
    char folder[PATH_MAX];
    struct stat above;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    int length = slash == NULL
                     ? snprintf(folder, sizeof folder, ".")
                     : snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    if (length < 0 || (size_t)length >= sizeof folder || stat(folder, &above) != 0)
        return false;
    length = snprintf(mark, MARK_BYTES, "1 %ju %ju %jd %jd.%09ld %s", (uintmax_t)above.st_ino,
                      (uintmax_t)file->st_ino, (intmax_t)file->st_size,
                      (intmax_t)file->st_mtim.tv_sec, file->st_mtim.tv_nsec, name);
    return length > 0 && length < MARK_BYTES;
}

void scoop_split_mark_set(int fd, const char *path) {
    char mark[MARK_BYTES];
    struct stat file;
    if (fstat(fd, &file) == 0 && make_mark(mark, path, &file) &&
        fsetxattr(fd, attribute, mark, strlen(mark), 0) != 0)
        return; /* not here, or no room for it */
}

bool scoop_split_mark_holds(const char *path) {
    char real[PATH_MAX], mark[MARK_BYTES], found[MARK_BYTES];
    struct stat file;
    if (realpath(path, real) == NULL || stat(real, &file) != 0 || !make_mark(mark, real, &file))
        return false;
    ssize_t length = getxattr(real, attribute, found, sizeof found);
    return length >= 0 && (size_t)length == strlen(mark) &&
           memcmp(found, mark, (size_t)length) == 0;
}
