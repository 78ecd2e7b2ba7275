/* Opens the two ends of an attempt, and plans how they share the memory limit. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "copy/compression.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"

enum {
    PART_BYTES = 8 * 1024 * 1024,
    SMALLEST_PART_BYTES = 5 * 1024 * 1024, /* S3's minimum */
    LARGEST_PART_BYTES = 512 * 1024 * 1024,
    MOST_BUFFERS = 4,
    MOST_RANGE_MEMORY_BYTES = 32 * 1024 * 1024,
    LEAST_RANGE_MEMORY_BYTES = 2 * 1024 * 1024,
    OTHER_MEMORY_BYTES = 5 * 1024 * 1024, /* the source's queue, a pending record */
};

struct scoop_engine *scoop_transfer_engine_new(const struct scoop_transfer_options *options,
                                               struct scoop_error *error) {
    const struct scoop_engine_options engine = {
        .ca_file = options->ca_file,
        .limits = {.connect_ms = options->web.connect_ms,
                   .idle_ms = options->web.idle_ms,
                   .least_rate = options->web.least_rate},
    };
    return scoop_engine_new(&engine, error);
}

struct scoop_s3_client *
scoop_transfer_source_client_new(const struct scoop_transfer_options *options,
                                 struct scoop_engine *engine, struct scoop_error *error) {
    struct scoop_s3_options s3 = options->source.s3;
    if (s3.limits.first_byte_ms == 0)
        s3.limits.first_byte_ms = options->web.first_byte_ms;
    return scoop_s3_client_new(engine, &s3, error);
}

static int open_engine(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (transfer->engine == NULL)
        transfer->engine = scoop_transfer_engine_new(&transfer->options, error);
    return transfer->engine == NULL ? -1 : 0;
}

/* What the ranges of an S3 source may keep; parts of an S3 destination have as much. */
static size_t range_memory_bytes(const struct scoop_transfer *transfer) {
    size_t limit = transfer->budget.limit_bytes;
    size_t other = OTHER_MEMORY_BYTES + scoop_chain_memory_bytes(&transfer->options);
    bool to_s3 = scoop_place_is_s3(transfer->options.destination.uri);
    if (!to_s3)
        other += SCOOP_FILE_SINK_BYTES;
    size_t left = limit > other ? limit - other : 0;
    size_t bytes = left / (to_s3 ? 2 : 1);
    bytes -= bytes % LEAST_RANGE_MEMORY_BYTES;
    return bytes < LEAST_RANGE_MEMORY_BYTES  ? LEAST_RANGE_MEMORY_BYTES
           : bytes > MOST_RANGE_MEMORY_BYTES ? MOST_RANGE_MEMORY_BYTES
                                             : bytes;
}

static struct scoop_source *new_s3_source(struct scoop_transfer *transfer,
                                          const struct scoop_s3_uri *object,
                                          struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    /* Of an object whose first lines are wanted the rest is not fetched. */
    bool in_ranges = scoop_transfer_start_bytes(transfer) == 0;
    if (transfer->options.head_lines > 0 || !in_ranges)
        return scoop_s3_source_new(attempt->source_client, object->bucket, object->key, error);
    return scoop_s3_ranges_source_new(attempt->source_client, object->bucket, object->key,
                                      range_memory_bytes(transfer), error);
}

static int make_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_place *place = &transfer->options.source;
    struct scoop_s3_uri object;
    if (strcmp(place->uri, "-") == 0) {
        attempt->source = scoop_fd_source_new(place->fd, error);
    } else if (scoop_place_is_http(place->uri)) {
        if (open_engine(transfer, error) == 0)
            attempt->source = scoop_http_source_new(transfer->engine, place->uri,
                                                    transfer->options.allow_unknown_length,
                                                    &transfer->options.web, error);
    } else if (scoop_place_is_s3(place->uri)) {
        if (open_engine(transfer, error) != 0 ||
            scoop_s3_uri_parse(place->uri, &object, error) != 0)
            return -1;
        if (object.key[0] == 0)
            return scoop_fail(error, SCOOP_USAGE, "%s names no object", place->uri);
        attempt->source_client =
            scoop_transfer_source_client_new(&transfer->options, transfer->engine, error);
        if (attempt->source_client != NULL)
            attempt->source = new_s3_source(transfer, &object, error);
        if (attempt->source != NULL && place->s3.if_match != NULL)
            snprintf(attempt->source->demanded, sizeof attempt->source->demanded, "%s",
                     place->s3.if_match);
    } else {
        attempt->source = scoop_file_source_new(place->uri, error);
    }
    return attempt->source == NULL ? -1 : 0;
}

static int start_in_middle(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_source *source = transfer->attempt.source;
    if (source->type->start_at == NULL)
        return scoop_fail(error, SCOOP_USAGE, "%s cannot be read from its middle",
                          transfer->source_name);
    source->type->start_at(source, transfer->resume->kept_bytes, transfer->resume->source);
    return 0;
}

int scoop_transfer_open_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (!transfer->fed && make_source(transfer, error) != 0)
        return -1;
    if (scoop_transfer_start_bytes(transfer) > 0 && start_in_middle(transfer, error) != 0)
        return -1;
    scoop_transfer_watch_headers(transfer);
    if (attempt->source->type->open(attempt->source, error) != 0)
        return -1;
    return scoop_transfer_ask_tags(transfer, error);
}

static bool stays_gzip(const struct scoop_transfer_options *options) {
    return scoop_name_is_gzip(options->source.uri) &&
           scoop_name_is_gzip(options->destination.uri) &&
           scoop_compression_decide(options, true) == SCOOP_KEPT;
}

static const char *content_type(const struct scoop_transfer *transfer) {
    if (transfer->options.object.content_type != NULL)
        return transfer->options.object.content_type;
    if (scoop_compression_packs(&transfer->options) || stays_gzip(&transfer->options))
        return "application/gzip";
    return transfer->options.format == SCOOP_FORMAT_RAW ? NULL : "application/x-ndjson";
}

/* Part size and count that fit the memory limit, and leave room for the largest step. */
static int plan_parts(struct scoop_transfer *transfer, struct scoop_s3_sink_options *sink,
                      struct scoop_error *error) {
    size_t limit = transfer->budget.limit_bytes;
    size_t other = OTHER_MEMORY_BYTES + scoop_chain_memory_bytes(&transfer->options);
    if (scoop_place_is_s3(transfer->options.source.uri))
        other += range_memory_bytes(transfer);
    if (transfer->options.max_rejected > 0)
        other += SCOOP_REJECTS_PART_BYTES;
    size_t left = limit > other ? limit - other : 0;
    size_t part_bytes = left >= 3 * PART_BYTES ? PART_BYTES : SMALLEST_PART_BYTES;
    /* With more memory parts are larger, and grow beyond it later. */
    while (part_bytes < LARGEST_PART_BYTES && left / (2 * part_bytes) >= MOST_BUFFERS)
        part_bytes *= 2;
    size_t buffers = left / part_bytes;
    sink->plan = transfer->options.part_plan.first_bytes > 0 ? transfer->options.part_plan
                                                             : scoop_part_plan_growing(part_bytes);
    sink->memory_bytes = left;
    sink->room_bytes = transfer->room_bytes;
    sink->buffers = (unsigned)(buffers < MOST_BUFFERS ? buffers : MOST_BUFFERS);
    if (buffers < 2 || (sink->buffers - 1) * part_bytes < transfer->room_bytes)
        return scoop_fail(error, SCOOP_USAGE,
                          "memory_limit %zu is too small for records of up to %zu bytes: at least "
                          "%zu is needed",
                          limit, transfer->options.max_record_bytes,
                          other + transfer->room_bytes + 2 * SMALLEST_PART_BYTES);
    return 0;
}

/* Everything but the parts; `object` holds the names. */
static int s3_sink_options(struct scoop_transfer *transfer, struct scoop_s3_uri *object,
                           struct scoop_s3_sink_options *options, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_place *place = &transfer->options.destination;
    if (open_engine(transfer, error) != 0 || scoop_s3_uri_parse(place->uri, object, error) != 0)
        return -1;
    if (object->key[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "%s names no object; add a file name", place->uri);
    attempt->destination_client = scoop_s3_client_new(transfer->engine, &place->s3, error);
    if (attempt->destination_client == NULL)
        return -1;
    *options = (struct scoop_s3_sink_options){
        .client = attempt->destination_client,
        .bucket = object->bucket,
        .key = object->key,
        .budget = &transfer->budget,
        .temp_folder = transfer->temp_folder,
        .checksum = transfer->options.checksum,
        .content_type = content_type(transfer),
        .object = &transfer->object,
        .keep_existing = transfer->options.keep_existing,
        .if_match = transfer->options.if_match,
        .held = transfer->options.held,
    };
    return 0;
}

int scoop_transfer_open_server_copy(struct scoop_transfer *transfer, struct scoop_error *error) {
    const char *uri = transfer->options.source.uri;
    bool keeps_plain = scoop_compression_decide(&transfer->options, false) == SCOOP_KEPT;
    struct scoop_s3_uri source, destination;
    struct scoop_server_copy_options options = {
        .content_type_given = transfer->options.object.content_type != NULL,
        .at_once = transfer->kind == SCOOP_ATTEMPT_SERVER_AT_ONCE,
        .copies_gzip = scoop_compression_decide(&transfer->options, true) == SCOOP_KEPT,
        .copies_plain = keeps_plain && !scoop_compression_wants_gzip(&transfer->options),
        .copies_empty = keeps_plain,
    };
    if (scoop_s3_uri_parse(uri, &source, error) != 0 ||
        s3_sink_options(transfer, &destination, &options.target, error) != 0)
        return -1;
    if (source.key[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "%s names no object", uri);
    options.bucket = source.bucket;
    options.key = source.key;
    options.version_id = transfer->options.source.s3.version_id;
    transfer->attempt.server_copy = scoop_server_copy_new(&options, error);
    return transfer->attempt.server_copy == NULL ? -1 : 0;
}

static int open_s3_sink(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_s3_uri object;
    struct scoop_s3_sink_options options;
    if (s3_sink_options(transfer, &object, &options, error) != 0 ||
        plan_parts(transfer, &options, error) != 0)
        return -1;
    options.resume = transfer->resume;
    attempt->sink = scoop_s3_sink_new(&options, error);
    return attempt->sink == NULL ? -1 : 0;
}

/* A step may bring a record as long as any, when there is still room for more. */
static struct scoop_sink *open_memory_sink(struct scoop_transfer *transfer,
                                           struct scoop_error *error) {
    struct scoop_buf *memory = transfer->options.memory;
    size_t most = SCOOP_TRANSFER_MEMORY_HIGH_BYTES + transfer->room_bytes;
    if (memory->ceiling < most)
        memory->ceiling = most;
    return scoop_memory_sink_new(memory, SCOOP_TRANSFER_MEMORY_HIGH_BYTES, error);
}

int scoop_transfer_open_sink(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const char *uri = transfer->options.destination.uri;
    int fd = transfer->options.destination.fd;
    if (scoop_place_is_s3(uri))
        return open_s3_sink(transfer, error);
    if (uri == NULL && transfer->options.memory != NULL)
        attempt->sink = open_memory_sink(transfer, error);
    else if (uri == NULL)
        attempt->sink = scoop_null_sink_new(error);
    else if (strcmp(uri, "-") == 0)
        attempt->sink = scoop_fd_sink_new(fd == 0 ? STDOUT_FILENO : fd, error);
    else
        attempt->sink = scoop_file_sink_new(uri, transfer->options.keep_existing,
                                            transfer->options.split_part, error);
    return attempt->sink == NULL ? -1 : 0;
}
