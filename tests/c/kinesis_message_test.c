/* Kinesis' messages: requests as they are sent, answers as they come, whole or broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/kinesis/key_set.h"
#include "aws/kinesis/message.h"
#include "aws/kinesis/shards.h"

static void check_key(const char *line, const char *expected) {
    struct scoop_partition_key key;
    struct scoop_error error = {0};
    assert_int_equal(scoop_kinesis_partition_key(line, strlen(line), &key, &error), 0);
    assert_int_equal(key.length, strlen(expected));
    assert_memory_equal(key.text, expected, key.length);
}

static void refuse_key(const char *line) {
    struct scoop_partition_key key;
    struct scoop_error error = {0};
    assert_int_equal(scoop_kinesis_partition_key(line, strlen(line), &key, &error), -1);
    assert_int_equal(error.code, SCOOP_BAD_RECORD);
}

static void the_partition_key_is_the_text_of_the_key(void **state) {
    (void)state;
    check_key("{\"op\":\"INSERT\",\"key\":{\"PK\":\"a\\\"b\"},\"row\":{\"key\":1}}",
              "{\"PK\":\"a\\\"b\"}");
    check_key("{\"row\":{\"key\":1, \"a\":[{}, {\"key\":2}]}, \"key\" : [1, 2.5e3] }", "[1,2500]");
    check_key("{\"key\":null}", "null");
    refuse_key("{\"key\":12");
    refuse_key("{\"key\":12x");
    refuse_key("{\"row\":{\"key\":1}}");
}

/* Whoever wrote the line, the changes of a key go to one shard. */
static void all_spellings_of_a_key_have_one_partition_key(void **state) {
    static const char *const spellings[] = {
        "{\"key\":{\"a\":1,\"b\":{\"x\":\"\u00e9/\",\"y\":[true,null]}}}",
        "{\"key\":{\"b\":{\"y\":[true,null],\"x\":\"\xc3\xa9\\/\"},\"a\":1.00}}",
        "{\"key\" : { \"\\u0061\" : 10e-1 , \"b\" : {\"x\":\"\\u00E9/\",\"y\":[ true , null ]} } }",
        "{\"key\":{\"a\":0.1E+1,\"b\":{\"x\":\"\\u00e9\\u002f\",\"y\":[true,null]}},\"id\":1}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        check_key(spellings[i], "{\"a\":1,\"b\":{\"x\":\"\xc3\xa9/\",\"y\":[true,null]}}");
    check_key("{\"key\":[-0,0e9999999999999999,10000000000000000000000,1e22]}", "[0,0,1e22,1e22]");
}

static void a_key_of_more_than_256_characters_is_hashed(void **state) {
    (void)state;
    char line[1200], text[1100];
    /* 254 characters of two bytes each, and two quotes. */
    text[0] = '"';
    for (int i = 0; i < 254; i++)
        memcpy(text + 1 + 2 * i, "\xc3\xa9", 2);
    memcpy(text + 509, "\"", 2);
    snprintf(line, sizeof line, "{\"key\":%s}", text);
    check_key(line, text);
    memcpy(text + 509, "x\"", 3);
    snprintf(line, sizeof line, "{\"key\":%s}", text);
    struct scoop_partition_key key;
    struct scoop_error error = {0};
    assert_int_equal(scoop_kinesis_partition_key(line, strlen(line), &key, &error), 0);
    assert_int_equal(key.length, 64);
    assert_int_equal(strspn(key.text, "0123456789abcdef") >= 64, 1);
}

static bool says_no_change(const char *line) {
    return scoop_kinesis_no_change(line, strlen(line));
}

static void a_line_that_says_that_there_are_no_changes_is_none(void **state) {
    (void)state;
    assert_true(
        says_no_change("{\"dataset\":\"a/b\",\"version\":\"v2\",\"previous\":null,\"changes\":0}"));
    assert_false(says_no_change("{\"op\":\"INSERT\",\"key\":{\"changes\":1},\"changes\":0}"));
    assert_false(says_no_change("{\"dataset\":\"a/b\",\"key\":1,\"changes\":0}"));
    assert_false(says_no_change("{\"dataset\":\"a/b\",\"version\":\"v2\"}"));
    assert_false(says_no_change("{\"dataset\":\"a/b\",\"changes\":0"));
    assert_false(says_no_change("[]"));
}

static void a_request_names_the_stream_or_its_arn(void **state) {
    (void)state;
    struct scoop_buf body;
    struct scoop_error error = {0};
    scoop_buf_init(&body, 4096);
    assert_int_equal(scoop_kinesis_begin_request(&body, "a-b.c_1", &error), 0);
    assert_string_equal(scoop_buf_text(&body, &error), "{\"StreamName\":\"a-b.c_1\"");
    body.length = 0;
    assert_int_equal(
        scoop_kinesis_begin_request(&body, "arn:aws:kinesis:eu-west-1:1:stream/x", &error), 0);
    assert_string_equal(scoop_buf_text(&body, &error),
                        "{\"StreamARN\":\"arn:aws:kinesis:eu-west-1:1:stream/x\"");
    assert_int_equal(scoop_kinesis_begin_request(&body, "a\"b", &error), -1);
    assert_int_equal(scoop_kinesis_begin_request(&body, "", &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_buf_free(&body);
}

static void a_record_is_base64_and_an_escaped_key(void **state) {
    (void)state;
    struct scoop_buf body;
    struct scoop_error error = {0};
    struct scoop_partition_key key = {.text = "{\"a\":\t\"b\\\\\"}", .length = 12};
    scoop_buf_init(&body, 4096);
    assert_int_equal(scoop_kinesis_add_record(&body, "any carnal pleas", 16, &key, &error), 0);
    assert_string_equal(scoop_buf_text(&body, &error),
                        "{\"Data\":\"YW55IGNhcm5hbCBwbGVhcw==\",\"PartitionKey\":"
                        "\"{\\\"a\\\":\\u0009\\\"b\\\\\\\\\\\"}\"},");
    assert_true(body.length <= scoop_kinesis_record_bytes(16, &key));
    scoop_buf_free(&body);
}

static int parse(const char *text, struct scoop_kinesis_result *results, size_t count) {
    struct scoop_error error = {0};
    int status = scoop_kinesis_parse_results(text, strlen(text), results, count, &error);
    assert_int_equal(status == 0 ? SCOOP_OK : SCOOP_PROTOCOL, error.code);
    return status;
}

static const char partly[] =
    " {\"EncryptionType\":null, \"FailedRecordCount\":2,\"Records\":[{\"SequenceNumber\":\"49543463"
    "076548007577105092703039560359975228518395012686\",\"ShardId\":\"shardId-000000000000\"},"
    "{\"ErrorCode\":\"ProvisionedThroughputExceededException\",\"ErrorMessage\":\"Rate \\\"x\\\"\"}"
    ",{\"ErrorCode\":\"InternalFailure\",\"ErrorMessage\":\"Internal service failure.\"}]}\n";

static void results_come_in_the_order_of_the_records(void **state) {
    (void)state;
    struct scoop_kinesis_result results[3];
    assert_int_equal(parse(partly, results, 3), 0);
    assert_true(results[0].stored && !results[0].throttled);
    assert_int_equal(results[0].shard_length, strlen("shardId-000000000000"));
    assert_true(!results[1].stored && results[1].throttled);
    assert_true(!results[2].stored && !results[2].throttled);
    assert_memory_equal(results[2].code, "InternalFailure", results[2].code_length);
}

static void an_answer_that_is_cut_tells_nothing(void **state) {
    (void)state;
    struct scoop_kinesis_result results[3];
    struct scoop_error error = {0};
    for (size_t length = 0; length < strlen(partly) - 1; length++)
        assert_int_equal(scoop_kinesis_parse_results(partly, length, results, 3, &error), -1);
}

static void an_answer_that_does_not_fit_tells_nothing(void **state) {
    (void)state;
    static const char *const answers[] = {
        "[]",
        "{\"Records\":{}}",
        "{\"Records\":[{\"ShardId\":\"s\"}]}",
        "{\"Records\":[{\"SequenceNumber\":\"\",\"ShardId\":\"s\"}]}",
        "{\"Records\":[{\"SequenceNumber\":1,\"ShardId\":\"s\"}]}",
        "{\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}]} x",
        "{\"FailedRecordCount\":1,\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}]}",
        "{\"FailedRecordCount\":-1,\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}]}",
        "{\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\",}]}",
        "{\"Records\":[{\"SequenceNumber\":\"1\" \"ShardId\":\"s\"}]}",
        "{\"Records\":[]}",
        "{\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"},{\"SequenceNumber\":\"1\","
        "\"ShardId\":\"s\"}]}",
        "<html>",
    };
    struct scoop_kinesis_result results[1];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_int_equal(parse(answers[i], results, 1), -1);
}

static void a_stream_says_what_it_takes(void **state) {
    (void)state;
    static const char large[] =
        "{\"StreamDescriptionSummary\":{\"StreamName\":\"x\",\"StreamStatus\":\"ACTIVE\","
        "\"EnhancedMonitoring\":[{\"ShardLevelMetrics\":[]}],\"OpenShardCount\":4,"
        "\"StreamCreationTimestamp\":1.7E9,\"MaxRecordSizeInKiB\":2048,"
        "\"RecordDistributionStrategy\":\"AUTO\"}}";
    static const char usual[] = "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"CREATING\"}}";
    static const char *const broken[] = {"{}", "{\"StreamDescriptionSummary\":{}}",
                                         "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"A\"}"};
    struct scoop_kinesis_stream stream;
    struct scoop_error error = {0};
    assert_int_equal(scoop_kinesis_parse_stream(large, strlen(large), &stream, &error), 0);
    assert_string_equal(stream.status, "ACTIVE");
    assert_string_equal(stream.distribution, "AUTO");
    assert_int_equal(stream.record_bytes, 2 << 20);
    assert_int_equal(stream.open_shards, 4);
    assert_int_equal(scoop_kinesis_parse_stream(usual, strlen(usual), &stream, &error), 0);
    assert_string_equal(stream.distribution, "");
    assert_int_equal(stream.record_bytes, 1 << 20);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(scoop_kinesis_parse_stream(broken[i], strlen(broken[i]), &stream, &error),
                         -1);
}

static void errors_are_read_in_each_of_their_forms(void **state) {
    (void)state;
    static const char plain[] = "{\"__type\":\"ExpiredTokenException\",\"message\":\"\\u00fc\\n\"}";
    static const char spaced[] = "{\"Message\":\"m\",\"__type\":\"com.amazon#LimitExceeded\"}";
    struct scoop_kinesis_error told;
    scoop_kinesis_parse_error(plain, strlen(plain), &told);
    assert_string_equal(told.code, "ExpiredTokenException");
    assert_string_equal(told.message, "\xc3\xbc\n");
    scoop_kinesis_parse_error(spaced, strlen(spaced), &told);
    assert_string_equal(told.code, "LimitExceeded");
    assert_string_equal(told.message, "m");
    scoop_kinesis_parse_error("<html>", 6, &told);
    assert_string_equal(told.code, "");
}

static void the_set_of_keys_forgets_what_is_removed(void **state) {
    (void)state;
    struct scoop_key_set set;
    struct scoop_error error = {0};
    bool there[64] = {false};
    unsigned random = 1;
    assert_int_equal(scoop_key_set_init(&set, 64, &error), 0);
    for (int i = 0; i < 20000; i++) {
        random = random * 1103515245 + 12345;
        unsigned key = random >> 16 & 63;
        /* Homes are few, so that members stand behind each other. */
        uint64_t hash = (uint64_t)key << 40 | (key & 3) * 31;
        assert_int_equal(scoop_key_set_has(&set, hash), there[key]);
        if (there[key])
            scoop_key_set_remove(&set, hash);
        else
            assert_true(scoop_key_set_add(&set, hash));
        there[key] = !there[key];
    }
    scoop_key_set_free(&set);
}

static void shards_are_counted_by_name(void **state) {
    (void)state;
    struct scoop_shards shards = {.count = 0};
    struct scoop_error error = {0};
    char name[32];
    for (int i = 0; i < 1000; i++) {
        int length = snprintf(name, sizeof name, "shardId-%012d", i % 100);
        assert_int_equal(scoop_shards_count(&shards, (unsigned char *)name, (size_t)length, &error),
                         0);
    }
    assert_int_equal(shards.count, 100);
    for (size_t i = 0; i < shards.count; i++)
        assert_int_equal(shards.shards[i].records, 10);
    scoop_shards_free(&shards);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_partition_key_is_the_text_of_the_key),
        cmocka_unit_test(all_spellings_of_a_key_have_one_partition_key),
        cmocka_unit_test(a_key_of_more_than_256_characters_is_hashed),
        cmocka_unit_test(a_line_that_says_that_there_are_no_changes_is_none),
        cmocka_unit_test(a_request_names_the_stream_or_its_arn),
        cmocka_unit_test(a_record_is_base64_and_an_escaped_key),
        cmocka_unit_test(results_come_in_the_order_of_the_records),
        cmocka_unit_test(an_answer_that_is_cut_tells_nothing),
        cmocka_unit_test(an_answer_that_does_not_fit_tells_nothing),
        cmocka_unit_test(a_stream_says_what_it_takes),
        cmocka_unit_test(errors_are_read_in_each_of_their_forms),
        cmocka_unit_test(the_set_of_keys_forgets_what_is_removed),
        cmocka_unit_test(shards_are_counted_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
