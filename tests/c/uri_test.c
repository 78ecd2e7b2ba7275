/* Percent-encoding, queries, endpoints, s3:// names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/uri.h"

static void every_byte_but_the_unreserved_is_encoded(void **state) {
    (void)state;
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    struct scoop_error error = {0};
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte, expected[4];
        bool plain = byte != 0 && strchr(unreserved, byte) != NULL;
        snprintf(expected, sizeof expected, plain ? "%c" : "%%%02X", byte);
        struct scoop_buf buf;
        scoop_buf_init(&buf, 16);
        assert_int_equal(scoop_uri_encode(&buf, &text, 1, false, &error), 0);
        assert_string_equal(scoop_buf_text(&buf, &error), expected);
        scoop_buf_free(&buf);
    }
}

static void expect_encoded(const char *text, bool keep_slash, const char *expected) {
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 200);
    assert_int_equal(scoop_uri_encode(&buf, text, strlen(text), keep_slash, &error), 0);
    assert_string_equal(scoop_buf_text(&buf, &error), expected);
    scoop_buf_free(&buf);
}

static void keys_keep_slashes_and_dots(void **state) {
    (void)state;
    expect_encoded("a//b/../c d+e%f/", true, "a//b/../c%20d%2Be%25f/");
    expect_encoded("a/b", false, "a%2Fb");
    expect_encoded("\xE4\xBD\xA0=*('&", true, "%E4%BD%A0%3D%2A%28%27%26");
    expect_encoded("", true, "");
}

static void expect_decoded(const char *text, bool plus_is_space, const char *expected) {
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 200);
    int result = scoop_uri_decode(&buf, text, strlen(text), plus_is_space, &error);
    if (expected == NULL) {
        assert_int_equal(result, -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
    } else {
        assert_int_equal(result, 0);
        assert_string_equal(scoop_buf_text(&buf, &error), expected);
    }
    scoop_buf_free(&buf);
}

static void decoding_is_strict(void **state) {
    (void)state;
    expect_decoded("a%20b%2Bc+d%e4%BD%A0", false, "a b+c+d\xE4\xBD\xA0");
    expect_decoded("a+b%2B", true, "a b+");
    expect_decoded("", false, "");
    expect_decoded("%", false, NULL);
    expect_decoded("ab%2", false, NULL);
    expect_decoded("%zz", false, NULL);
}

static void query_is_encoded_and_sorted(void **state) {
    (void)state;
    static const struct scoop_pair pairs[] = {
        {"uploads", NULL}, {"b", "x&y"}, {"a", "2"}, {"a", "1"}, {"a-", ""}};
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 200);
    assert_int_equal(scoop_query_encode(&buf, pairs, 0, &error), 0);
    assert_int_equal(buf.length, 0);
    assert_int_equal(scoop_query_encode(&buf, pairs, 5, &error), 0);
    assert_string_equal(scoop_buf_text(&buf, &error), "a=1&a=2&a-=&b=x%26y&uploads=");
    scoop_buf_free(&buf);
}

static void encoding_keeps_to_the_ceiling(void **state) {
    (void)state;
    static const struct scoop_pair pair = {"prefix", "too long"};
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 8);
    assert_int_equal(scoop_uri_encode(&buf, "///", 3, false, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    assert_int_equal(scoop_query_encode(&buf, &pair, 1, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    scoop_buf_free(&buf);
}

struct endpoint_case {
    const char *url;
    struct scoop_endpoint expected;
};

static void endpoints_are_taken_apart(void **state) {
    (void)state;
    static const struct endpoint_case cases[] = {
        {"https://s3.eu-west-1.amazonaws.com",
         {true, false, 443, "s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", ""}},
        {"HTTP://LocalHost:8333/", {false, false, 8333, "localhost", "localhost:8333", ""}},
        {"http://127.0.0.1:80/base//dir//",
         {false, true, 80, "127.0.0.1", "127.0.0.1", "/base//dir"}},
        {"https://[::1]:9000/x", {true, true, 9000, "[::1]", "[::1]:9000", "/x"}},
        {"https://[fe80::A]", {true, true, 443, "[fe80::a]", "[fe80::a]", ""}},
        {"http://h_1:443", {false, false, 443, "h_1", "h_1:443", ""}},
        {"https://h/a@b", {true, false, 443, "h", "h", "/a@b"}},
        {"https://h:65535", {true, false, 65535, "h", "h:65535", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct scoop_endpoint *expected = &cases[i].expected;
        struct scoop_endpoint endpoint;
        struct scoop_error error = {0};
        assert_int_equal(scoop_endpoint_parse(cases[i].url, &endpoint, &error), 0);
        assert_int_equal(endpoint.tls, expected->tls);
        assert_int_equal(endpoint.host_is_ip, expected->host_is_ip);
        assert_int_equal(endpoint.port, expected->port);
        assert_string_equal(endpoint.host, expected->host);
        assert_string_equal(endpoint.authority, expected->authority);
        assert_string_equal(endpoint.prefix, expected->prefix);
    }
}

static void bad_endpoints_are_refused_without_being_repeated(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "h:9000",
        "ftp://h",
        "https://",
        "https:///x",
        "https://:80",
        "https://h:",
        "https://h:0",
        "https://h:65536",
        "https://h:99999999999",
        "https://h:8x",
        "https://h?q",
        "https://h/x?q=hunter2",
        "https://h/x#f",
        "https://user:hunter2@h",
        "https://hunter2@h/",
        "https://[::1",
        "https://h\\x",
        "https://h/a b",
        "https://a b",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_endpoint endpoint;
        struct scoop_error error = {0};
        if (scoop_endpoint_parse(cases[i], &endpoint, &error) != -1)
            fail_msg("'%s' was taken", cases[i]);
        assert_int_equal(error.code, SCOOP_USAGE);
        assert_null(strstr(error.message, "hunter2"));
        if (strchr(cases[i], '@') != NULL)
            assert_non_null(strstr(error.message, "user name"));
    }
}

static void too_long_endpoints_are_refused(void **state) {
    (void)state;
    struct scoop_endpoint endpoint;
    struct scoop_error error = {0};
    char url[1024] = "https://";
    memset(url + 8, 'h', SCOOP_HOST_SIZE);
    assert_int_equal(scoop_endpoint_parse(url, &endpoint, &error), -1);
    url[8 + SCOOP_HOST_SIZE - 1] = 0;
    assert_int_equal(scoop_endpoint_parse(url, &endpoint, &error), 0);
    memset(url, 0, sizeof url);
    memcpy(url, "https://h:12345/", 16);
    memset(url + 16, 'p', SCOOP_PREFIX_SIZE - 1);
    assert_int_equal(scoop_endpoint_parse(url, &endpoint, &error), -1);
    url[16 + SCOOP_PREFIX_SIZE - 2] = 0;
    assert_int_equal(scoop_endpoint_parse(url, &endpoint, &error), 0);
}

static void s3_keys_are_kept_byte_for_byte(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"s3://bucket/key", "bucket", "key"},
        {"s3://my.dotted-bucket.1/a//b/../c", "my.dotted-bucket.1", "a//b/../c"},
        {"s3://bucket//", "bucket", "/"},
        {"s3://bucket/a b+c%20?x#y", "bucket", "a b+c%20?x#y"},
        {"S3://bucket", "bucket", ""},
        {"s3://bucket/", "bucket", ""},
        {"s3://bucket/\xE4\xBD\xA0", "bucket", "\xE4\xBD\xA0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_s3_uri uri;
        struct scoop_error error = {0};
        assert_int_equal(scoop_s3_uri_parse(cases[i][0], &uri, &error), 0);
        assert_string_equal(uri.bucket, cases[i][1]);
        assert_string_equal(uri.key, cases[i][2]);
    }
}

static void bad_s3_names_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "bucket/key",
        "s3:/bucket/key",
        "s3://",
        "s3:///key",
        "s3://ab/key",
        "s3://a",
        "s3://-ab/k",
        "s3://ab-/k",
        "s3://a..b/k",
        "s3://a b/k",
        "s3://a@b/k",
        "s3://a1234567890123456789012345678901234567890123456789012345678901234/k",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_s3_uri uri;
        struct scoop_error error = {0};
        if (scoop_s3_uri_parse(cases[i], &uri, &error) != -1)
            fail_msg("'%s' was taken", cases[i]);
        assert_int_equal(error.code, SCOOP_USAGE);
    }
}

static void other_urls_are_not_repeated_as_s3_names(void **state) {
    (void)state;
    struct scoop_s3_uri uri;
    struct scoop_error error = {0};
    assert_int_equal(scoop_s3_uri_parse("https://u:hunter2@h/k", &uri, &error), -1);
    assert_null(strstr(error.message, "hunter2"));
    assert_non_null(strstr(error.message, "https://"));
}

static void s3_key_length_is_bounded(void **state) {
    (void)state;
    struct scoop_s3_uri uri;
    struct scoop_error error = {0};
    char text[2048] = "s3://bucket/";
    memset(text + 12, 'k', SCOOP_KEY_BYTES);
    assert_int_equal(scoop_s3_uri_parse(text, &uri, &error), 0);
    text[12 + SCOOP_KEY_BYTES] = 'k';
    assert_int_equal(scoop_s3_uri_parse(text, &uri, &error), -1);
    assert_non_null(strstr(error.message, "bucket"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_but_the_unreserved_is_encoded),
        cmocka_unit_test(keys_keep_slashes_and_dots),
        cmocka_unit_test(decoding_is_strict),
        cmocka_unit_test(query_is_encoded_and_sorted),
        cmocka_unit_test(encoding_keeps_to_the_ceiling),
        cmocka_unit_test(endpoints_are_taken_apart),
        cmocka_unit_test(bad_endpoints_are_refused_without_being_repeated),
        cmocka_unit_test(too_long_endpoints_are_refused),
        cmocka_unit_test(s3_keys_are_kept_byte_for_byte),
        cmocka_unit_test(bad_s3_names_are_refused),
        cmocka_unit_test(other_urls_are_not_repeated_as_s3_names),
        cmocka_unit_test(s3_key_length_is_bounded),
    };
    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
