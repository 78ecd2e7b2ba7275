/* What a request may hold, and what may stand in its headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/auth/held_credentials.h"
#include "aws/auth/signer.h"
#include "aws/s3/client.h"

static const char lines[] = "value\r\nX-Injected: 1";

static struct scoop_s3_options options(void) {
    return (struct scoop_s3_options){
        .endpoint_url = "http://127.0.0.1:9",
        .credentials = {"id", "secret", "token"},
    };
}

static void never_called(void *user, struct scoop_http_exchange *exchange,
                         const struct scoop_error *error) {
    (void)user;
    (void)exchange;
    (void)error;
    fail();
}

/* Starts a request that is not run. */
static bool starts(const struct scoop_s3_request *request, bool agrees, struct scoop_error *error) {
    const struct scoop_engine_options none = {0};
    struct scoop_s3_options with = options();
    with.requester_pays = agrees;
    with.expected_bucket_owner = agrees ? "123456789012" : NULL;
    struct scoop_engine *engine = scoop_engine_new(&none, error);
    struct scoop_s3_client *client = scoop_s3_client_new(engine, &with, error);
    struct scoop_s3_call *call = scoop_s3_start(client, request, error);
    bool started = call != NULL;
    scoop_s3_cancel(call);
    scoop_s3_client_free(client);
    scoop_engine_free(engine);
    return started;
}

static struct scoop_s3_request get(void) {
    return (struct scoop_s3_request){
        .method = "GET", .bucket = "bucket", .key = "key", .on_done = never_called};
}

static void as_many_headers_as_fit_are_sent(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_request request = get();
    for (int i = 0; i < SCOOP_S3_MAX_HEADERS - SCOOP_S3_CLIENT_HEADERS; i++)
        scoop_s3_add_header(&request, "x-amz-meta-a", "b");
    for (int i = 0; i < SCOOP_S3_MAX_PAIRS; i++)
        scoop_s3_add_query(&request, "a", "b");
    assert_true(starts(&request, true, &error));
}

static void one_header_more_than_fits_is_refused_and_not_written(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_request request = get();
    for (int i = 0; i < 10 * SCOOP_S3_MAX_HEADERS; i++)
        scoop_s3_add_header(&request, "x-amz-meta-a", "b");
    assert_int_equal(request.header_count, SCOOP_S3_MAX_HEADERS);
    assert_false(starts(&request, false, &error));
    assert_int_equal(error.code, SCOOP_INTERNAL);
}

static void the_headers_of_the_client_count_too(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_request request = get();
    for (int i = 0; i < SCOOP_S3_MAX_HEADERS - 1; i++)
        scoop_s3_add_header(&request, "x-amz-meta-a", "b");
    assert_true(starts(&request, false, &error));
    assert_false(starts(&request, true, &error));
    assert_int_equal(error.code, SCOOP_INTERNAL);
}

static void one_query_parameter_more_than_fits_is_refused_and_not_written(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_request request = get();
    for (int i = 0; i < 10 * SCOOP_S3_MAX_PAIRS; i++)
        scoop_s3_add_query(&request, "a", "b");
    assert_int_equal(request.query_count, SCOOP_S3_MAX_PAIRS);
    assert_false(starts(&request, false, &error));
    assert_int_equal(error.code, SCOOP_INTERNAL);
}

static void header_lines_end_where_their_room_does(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_header_lines list = {.count = 0};
    for (int i = 0; i < SCOOP_MAX_HEADER_LINES; i++)
        assert_int_equal(scoop_header_lines_add(&list, "a", "b", &error), 0);
    assert_int_equal(scoop_header_lines_add(&list, "a", "b", &error), -1);
    assert_int_equal(error.code, SCOOP_INTERNAL);
    scoop_header_lines_free(&list);
}

static void a_header_with_a_line_break_is_refused_and_its_value_not_shown(void **state) {
    (void)state;
    static const char *const values[] = {lines, "a\nb", "a\rb", "a\tb", "a\x7f", "\x01"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct scoop_error error = {0};
        struct scoop_header_lines list = {.count = 0};
        assert_int_equal(scoop_header_lines_add(&list, "X-Name", values[i], &error), -1);
        assert_int_equal(error.code, SCOOP_USAGE);
        assert_non_null(strstr(error.message, "X-Name"));
        assert_null(strstr(error.message, "njected"));
        assert_int_equal(list.count, 0);
    }
}

static void a_name_is_a_token(void **state) {
    (void)state;
    static const char *const names[] = {"", "a b", "a:b", "a\r\nb", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct scoop_error error = {0};
        struct scoop_header_lines list = {.count = 0};
        assert_int_equal(scoop_header_lines_add(&list, names[i], "value", &error), -1);
        assert_int_equal(error.code, SCOOP_USAGE);
    }
}

/* --- settings that become parts of requests --- */

static void refuses(const struct scoop_s3_options *with, enum scoop_code code, const char *why) {
    const struct scoop_engine_options none = {0};
    struct scoop_error error = {0};
    struct scoop_engine *engine = scoop_engine_new(&none, &error);
    assert_null(scoop_s3_client_new(engine, with, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, why));
    assert_null(strstr(error.message, "njected"));
    assert_null(strchr(error.message, '\n'));
    scoop_engine_free(engine);
}

static void a_setting_with_a_line_break_is_refused_by_its_name(void **state) {
    (void)state;
    struct scoop_s3_options with = options();
    with.region = lines;
    refuses(&with, SCOOP_USAGE, "region");
    with = options();
    with.expected_bucket_owner = lines;
    refuses(&with, SCOOP_USAGE, "expected_bucket_owner");
    with = options();
    with.endpoint_url = "http://127.0.0.1:9/a\r\nX-Injected: 1";
    refuses(&with, SCOOP_USAGE, "endpoint URL");
    with = options();
    with.credentials.access_key_id = lines;
    refuses(&with, SCOOP_CREDENTIALS, "the access key id holds a line break");
    with = options();
    with.credentials.secret_access_key = lines;
    refuses(&with, SCOOP_CREDENTIALS, "the secret access key holds a line break");
    with = options();
    with.credentials.session_token = lines;
    refuses(&with, SCOOP_CREDENTIALS, "the session token holds a line break");
}

static void a_region_has_the_characters_of_a_name(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "us east", "us/east", "us,east", "\xc3\xa9",
        "a-region-of-sixty-four-characters-is-longer-than-a-host-name-has-"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scoop_s3_options with = options();
        with.region = wrong[i];
        refuses(&with, SCOOP_USAGE, "region is no name of a region");
    }
}

static void white_space_around_a_credential_is_told(void **state) {
    (void)state;
    struct scoop_s3_options with = options();
    with.credentials.secret_access_key = "secret\n";
    refuses(&with, SCOOP_CREDENTIALS, "the secret access key ends in a line break");
    with.credentials.secret_access_key = "secret\r\n";
    refuses(&with, SCOOP_CREDENTIALS, "the secret access key ends in a line break");
    with.credentials.secret_access_key = " secret";
    refuses(&with, SCOOP_CREDENTIALS, "the secret access key has white space around it");
    with = options();
    with.credentials.access_key_id = "id ";
    refuses(&with, SCOOP_CREDENTIALS, "the access key id has white space around it");
    with = options();
    with.credentials.session_token = "\ttoken";
    refuses(&with, SCOOP_CREDENTIALS, "the session token has white space around it");
}

static int give_lines(void *user, const struct scoop_credentials *held,
                      struct scoop_credentials *given, int64_t *expires_at,
                      struct scoop_error *error) {
    (void)held;
    (void)error;
    *given = *(const struct scoop_credentials *)user;
    *expires_at = 0;
    return 0;
}

static void a_providers_credentials_are_looked_at_as_static_ones_are(void **state) {
    (void)state;
    struct scoop_credentials bad = {"id", "secret", lines}, none = {NULL, NULL, NULL};
    const struct scoop_credentials_provider provider = {.get = give_lines, .user = &bad};
    struct scoop_held_credentials held = {0};
    struct scoop_error error = {0};
    assert_int_equal(scoop_held_credentials_init(&held, &none, &provider, &error), 0);
    assert_int_equal(scoop_held_credentials_prepare(&held, 1000, &error), -1);
    assert_int_equal(error.code, SCOOP_CREDENTIALS);
    assert_non_null(strstr(error.message, "the session token holds a line break"));
    assert_null(held.session_token);
    scoop_held_credentials_free(&held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_headers_as_fit_are_sent),
        cmocka_unit_test(one_header_more_than_fits_is_refused_and_not_written),
        cmocka_unit_test(the_headers_of_the_client_count_too),
        cmocka_unit_test(one_query_parameter_more_than_fits_is_refused_and_not_written),
        cmocka_unit_test(header_lines_end_where_their_room_does),
        cmocka_unit_test(a_header_with_a_line_break_is_refused_and_its_value_not_shown),
        cmocka_unit_test(a_name_is_a_token),
        cmocka_unit_test(a_setting_with_a_line_break_is_refused_by_its_name),
        cmocka_unit_test(a_region_has_the_characters_of_a_name),
        cmocka_unit_test(white_space_around_a_credential_is_told),
        cmocka_unit_test(a_providers_credentials_are_looked_at_as_static_ones_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
