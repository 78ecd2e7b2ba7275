/* Texts that others gave are shown as whole characters of UTF-8, wherever they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/error.h"
#include "text/text.h"

#define E_ACUTE "\xc3\xa9"
#define EURO "\xe2\x82\xac"
#define EMOJI "\xf0\x9f\x98\x80"

static void fits(const char *text, size_t most, size_t length) {
    assert_int_equal(scoop_text_fit(text, most), length);
}

static void a_cut_does_not_divide_a_character(void **state) {
    (void)state;
    fits("abc", 2, 2);
    fits("abc", 3, 3);
    fits("abc", 9, 3);
    fits("", 0, 0);
    fits("a" E_ACUTE, 2, 1);
    fits("a" E_ACUTE, 3, 3);
    fits(EURO EURO, 5, 3);
    fits(EURO EURO, 4, 3);
    fits(EURO, 2, 0);
    fits(EMOJI "x", 3, 0);
    fits(EMOJI "x", 4, 4);
}

static void what_is_no_utf8_is_cut_where_it_has_to_be(void **state) {
    (void)state;
    fits("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 8, 8);
    fits("caf\xe9 cr\xe8me", 5, 5);
}

static void a_text_without_an_end_is_not_looked_at_behind_its_bounds(void **state) {
    (void)state;
    char *text = malloc(3), shown[8];
    assert_non_null(text);
    memcpy(text, EURO, 3);
    assert_int_equal(scoop_text_fit(text, 3), 3);
    scoop_text_print(shown, sizeof shown, "%.*s", 3, text);
    assert_string_equal(shown, EURO);
    free(text);
}

static void it_prints_as_printf_does(void **state) {
    char ours[200], printfs[200];
    (void)state;
#define SAME(...)                                                                                  \
    do {                                                                                           \
        snprintf(printfs, sizeof printfs, __VA_ARGS__);                                            \
        assert_int_equal(scoop_text_print(ours, sizeof ours, __VA_ARGS__), strlen(printfs));       \
        assert_string_equal(ours, printfs);                                                        \
    } while (0)
    SAME("%s and %.3s and %.*s 100 %%", "one", "twenty", 2, "three");
    SAME("%d %i %u %c %x %04x", -1, 2, 3u, 'c', 255, 10);
    SAME("%ld %lu %lld %llu %zu", -1L, 2UL, -3LL, UINT64_C(18446744073709551615) + 0ULL, (size_t)5);
    SAME("%" PRIu64 " %" PRId64 " %016" PRIx64, UINT64_MAX, INT64_MIN, UINT64_C(77));
    SAME("%.1f %g %f", 12.34, 0.5, 1.0);
    SAME("%s", "");
    SAME("%.0s|", "nothing");
    SAME("no conversion");
#undef SAME
}

static void a_text_that_a_precision_cuts_ends_with_a_whole_character(void **state) {
    (void)state;
    char text[64];
    scoop_text_print(text, sizeof text, "<%.4s> <%.*s>", "ab" EURO "c", 3, E_ACUTE E_ACUTE);
    assert_string_equal(text, "<ab> <" E_ACUTE ">");
}

static void a_text_that_the_room_cuts_ends_with_a_whole_character(void **state) {
    (void)state;
    char text[5];
    assert_int_equal(scoop_text_print(text, sizeof text, "%s", "abc" E_ACUTE), 3);
    assert_string_equal(text, "abc");
    /* Nothing follows what is left out, though there would be room. */
    assert_int_equal(scoop_text_print(text, sizeof text, "%s%s", "abc" E_ACUTE, "d"), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(scoop_text_print(text, 1, "%s", "abc"), 0);
    assert_string_equal(text, "");
}

static void what_is_no_utf8_is_escaped(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"caf\xe9", "caf\\xe9"},
        {"caf\xe9 noir", "caf\\xe9 noir"},
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* too long a form */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
        {"\xe2\x82", "\\xe2\\x82"},                   /* cut short */
        {"\x80" E_ACUTE "\xff", "\\x80" E_ACUTE "\\xff"},
        {EMOJI EURO E_ACUTE "a", EMOJI EURO E_ACUTE "a"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[64];
        scoop_text_print(text, sizeof text, "%s", pairs[i][0]);
        assert_string_equal(text, pairs[i][1]);
    }
}

static void adding_up_never_leaves_the_room(void **state) {
    (void)state;
    char text[10];
    size_t used = 0;
    for (int i = 0; i < 20; i++)
        used += scoop_text_print(text + used, sizeof text - used, "%s", E_ACUTE);
    assert_int_equal(used, 8);
    assert_string_equal(text, E_ACUTE E_ACUTE E_ACUTE E_ACUTE);
}

static void an_error_ends_with_a_whole_character(void **state) {
    (void)state;
    struct scoop_error error = {0};
    char many[3 * 700 + 1] = "";
    for (size_t i = 0; i < 700; i++)
        memcpy(many + 3 * i, EURO, 4);
    scoop_fail(&error, SCOOP_HTTP, "%s", many);
    assert_int_equal(strlen(error.message), 1023 / 3 * 3);
    scoop_fail(&error, SCOOP_HTTP, "a%.300s; b%.301s", many, many);
    assert_int_equal(strlen(error.message), 1 + 300 + 2 + 1 + 300);
    scoop_fail_errno(&error, 2, "%.20s", many);
    assert_string_equal(error.message, EURO EURO EURO EURO EURO EURO ": No such file or directory");
    assert_int_equal(error.code, SCOOP_NOT_FOUND);
}

static void a_message_is_said_again_from_what_it_was(void **state) {
    (void)state;
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_HTTP, "why");
    error.http_status = 400;
    scoop_error_say(&error, "%s: %s", "place", error.message);
    assert_string_equal(error.message, "place: why");
    assert_int_equal(error.http_status, 400);
    assert_int_equal(error.code, SCOOP_HTTP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_does_not_divide_a_character),
        cmocka_unit_test(what_is_no_utf8_is_cut_where_it_has_to_be),
        cmocka_unit_test(a_text_without_an_end_is_not_looked_at_behind_its_bounds),
        cmocka_unit_test(it_prints_as_printf_does),
        cmocka_unit_test(a_text_that_a_precision_cuts_ends_with_a_whole_character),
        cmocka_unit_test(a_text_that_the_room_cuts_ends_with_a_whole_character),
        cmocka_unit_test(what_is_no_utf8_is_escaped),
        cmocka_unit_test(adding_up_never_leaves_the_room),
        cmocka_unit_test(an_error_ends_with_a_whole_character),
        cmocka_unit_test(a_message_is_said_again_from_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
