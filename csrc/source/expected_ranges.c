#include "source/expected_ranges.h"

static uint64_t length_of(const struct scoop_expected_range *range) {
    return range->stream == NULL ? 0 : range->last - range->first + 1;
}

/* NULL: there is no room. */
static struct scoop_expected_range *room_for(struct scoop_expected_ranges *expected,
                                             uint64_t length, uint64_t held) {
    struct scoop_expected_range *room = NULL;
    for (int i = 0; i < SCOOP_EXPECTED_RANGES; i++) {
        held += length_of(&expected->ranges[i]);
        if (expected->ranges[i].stream == NULL)
            room = &expected->ranges[i];
    }
    return held <= SCOOP_EXPECTED_BYTES && length <= SCOOP_EXPECTED_BYTES - held ? room : NULL;
}

bool scoop_expected_ranges_add(struct scoop_expected_ranges *expected,
                               struct scoop_s3_client *client,
                               const struct scoop_range_request *request, uint64_t held) {
    struct scoop_error untold = {0};
    struct scoop_range_request whole = *request;
    uint64_t length = request->last - request->first + 1;
    struct scoop_expected_range *room = room_for(expected, length, held);
    if (room == NULL)
        return false;
    whole.queue_bytes = (size_t)length; /* so that none waits for the reader */
    struct scoop_source *stream = scoop_s3_range_source_new(client, &whole, &untold);
    if (stream == NULL)
        return false;
    if (stream->type->open(stream, &untold) != 0) {
        stream->type->free(stream);
        return false;
    }
    *room = (struct scoop_expected_range){stream, request->first, request->last};
    return true;
}

bool scoop_expected_ranges_is_empty(const struct scoop_expected_ranges *expected) {
    for (int i = 0; i < SCOOP_EXPECTED_RANGES; i++)
        if (expected->ranges[i].stream != NULL)
            return false;
    return true;
}

struct scoop_source *scoop_expected_ranges_take(struct scoop_expected_ranges *expected,
                                                uint64_t first, uint64_t *last) {
    for (int i = 0; i < SCOOP_EXPECTED_RANGES; i++) {
        struct scoop_expected_range *range = &expected->ranges[i];
        struct scoop_source *stream = range->stream;
        if (stream == NULL || range->first != first)
            continue;
        *last = range->last;
        range->stream = NULL;
        return stream;
    }
    return NULL;
}

void scoop_expected_ranges_forget(struct scoop_expected_ranges *expected) {
    for (int i = 0; i < SCOOP_EXPECTED_RANGES; i++) {
        struct scoop_source *stream = expected->ranges[i].stream;
        expected->ranges[i].stream = NULL;
        if (stream != NULL)
            stream->type->free(stream);
    }
}
