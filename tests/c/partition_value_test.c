/* Values of partition columns: one spelling each, and what a column cannot hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/partition.h"
#include "warehouse/partition/partition_internal.h"

static void assert_normal(const char *type, const char *value, const char *expected) {
    struct scoop_buf normal;
    struct scoop_error error = {0};
    scoop_buf_init(&normal, 4096);
    if (scoop_partition_normal(type, value, &normal, &error) != 0)
        fail_msg("%s '%s': %s", type, value, error.message);
    assert_string_equal(scoop_buf_text(&normal, &error), expected);
    scoop_buf_free(&normal);
}

static void assert_refused(const char *type, const char *value) {
    struct scoop_buf normal;
    struct scoop_error error = {0};
    scoop_buf_init(&normal, 4096);
    if (scoop_partition_normal(type, value, &normal, &error) == 0)
        fail_msg("%s '%s' became '%s'", type, value, scoop_buf_text(&normal, &error));
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_buf_free(&normal);
}

static void whole_numbers_lose_zeros_signs_and_blanks(void **state) {
    (void)state;
    assert_normal("integer", "007", "7");
    assert_normal("int", " +7 ", "7");
    assert_normal("smallint", "-0", "0");
    assert_normal("int8", "-042", "-42");
    assert_normal("bigint", "9223372036854775807", "9223372036854775807");
    assert_normal("BIGINT", "-9223372036854775808", "-9223372036854775808");
    assert_normal("int2", "-32768", "-32768");
    assert_refused("bigint", "9223372036854775808");
    assert_refused("bigint", "99999999999999999999999");
    assert_refused("smallint", "32768");
    assert_refused("integer", "2147483648");
    assert_refused("integer", "7.0");
    assert_refused("integer", "x");
    assert_refused("integer", "");
    assert_refused("integer", "- 7");
}

static void dates_are_written_with_dashes(void **state) {
    (void)state;
    assert_normal("date", "20270105", "2027-01-05");
    assert_normal("date", "2027-1-5", "2027-01-05");
    assert_normal("date", "2027/01/05", "2027-01-05");
    assert_normal("date", "2027.01.05 ", "2027-01-05");
    assert_normal("date", "2027-01-05 00:00:00", "2027-01-05");
    assert_normal("date", "2028-02-29", "2028-02-29");
    assert_refused("date", "2027-02-29");
    assert_refused("date", "2027-01-05 01:00:00");
    assert_refused("date", "2027-13-05");
    assert_refused("date", "01/05/2027");
    assert_refused("date", "2027-01/05");
    assert_refused("date", "2027010");
    assert_refused("date", "yesterday");
}

static void timestamps_have_seconds_and_no_more_digits_than_they_need(void **state) {
    (void)state;
    assert_normal("timestamp", "2027-01-05", "2027-01-05 00:00:00");
    assert_normal("timestamp", "20270105 7:05", "2027-01-05 07:05:00");
    assert_normal("timestamp", "2027-01-05T07:05:09.500000", "2027-01-05 07:05:09.5");
    assert_normal("timestamp", "2027-01-05 07:05:09.0000000", "2027-01-05 07:05:09");
    assert_normal("timestamp without time zone", "2027-01-05 07:05:09.000001",
                  "2027-01-05 07:05:09.000001");
    assert_refused("timestamp", "2027-01-05 24:00:00");
    assert_refused("timestamp", "2027-01-05 07:05:09.0000001");
    assert_refused("timestamp", "2027-01-05 07:05:09Z");
    assert_refused("timestamp", "2027-01-05 07");
}

static void decimals_have_the_columns_digits_behind_the_point(void **state) {
    (void)state;
    assert_normal("numeric(10,2)", "1.5", "1.50");
    assert_normal("decimal(10,2)", "+001.500", "1.50");
    assert_normal("decimal(10,2)", "-.5", "-0.50");
    assert_normal("decimal(10,2)", "-0.00", "0.00");
    assert_normal("decimal(3,3)", "0.125", "0.125");
    assert_normal("numeric(18,0)", "7.", "7");
    assert_normal("numeric", "7.0", "7");
    assert_refused("decimal(10,2)", "1.505");
    assert_refused("decimal(3,2)", "10");
    assert_refused("decimal(10,2)", ".");
    assert_refused("decimal(10,2)", "1e3");
    assert_refused("decimal(99,2)", "1");
}

static void numbers_with_a_point_are_as_short_as_they_can_be(void **state) {
    (void)state;
    assert_normal("double precision", "0.10", "0.1");
    assert_normal("double", "1e1", "10");
    assert_normal("float8", "-0", "0");
    assert_normal("real", "0.1", "0.1");
    assert_normal("float4", "16777217", "16777216");
    assert_refused("real", "1e39");
    assert_refused("double", "nan");
    assert_refused("double", "1.5x");
    assert_refused("double", "");
}

static void words_for_true_and_false_are_one_each(void **state) {
    static const char *const yes[] = {"t", "TRUE", "yes", "Y", "on", "1", " true "};
    static const char *const no[] = {"f", "False", "NO", "n", "off", "0"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_normal("boolean", yes[i], "true");
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_normal("bool", no[i], "false");
    assert_refused("boolean", "2");
    assert_refused("boolean", "");
}

static void texts_stay_as_they_are_within_their_columns_bytes(void **state) {
    (void)state;
    assert_normal("varchar(3)", "a b", "a b");
    assert_normal("varchar(3)", " a ", " a ");
    assert_normal("character varying(2)", "ü", "ü");
    assert_normal("varchar", "any", "any");
    assert_normal("string", "any", "any");
    assert_normal("varchar(3)", "", "");
    assert_normal("char(3)", "ab ", "ab");
    assert_normal("character(2)", "ab    ", "ab");
    assert_refused("varchar(3)", "abcd");
    assert_refused("varchar(3)", "abc ");
    assert_refused("varchar(1)", "ü");
    assert_refused("char(3)", "abcd");
}

static void what_is_written_may_lie_where_the_catalog_shows_it(void **state) {
    char shown[SCOOP_LOCATION_SHOWN_BYTES + 1], longer[SCOOP_LOCATION_SHOWN_BYTES + 8];
    (void)state;
    assert_true(scoop_partition_may_hold("s3://b/k/", "s3://b/k/x.gz"));
    assert_true(scoop_partition_may_hold("s3://b/k", "s3://b/k/x/y.gz"));
    assert_true(scoop_partition_may_hold("s3://b/k", "s3://b/k/"));
    assert_false(scoop_partition_may_hold("s3://b/k", "s3://b/k2/x.gz"));
    assert_false(scoop_partition_may_hold("s3://b/k/x", "s3://b/k/"));
    memset(shown, 'x', sizeof shown);
    memset(longer, 'x', sizeof longer);
    shown[SCOOP_LOCATION_SHOWN_BYTES] = longer[sizeof longer - 1] = 0;
    assert_true(scoop_partition_may_hold(shown, longer));
    longer[SCOOP_LOCATION_SHOWN_BYTES - 1] = 'y';
    assert_false(scoop_partition_may_hold(shown, longer));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_lose_zeros_signs_and_blanks),
        cmocka_unit_test(dates_are_written_with_dashes),
        cmocka_unit_test(timestamps_have_seconds_and_no_more_digits_than_they_need),
        cmocka_unit_test(decimals_have_the_columns_digits_behind_the_point),
        cmocka_unit_test(numbers_with_a_point_are_as_short_as_they_can_be),
        cmocka_unit_test(words_for_true_and_false_are_one_each),
        cmocka_unit_test(texts_stay_as_they_are_within_their_columns_bytes),
        cmocka_unit_test(what_is_written_may_lie_where_the_catalog_shows_it),
    };
    return cmocka_run_group_tests_name("partition_value", tests, NULL, NULL);
}
