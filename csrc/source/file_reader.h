/* Reading here and there in a regular file. */
#ifndef SCOOP_SOURCE_FILE_READER_H
#define SCOOP_SOURCE_FILE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

struct scoop_file_reader;

/* The path is copied. SOURCE_CHANGED when it is not the file with this identity any more. */
struct scoop_file_reader *scoop_file_reader_new(const char *path, const char *identity,
                                                struct scoop_error *error);
/* Of an open descriptor, whose own position stays; it may be closed meanwhile. USAGE when it is not
 * one of a regular file. */
struct scoop_file_reader *scoop_file_reader_new_of(int fd, struct scoop_error *error);
/* Reads at least one byte from `offset` on, which lies below the size. 0 or -1. */
int scoop_file_reader_read(struct scoop_file_reader *reader, uint64_t offset, void *data,
                           size_t length, size_t *got, struct scoop_error *error);
/* NULL is allowed. */
void scoop_file_reader_free(struct scoop_file_reader *reader);

#endif
