/* SigV4, rule by rule; the public suites are in sigv4_suite_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/auth/sigv4.h"
#include "base/crypto.h"

static const struct scoop_credentials example_keys = {
    .access_key_id = "AKIDEXAMPLE",
    .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
static const struct scoop_pair host_only[] = {{"Host", "example.amazonaws.com"}};

static struct scoop_signing_request example_request(const char *service, const char *path) {
    return (struct scoop_signing_request){
        .method = "GET",
        .path = path,
        .headers = host_only,
        .header_count = 1,
        .region = "us-east-1",
        .service = service,
        .timestamp = 1440938160, /* 2015-08-30T12:36:00Z */
    };
}

static const char *text_of(struct scoop_buf *buf) {
    struct scoop_error error = {0};
    const char *text = scoop_buf_text(buf, &error);
    assert_non_null(text);
    return text;
}

/* The canonical request of the header form must be `expected`. */
static void expect_canonical(const struct scoop_signing_request *request,
                             const struct scoop_credentials *credentials, const char *expected) {
    struct scoop_error error = {0};
    struct scoop_signed out = {0};
    assert_int_equal(scoop_sign_headers(request, credentials, &out, &error), 0);
    assert_string_equal(text_of(&out.canonical_request), expected);
    scoop_signed_free(&out);
}

static void s3_path_is_signed_as_it_is_sent(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/bucket//a/./../b",  "/bucket/a%20b%2Bc%25", "/bucket/%E4%BD%A0/../..",
        "/bucket/trailing//", "/bucket/%2E%2E/x",     "/bucket/a%2520b",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct scoop_signing_request request = example_request("s3", paths[i]);
        char expected[512];
        snprintf(expected, sizeof expected,
                 "GET\n%s\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                 "host;x-amz-date\n" SCOOP_EMPTY_SHA256,
                 paths[i]);
        expect_canonical(&request, &example_keys, expected);
    }
}

static void other_services_normalize_and_encode_twice(void **state) {
    (void)state;
    static const char *const paths[][2] = {
        {"", "/"},
        {"/", "/"},
        {"/a%20b", "/a%2520b"},
        {"//a//b", "/a/b"},
        {"/a/b/..", "/a"},
        {"/a/b/../", "/a/"},
        {"/a/../..", "/"},
        {"/./a/.", "/a"},
        {"/a/./", "/a/"},
        {"/a~b/c=d", "/a~b/c%3Dd"},
        {"/..a/b..", "/..a/b.."},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct scoop_signing_request request = example_request("glue", paths[i][0]);
        char expected[512];
        request.normalize_path = request.encode_path = true;
        snprintf(expected, sizeof expected,
                 "GET\n%s\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                 "host;x-amz-date\n" SCOOP_EMPTY_SHA256,
                 paths[i][1]);
        expect_canonical(&request, &example_keys, expected);
    }
}

static void headers_are_folded_sorted_and_joined(void **state) {
    (void)state;
    static const struct scoop_pair headers[] = {
        {"X-Amz-Meta-B", "  two\t words \r\n  more  "},
        {"HOST", "example.amazonaws.com:9000"},
        {"x-amz-meta-a", "z"},
        {"X-AMZ-meta-A", "a"},
        {"x-amz-meta-", NULL},
        {"Content-Type", "\"quoted   text\""},
    };
    struct scoop_signing_request request = example_request("s3", "/");
    request.headers = headers;
    request.header_count = sizeof headers / sizeof *headers;
    expect_canonical(
        &request, &example_keys,
        "GET\n/\n\n"
        "content-type:\"quoted text\"\n"
        "host:example.amazonaws.com:9000\n"
        "x-amz-date:20150830T123600Z\n"
        "x-amz-meta-:\n"
        "x-amz-meta-a:z,a\n"
        "x-amz-meta-b:two words more\n\n"
        "content-type;host;x-amz-date;x-amz-meta-;x-amz-meta-a;x-amz-meta-b\n" SCOOP_EMPTY_SHA256);
}

static void unsigned_and_own_headers_are_left_out(void **state) {
    (void)state;
    static const struct scoop_pair headers[] = {
        {"host", "h"},
        {"User-Agent", "a"},
        {"Connection", "a"},
        {"expect", "a"},
        {"Baggage", "a"},
        {"keep-alive", "a"},
        {"TE", "a"},
        {"trailer", "a"},
        {"traceparent", "a"},
        {"tracestate", "a"},
        {"Transfer-Encoding", "a"},
        {"upgrade", "a"},
        {"X-Amzn-Trace-Id", "a"},
        {"proxy-authorization", "a"},
        {"Proxy-Authenticate", "a"},
        {"Authorization", "old"},
        {"X-Amz-Date", "old"},
        {"x-amz-security-token", "old"},
        {"x-amz-content-sha256", "old"},
    };
    struct scoop_signing_request request = example_request("s3", "/");
    request.headers = headers;
    request.header_count = sizeof headers / sizeof *headers;
    request.payload_hash = SCOOP_UNSIGNED_PAYLOAD;
    request.send_payload_hash = true;
    expect_canonical(&request, &example_keys,
                     "GET\n/\n\nhost:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                     "x-amz-date:20150830T123600Z\n\n"
                     "host;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD");
}

static void query_is_sorted_by_encoded_name_then_value(void **state) {
    (void)state;
    static const struct scoop_pair query[] = {
        {"uploads", NULL}, {"a-b", "1"},      {"a", "2"},
        {"a", "10"},       {"a=", "x y+z/%"}, {"\xC3\xA9", ""},
    };
    struct scoop_signing_request request = example_request("s3", "/k");
    request.query = query;
    request.query_count = sizeof query / sizeof *query;
    expect_canonical(&request, &example_keys,
                     "GET\n/k\n%C3%A9=&a=10&a=2&a%3D=x%20y%2Bz%2F%25&a-b=1&uploads=\n"
                     "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                     "host;x-amz-date\n" SCOOP_EMPTY_SHA256);
}

static void session_token_is_signed_unless_omitted(void **state) {
    (void)state;
    struct scoop_credentials keys = example_keys;
    struct scoop_signing_request request = example_request("s3", "/");
    keys.session_token = "to/ken==";
    expect_canonical(&request, &keys,
                     "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n"
                     "x-amz-security-token:to/ken==\n\n"
                     "host;x-amz-date;x-amz-security-token\n" SCOOP_EMPTY_SHA256);
    request.omit_session_token = true;
    expect_canonical(&request, &keys,
                     "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                     "host;x-amz-date\n" SCOOP_EMPTY_SHA256);
    keys.session_token = "";
    request.omit_session_token = false;
    expect_canonical(&request, &keys,
                     "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                     "host;x-amz-date\n" SCOOP_EMPTY_SHA256);
}

/* The worked example of AWS's documentation for the key, and the suite's get-vanilla. */
static void known_key_and_authorization(void **state) {
    (void)state;
    struct scoop_error error = {0};
    unsigned char key[SCOOP_SHA256_BYTES];
    char hex[SCOOP_SHA256_HEX_SIZE];
    assert_int_equal(scoop_signing_key(example_keys.secret_access_key, "20150830T123600Z",
                                       "us-east-1", "iam", key, &error),
                     0);
    scoop_hex_encode(key, sizeof key, hex);
    assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");

    struct scoop_signing_request request = example_request("service", "/");
    struct scoop_signed out = {0};
    assert_int_equal(scoop_sign_headers(&request, &example_keys, &out, &error), 0);
    assert_string_equal(out.amz_date, "20150830T123600Z");
    assert_string_equal(
        text_of(&out.result),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    scoop_signed_free(&out);
}

static void what_cannot_be_signed_is_refused(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_signed out = {0};
    struct scoop_credentials nobody = {.access_key_id = "", .secret_access_key = "s3cret"};
    struct scoop_signing_request request = example_request("s3", "/");
    assert_int_equal(scoop_sign_headers(&request, &nobody, &out, &error), -1);
    assert_int_equal(error.code, SCOOP_CREDENTIALS);
    assert_null(strstr(error.message, "s3cret"));
    request.header_count = 0;
    assert_int_equal(scoop_sign_headers(&request, &example_keys, &out, &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_signed_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_path_is_signed_as_it_is_sent),
        cmocka_unit_test(other_services_normalize_and_encode_twice),
        cmocka_unit_test(headers_are_folded_sorted_and_joined),
        cmocka_unit_test(unsigned_and_own_headers_are_left_out),
        cmocka_unit_test(query_is_sorted_by_encoded_name_then_value),
        cmocka_unit_test(session_token_is_signed_unless_omitted),
        cmocka_unit_test(known_key_and_authorization),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
    };
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
