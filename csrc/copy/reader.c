/* Opens a place for reading here and there, and waits for what comes. */
#include "scoop/reader.h"

#include <string.h>

#include "aws/uri.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"
#include "net/http.h"
#include "scoop/memory.h"
#include "source/file_reader.h"
#include "source/range_reader.h"

struct scoop_reader {
    struct scoop_engine *engine;
    struct scoop_s3_client *client;
    struct scoop_range_reader *ranges; /* of S3 and HTTP, else NULL */
    struct scoop_file_reader *file;
};

static int open_ranges(struct scoop_reader *reader, const struct scoop_transfer_options *options,
                       const char *identity, struct scoop_error *error) {
    const struct scoop_place *place = &options->source;
    struct scoop_range_reader_options ranges = {.identity = identity, .web = &options->web};
    struct scoop_s3_uri object;
    reader->engine = scoop_transfer_engine_new(options, error);
    if (reader->engine == NULL)
        return -1;
    ranges.engine = reader->engine;
    if (scoop_place_is_s3(place->uri)) {
        if (scoop_s3_uri_parse(place->uri, &object, error) != 0)
            return -1;
        if (object.key[0] == 0)
            return scoop_fail(error, SCOOP_USAGE, "%s names no object", place->uri);
        reader->client = scoop_transfer_source_client_new(options, reader->engine, error);
        if (reader->client == NULL)
            return -1;
        ranges.client = reader->client;
        ranges.bucket = object.bucket;
        ranges.key = object.key;
    } else {
        ranges.url = place->uri;
    }
    reader->ranges = scoop_range_reader_new(&ranges, error);
    return reader->ranges == NULL ? -1 : 0;
}

static int open_place(struct scoop_reader *reader, const struct scoop_transfer_options *options,
                      const char *identity, struct scoop_error *error) {
    const char *uri = options->source.uri;
    if (uri != NULL && strcmp(uri, "-") == 0) {
        reader->file = scoop_file_reader_new_of(options->source.fd, error);
        return reader->file == NULL ? -1 : 0;
    }
    if (uri == NULL || (identity == NULL && !scoop_place_is_s3(uri)))
        return scoop_fail(error, SCOOP_USAGE, "a reader needs a source that is known");
    if (scoop_place_is_s3(uri) || scoop_place_is_http(uri))
        return open_ranges(reader, options, identity, error);
    reader->file = scoop_file_reader_new(uri, identity, error);
    return reader->file == NULL ? -1 : 0;
}

struct scoop_reader *scoop_reader_new(const struct scoop_transfer_options *options,
                                      const char *identity, struct scoop_error *error) {
    struct scoop_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    if (open_place(reader, options, identity, error) == 0)
        return reader;
    scoop_reader_free(reader);
    return NULL;
}

static int read_ranges(struct scoop_reader *reader, struct scoop_range_read *read,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    for (;;) {
        switch (scoop_range_reader_step(reader->ranges, read, error)) {
        case SCOOP_SOURCE_READY:
        case SCOOP_SOURCE_ENDED:
            return 0;
        case SCOOP_SOURCE_FAILED:
            return -1;
        case SCOOP_SOURCE_WAITING:
            break;
        }
        if (interrupt->check != NULL && interrupt->check(interrupt->user) != 0)
            return scoop_fail(error, SCOOP_CANCELLED, "the read was interrupted");
        if (scoop_engine_run(reader->engine, SCOOP_SLICE_MS, error) != 0)
            return -1;
    }
}

/* All that is wanted and fits, so that the caller need not come back for each piece of it; 0 bytes
 * at the end. */
static int fill(struct scoop_reader *reader, struct scoop_range_read *read,
                const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_range_reader_facts facts;
    size_t filled = 0, most = read->wanted < read->length ? (size_t)read->wanted : read->length;
    do {
        struct scoop_range_read rest = {
            .offset = read->offset + filled,
            .data = (unsigned char *)read->data + filled,
            .length = read->length - filled,
            .wanted = read->wanted > filled ? read->wanted - filled : 0,
        };
        if (read_ranges(reader, &rest, interrupt, error) != 0)
            return -1;
        filled += rest.got;
        scoop_range_reader_facts(reader->ranges, &facts);
    } while (filled > 0 && filled < most && read->offset + filled < (uint64_t)facts.total_bytes);
    read->got = filled;
    return 0;
}

int scoop_reader_read(struct scoop_reader *reader, uint64_t offset, void *data, size_t length,
                      uint64_t wanted, size_t *got, const struct scoop_interrupt *interrupt,
                      struct scoop_error *error) {
    struct scoop_range_read read = {offset, data, length, wanted, 0};
    if (reader->file != NULL)
        return scoop_file_reader_read(reader->file, offset, data, length, got, error);
    int status = fill(reader, &read, interrupt, error);
    *got = read.got;
    return status;
}

bool scoop_reader_expect(struct scoop_reader *reader, uint64_t first, uint64_t length) {
    return reader->ranges != NULL && scoop_range_reader_expect(reader->ranges, first, length);
}

void scoop_reader_expect_nothing(struct scoop_reader *reader) {
    if (reader->ranges != NULL)
        scoop_range_reader_expect_nothing(reader->ranges);
}

void scoop_reader_facts(const struct scoop_reader *reader, struct scoop_reader_facts *facts) {
    struct scoop_range_reader_facts found;
    memset(facts, 0, sizeof *facts);
    facts->size_bytes = -1;
    if (reader->ranges == NULL)
        return;
    scoop_range_reader_facts(reader->ranges, &found);
    facts->size_bytes = found.total_bytes;
    facts->seekable = found.seekable;
    facts->proven = found.proven;
    memcpy(facts->identity, found.identity, sizeof facts->identity);
}

static void close_ranges(struct scoop_reader *reader) {
    scoop_range_reader_free(reader->ranges);
    scoop_s3_client_free(reader->client);
    reader->ranges = NULL;
    reader->client = NULL;
}

struct scoop_engine *scoop_reader_give_engine(struct scoop_reader *reader) {
    struct scoop_engine *engine = reader->engine;
    close_ranges(reader);
    reader->engine = NULL;
    return engine;
}

void scoop_reader_free(struct scoop_reader *reader) {
    if (reader == NULL)
        return;
    close_ranges(reader);
    scoop_file_reader_free(reader->file);
    scoop_engine_free(reader->engine);
    scoop_free(reader);
}
