/* Sets a transfer up: its options are checked and copied; nothing is opened yet. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/memory_ceiling.h"
#include "base/temp_file.h"
#include "copy/compression.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"
#include "scoop/url_display.h"
#include "scoop/memory.h"
#include "text/request_headers.h"
#include "text/text.h"

enum {
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
        &transfer->options.source.s3.proxy,
        &transfer->options.source.s3.version_id,
        &transfer->options.source.s3.if_match,
        &transfer->options.destination.s3.expected_bucket_owner,
        &transfer->options.destination.s3.proxy,
        &transfer->options.object.content_type,
        &transfer->options.rejects_uri,
        &transfer->options.if_match,
        &transfer->options.ca_file,
        &transfer->options.web.headers,
        &transfer->options.web.user_agent,
        &transfer->options.web.body,
        &transfer->options.records,
        &transfer->options.text_for,
        &transfer->options.csv.delimiter,
        &transfer->options.csv.quote,
        &transfer->options.csv.escape,
        &transfer->options.csv.comment,
        &transfer->options.csv.encoding,
        &transfer->options.csv.null_values,
        &transfer->options.csv.columns,
        &transfer->options.source_identity,
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
        scoop_free_secret((char *)places[i]->s3.proxy);
        scoop_free((char *)places[i]->s3.version_id);
        scoop_free((char *)places[i]->s3.if_match);
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
    scoop_free((char *)transfer->options.text_for);
    scoop_free((char *)transfer->options.csv.delimiter);
    scoop_free((char *)transfer->options.csv.quote);
    scoop_free((char *)transfer->options.csv.escape);
    scoop_free((char *)transfer->options.csv.comment);
    scoop_free((char *)transfer->options.csv.encoding);
    scoop_free((char *)transfer->options.csv.null_values);
    scoop_free((char *)transfer->options.csv.columns);
    scoop_free((char *)transfer->options.source_identity);
    scoop_free_secret((char *)transfer->options.web.headers);
    scoop_free((char *)transfer->options.web.user_agent);
    scoop_free_secret((char *)transfer->options.web.body);
}

static int check_web(const struct scoop_transfer_options *options, struct scoop_error *error) {
    const char *lines = options->web.headers == NULL ? "" : options->web.headers;
    struct scoop_header_line line;
    if ((options->web.headers != NULL || options->web.body != NULL) &&
        !scoop_place_is_http(options->source.uri))
        return scoop_fail(error, SCOOP_USAGE,
                          "headers, a login and a body are for a source on the web: http(s)://…");
    while (scoop_header_line_next(&lines, &line)) {
        const char *why = scoop_header_line_refused(&line);
        if (why != NULL) /* not what may be a value */
            return scoop_fail(error, SCOOP_USAGE, "the header %.*s %s",
                              line.value_length > 0 ? (int)line.name_length : 0, line.name, why);
    }
    return 0;
}

static int check_options(struct scoop_transfer *transfer, struct scoop_error *error) {
    struct scoop_transfer_options *options = &transfer->options;
    if (scoop_compression_check(options, error) != 0)
        return -1;
    if (options->max_rejected > 0 && options->format == SCOOP_FORMAT_RAW)
        return scoop_fail(error, SCOOP_USAGE,
                          "max_rejected needs a format with records, which raw is not");
    if (options->min_records > 0 && options->format == SCOOP_FORMAT_RAW)
        return scoop_fail(error, SCOOP_USAGE,
                          "min_records needs a format with records, which raw is not");
    if (options->max_record_bytes > SCOOP_MOST_RECORD_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "max_record_bytes is at most %zu",
                          SCOOP_MOST_RECORD_BYTES);
    if (options->records != NULL && options->format != SCOOP_FORMAT_JSON_ARRAY)
        return scoop_fail(error, SCOOP_USAGE, "records is a path for the format json-array only");
    if (options->format != SCOOP_FORMAT_CSV && !scoop_csv_dialect_is_default(&options->csv))
        return scoop_fail(error, SCOOP_USAGE,
                          "csv says how the format csv is written: format=\"csv\"");
    if (scoop_csv_dialect_check(&options->csv, error) != 0)
        return -1;
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
    if (options->source.s3.version_id != NULL &&
        (!scoop_place_is_s3(options->source.uri) || options->source.s3.version_id[0] == 0))
        return scoop_fail(error, SCOOP_USAGE, "version_id names a version of a source in S3");
    const char *etag = options->source.s3.if_match;
    if (etag != NULL && (!scoop_place_is_s3(options->source.uri) || etag[0] == 0 ||
                         strlen(etag) >= SCOOP_ETAG_SIZE))
        return scoop_fail(error, SCOOP_USAGE, "the ETag that is demanded is of no source in S3");
    if (check_web(options, error) != 0)
        return -1;
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
    if (any && !scoop_place_is_s3(transfer->options.destination.uri) &&
        !scoop_place_is_s3(transfer->options.text_for))
        return scoop_fail(error, SCOOP_USAGE, "object options need a destination in S3");
    return 0;
}

size_t scoop_transfer_default_memory_bytes(void) {
    return scoop_default_memory_bytes(SCOOP_MEMORY_LIMIT_BYTES, LEAST_DEFAULT_BYTES);
}

/* As messages name it. */
static void name_source(struct scoop_transfer *transfer) {
    const char *uri = transfer->options.source.uri;
    if (uri == NULL)
        snprintf(transfer->source_name, sizeof transfer->source_name, "written data");
    else if (strcmp(uri, "-") == 0 && transfer->options.source.fd > 0)
        snprintf(transfer->source_name, sizeof transfer->source_name, "descriptor %d",
                 transfer->options.source.fd);
    else if (strcmp(uri, "-") == 0)
        snprintf(transfer->source_name, sizeof transfer->source_name, "standard input");
    else
        scoop_url_display(uri, transfer->source_name, sizeof transfer->source_name);
}

static void set_up_rejects(struct scoop_transfer *transfer) {
    struct scoop_rejects *rejects = &transfer->rejects;
    rejects->source = transfer->source_name;
    rejects->uri = transfer->options.rejects_uri;
    rejects->max_rejected = transfer->options.max_rejected;
    rejects->shows = transfer->options.show_rejects;
    rejects->budget = &transfer->budget;
    rejects->temp_folder = transfer->temp_folder;
    rejects->checksum = transfer->options.checksum;
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
    name_source(transfer);
    set_up_rejects(transfer);
    transfer->kind =
        scoop_server_copy_is_possible(options) ? SCOOP_ATTEMPT_SERVER : SCOOP_ATTEMPT_STREAM;
    transfer->fed = options->source.uri == NULL;
    if (transfer->fed)
        transfer->attempt.source = scoop_fed_source_new(error);
    return transfer->fed && transfer->attempt.source == NULL ? -1 : 0;
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
    scoop_attempt_init(&transfer->attempt);
    if (copy_strings(transfer) != 0)
        scoop_fail_memory(error);
    else if (check_options(transfer, error) == 0 && build_object_headers(transfer, error) == 0 &&
             set_up(transfer, error) == 0)
        return transfer;
    scoop_transfer_free(transfer);
    return NULL;
}
