/* Sets a transfer up: its options, its two ends, and how they share the memory limit. */
#include <stdio.h>
#include <string.h>

#include "sink/file_blocks.h"
#include "copy/places.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "base/memory_ceiling.h"
#include "base/temp_folder.h"
#include "text/text.h"
#include "copy/server_copy.h"
#include "copy/transfer_internal.h"

enum {
    PART_BYTES = 8 * 1024 * 1024,
    SMALLEST_PART_BYTES = 5 * 1024 * 1024, /* S3's minimum */
    LARGEST_PART_BYTES = 512 * 1024 * 1024,
    MOST_BUFFERS = 4,
    MOST_RANGE_MEMORY_BYTES = 32 * 1024 * 1024,
    LEAST_RANGE_MEMORY_BYTES = 2 * 1024 * 1024,
    OTHER_MEMORY_BYTES = 5 * 1024 * 1024,   /* the source's queue, a pending record */
    LEAST_DEFAULT_BYTES = 32 * 1024 * 1024, /* what every kind of transfer can be run with */
    STEP_SLACK_BYTES = 1024 * 1024,
    STEP_ROOM_BYTES = 512 * 1024,
};

static int copy(const char **text) {
    if (*text == NULL)
        return 0;
    *text = scoop_strdup(*text);
    return *text == NULL ? -1 : 0;
}

static int copy_strings(struct scoop_transfer *transfer) {
    const char **texts[] = {
        &transfer->options.source.uri,
        &transfer->options.source.s3.endpoint_url,
        &transfer->options.source.s3.region,
        &transfer->options.source.s3.credentials.access_key_id,
        &transfer->options.source.s3.credentials.secret_access_key,
        &transfer->options.source.s3.credentials.session_token,
        &transfer->options.destination.uri,
        &transfer->options.destination.s3.endpoint_url,
        &transfer->options.destination.s3.region,
        &transfer->options.destination.s3.credentials.access_key_id,
        &transfer->options.destination.s3.credentials.secret_access_key,
        &transfer->options.destination.s3.credentials.session_token,
        &transfer->options.source.s3.expected_bucket_owner,
        &transfer->options.destination.s3.expected_bucket_owner,
        &transfer->options.object.content_type,
        &transfer->options.rejects_uri,
        &transfer->options.if_match,
        &transfer->options.ca_file,
        &transfer->options.records,
    };
    int status = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (copy(texts[i]) != 0) {
            *texts[i] = NULL;
            status = -1;
        }
    return status;
}

void scoop_transfer_free_options(struct scoop_transfer *transfer) {
    struct scoop_place *places[] = {&transfer->options.source, &transfer->options.destination};
    for (size_t i = 0; i < 2; i++) {
        struct scoop_credentials *credentials = &places[i]->s3.credentials;
        scoop_free_secret((char *)places[i]->uri); /* a URL may hold a password or a signature */
        scoop_free((char *)places[i]->s3.endpoint_url);
        scoop_free((char *)places[i]->s3.region);
        scoop_free((char *)places[i]->s3.expected_bucket_owner);
        scoop_free((char *)credentials->access_key_id);
        scoop_free_secret((char *)credentials->secret_access_key);
        scoop_free_secret((char *)credentials->session_token);
    }
    scoop_free(transfer->temp_folder);
    scoop_object_headers_free(&transfer->object);
    scoop_object_headers_free(&transfer->rejects.object);
    scoop_free((char *)transfer->options.object.content_type);
    scoop_free((char *)transfer->options.rejects_uri);
    scoop_free((char *)transfer->options.if_match);
    scoop_free((char *)transfer->options.ca_file);
    scoop_free((char *)transfer->options.records);
}

static int open_engine(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_engine_options options = {.ca_file = transfer->options.ca_file};
    if (transfer->engine == NULL)
        transfer->engine = scoop_engine_new(&options, error);
    return transfer->engine == NULL ? -1 : 0;
}

/* What the ranges of an S3 source may keep; parts of an S3 destination have as much. */
static size_t range_memory_bytes(const struct scoop_transfer *transfer) {
    size_t limit = transfer->budget.limit_bytes;
    size_t other = OTHER_MEMORY_BYTES + scoop_chain_memory_bytes(&transfer->options);
    bool to_s3 = scoop_place_is_s3(transfer->options.destination.uri);
    if (!to_s3)
        other += SCOOP_FILE_BLOCKS_BYTES;
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
    /* Of an object whose first lines are wanted the rest is not fetched. */
    bool in_ranges = scoop_transfer_start_bytes(transfer) == 0;
    if (transfer->options.head_lines > 0 || !in_ranges)
        return scoop_s3_source_new(transfer->source_client, object->bucket, object->key, error);
    return scoop_s3_ranges_source_new(transfer->source_client, object->bucket, object->key,
                                      range_memory_bytes(transfer), error);
}

static int make_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    const struct scoop_place *place = &transfer->options.source;
    struct scoop_s3_uri object;
    if (strcmp(place->uri, "-") == 0) {
        transfer->source = scoop_fd_source_new(0, error);
    } else if (scoop_place_is_http(place->uri)) {
        if (open_engine(transfer, error) == 0)
            transfer->source = scoop_http_source_new(transfer->engine, place->uri,
                                                     transfer->options.allow_unknown_length, error);
    } else if (scoop_place_is_s3(place->uri)) {
        if (open_engine(transfer, error) != 0 ||
            scoop_s3_uri_parse(place->uri, &object, error) != 0)
            return -1;
        if (object.key[0] == 0)
            return scoop_fail(error, SCOOP_USAGE, "%s names no object", place->uri);
        transfer->source_client = scoop_s3_client_new(transfer->engine, &place->s3, error);
        if (transfer->source_client != NULL)
            transfer->source = new_s3_source(transfer, &object, error);
    } else {
        transfer->source = scoop_file_source_new(place->uri, error);
    }
    return transfer->source == NULL ? -1 : 0;
}

static int start_in_middle(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_source *source = transfer->source;
    if (source->type->start_at == NULL)
        return scoop_fail(error, SCOOP_USAGE, "%s cannot be read from its middle",
                          transfer->source_name);
    source->type->start_at(source, transfer->resume->kept_bytes, transfer->resume->source);
    return 0;
}

int scoop_transfer_open_source(struct scoop_transfer *transfer, struct scoop_error *error) {
    if (!transfer->fed && make_source(transfer, error) != 0)
        return -1;
    if (scoop_transfer_start_bytes(transfer) > 0 && start_in_middle(transfer, error) != 0)
        return -1;
    return transfer->source->type->open(transfer->source, error);
}

static const char *content_type(const struct scoop_transfer *transfer) {
    if (transfer->options.object.content_type != NULL)
        return transfer->options.object.content_type;
    if (scoop_chain_gzips(&transfer->options))
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
    const struct scoop_place *place = &transfer->options.destination;
    if (open_engine(transfer, error) != 0 || scoop_s3_uri_parse(place->uri, object, error) != 0)
        return -1;
    size_t key_length = strlen(object->key);
    if (key_length == 0 || object->key[key_length - 1] == '/')
        return scoop_fail(error, SCOOP_USAGE, "%s names no object; add a file name", place->uri);
    if (transfer->destination_client == NULL)
        transfer->destination_client = scoop_s3_client_new(transfer->engine, &place->s3, error);
    if (transfer->destination_client == NULL)
        return -1;
    *options = (struct scoop_s3_sink_options){
        .client = transfer->destination_client,
        .bucket = object->bucket,
        .key = object->key,
        .budget = &transfer->budget,
        .temp_folder = transfer->temp_folder,
        .checksum = transfer->options.checksum,
        .content_type = content_type(transfer),
        .object = &transfer->object,
        .keep_existing = transfer->options.keep_existing,
        .if_match = transfer->options.if_match,
        .resume = transfer->resume,
        .held = transfer->options.held,
    };
    return 0;
}

int scoop_transfer_open_server_copy(struct scoop_transfer *transfer, struct scoop_error *error) {
    const char *uri = transfer->options.source.uri;
    struct scoop_s3_uri source, destination;
    struct scoop_server_copy_options options = {.content_type_given =
                                                    transfer->options.object.content_type != NULL,
                                                .at_once = transfer->server_at_once,
                                                .gzips = scoop_chain_gzips(&transfer->options)};
    if (scoop_s3_uri_parse(uri, &source, error) != 0 ||
        s3_sink_options(transfer, &destination, &options.target, error) != 0)
        return -1;
    if (source.key[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "%s names no object", uri);
    options.bucket = source.bucket;
    options.key = source.key;
    transfer->sink = scoop_server_copy_new(&options, error);
    transfer->server_copies = transfer->sink != NULL;
    return transfer->sink == NULL ? -1 : 0;
}

static int open_s3_sink(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_s3_uri object;
    struct scoop_s3_sink_options options;
    if (s3_sink_options(transfer, &object, &options, error) != 0 ||
        plan_parts(transfer, &options, error) != 0)
        return -1;
    transfer->sink = scoop_s3_sink_new(&options, error);
    return transfer->sink == NULL ? -1 : 0;
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
    const char *uri = transfer->options.destination.uri;
    if (scoop_place_is_s3(uri))
        return open_s3_sink(transfer, error);
    if (uri == NULL && transfer->options.memory != NULL)
        transfer->sink = open_memory_sink(transfer, error);
    else if (uri == NULL)
        transfer->sink = scoop_null_sink_new(error);
    else if (strcmp(uri, "-") == 0)
        transfer->sink = scoop_fd_sink_new(1, error);
    else
        transfer->sink = scoop_file_sink_new(uri, transfer->options.keep_existing,
                                             transfer->options.split_part, error);
    return transfer->sink == NULL ? -1 : 0;
}

static int check_options(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_transfer_options *options = &transfer->options;
    if (options->compression_level < 0 || options->compression_level > 9)
        return scoop_fail(error, SCOOP_USAGE, "compression_level %d is not one of 1 to 9",
                          options->compression_level);
    if (options->max_rejected > 0 && options->format == SCOOP_FORMAT_RAW)
        return scoop_fail(error, SCOOP_USAGE,
                          "max_rejected needs a format with records, which raw is not");
    if (options->max_record_bytes > SCOOP_MOST_RECORD_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "max_record_bytes is at most %zu",
                          SCOOP_MOST_RECORD_BYTES);
    if (options->records != NULL && options->format != SCOOP_FORMAT_JSON_ARRAY)
        return scoop_fail(error, SCOOP_USAGE, "records is a path for the format json-array only");
    if (options->max_rejected > 0 && options->destination.uri != NULL &&
        options->rejects_uri == NULL)
        return scoop_fail(error, SCOOP_USAGE, "max_rejected needs a place for the reject file");
    if (options->keep_existing &&
        (options->destination.uri == NULL || strcmp(options->destination.uri, "-") == 0))
        return scoop_fail(error, SCOOP_USAGE,
                          "overwrite=False needs a destination in S3 or a file");
    if (options->if_match != NULL &&
        (options->keep_existing || !scoop_place_is_s3(options->destination.uri)))
        return scoop_fail(error, SCOOP_USAGE,
                          "if_match needs a destination in S3, and no overwrite=False");
    return scoop_places_check(options, error);
}

/* The bucket's policy may demand the encryption for every object, so for the reject file too. */
static int build_object_headers(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_object_options *object = &transfer->options.object;
    const struct scoop_object_options rejects = {
        .encryption = object->encryption,
        .kms_key_id = object->kms_key_id,
        .bucket_key = object->bucket_key,
    };
    if (scoop_object_headers_build(object, &transfer->object, error) != 0 ||
        scoop_object_headers_build(&rejects, &transfer->rejects.object, error) != 0)
        return -1;
    *object = (struct scoop_object_options){.content_type = object->content_type};
    bool any = transfer->object.count > 0 || object->content_type != NULL;
    if (any && !scoop_place_is_s3(transfer->options.destination.uri))
        return scoop_fail(error, SCOOP_USAGE, "object options need a destination in S3");
    return 0;
}

size_t scoop_transfer_default_memory_bytes(void) {
    return scoop_default_memory_bytes(SCOOP_MEMORY_LIMIT_BYTES, LEAST_DEFAULT_BYTES);
}

static int set_up(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_transfer_options *options = &transfer->options;
    if (options->memory_limit_bytes == 0)
        options->memory_limit_bytes = scoop_transfer_default_memory_bytes();
    if (options->max_record_bytes == 0)
        options->max_record_bytes = SCOOP_MAX_RECORD_BYTES;
    transfer->budget.limit_bytes = options->memory_limit_bytes;
    if (options->destination.uri != NULL &&
        (transfer->temp_folder = scoop_strdup(scoop_temp_folder())) == NULL)
        return scoop_fail_memory(error);
    /* Only stages on the owner's thread write all at once what a step brings. */
    transfer->room_bytes = options->format == SCOOP_FORMAT_RAW || scoop_chain_has_threads(options)
                               ? STEP_ROOM_BYTES
                               : options->max_record_bytes + STEP_SLACK_BYTES;
    if (options->source.uri == NULL)
        snprintf(transfer->source_name, sizeof transfer->source_name, "written data");
    else if (strcmp(options->source.uri, "-") == 0)
        snprintf(transfer->source_name, sizeof transfer->source_name, "standard input");
    else if (scoop_place_is_http(options->source.uri))
        scoop_url_display(options->source.uri, transfer->source_name, sizeof transfer->source_name);
    else
        scoop_text_print(transfer->source_name, sizeof transfer->source_name, "%s",
                         options->source.uri);
    transfer->read.total_bytes = -1;
    transfer->rejects.source = transfer->source_name;
    transfer->rejects.uri = options->rejects_uri;
    transfer->rejects.max_rejected = options->max_rejected;
    transfer->rejects.budget = &transfer->budget;
    transfer->rejects.temp_folder = transfer->temp_folder;
    transfer->rejects.checksum = options->checksum;
    transfer->fed = options->source.uri == NULL;
    if (transfer->fed)
        transfer->source = scoop_fed_source_new(error);
    return transfer->fed && transfer->source == NULL ? -1 : 0;
}

struct scoop_transfer *scoop_transfer_new(const struct scoop_transfer_options *options,
                                          struct scoop_error *error) {
    struct scoop_transfer *transfer = scoop_calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    transfer->options = *options;
    scoop_rejects_init(&transfer->rejects);
    if (copy_strings(transfer) != 0)
        scoop_fail_memory(error);
    else if (check_options(transfer, error) == 0 && build_object_headers(transfer, error) == 0 &&
             set_up(transfer, error) == 0)
        return transfer;
    scoop_transfer_free(transfer);
    return NULL;
}
