/* The byte order mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/bom.h"

static void a_mark_is_known_when_it_is_whole(void **state) {
    (void)state;
    assert_int_equal(scoop_bom_length("\xef\xbb\xbf{}", 5), 3);
    assert_int_equal(scoop_bom_length("\xef\xbb\xbf", 3), 3);
    assert_int_equal(scoop_bom_length("\xef\xbb", 2), 0);
    assert_int_equal(scoop_bom_length("", 0), 0);
    assert_int_equal(scoop_bom_length("\xef\xbb\xbe", 3), 0);
    assert_int_equal(scoop_bom_length("a\xef\xbb\xbf", 4), 0);
    assert_int_equal(scoop_bom_length("\xfe\xff..", 4), 0); /* UTF-16 */
}

static void a_mark_may_come_in_pieces(void **state) {
    (void)state;
    assert_int_equal(scoop_bom_match(0, "\xef", 1), 1);
    assert_int_equal(scoop_bom_match(1, "\xbb", 1), 1);
    assert_int_equal(scoop_bom_match(2, "\xbf\xef", 2), 1);
    assert_int_equal(scoop_bom_match(1, "\xbb\xbf\xef\xbb\xbf", 5), 2);
    assert_int_equal(scoop_bom_match(1, "\xef\xbb", 2), 0);
    assert_int_equal(scoop_bom_match(3, "\xef\xbb\xbf", 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_known_when_it_is_whole),
        cmocka_unit_test(a_mark_may_come_in_pieces),
    };
    return cmocka_run_group_tests_name("bom", tests, NULL, NULL);
}
