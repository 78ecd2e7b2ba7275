/* Values of a server as Arrow's columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "warehouse/sql/arrow_columns.h"
#include "warehouse/sql/moments.h"

enum { NUMERIC = 1700 };

static int numeric(int precision, int scale) {
    return (precision << 16 | scale) + 4;
}

static int put(uint32_t type, int modifier, const char *value, struct ArrowArray *array) {
    struct scoop_arrow_type found = scoop_arrow_type_of(type, modifier);
    struct scoop_text_column column;
    struct scoop_error error = {0};
    scoop_text_column_init(&column);
    int result = scoop_arrow_put(&found, &column, value, value == NULL ? 0 : strlen(value), &error);
    if (result == 0)
        result = scoop_arrow_finish(&found, &column, array, &error);
    else
        assert_int_equal(error.code, SCOOP_UNSUPPORTED);
    scoop_text_column_free(&column);
    return result;
}

static void expect_number(uint32_t type, int modifier, const char *value, const void *bytes,
                          size_t length) {
    struct ArrowArray array;
    assert_int_equal(put(type, modifier, value, &array), 0);
    assert_int_equal(array.n_buffers, 2);
    assert_int_equal(array.null_count, value == NULL);
    assert_memory_equal(array.buffers[1], bytes, length);
    array.release(&array);
}

static void numbers_have_their_bytes(void **state) {
    const int16_t small = -7;
    const int64_t large = 9007199254740993, time = 3723500000, day_before = -86400000000;
    const int64_t decimal[2] = {-1250, -1}, wide[2] = {0, 0};
    const double real = 0.5;
    const int32_t day = 59;
    (void)state;
    expect_number(21, -1, "-7", &small, sizeof small);
    expect_number(20, -1, "9007199254740993", &large, sizeof large);
    expect_number(701, -1, "0.5", &real, sizeof real);
    expect_number(1082, -1, "1970-03-01", &day, sizeof day);
    expect_number(1083, -1, "01:02:03.5", &time, sizeof time);
    expect_number(1114, -1, "1969-12-31 00:00:00", &day_before, sizeof day_before);
    expect_number(1184, -1, "1969-12-31 05:30:00+05:30", &day_before, sizeof day_before);
    expect_number(NUMERIC, numeric(9, 2), "-12.50", decimal, sizeof decimal);
    expect_number(NUMERIC, numeric(9, 2), NULL, wide, sizeof wide);
    expect_number(16, -1, "t", "\1", 1);
}

static void what_a_type_cannot_hold_is_refused(void **state) {
    static const struct {
        uint32_t type;
        int modifier;
        const char *value;
    } cases[] = {
        {23, -1, ""},
        {20, -1, "9223372036854775808"},
        {23, -1, "1x"},
        {701, -1, "x"},
        {1082, -1, "infinity"},
        {1082, -1, "0044-03-15 BC"},
        {1082, -1, "2026-13-01"},
        {1083, -1, "25:00:00"},
        {1114, -1, "2026-01-01"},
        {1114, -1, "2026-01-01 00:00:00+02"},
        {1184, -1, "2026-01-01 00:00:00"},
        {NUMERIC, (9 << 16 | 2) + 4, "NaN"},
        {NUMERIC, (9 << 16 | 2) + 4, "1.234"},
        {17, -1, "abc"},
        {17, -1, "\\x0"},
        {17, -1, "\\x0g"},
    };
    struct ArrowArray array;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(put(cases[i].type, cases[i].modifier, cases[i].value, &array), -1);
}

static void a_type_that_arrow_lacks_is_a_text(void **state) {
    struct ArrowSchema field;
    struct scoop_error error = {0};
    const struct scoop_arrow_type free_numeric = scoop_arrow_type_of(NUMERIC, -1);
    const struct scoop_arrow_type wide = scoop_arrow_type_of(NUMERIC, numeric(39, 2));
    const struct scoop_arrow_type decimal = scoop_arrow_type_of(NUMERIC, numeric(38, 10));
    (void)state;
    assert_int_equal(free_numeric.kind, SCOOP_ARROW_TEXT);
    assert_int_equal(wide.kind, SCOOP_ARROW_TEXT);
    assert_int_equal(scoop_arrow_type_of(3802, -1).kind, SCOOP_ARROW_TEXT);
    assert_int_equal(scoop_arrow_type_field(&decimal, "n", &field, &error), 0);
    assert_string_equal(field.format, "d:38,10");
    assert_string_equal(field.name, "n");
    field.release(&field);
}

static void days_are_counted_over_centuries(void **state) {
    static const struct {
        const char *text;
        int32_t days;
    } cases[] = {{"0001-01-01", -719162}, {"1600-02-29", -135081}, {"1969-12-31", -1},
                 {"1970-01-01", 0},       {"2000-02-29", 11016},   {"2026-12-01", 20788},
                 {"9999-12-31", 2932896}, {"10000-01-01", 2932897}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t days = 0;
        assert_int_equal(scoop_read_date(cases[i].text, &days), 0);
        assert_int_equal(days, cases[i].days);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_their_bytes),
        cmocka_unit_test(what_a_type_cannot_hold_is_refused),
        cmocka_unit_test(a_type_that_arrow_lacks_is_a_text),
        cmocka_unit_test(days_are_counted_over_centuries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
