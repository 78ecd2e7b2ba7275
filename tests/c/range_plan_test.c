/* How the number of ranges follows what they bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/range_plan_internal.h"

enum { MIB_PER_SEC = 1024 * 1024, WINDOWS = 20 };

/* Runs a network that gives each range `each`, and all together at most `all`. */
static unsigned settle(unsigned most, uint64_t each, uint64_t all) {
    struct scoop_range_plan plan = {.wanted = 0};
    uint64_t now_ms = 1000, bytes = 5000;
    scoop_range_plan_begin(&plan, most, now_ms, bytes, each < all ? each : all);
    for (int i = 0; i < WINDOWS; i++) {
        uint64_t per_sec = plan.wanted * each < all ? plan.wanted * each : all;
        now_ms += SCOOP_RANGE_WINDOW_MS;
        bytes += per_sec * SCOOP_RANGE_WINDOW_MS / 1000;
        scoop_range_plan_note(&plan, now_ms, bytes);
    }
    assert_true(plan.settled);
    return plan.wanted;
}

static void more_ranges_while_each_adds_its_own(void **state) {
    (void)state;
    assert_int_equal(settle(16, 30 * MIB_PER_SEC, 10000ULL * MIB_PER_SEC), 16);
    assert_int_equal(settle(8, 30 * MIB_PER_SEC, 10000ULL * MIB_PER_SEC), 8);
}

static void no_more_than_fill_the_line(void **state) {
    (void)state;
    assert_int_equal(settle(16, 30 * MIB_PER_SEC, 120 * MIB_PER_SEC), 4);
    assert_int_equal(settle(16, 30 * MIB_PER_SEC, 100 * MIB_PER_SEC), 4);
    assert_int_equal(settle(16, 30 * MIB_PER_SEC, 30 * MIB_PER_SEC), 2);
}

static void the_window_of_a_change_is_not_judged(void **state) {
    (void)state;
    struct scoop_range_plan plan = {.wanted = 0};
    scoop_range_plan_begin(&plan, 16, 0, 0, 1000);
    scoop_range_plan_note(&plan, SCOOP_RANGE_WINDOW_MS - 1, 0);
    scoop_range_plan_note(&plan, SCOOP_RANGE_WINDOW_MS, 0);
    assert_int_equal(plan.wanted, 2);
    assert_false(plan.settled);
    scoop_range_plan_note(&plan, 2 * SCOOP_RANGE_WINDOW_MS, 2000);
    assert_int_equal(plan.wanted, 4);
    scoop_range_plan_note(&plan, 3 * SCOOP_RANGE_WINDOW_MS, 2000);
    assert_int_equal(plan.wanted, 4);
    scoop_range_plan_note(&plan, 4 * SCOOP_RANGE_WINDOW_MS, 2000);
    assert_int_equal(plan.wanted, 2);
    assert_true(plan.settled);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_ranges_while_each_adds_its_own),
        cmocka_unit_test(no_more_than_fill_the_line),
        cmocka_unit_test(the_window_of_a_change_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
