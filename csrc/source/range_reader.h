/* Reading here and there in an S3 object or an HTTP source, by one range after the other. */
#ifndef SCOOP_SOURCE_RANGE_READER_H
#define SCOOP_SOURCE_RANGE_READER_H

#include "source/source.h"

struct scoop_range_reader;

/* One of the two ends is given; strings are copied; engine, client and what web points to are
 * borrowed. NULL with *error. */
struct scoop_range_reader_options {
    struct scoop_engine *engine;
    const char *url; /* http(s) */
    const struct scoop_web_options *web;
    struct scoop_s3_client *client;
    const char *bucket, *key;
    const char *identity; /* of the source, which it must still have; NULL: the first read tells */
};
struct scoop_range_reader *scoop_range_reader_new(const struct scoop_range_reader_options *options,
                                                  struct scoop_error *error);

/* One read. */
struct scoop_range_read {
    uint64_t offset; /* below the size, if that is known */
    void *data;
    size_t length;
    uint64_t wanted; /* what is going to be read from `offset` on; 0: nobody knows */
    size_t got;
};
/* Moves a read on, without waiting. READY: got is set, and at least 1. WAITING: for the engine's
 * events; then this is called again with the same read. ENDED: the object is empty. */
enum scoop_source_state scoop_range_reader_step(struct scoop_range_reader *reader,
                                                struct scoop_range_read *read,
                                                struct scoop_error *error);

/* Begins to fetch a range of an S3 object that will probably be read, from its first byte on: up to
 * eight of them, 16 MiB in all. It moves on in scoop_range_reader_step, whose read of it alone is
 * told what goes wrong. False: it was not begun; the read will fetch it. */
bool scoop_range_reader_expect(struct scoop_range_reader *reader, uint64_t first, uint64_t length);
/* Drops those that were not read. */
void scoop_range_reader_expect_nothing(struct scoop_range_reader *reader);

/* What is known, after the first read: total_bytes, etag, identity, and `seekable`: whether other
 * ranges can be read. */
struct scoop_range_reader_facts {
    int64_t total_bytes; /* -1: unknown */
    bool seekable;
    bool proven; /* the first read brought all of it, and its checksum is S3's */
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
};
void scoop_range_reader_facts(const struct scoop_range_reader *reader,
                              struct scoop_range_reader_facts *facts);
/* NULL is allowed. */
void scoop_range_reader_free(struct scoop_range_reader *reader);

#endif
