/* Small ranges that are kept for who comes back to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "source/kept_blocks_internal.h"

static void keep(struct scoop_kept_blocks *blocks, uint64_t first, const char *text) {
    struct scoop_error error = {0};
    struct scoop_kept_block *block = scoop_kept_blocks_begin(blocks, first, strlen(text), &error);
    assert_non_null(block);
    assert_int_equal(scoop_kept_block_add(block, text, strlen(text)), strlen(text));
}

static size_t take(struct scoop_kept_blocks *blocks, uint64_t offset, char text[8]) {
    memset(text, 0, 8);
    return scoop_kept_blocks_take(blocks, offset, text, 7);
}

static void what_is_kept_is_given_from_any_place_in_it(void **state) {
    struct scoop_kept_blocks blocks = {0};
    char text[8];
    (void)state;
    assert_int_equal(take(&blocks, 0, text), 0);
    keep(&blocks, 100, "abc");
    keep(&blocks, 0, "xyz");
    assert_int_equal(take(&blocks, 100, text), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(take(&blocks, 102, text), 1);
    assert_string_equal(text, "c");
    assert_int_equal(take(&blocks, 2, text), 1);
    assert_int_equal(take(&blocks, 3, text), 0);
    assert_int_equal(take(&blocks, 99, text), 0);
    assert_int_equal(take(&blocks, 103, text), 0);
    assert_int_equal(take(&blocks, UINT64_MAX, text), 0);
    scoop_kept_blocks_free(&blocks);
}

static void of_a_block_only_what_has_come_is_given(void **state) {
    struct scoop_kept_blocks blocks = {0};
    struct scoop_error error = {0};
    char text[8];
    (void)state;
    struct scoop_kept_block *block = scoop_kept_blocks_begin(&blocks, 10, 4, &error);
    assert_int_equal(take(&blocks, 10, text), 0);
    assert_int_equal(scoop_kept_block_add(block, "ab", 2), 2);
    assert_int_equal(take(&blocks, 10, text), 2);
    assert_int_equal(take(&blocks, 12, text), 0);
    assert_int_equal(scoop_kept_block_add(block, "cdef", 4), 2);
    assert_int_equal(take(&blocks, 12, text), 2);
    assert_string_equal(text, "cd");
    scoop_kept_blocks_free(&blocks);
}

static void the_one_that_nobody_asked_for_the_longest_makes_room(void **state) {
    struct scoop_kept_blocks blocks = {0};
    char text[8];
    (void)state;
    for (uint64_t i = 0; i < SCOOP_KEPT_BLOCKS; i++)
        keep(&blocks, 10 * i, "abc");
    assert_int_equal(take(&blocks, 0, text), 3);
    keep(&blocks, 10000, "new");
    assert_int_equal(take(&blocks, 0, text), 3);
    assert_int_equal(take(&blocks, 10, text), 0);
    assert_int_equal(take(&blocks, 20, text), 3);
    assert_int_equal(take(&blocks, 10000, text), 3);
    scoop_kept_blocks_free(&blocks);
}

static void without_memory_nothing_is_lost(void **state) {
    (void)state;
#ifdef SCOOP_TORTURE
    struct scoop_kept_blocks blocks = {0};
    struct scoop_error error = {0};
    keep(&blocks, 5, "abc");
    scoop_memory_fail_at(1);
    assert_null(scoop_kept_blocks_begin(&blocks, 100, 3, &error));
    scoop_memory_fail_at(0);
    char text[8];
    assert_int_equal(error.code, SCOOP_NO_MEMORY);
    assert_int_equal(take(&blocks, 5, text), 3);
    keep(&blocks, 100, "def");
    assert_int_equal(take(&blocks, 100, text), 3);
    scoop_kept_blocks_free(&blocks);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_given_from_any_place_in_it),
        cmocka_unit_test(of_a_block_only_what_has_come_is_given),
        cmocka_unit_test(the_one_that_nobody_asked_for_the_longest_makes_room),
        cmocka_unit_test(without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
