/* One temporary file without a name: what it holds is gone with it, however the process ends. */
#ifndef SCOOP_TABLE_STORE_SCRATCH_H
#define SCOOP_TABLE_STORE_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "scoop/error.h"

enum { SCOOP_MOST_PIECES = 64 };

/* What temporary files that lie in memory take of it, together and with what others reserve. */
struct scoop_scratch_room {
    uint64_t most_bytes, used_bytes;
};

/* One thread writes; any thread reads what was written before. */
struct scoop_scratch {
    char *folder;
    bool in_memory;
    struct scoop_scratch_room *room; /* borrowed; NULL: as much as the file system has */
    int fd;                          /* -1: nothing was written yet */
    uint64_t length_bytes;
};

/* folder NULL: $TMPDIR or /tmp. Nothing is opened yet. 0, or -1 with NO_MEMORY, or NOT_FOUND or
 * ACCESS_DENIED of a folder that is named. */
int scoop_scratch_init(struct scoop_scratch *scratch, const char *folder,
                       struct scoop_error *error);
/* If the files lie in memory, they take what they need of the room, beyond which a write is
 * NO_MEMORY and says what to do; others reserve what they need beside them. Elsewhere nothing is
 * counted. */
void scoop_scratch_bound(struct scoop_scratch *scratch, struct scoop_scratch_room *room);
int scoop_scratch_reserve(struct scoop_scratch *scratch, uint64_t bytes, struct scoop_error *error);
/* The length stays known. */
void scoop_scratch_free(struct scoop_scratch *scratch);
/* Appends the pieces, at most SCOOP_MOST_PIECES, one after the other; they begin at the length
 * before. What they point to stays, the array does not. 0, or -1 with IO, NOT_FOUND,
 * ACCESS_DENIED or NO_MEMORY. */
int scoop_scratch_write(struct scoop_scratch *scratch, struct iovec *pieces, size_t count,
                        struct scoop_error *error);
int scoop_scratch_read(const struct scoop_scratch *scratch, uint64_t offset, void *data,
                       size_t length, struct scoop_error *error);

/* A view of a part of the file: reading it copies nothing. */
struct scoop_scratch_view {
    unsigned char *data; /* NULL: none */
    uint64_t offset, length;
};

/* Makes the view show at least so many bytes from the offset on, which were written before, and
 * some of what follows; NULL: this cannot be had, use scoop_scratch_read, which says why. What was
 * shown before is gone. */
const unsigned char *scoop_scratch_show(const struct scoop_scratch *scratch,
                                        struct scoop_scratch_view *view, uint64_t offset,
                                        uint64_t length);
void scoop_scratch_hide(struct scoop_scratch_view *view);

#endif
