/* Two ways to S3 that lead to one bucket, though they are written differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scoop/same_bucket.h"

struct way {
    const char *endpoint_url, *region, *bucket;
};

static enum scoop_sameness compare(struct way one, struct way other) {
    const struct scoop_s3_options a = {.endpoint_url = one.endpoint_url, .region = one.region};
    const struct scoop_s3_options b = {.endpoint_url = other.endpoint_url, .region = other.region};
    enum scoop_sameness forward = scoop_same_bucket(&a, one.bucket, &b, other.bucket);
    assert_int_equal(scoop_same_bucket(&b, other.bucket, &a, one.bucket), forward);
    return forward;
}

#define WAY(...) ((struct way){__VA_ARGS__})
#define ASSERT_SAME(one, other) assert_int_equal(compare(one, other), SCOOP_SAME_BUCKET)
#define ASSERT_OTHER(one, other) assert_int_equal(compare(one, other), SCOOP_OTHER_BUCKET)
#define ASSERT_PERHAPS(one, other) assert_int_equal(compare(one, other), SCOOP_PERHAPS_SAME_BUCKET)

static void the_form_of_an_address_does_not_count(void **state) {
    const struct way plain = {"https://s3.example.org", NULL, "lake"};
    (void)state;
    ASSERT_SAME(plain, plain);
    ASSERT_SAME(plain, WAY("https://s3.example.org/", NULL, "lake"));
    ASSERT_SAME(plain, WAY("https://s3.example.org:443", NULL, "lake"));
    ASSERT_SAME(plain, WAY("HTTPS://S3.Example.ORG", "eu-west-1", "lake"));
    ASSERT_SAME(plain, WAY("https://s3.example.org.", NULL, "lake"));
    ASSERT_SAME(plain, WAY("http://s3.example.org", NULL, "lake"));
    ASSERT_SAME(WAY("http://h/base", NULL, "lake"), WAY("http://h:80/base/", NULL, "lake"));
}

static void names_of_this_machine_are_one(void **state) {
    const struct way local = {"http://localhost:9000", NULL, "lake"};
    (void)state;
    ASSERT_SAME(local, WAY("http://127.0.0.1:9000", NULL, "lake"));
    ASSERT_SAME(local, WAY("http://[::1]:9000/", NULL, "lake"));
    ASSERT_PERHAPS(local, WAY("http://127.0.0.1:9001", NULL, "lake"));
}

static void on_aws_a_bucket_is_one_from_everywhere(void **state) {
    const struct way usual = {NULL, NULL, "lake"};
    (void)state;
    ASSERT_SAME(usual, WAY(NULL, "eu-west-1", "lake"));
    ASSERT_SAME(usual, WAY("https://s3.eu-west-1.amazonaws.com", NULL, "lake"));
    ASSERT_SAME(usual, WAY("https://s3-fips.dualstack.us-east-2.amazonaws.com", NULL, "lake"));
    ASSERT_SAME(usual,
                WAY("https://bucket.vpce-1a2b-3c.s3.us-east-1.vpce.amazonaws.com", NULL, "lake"));
    ASSERT_OTHER(usual, WAY(NULL, "cn-north-1", "lake"));
    ASSERT_OTHER(usual, WAY("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "lake"));
    ASSERT_OTHER(usual, WAY(NULL, "us-gov-west-1", "lake"));
    ASSERT_SAME(WAY(NULL, "us-gov-east-1", "lake"),
                WAY("https://s3.us-gov-west-1.amazonaws.com", NULL, "lake"));
}

static void of_two_servers_one_may_be_the_others_proxy(void **state) {
    (void)state;
    ASSERT_PERHAPS(WAY("http://one", NULL, "lake"), WAY("http://two", NULL, "lake"));
    ASSERT_PERHAPS(WAY("http://one", NULL, "lake"), WAY("http://one:81", NULL, "lake"));
    ASSERT_PERHAPS(WAY("http://one", NULL, "lake"), WAY("http://one/base", NULL, "lake"));
    ASSERT_PERHAPS(WAY("http://one", NULL, "lake"), WAY(NULL, NULL, "lake"));
    ASSERT_PERHAPS(WAY("not an address", NULL, "lake"), WAY(NULL, NULL, "lake"));
}

static void other_names_are_other_buckets_but_an_alias_may_be_any(void **state) {
    const char *aliases[] = {"point-abc-s3alias", "lambda-abc--ol-s3", "out-abc--op-s3"};
    (void)state;
    ASSERT_OTHER(WAY(NULL, NULL, "lake"), WAY(NULL, NULL, "lake2"));
    ASSERT_OTHER(WAY("http://one", NULL, "lake"), WAY("http://two", NULL, "Lake"));
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        ASSERT_PERHAPS(WAY(NULL, NULL, "lake"), WAY(NULL, NULL, aliases[i]));
        ASSERT_SAME(WAY(NULL, NULL, aliases[i]), WAY(NULL, NULL, aliases[i]));
        ASSERT_OTHER(WAY(NULL, NULL, "lake"), WAY(NULL, "cn-north-1", aliases[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_of_an_address_does_not_count),
        cmocka_unit_test(names_of_this_machine_are_one),
        cmocka_unit_test(on_aws_a_bucket_is_one_from_everywhere),
        cmocka_unit_test(of_two_servers_one_may_be_the_others_proxy),
        cmocka_unit_test(other_names_are_other_buckets_but_an_alias_may_be_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
