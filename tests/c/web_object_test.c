/* Web addresses that are those of objects in S3, as who reaches it by some settings names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/web_object.h"

#define NONE ""

static void assert_object(const char *address, const char *endpoint_url, const char *region,
                          const char *expected) {
    const struct scoop_s3_options at = {.endpoint_url = endpoint_url, .region = region};
    struct scoop_error error = {0};
    struct scoop_buf uri;
    scoop_buf_init(&uri, 4096);
    assert_int_equal(scoop_web_object(address, &at, &uri, &error), 0);
    assert_string_equal(scoop_buf_text(&uri, &error), expected);
    scoop_buf_free(&uri);
}

static void each_style_of_awss_addresses_is_an_objects(void **state) {
    static const char *const servers[] = {
        "s3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "s3.dualstack.eu-west-1.amazonaws.com",
        "s3-fips.us-east-2.amazonaws.com",
        "s3-accelerate.amazonaws.com",
        "s3-website-eu-west-1.amazonaws.com",
        "bucket.vpce-1a2b-3c.s3.us-east-1.vpce.amazonaws.com",
    };
    static const char *const buckets[] = {"lake", "the.lake", "s3.lake", "my.s3.lake"};
    (void)state;
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
        for (size_t j = 0; j < sizeof buckets / sizeof *buckets; j++) {
            char address[256], expected[128];
            snprintf(expected, sizeof expected, "s3://%s/a/b.csv", buckets[j]);
            snprintf(address, sizeof address, "https://%s/%s/a/b.csv", servers[i], buckets[j]);
            assert_object(address, NULL, "eu-west-1", expected);
            assert_object(address, "https://s3.eu-west-1.amazonaws.com", NULL, expected);
            snprintf(address, sizeof address, "https://%s.%s/a/b.csv", buckets[j], servers[i]);
            assert_object(address, NULL, NULL, expected);
        }
}

static void each_style_of_an_endpoints_addresses_is_an_objects(void **state) {
    const char *own = "http://s3.example.org:9000", *below = "https://example.org/store";
    (void)state;
    assert_object("http://s3.example.org:9000/lake/k", own, NULL, "s3://lake/k");
    assert_object("http://the.lake.s3.example.org:9000/k", own, NULL, "s3://the.lake/k");
    assert_object("https://example.org/store/lake/k", below, NULL, "s3://lake/k");
    assert_object("http://lake.example.org/store/k", below, NULL, "s3://lake/k");
    assert_object("http://localhost:9000/lake/k", "http://127.0.0.1:9000", NULL, "s3://lake/k");
    assert_object("http://lake.localhost:9000/k", "http://127.0.0.1:9000", NULL, "s3://lake/k");
    assert_object("https://bucket.vpce-1a.s3.us-east-1.vpce.amazonaws.com/lake/k",
                  "https://bucket.vpce-1a.s3.us-east-1.vpce.amazonaws.com", NULL, "s3://lake/k");
}

static void a_server_of_ones_own_may_stand_before_aws(void **state) {
    (void)state;
    assert_object("https://lake.s3.amazonaws.com/k", "http://proxy:9000", NULL, "s3://lake/k");
}

static void the_spelling_of_an_address_does_not_count(void **state) {
    (void)state;
    assert_object("HTTPS://Lake.S3.AmazonAWS.com:443/a%20b/c%2Bd", NULL, NULL, "s3://lake/a b/c+d");
    assert_object("https://lake.s3.amazonaws.com./x/../k#part", NULL, NULL, "s3://lake/k");
    assert_object("https://user:word@s3.amazonaws.com/lake//k", NULL, NULL, "s3://lake//k");
    assert_object("https://lake.s3.amazonaws.com/k?X-Amz-Signature=1&a=/b", NULL, NULL,
                  "s3://lake/k");
    assert_object(" https://lake.s3.amazonaws.com/%c3%a4", NULL, NULL, "s3://lake/\xc3\xa4");
}

static void other_addresses_are_none(void **state) {
    (void)state;
    assert_object("https://example.org/lake/k", NULL, NULL, NONE);
    assert_object("https://example.org/lake/k", "https://s3.example.org", NULL, NONE);
    assert_object("http://s3.example.org:9001/lake/k", "http://s3.example.org:9000", NULL, NONE);
    assert_object("https://example.org/lake/k", "https://example.org/store", NULL, NONE);
    assert_object("https://example.org/storehouse/k", "https://example.org/store", NULL, NONE);
    assert_object("https://s3.amazonaws.com.example.org/lake/k", NULL, NULL, NONE);
    assert_object("https://x.execute-api.eu-west-1.amazonaws.com/lake/k", NULL, NULL, NONE);
    assert_object("https://lake.s3.cn-north-1.amazonaws.com.cn/k", NULL, "eu-west-1", NONE);
    assert_object("https://lake.s3.amazonaws.com/", NULL, NULL, NONE);
    assert_object("https://s3.amazonaws.com/lake", NULL, NULL, NONE);
    assert_object("https://s3.amazonaws.com/L!/k", NULL, NULL, NONE);
    assert_object("https://lake.s3.amazonaws.com/a%zz", NULL, NULL, NONE);
    assert_object("https://lake.s3.amazonaws.com/a%00b", NULL, NULL, NONE);
    assert_object("https://lake.s3.amazonaws.com:x/k", NULL, NULL, NONE);
    assert_object("https://lake.s3.amazonaws.com/k", "no endpoint", NULL, NONE);
    assert_object("s3://lake/k", NULL, NULL, NONE);
}

static void a_key_that_is_too_long_is_nones(void **state) {
    char address[3000] = "https://lake.s3.amazonaws.com/";
    (void)state;
    memset(address + strlen(address), 'k', 2500);
    assert_object(address, NULL, NULL, NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_style_of_awss_addresses_is_an_objects),
        cmocka_unit_test(each_style_of_an_endpoints_addresses_is_an_objects),
        cmocka_unit_test(a_server_of_ones_own_may_stand_before_aws),
        cmocka_unit_test(the_spelling_of_an_address_does_not_count),
        cmocka_unit_test(other_addresses_are_none),
        cmocka_unit_test(a_key_that_is_too_long_is_nones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
