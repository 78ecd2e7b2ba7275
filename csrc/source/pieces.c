/* A large range of an S3 object as pieces that are fetched side by side and read in order: the
 * waits for their first bytes pass at the same time, and several connections bring more than one.
 */
#include <stdio.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "source/source.h"

enum {
    SIDE_BY_SIDE = 4,
    LEAST_BYTES = 256 * 1024, /* a smaller piece costs more than it saves */
    MOST_BYTES = 2 * 1024 * 1024,
};

struct pieces_source {
    struct scoop_source base;
    struct scoop_s3_client *client;
    char *bucket, *key;
    struct scoop_source *pieces[SIDE_BY_SIDE]; /* those under way, in order from `front` on */
    unsigned front, count;
    uint64_t asked, end; /* where the next piece begins, and the last one ends */
    uint64_t piece_bytes;
};

static uint64_t piece_length(uint64_t length) {
    uint64_t count = length / LEAST_BYTES;
    if (count > SIDE_BY_SIDE)
        count = SIDE_BY_SIDE;
    uint64_t each = (length + count - 1) / count;
    return each < MOST_BYTES ? each : MOST_BYTES;
}

static int add(struct pieces_source *source, uint64_t length, struct scoop_error *error) {
    const struct scoop_range_request request = {
        .bucket = source->bucket,
        .key = source->key,
        .validator = source->base.validator,
        .first = source->asked,
        .last = source->asked + length - 1,
        .queue_bytes = (size_t)length, /* so that none waits for the reader */
    };
    if (!SCOOP_INVARIANT(source->count < SIDE_BY_SIDE, error))
        return -1;
    struct scoop_source *piece = scoop_s3_range_source_new(source->client, &request, error);
    if (piece == NULL)
        return -1;
    source->pieces[(source->front + source->count++) % SIDE_BY_SIDE] = piece;
    source->asked += length;
    return piece->type->open(piece, error);
}

static int fill(struct pieces_source *source, struct scoop_error *error) {
    while (source->asked < source->end && source->count < SIDE_BY_SIDE) {
        uint64_t left = source->end - source->asked;
        if (add(source, left < source->piece_bytes ? left : source->piece_bytes, error) != 0)
            return -1;
    }
    return 0;
}

static int pieces_open(struct scoop_source *base, struct scoop_error *error) {
    return fill((struct pieces_source *)base, error);
}

static void drop_front(struct pieces_source *source) {
    struct scoop_source *piece = source->pieces[source->front];
    source->base.retries += piece->retries;
    piece->type->free(piece);
    source->front = (source->front + 1) % SIDE_BY_SIDE;
    source->count--;
}

static enum scoop_source_state pieces_peek(struct scoop_source *base, const unsigned char **data,
                                           size_t *length, struct scoop_error *error) {
    struct pieces_source *source = (struct pieces_source *)base;
    while (source->count > 0) {
        struct scoop_source *piece = source->pieces[source->front];
        enum scoop_source_state state = piece->type->peek(piece, data, length, error);
        if (state != SCOOP_SOURCE_ENDED)
            return state;
        drop_front(source);
        if (fill(source, error) != 0)
            return SCOOP_SOURCE_FAILED;
    }
    return SCOOP_SOURCE_ENDED;
}

static void pieces_consume(struct scoop_source *base, size_t length) {
    struct pieces_source *source = (struct pieces_source *)base;
    struct scoop_source *piece = source->pieces[source->front];
    piece->type->consume(piece, length);
}

static void pieces_free(struct scoop_source *base) {
    struct pieces_source *source = (struct pieces_source *)base;
    while (source->count > 0)
        drop_front(source);
    scoop_free(source->bucket);
    scoop_free(source->key);
    scoop_free(source);
}

static const struct scoop_source_type pieces_type = {
    "pieces", pieces_open, pieces_peek, pieces_consume, pieces_free, NULL,
};

bool scoop_s3_pieces_are_worth_it(uint64_t length) {
    return length >= 2 * (uint64_t)LEAST_BYTES;
}

struct scoop_source *scoop_s3_pieces_source_new(struct scoop_s3_client *client,
                                                const struct scoop_range_request *request,
                                                struct scoop_error *error) {
    struct pieces_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    source->base.type = &pieces_type;
    source->base.wait_fd = -1;
    source->base.total_bytes = -1;
    snprintf(source->base.validator, sizeof source->base.validator, "%s", request->validator);
    source->client = client;
    source->asked = request->first;
    source->end = request->last + 1;
    source->piece_bytes = piece_length(source->end - source->asked);
    source->bucket = scoop_strdup(request->bucket);
    source->key = scoop_strdup(request->key);
    if (source->bucket != NULL && source->key != NULL)
        return &source->base;
    scoop_fail_memory(error);
    pieces_free(&source->base);
    return NULL;
}
