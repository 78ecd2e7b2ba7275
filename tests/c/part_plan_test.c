/* Where the parts of an upload begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scoop/part_plan.h"

#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)
#define TB ((uint64_t)1000 * 1000 * 1000 * 1000)

static void growing_parts_start_small_and_double_up_to_the_largest(void **state) {
    (void)state;
    struct scoop_part_plan plan = scoop_part_plan_growing(8 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 1), 8 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 400), 8 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 401), 16 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 435), 16 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 436), 32 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 715), 4096 * MIB);
    assert_int_equal(scoop_part_plan_bytes(&plan, 716), SCOOP_PART_LARGEST_BYTES);
    assert_int_equal(scoop_part_plan_bytes(&plan, 10000), SCOOP_PART_LARGEST_BYTES);
}

static void ten_thousand_growing_parts_hold_50_tb(void **state) {
    (void)state;
    struct scoop_part_plan smallest = scoop_part_plan_growing(SCOOP_PART_SMALLEST_BYTES);
    struct scoop_part_plan plan = scoop_part_plan_growing(8 * MIB);
    uint64_t total = scoop_part_plan_offset(&plan, 10001);
    uint64_t expected = 400 * 8 * MIB + 35 * (8192 - 16) * MIB + 9285 * 5120 * MIB;
    assert_int_equal(total, expected);
    assert_true(scoop_part_plan_offset(&smallest, 10001) >= 50 * TB);
    assert_true(total < SCOOP_OBJECT_LARGEST_BYTES);
}

static void each_part_begins_where_the_one_before_ends(void **state) {
    (void)state;
    const struct scoop_part_plan plans[] = {
        scoop_part_plan_growing(8 * MIB),
        scoop_part_plan_growing(5 * MIB),
        scoop_part_plan_growing(SCOOP_PART_LARGEST_BYTES),
        {8 * MIB, 8 * MIB, 0, 0},
        {3, 1000, 2, 1},
        {3, 1000, 0, 7},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        uint64_t offset = 0;
        for (uint32_t number = 1; number <= 10000; number++) {
            uint64_t bytes = scoop_part_plan_bytes(&plans[i], number);
            assert_int_equal(scoop_part_plan_offset(&plans[i], number), offset);
            assert_in_range(bytes, plans[i].first_bytes, plans[i].largest_bytes);
            offset += bytes;
        }
        assert_int_equal(scoop_part_plan_offset(&plans[i], 10001), offset);
    }
}

static void even_parts_are_as_large_as_ten_thousand_need(void **state) {
    (void)state;
    static const uint64_t totals[] = {
        0,       1,        8 * MIB,  80000 * MIB,  80000 * MIB + 1,
        TIB - 1, 48 * TIB, 50 * MIB, 5 * TIB + 17, SCOOP_OBJECT_LARGEST_BYTES,
    };
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        struct scoop_error error = {0};
        struct scoop_part_plan plan;
        assert_int_equal(scoop_part_plan_even(8 * MIB, totals[i], &plan, &error), 0);
        assert_true(scoop_part_plan_offset(&plan, 10001) >= totals[i]);
        assert_in_range(plan.first_bytes, 8 * MIB, SCOOP_PART_LARGEST_BYTES);
        assert_true(plan.first_bytes == 8 * MIB || (plan.first_bytes - MIB) * 10000 < totals[i]);
        assert_int_equal(scoop_part_plan_bytes(&plan, 10000), plan.first_bytes);
    }
}

static void more_than_s3_takes_is_refused(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_part_plan plan;
    assert_int_equal(scoop_part_plan_even(8 * MIB, SCOOP_OBJECT_LARGEST_BYTES + 1, &plan, &error),
                     -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_parts_start_small_and_double_up_to_the_largest),
        cmocka_unit_test(ten_thousand_growing_parts_hold_50_tb),
        cmocka_unit_test(each_part_begins_where_the_one_before_ends),
        cmocka_unit_test(even_parts_are_as_large_as_ten_thousand_need),
        cmocka_unit_test(more_than_s3_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
