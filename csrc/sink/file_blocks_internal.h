/* A file's bytes, gathered into blocks that a thread of their own writes. */
#ifndef SCOOP_SINK_FILE_BLOCKS_INTERNAL_H
#define SCOOP_SINK_FILE_BLOCKS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

struct scoop_file_blocks;

/* For one caller at a time; the thread is started when the first block is full. Borrows fd, a
 * regular file open for writing, and its path, for errors. NULL with NO_MEMORY. */
struct scoop_file_blocks *scoop_file_blocks_new(int fd, const char *path,
                                                struct scoop_error *error);
/* Copies the bytes; waits while all blocks are on their way. Several places may be written side by
 * side. 0, or -1 with *error: what a write of an earlier block met. */
int scoop_file_blocks_put(struct scoop_file_blocks *blocks, uint64_t offset, const void *data,
                          size_t length, struct scoop_error *error);
/* Returns when all of it is written, or some of it failed. */
int scoop_file_blocks_flush(struct scoop_file_blocks *blocks, struct scoop_error *error);
/* Drops what is not written, and ends the thread. NULL is fine. */
void scoop_file_blocks_free(struct scoop_file_blocks *blocks);

#endif
