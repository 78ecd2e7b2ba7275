/* How much a reader that reads here and there asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/read_ahead_internal.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static const uint64_t SIZE = 10ULL * 1024 * MIB;

static void assert_asked(uint64_t offset, uint64_t wanted, uint64_t in_order, uint64_t first,
                         uint64_t length) {
    struct scoop_byte_range range = scoop_read_ahead(offset, wanted, in_order, SIZE);
    assert_int_equal(range.first, first);
    assert_int_equal(range.last + 1 - range.first, length);
}

static void elsewhere_exactly_what_is_wanted_is_asked_for(void **state) {
    (void)state;
    assert_asked(5, 4 * KIB, 0, 5, 4 * KIB);
    assert_asked(MIB, 64 * KIB, 0, MIB, 64 * KIB);
    assert_asked(MIB, 3 * MIB + 1, 0, MIB, 3 * MIB + 1);
    /* Two neighbours, as columns are. */
    assert_asked(MIB, 600 * KIB, 600 * KIB, MIB, 600 * KIB);
}

static void a_tiny_or_unknown_read_brings_its_neighbourhood(void **state) {
    (void)state;
    assert_asked(MIB, 0, 0, MIB, 16 * KIB);
    assert_asked(MIB, 30, 0, MIB, 16 * KIB);
    assert_asked(SIZE - 22, 22, 0, SIZE - 16 * KIB, 16 * KIB);
    assert_asked(SIZE - 1, 0, 0, SIZE - 16 * KIB, 16 * KIB);
}

static void in_order_ever_more_is_asked_for(void **state) {
    uint64_t offset = MIB, in_order = 0, requests = 0;
    (void)state;
    while (in_order < 1024ULL * MIB) {
        struct scoop_byte_range range = scoop_read_ahead(offset, 0, in_order, SIZE);
        assert_int_equal(range.first, offset);
        in_order += range.last + 1 - range.first;
        offset = range.last + 1;
        requests++;
    }
    assert_in_range(requests, 8, 45);
}

static void what_may_be_asked_for_in_vain_is_a_share_of_what_was_read(void **state) {
    (void)state;
    for (uint64_t wanted = 4 * KIB; wanted < 64 * MIB; wanted *= 2)
        for (uint64_t in_order = 0; in_order < 4096ULL * MIB; in_order = 2 * in_order + wanted) {
            struct scoop_byte_range range = scoop_read_ahead(MIB, wanted, in_order, SIZE);
            uint64_t vain = range.last + 1 - MIB - wanted;
            assert_true(vain <= in_order);
            assert_true(wanted <= MIB || vain <= in_order / 16);
            assert_true(in_order < 4 * MIB || vain <= in_order / 4);
        }
}

static void nothing_beyond_the_end_is_asked_for(void **state) {
    (void)state;
    for (uint64_t size = 1; size < 100 * KIB; size = size * 3 / 2 + 1)
        for (uint64_t offset = 0; offset < size; offset = offset * 2 + 1)
            for (uint64_t wanted = 0; wanted < 200 * KIB; wanted = wanted * 2 + 1) {
                struct scoop_byte_range range = scoop_read_ahead(offset, wanted, offset, size);
                uint64_t left = size - offset;
                assert_true(range.first <= offset && range.last < size);
                assert_true(range.last + 1 >= offset + (wanted < left ? wanted : left));
                assert_true(range.last >= offset);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elsewhere_exactly_what_is_wanted_is_asked_for),
        cmocka_unit_test(a_tiny_or_unknown_read_brings_its_neighbourhood),
        cmocka_unit_test(in_order_ever_more_is_asked_for),
        cmocka_unit_test(what_may_be_asked_for_in_vain_is_a_share_of_what_was_read),
        cmocka_unit_test(nothing_beyond_the_end_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
