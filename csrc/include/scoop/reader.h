/* Reading here and there in one source: a file, an S3 object, an HTTP source with ranges. One
 * thread at a time. */
#ifndef SCOOP_READER_H
#define SCOOP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/engine.h"
#include "scoop/error.h"
#include "scoop/interrupt.h"
#include "scoop/resume.h"
#include "scoop/transfer.h"

struct scoop_reader;

/* Of the options the source, web and ca_file are used; what web points to, and a provider's `user`,
 * outlive the reader, all else is copied. `identity` is what a transfer told of the source, which
 * must still be the same; NULL, for an S3 object: it is what the first read finds. Of a
 * descriptor it is not used: it is what is found now. NULL with *error. */
struct scoop_reader *scoop_reader_new(const struct scoop_transfer_options *options,
                                      const char *identity, struct scoop_error *error);

/* Reads from `offset` on, which lies below the size: all of `wanted` that is there and fits
 * into `length`. `wanted` is what is going to be read from there on, by this and the next calls; 0:
 * nobody knows, and at least one byte is read. Of an empty source that was not known, none. 0, or
 * -1 with *error; CANCELLED when interrupted: then the same can be asked again. */
int scoop_reader_read(struct scoop_reader *reader, uint64_t offset, void *data, size_t length,
                      uint64_t wanted, size_t *got, const struct scoop_interrupt *interrupt,
                      struct scoop_error *error);

/* Begins to fetch a range of an S3 object that will probably be read, from its first byte on; it
 * arrives while scoop_reader_read waits, also for others. Up to eight are fetched side by side, 16
 * MiB in all. What goes wrong is told by the read of the range. False: it was not begun, and a read
 * will fetch it. */
bool scoop_reader_expect(struct scoop_reader *reader, uint64_t first, uint64_t length);
/* Drops the expected ranges that were not read. */
void scoop_reader_expect_nothing(struct scoop_reader *reader);

struct scoop_reader_facts {
    int64_t size_bytes; /* -1: unknown */
    bool seekable;      /* other places can be read */
    bool proven;        /* the first read brought all of it, and its checksum is S3's */
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
};
/* Of an S3 object whose identity was not given, after the first read. */
void scoop_reader_facts(const struct scoop_reader *reader, struct scoop_reader_facts *facts);

/* The engine with its connections, which the caller owns from now on; then only free is called.
 * NULL: it had none. */
struct scoop_engine *scoop_reader_give_engine(struct scoop_reader *reader);
/* Drops the connection. NULL is allowed. */
void scoop_reader_free(struct scoop_reader *reader);

#endif
