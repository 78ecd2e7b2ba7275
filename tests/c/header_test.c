/* What is read from HTTP headers, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/header.h"

static const char head[] = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX-Two: 1\r\nx-two:\t 2 \r\n"
                           "X-Same: s\r\nx-same: s \r\nX-Empty:\r\n\r\n";

static void the_last_of_a_name_counts(void **state) {
    char value[8];
    (void)state;
    assert_true(scoop_header_find(head, strlen(head), "x-TWO", value, sizeof value));
    assert_string_equal(value, "2");
    assert_true(scoop_header_find(head, strlen(head), "x-empty", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(scoop_header_find(head, strlen(head), "X-Tw", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(scoop_header_find(NULL, 0, "X-Two", value, sizeof value));
}

static void values_are_cut_to_fit(void **state) {
    char value[3];
    (void)state;
    assert_true(scoop_header_find(head, strlen(head), "etag", value, sizeof value));
    assert_string_equal(value, "\"a");
}

static void two_values_of_one_name_disagree(void **state) {
    (void)state;
    assert_true(scoop_header_conflicts(head, strlen(head), "X-Two"));
    assert_false(scoop_header_conflicts(head, strlen(head), "X-Same"));
    assert_false(scoop_header_conflicts(head, strlen(head), "ETag"));
    assert_false(scoop_header_conflicts(NULL, 0, "ETag"));
}

static void a_content_range_is_read_whole_or_not_at_all(void **state) {
    struct scoop_content_range range;
    static const char *const wrong[] = {
        "",
        "bytes */100",
        "bytes 0-9/*",
        "bytes 0-9",
        "bytes 9-0/10",
        "bytes 0-10/10",
        "bytes -1-9/10",
        "bytes 0-9/10x",
        "bytes  0-9/10",
        "bytes 0-9/18446744073709551616",
        "lines 0-9/10",
    };
    (void)state;
    assert_true(scoop_header_content_range("bytes 5-9/18446744073709551615", &range));
    assert_int_equal(range.first, 5);
    assert_int_equal(range.last, 9);
    assert_true(range.total == UINT64_MAX);
    assert_false(scoop_header_content_range(NULL, &range));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(scoop_header_content_range(wrong[i], &range));
}

static void only_quoted_etags_are_strong(void **state) {
    (void)state;
    assert_true(scoop_header_is_strong("\"\""));
    assert_false(scoop_header_is_strong("W/\"a\""));
    assert_false(scoop_header_is_strong("\""));
    assert_false(scoop_header_is_strong("\"a\", \"b\""));
    assert_false(scoop_header_is_strong("\"a\"b"));
    assert_false(scoop_header_is_strong("a"));
    assert_false(scoop_header_is_strong(""));
}

static void chunks_are_the_last_coding(void **state) {
    (void)state;
    assert_true(scoop_header_ends_in_chunked("gzip, Chunked"));
    assert_true(scoop_header_ends_in_chunked("chunked"));
    assert_false(scoop_header_ends_in_chunked("chunked, gzip"));
    assert_false(scoop_header_ends_in_chunked(""));
}

static void milliseconds_are_a_number_within_bounds(void **state) {
    (void)state;
    assert_int_equal(scoop_header_milliseconds("1500"), 1500);
    assert_int_equal(scoop_header_milliseconds("99999999999"), UINT32_MAX);
    assert_int_equal(scoop_header_milliseconds("99999999999999999999999"), 0);
    assert_int_equal(scoop_header_milliseconds("-1"), 0);
    assert_int_equal(scoop_header_milliseconds("1 s"), 0);
    assert_int_equal(scoop_header_milliseconds(NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_a_name_counts),
        cmocka_unit_test(values_are_cut_to_fit),
        cmocka_unit_test(two_values_of_one_name_disagree),
        cmocka_unit_test(a_content_range_is_read_whole_or_not_at_all),
        cmocka_unit_test(only_quoted_etags_are_strong),
        cmocka_unit_test(chunks_are_the_last_coding),
        cmocka_unit_test(milliseconds_are_a_number_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
