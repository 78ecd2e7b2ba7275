/* Delays and the quota of the standard retry mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/retry.h"

static void delay_doubles_up_to_the_cap(void **state) {
    (void)state;
    static const uint32_t transient[] = {50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000};
    static const uint32_t throttled[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000};
    for (uint32_t i = 0; i < sizeof transient / sizeof *transient; i++)
        assert_int_equal(scoop_retry_delay_ms(i, false, 0.5), transient[i] / 2);
    for (uint32_t i = 0; i < sizeof throttled / sizeof *throttled; i++)
        assert_int_equal(scoop_retry_delay_ms(i, true, 0.5), throttled[i] / 2);
    assert_int_equal(scoop_retry_delay_ms(UINT32_MAX, false, 0.25), 5000);
}

static void delay_is_random_from_nothing_to_the_whole(void **state) {
    (void)state;
    assert_int_equal(scoop_retry_delay_ms(3, true, 0.0), 0);
    assert_int_equal(scoop_retry_delay_ms(3, true, 0.9999999), 7999);
}

static void server_may_lengthen_the_delay_by_five_seconds(void **state) {
    (void)state;
    assert_int_equal(scoop_retry_after_ms(100, 0), 100);
    assert_int_equal(scoop_retry_after_ms(100, 99), 100);
    assert_int_equal(scoop_retry_after_ms(100, 3000), 3000);
    assert_int_equal(scoop_retry_after_ms(100, 5100), 5100);
    assert_int_equal(scoop_retry_after_ms(100, UINT32_MAX), 5100);
}

static void quota_ends_retries_when_it_is_spent(void **state) {
    (void)state;
    struct scoop_retry_quota quota;
    unsigned transient = 0, throttled = 0;
    scoop_retry_quota_init(&quota);
    while (scoop_retry_quota_take(&quota, false) == 14)
        transient++;
    assert_int_equal(transient, 35); /* 490 of 500 */
    while (scoop_retry_quota_take(&quota, true) == 5)
        throttled++;
    assert_int_equal(throttled, 2); /* the last 10 */
    assert_int_equal(scoop_retry_quota_take(&quota, true), 0);
    assert_int_equal(quota.tokens, 0);
}

static void success_refunds_the_last_cost_or_one(void **state) {
    (void)state;
    struct scoop_retry_quota quota;
    scoop_retry_quota_init(&quota);
    uint32_t first = scoop_retry_quota_take(&quota, false);
    uint32_t last = scoop_retry_quota_take(&quota, true);
    assert_int_equal(quota.tokens, 500 - first - last);
    scoop_retry_quota_refund(&quota, last);
    assert_int_equal(quota.tokens, 500 - 14);
    scoop_retry_quota_refund(&quota, 0);
    assert_int_equal(quota.tokens, 500 - 13);
    scoop_retry_quota_refund(&quota, 14);
    assert_int_equal(quota.tokens, 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_doubles_up_to_the_cap),
        cmocka_unit_test(delay_is_random_from_nothing_to_the_whole),
        cmocka_unit_test(server_may_lengthen_the_delay_by_five_seconds),
        cmocka_unit_test(quota_ends_retries_when_it_is_spent),
        cmocka_unit_test(success_refunds_the_last_cost_or_one),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
