/* Sinks: where a stream ends. What was written becomes visible in commit, all of it or nothing. */
#ifndef SCOOP_SINK_SINK_H
#define SCOOP_SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/error.h"

enum scoop_sink_state {
    SCOOP_SINK_OPEN,
    SCOOP_SINK_SEALING, /* after seal: what was written is still on its way */
    SCOOP_SINK_SEALED,  /* everything has arrived; commit may be called */
    SCOOP_SINK_COMMITTING,
    SCOOP_SINK_COMMITTED,
    SCOOP_SINK_ABORTING,
    SCOOP_SINK_ABORTED,
    SCOOP_SINK_FAILED, /* *error says why; abort comes next */
};

struct scoop_sink;

struct scoop_sink_type {
    const char *name;
    /* Whether `room_bytes` can be written now without waiting. */
    bool (*ready)(struct scoop_sink *sink, size_t room_bytes);
    int (*write)(struct scoop_sink *sink, const void *data, size_t length,
                 struct scoop_error *error);
    /* No more writes follow. */
    int (*seal)(struct scoop_sink *sink, struct scoop_error *error);
    /* Moves on what can move without waiting; FAILED fills *error. */
    enum scoop_sink_state (*poll)(struct scoop_sink *sink, struct scoop_error *error);
    /* Only in SEALED: makes the result visible. */
    int (*commit)(struct scoop_sink *sink, struct scoop_error *error);
    /* From any state before COMMITTED: takes everything back, then ABORTED; or COMMITTED, if a
     * commit that was under way turns out to have come about. */
    void (*abort)(struct scoop_sink *sink);
    void (*free)(struct scoop_sink *sink);
};

struct scoop_sink_facts;

/* First member of every sink struct. */
struct scoop_sink {
    const struct scoop_sink_type *type;
    const struct scoop_sink_facts *facts; /* the sink's own; NULL: it has none */
    int wait_fd; /* poll for writability while not ready; -1: the engine's events suffice */
    bool local;  /* a write starts no request: it may come from within the engine's callbacks */
    /* Writes somewhere in the middle; what `write` writes goes behind what `write` wrote before.
     * NULL: only in order. */
    int (*write_at)(struct scoop_sink *sink, uint64_t offset, const void *data, size_t length,
                    struct scoop_error *error);
};

/* Where parts waited to be sent; of several places the last in this order counts. */
enum scoop_parts_kept {
    SCOOP_PARTS_NOWHERE, /* there were none */
    SCOOP_PARTS_IN_MEMORY,
    SCOOP_PARTS_IN_SOURCE, /* read again */
    SCOOP_PARTS_IN_FILE,   /* temporary, without a name */
};

/* What a commit left, for the receipt. */
struct scoop_sink_facts {
    char etag[128];
    char checksum[32]; /* "CRC32C:base64", of the whole object; "" when there is none */
    uint32_t parts;
    uint32_t retries;
    enum scoop_parts_kept parts_kept;
    uint64_t resumed_bytes; /* that an earlier try had sent */
    bool in_doubt;          /* a commit was asked for, and nobody knows whether it came about */
};

/* Constructors: owned by the caller, NULL with *error filled. Strings are copied. */

/* What a file sink keeps at most. */
#define SCOOP_FILE_SINK_BYTES ((size_t)(2 * 1024 * 1024))
/* Written beside, synced, renamed; or linked, if a file that is there is to be kept (EXISTS).
 * split_part: marked as one of a split output. */
struct scoop_sink *scoop_file_sink_new(const char *path, bool keep_existing, bool split_part,
                                       struct scoop_error *error);
/* An open descriptor, not closed. What was written stays written. */
struct scoop_sink *scoop_fd_sink_new(int fd, struct scoop_error *error);
/* Counts and drops. */
struct scoop_sink *scoop_null_sink_new(struct scoop_error *error);
/* Kept in memory until taken: ready while *buffer holds less than high_bytes. Borrows the buffer.
 */
struct scoop_sink *scoop_memory_sink_new(struct scoop_buf *buffer, size_t high_bytes,
                                         struct scoop_error *error);

/* Zeros for a sink that has none. */
void scoop_sink_facts(const struct scoop_sink *sink, struct scoop_sink_facts *facts);

#endif
