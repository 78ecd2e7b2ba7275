/* Names in any case: as written, else the only one that is equal but for case. And words for
 * moments in texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/name_case.h"
#include "warehouse/sql/moment.h"

static const char *const names[] = {"id", "Id", "note", NULL, "\xc3\x84rger"};

static long find(const char *name) {
    return scoop_find_name_in(name, names, sizeof names / sizeof names[0]);
}

static void a_name_is_the_one_that_is_written_like_it(void **state) {
    (void)state;
    assert_int_equal(find("id"), 0);
    assert_int_equal(find("Id"), 1);
    assert_int_equal(find("note"), 2);
}

static void else_the_only_one_that_is_equal_but_for_case(void **state) {
    (void)state;
    assert_int_equal(find("NOTE"), 2);
    assert_int_equal(find("ID"), SCOOP_NO_NAME);
    assert_int_equal(find("notes"), SCOOP_NO_NAME);
    assert_int_equal(find(""), SCOOP_NO_NAME);
    assert_int_equal(find("\xc3\xa4rger"), SCOOP_NO_NAME); /* A to Z alone have two cases */
    assert_int_equal(find("\xc3\x84RGER"), 4);
}

static void a_word_for_a_moment_is_found_anywhere_in_a_text(void **state) {
    (void)state;
    assert_string_equal(scoop_moment_word("today"), "today");
    assert_string_equal(scoop_moment_word(" NOW "), "now");
    assert_string_equal(scoop_moment_word("-infinity"), "infinity");
    assert_string_equal(scoop_moment_word("[2026-01-01,infinity)"), "infinity");
    assert_string_equal(scoop_moment_word("tomorrow 12:00"), "tomorrow");
    assert_string_equal(scoop_moment_word("12:00 Yesterday"), "yesterday");
    assert_string_equal(scoop_moment_word("epoch"), "epoch");
    assert_string_equal(scoop_moment_word("allballs"), "allballs");
}

static void a_date_has_no_such_word(void **state) {
    static const char *const dates[] = {"",           "2026-01-01T00:00:00Z", "5 January 2026",
                                        "20260101",   "Mon Jan 5 2026",       "nowhere",
                                        "nowadays",   "2026-01-01 CET",       "infinit",
                                        "12:00:00 PM"};
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
        assert_null(scoop_moment_word(dates[i]));
}

static void only_dates_and_times_are_moments(void **state) {
    static const uint32_t moments[] = {1082, 1083, 1114, 1184, 1266, 3912, 1182};
    static const uint32_t others[] = {0, 23, 25, 701, 1043, 1186, 3802};
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        assert_true(scoop_is_moment(moments[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(scoop_is_moment(others[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_the_one_that_is_written_like_it),
        cmocka_unit_test(else_the_only_one_that_is_equal_but_for_case),
        cmocka_unit_test(a_word_for_a_moment_is_found_anywhere_in_a_text),
        cmocka_unit_test(a_date_has_no_such_word),
        cmocka_unit_test(only_dates_and_times_are_moments),
    };
    return cmocka_run_group_tests_name("name_case", tests, NULL, NULL);
}
