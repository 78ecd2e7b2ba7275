#include "source/range_reader.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "source/expected_ranges.h"
#include "source/kept_blocks_internal.h"
#include "source/read_ahead_internal.h"

enum {
    SKIP_BYTES = 64 * 1024,   /* so little is read over, rather than asked for anew */
    DRAIN_BYTES = 256 * 1024, /* so little is waited for, rather than the connection dropped */
    DRAIN_MS = 500,
};

struct scoop_range_reader {
    struct scoop_engine *engine;
    char *url;
    struct scoop_web_options web;
    struct scoop_s3_client *client;
    char *bucket, *key;
    struct scoop_source known; /* the facts alone; total_bytes -1: not yet */
    bool looks; /* the range under way is the first one, of an object that was not known */
    bool proven;
    struct scoop_kept_blocks blocks;
    struct scoop_expected_ranges expected;
    /* The range under way. */
    struct scoop_source *stream;       /* NULL: none */
    uint64_t next, end;                /* what it brings next, and where it ends */
    struct scoop_kept_block *gathered; /* where it is put; NULL: it is given as it comes */
    uint64_t drain_deadline_ms;        /* 0: it is still wanted */
    /* How it is read. */
    uint64_t read_end; /* of the last read */
    uint64_t in_order; /* bytes up to there that were read in order */
};

static void end_stream(struct scoop_range_reader *reader) {
    if (reader->stream != NULL)
        reader->stream->type->free(reader->stream);
    reader->stream = NULL;
    reader->gathered = NULL;
    reader->drain_deadline_ms = 0;
}

/* What a range brought that has not come to its end is checked by nobody. */
static void drop_stream(struct scoop_range_reader *reader) {
    if (reader->gathered != NULL)
        reader->gathered->length = 0;
    end_stream(reader);
}

static bool is_known(const struct scoop_range_reader *reader) {
    return reader->known.total_bytes >= 0;
}

static struct scoop_range_request request_for(const struct scoop_range_reader *reader,
                                              const struct scoop_byte_range *range) {
    return (struct scoop_range_request){
        .bucket = reader->bucket,
        .key = reader->key,
        .url = reader->url,
        .web = &reader->web,
        .validator = is_known(reader) ? reader->known.validator : NULL,
        .first = range->first,
        .last = range->last,
    };
}

/* In pieces where someone waits for much of it; what is read ahead of small reads is not. Nor is it
 * beside expected ranges, which take the memory, and the connections' time. */
static struct scoop_source *new_range(struct scoop_range_reader *reader,
                                      const struct scoop_byte_range *range, uint64_t wanted,
                                      struct scoop_error *error) {
    struct scoop_range_request request = request_for(reader, range);
    if (reader->client == NULL)
        return scoop_http_range_source_new(reader->engine, &request, error);
    uint64_t length = range->last - range->first + 1;
    if (is_known(reader) && scoop_expected_ranges_is_empty(&reader->expected) &&
        scoop_s3_pieces_are_worth_it(wanted < length ? wanted : length))
        return scoop_s3_pieces_source_new(reader->client, &request, error);
    return scoop_s3_range_source_new(reader->client, &request, error);
}

/* Goes on with the expected range that begins there. */
static bool adopt(struct scoop_range_reader *reader, uint64_t offset) {
    uint64_t last;
    reader->stream = scoop_expected_ranges_take(&reader->expected, offset, &last);
    if (reader->stream == NULL)
        return false;
    reader->looks = false;
    reader->next = offset;
    reader->end = last + 1;
    return true;
}

/* Asks for what a read needs. */
static int start(struct scoop_range_reader *reader, const struct scoop_range_read *read,
                 struct scoop_error *error) {
    struct scoop_byte_range range = {0, SCOOP_LEAST_RANGE_BYTES - 1};
    if (adopt(reader, read->offset))
        return 0;
    if (is_known(reader))
        range = scoop_read_ahead(read->offset, read->wanted, reader->in_order,
                                 (uint64_t)reader->known.total_bytes);
    uint64_t length = range.last - range.first + 1;
    if (length <= SCOOP_KEPT_BLOCK_BYTES) {
        reader->gathered =
            scoop_kept_blocks_begin(&reader->blocks, range.first, (size_t)length, error);
        if (reader->gathered == NULL)
            return -1;
    }
    reader->looks = !is_known(reader);
    reader->next = range.first;
    reader->end = range.last + 1;
    reader->stream = new_range(reader, &range, read->wanted, error);
    return reader->stream == NULL ? -1 : reader->stream->type->open(reader->stream, error);
}

/* Whether the range under way brings it soon. */
static bool brings(const struct scoop_range_reader *reader, uint64_t offset) {
    uint64_t first = reader->gathered != NULL ? reader->gathered->first : reader->next;
    return reader->stream != NULL && reader->drain_deadline_ms == 0 && offset >= first &&
           offset < reader->end &&
           (reader->gathered != NULL || offset - reader->next <= SKIP_BYTES);
}

/* The first answer has come. */
static void learn(struct scoop_range_reader *reader) {
    const struct scoop_source *stream = reader->stream;
    if (is_known(reader))
        return;
    reader->known = *stream;
    reader->end =
        (uint64_t)stream->total_bytes < reader->end ? (uint64_t)stream->total_bytes : reader->end;
}

/* Takes what has come for the read, or on the way to it. True: the read has got something. */
static bool take(struct scoop_range_reader *reader, struct scoop_range_read *read,
                 const unsigned char *data, size_t length) {
    struct scoop_source *stream = reader->stream;
    size_t taken = length, skipped = 0;
    if (reader->gathered != NULL) {
        taken = scoop_kept_block_add(reader->gathered, data, length);
    } else if (reader->drain_deadline_ms == 0) {
        uint64_t behind = read->offset - reader->next;
        skipped = behind < length ? (size_t)behind : length;
        read->got = length - skipped < read->length ? length - skipped : read->length;
        memcpy(read->data, data + skipped, read->got);
        taken = skipped + read->got;
    }
    stream->type->consume(stream, taken);
    reader->next += taken;
    return read->got > 0;
}

/* What S3 says of a range of an empty object. */
static bool is_empty(const struct scoop_range_reader *reader, const struct scoop_error *error) {
    return !is_known(reader) && error->http_status == 416;
}

static enum scoop_source_state step_stream(struct scoop_range_reader *reader,
                                           struct scoop_range_read *read,
                                           struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    enum scoop_source_state state =
        reader->stream->type->peek(reader->stream, &data, &length, error);
    if (state == SCOOP_SOURCE_READY) {
        learn(reader);
        return take(reader, read, data, length) ? SCOOP_SOURCE_READY : SCOOP_SOURCE_ENDED;
    }
    if (state == SCOOP_SOURCE_ENDED) {
        if (reader->looks)
            reader->proven = scoop_s3_source_is_proven(reader->stream);
        end_stream(reader);
    }
    if (state != SCOOP_SOURCE_FAILED)
        return state;
    if (is_empty(reader, error))
        reader->known.total_bytes = 0;
    bool needed = reader->drain_deadline_ms == 0 && reader->known.total_bytes != 0;
    drop_stream(reader);
    return needed ? SCOOP_SOURCE_FAILED : SCOOP_SOURCE_ENDED;
}

/* A range that is not wanted any more: its connection serves the next one if little is left. */
static void leave(struct scoop_range_reader *reader) {
    uint64_t now = scoop_now_ms();
    if (reader->drain_deadline_ms == 0)
        reader->drain_deadline_ms = now + DRAIN_MS;
    if (reader->end - reader->next > DRAIN_BYTES || now >= reader->drain_deadline_ms)
        drop_stream(reader);
}

static enum scoop_source_state finish(struct scoop_range_reader *reader,
                                      struct scoop_range_read *read) {
    reader->read_end = read->offset + read->got;
    reader->in_order += read->got;
    return SCOOP_SOURCE_READY;
}

enum scoop_source_state scoop_range_reader_step(struct scoop_range_reader *reader,
                                                struct scoop_range_read *read,
                                                struct scoop_error *error) {
    enum scoop_source_state state = SCOOP_SOURCE_ENDED;
    if (read->offset != reader->read_end) {
        reader->read_end = read->offset;
        reader->in_order = 0;
    }
    read->got = 0;
    while (state == SCOOP_SOURCE_ENDED) {
        if (reader->gathered == NULL) /* its range is whole, and checked */
            read->got =
                scoop_kept_blocks_take(&reader->blocks, read->offset, read->data, read->length);
        if (read->got > 0)
            return finish(reader, read);
        if (reader->known.total_bytes == 0)
            return SCOOP_SOURCE_ENDED;
        if (is_known(reader) &&
            !SCOOP_INVARIANT(read->offset < (uint64_t)reader->known.total_bytes, error))
            return SCOOP_SOURCE_FAILED;
        if (reader->stream != NULL && !brings(reader, read->offset))
            leave(reader);
        if (reader->stream == NULL && start(reader, read, error) != 0) {
            drop_stream(reader);
            return SCOOP_SOURCE_FAILED;
        }
        state = step_stream(reader, read, error);
    }
    return state == SCOOP_SOURCE_READY ? finish(reader, read) : state;
}

bool scoop_range_reader_expect(struct scoop_range_reader *reader, uint64_t first, uint64_t length) {
    const struct scoop_byte_range range = {first, first + length - 1};
    uint64_t held = reader->stream == NULL ? 0 : reader->end - reader->next;
    if (reader->client == NULL || !is_known(reader) || length == 0 ||
        first >= (uint64_t)reader->known.total_bytes ||
        length > (uint64_t)reader->known.total_bytes - first)
        return false;
    const struct scoop_range_request request = request_for(reader, &range);
    return scoop_expected_ranges_add(&reader->expected, reader->client, &request, held);
}

void scoop_range_reader_expect_nothing(struct scoop_range_reader *reader) {
    scoop_expected_ranges_forget(&reader->expected);
}

void scoop_range_reader_facts(const struct scoop_range_reader *reader,
                              struct scoop_range_reader_facts *facts) {
    facts->total_bytes = reader->known.total_bytes;
    facts->seekable = reader->known.seekable;
    facts->proven = reader->proven;
    memcpy(facts->identity, reader->known.identity, sizeof facts->identity);
}

void scoop_range_reader_free(struct scoop_range_reader *reader) {
    if (reader == NULL)
        return;
    drop_stream(reader);
    scoop_expected_ranges_forget(&reader->expected);
    scoop_kept_blocks_free(&reader->blocks);
    scoop_free_secret(reader->url);
    scoop_free(reader->bucket);
    scoop_free(reader->key);
    scoop_free(reader);
}

static int copy(char **to, const char *text) {
    *to = text == NULL ? NULL : scoop_strdup(text);
    return text != NULL && *to == NULL ? -1 : 0;
}

struct scoop_range_reader *scoop_range_reader_new(const struct scoop_range_reader_options *options,
                                                  struct scoop_error *error) {
    struct scoop_range_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    reader->engine = options->engine;
    reader->client = options->client;
    reader->web = *options->web;
    reader->known.total_bytes = -1;
    if (copy(&reader->url, options->url) != 0 || copy(&reader->bucket, options->bucket) != 0 ||
        copy(&reader->key, options->key) != 0) {
        scoop_fail_memory(error);
    } else if (options->identity != NULL && !scoop_source_know(&reader->known, options->identity)) {
        scoop_fail(error, SCOOP_USAGE, "\"%s\" is no identity of a source", options->identity);
    } else {
        return reader;
    }
    scoop_range_reader_free(reader);
    return NULL;
}
