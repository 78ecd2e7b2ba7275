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

static const struct scoop_outage_rule seconds = {1000, 30000};

static void an_outage_is_waited_for_twice_as_long_each_time(void **state) {
    static const int64_t waits[] = {1000, 2000, 4000, 8000, 15000, -1, -1};
    struct scoop_outage outage = {0};
    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        assert_int_equal(scoop_outage_next_ms(&outage, &seconds, -1, 0.5), waits[i]);
    assert_int_equal(outage.waited_ms, 30000);
}

static void waits_differ_by_a_quarter_and_end_with_the_rule(void **state) {
    (void)state;
    for (double random = 0; random < 1; random += 0.01) {
        struct scoop_outage outage = {0};
        int64_t first = scoop_outage_next_ms(&outage, &seconds, -1, random);
        int64_t second = scoop_outage_next_ms(&outage, &seconds, -1, random);
        assert_in_range(first, 750, 1250);
        assert_in_range(second, 1500, 2500);
        while (scoop_outage_next_ms(&outage, &seconds, -1, random) >= 0)
            ;
        assert_int_equal(outage.waited_ms, 30000);
    }
}

static void an_outage_that_is_not_waited_for_has_no_next_try(void **state) {
    static const struct scoop_outage_rule none = {1000, 0};
    struct scoop_outage outage = {0};
    (void)state;
    assert_int_equal(scoop_outage_next_ms(&outage, &none, -1, 0.5), -1);
    assert_int_equal(scoop_outage_next_ms(&outage, &none, 1, 0.5), -1);
}

static void a_server_is_waited_for_up_to_a_minute_beyond_the_rule(void **state) {
    struct scoop_outage outage = {0};
    (void)state;
    assert_int_equal(scoop_outage_next_ms(&outage, &seconds, 0, 0.5), 1000);
    assert_int_equal(scoop_outage_next_ms(&outage, &seconds, 500, 0.5), 2000);
    assert_int_equal(scoop_outage_next_ms(&outage, &seconds, 60001, 0.5), -1);
    assert_int_equal(outage.waited_ms, 3000);
    assert_int_equal(scoop_outage_next_ms(&outage, &seconds, 60000, 0.5), 60000);
    assert_int_equal(scoop_outage_next_ms(&outage, &seconds, 1, 0.5), -1);
}

static void very_long_outages_do_not_overflow(void **state) {
    static const struct scoop_outage_rule long_rule = {1000, 1000000000};
    struct scoop_outage outage = {0};
    int64_t wait, last = 0;
    (void)state;
    while ((wait = scoop_outage_next_ms(&outage, &long_rule, -1, 0.999)) >= 0)
        last = wait;
    assert_int_equal(outage.waited_ms, 1000000000);
    assert_in_range(last, 1, 1000000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_is_waited_for_twice_as_long_each_time),
        cmocka_unit_test(waits_differ_by_a_quarter_and_end_with_the_rule),
        cmocka_unit_test(an_outage_that_is_not_waited_for_has_no_next_try),
        cmocka_unit_test(a_server_is_waited_for_up_to_a_minute_beyond_the_rule),
        cmocka_unit_test(very_long_outages_do_not_overflow),
        cmocka_unit_test(delay_doubles_up_to_the_cap),
        cmocka_unit_test(delay_is_random_from_nothing_to_the_whole),
        cmocka_unit_test(server_may_lengthen_the_delay_by_five_seconds),
        cmocka_unit_test(quota_ends_retries_when_it_is_spent),
        cmocka_unit_test(success_refunds_the_last_cost_or_one),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
