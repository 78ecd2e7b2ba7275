/* Kinesis' answers and the lines that are published: what is accepted is JSON by yajl's judgement,
 * too, and no text goes beyond its buffer. */
#include <yajl/yajl_parse.h>

#include "aws/error_codes.h"
#include "aws/kinesis/message.h"
#include "fuzz_run.h"
#include "text/json_reader.h"

enum { RECORDS = 3 };

static bool yajl_takes(const uint8_t *data, size_t size) {
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    yajl_config(parser, yajl_dont_validate_strings, 1);
    bool taken = yajl_parse(parser, data, size) == yajl_status_ok &&
                 yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return taken;
}

static void read_results(const uint8_t *data, size_t size, bool json) {
    struct scoop_kinesis_result results[RECORDS];
    struct scoop_error error = {0};
    for (size_t count = 0; count <= RECORDS; count++) {
        int result = scoop_kinesis_parse_results(data, size, results, count, &error);
        MUST(result == 0 ? json : error.code == SCOOP_PROTOCOL);
        for (size_t i = 0; result == 0 && i < count; i++) {
            MUST(results[i].stored == (results[i].code == NULL));
            MUST(!results[i].stored || results[i].shard_length > 0);
            MUST(results[i].shard == NULL ||
                 (results[i].shard >= data &&
                  results[i].shard + results[i].shard_length <= data + size));
        }
    }
}

static void read_stream(const uint8_t *data, size_t size, bool json) {
    struct scoop_kinesis_stream stream;
    struct scoop_error error = {0};
    if (scoop_kinesis_parse_stream(data, size, &stream, &error) != 0)
        return;
    MUST(json);
    MUST(stream.status[0] != 0 && strlen(stream.status) < sizeof stream.status);
    MUST(strlen(stream.distribution) < sizeof stream.distribution);
    MUST(stream.record_bytes >= 1024 && stream.record_bytes <= SCOOP_KINESIS_LARGEST_RECORD_BYTES);
}

/* The request that a line would make is JSON, whatever the line. */
static void build_record(const uint8_t *data, size_t size) {
    struct scoop_partition_key key;
    struct scoop_error error = {0};
    struct scoop_buf body;
    if (scoop_kinesis_partition_key(data, size, &key, &error) != 0)
        return;
    MUST(key.length > 0 && key.length <= sizeof key.text);
    scoop_buf_init(&body, 8 * size + 4096);
    MUST(scoop_kinesis_begin_request(&body, "s", &error) == 0);
    MUST(scoop_buf_append_text(&body, ",\"Records\":[", &error) == 0);
    size_t before = body.length;
    MUST(scoop_kinesis_add_record(&body, data, size, &key, &error) == 0);
    MUST(body.length - before <= scoop_kinesis_record_bytes(size, &key));
    body.data[body.length - 1] = ']';
    MUST(scoop_buf_append_text(&body, "}", &error) == 0);
    MUST(yajl_takes(body.data, body.length));
    scoop_buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct scoop_kinesis_error told;
    struct scoop_json_reader reader = {data, data + size};
    bool json = yajl_takes(data, size);
    MUST(!scoop_json_skip(&reader, NULL) || !scoop_json_at_end(&reader) || json);
    read_results(data, size, json);
    read_stream(data, size, json);
    scoop_kinesis_parse_error(data, size, &told);
    MUST(strlen(told.code) < sizeof told.code && strlen(told.message) < sizeof told.message);
    scoop_aws_classify(SCOOP_AWS_KINESIS, 400, told.code);
    build_record(data, size);
    return 0;
}
