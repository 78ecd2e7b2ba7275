/* Partition clauses, and reading what the catalog says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "scoop/partition.h"
#include "warehouse/partition/partition_internal.h"

static const char *const names[] = {"day", "ho\"ur"};
static const char *const values[] = {"2026-11-21", "it's"};
static const struct scoop_partition two = {
    .names = names, .values = values, .count = 2, .location = "s3://b/day=1/"};
static const struct scoop_partition one = {
    .names = names, .values = values, .count = 1, .location = "s3://b/'x'/"};
static const struct scoop_table_name table = {.schema = "spectrum", .table = "Reviews"};

static void adding_writes_clauses_without_commas_between_them(void **state) {
    const struct scoop_partition *const both[] = {&two, &one};
    struct scoop_buf sql;
    struct scoop_error error = {0};
    (void)state;
    scoop_buf_init(&sql, 4096);
    assert_int_equal(scoop_partition_sql_add(&table, both, 2, &sql, &error), 0);
    assert_string_equal(
        scoop_buf_text(&sql, &error),
        "ALTER TABLE \"spectrum\".\"Reviews\" ADD IF NOT EXISTS"
        " PARTITION (\"day\" = '2026-11-21', \"ho\"\"ur\" = 'it''s') LOCATION 's3://b/day=1/'"
        " PARTITION (\"day\" = '2026-11-21') LOCATION 's3://b/''x''/'");
    scoop_buf_free(&sql);
}

static void moving_sets_the_location(void **state) {
    struct scoop_buf sql;
    struct scoop_error error = {0};
    (void)state;
    scoop_buf_init(&sql, 4096);
    assert_int_equal(scoop_partition_sql_move(&table, &one, &sql, &error), 0);
    assert_string_equal(scoop_buf_text(&sql, &error),
                        "ALTER TABLE \"spectrum\".\"Reviews\" PARTITION (\"day\" = '2026-11-21')"
                        " SET LOCATION 's3://b/''x''/'");
    scoop_buf_free(&sql);
}

static void a_location_is_the_same_only_when_it_is_shown_in_full(void **state) {
    char shown[SCOOP_LOCATION_SHOWN_BYTES + 1];
    (void)state;
    assert_true(scoop_partition_same_location("s3://b/k/", "s3://b/k/"));
    assert_true(scoop_partition_same_location("s3://b/k", "s3://b/k/"));
    assert_true(scoop_partition_same_location("s3://b/k/", "s3://b/k"));
    assert_false(scoop_partition_same_location("s3://b/k", "s3://b/k2"));
    assert_false(scoop_partition_same_location("s3://b/k//", "s3://b/k"));
    assert_false(scoop_partition_same_location("", "s3://b/k"));
    memset(shown, 'x', sizeof shown);
    shown[SCOOP_LOCATION_SHOWN_BYTES] = 0;
    assert_false(scoop_partition_same_location(shown, shown));
    shown[SCOOP_LOCATION_SHOWN_BYTES - 1] = 0;
    assert_true(scoop_partition_same_location(shown, shown));
}

static void assert_read(const char *text, size_t count, const char *const *expected) {
    char **read = NULL;
    struct scoop_error error = {0};
    if (scoop_partition_parse(text, count, &read, &error) != 0)
        fail_msg("%s", error.message);
    for (size_t i = 0; i < count; i++) {
        if (expected[i] == NULL)
            assert_null(read[i]);
        else
            assert_string_equal(read[i], expected[i]);
        scoop_free(read[i]);
    }
    scoop_free(read);
}

#define READ(text, count, ...) assert_read((text), (count), (const char *const[]){__VA_ARGS__})

static void values_are_read_as_the_catalog_writes_them(void **state) {
    (void)state;
    READ("[\"2026112100\"]", 1, "2026112100");
    READ(" [ \"a\" , \"b\" ] ", 2, "a", "b");
    READ("[2026112100]", 1, "2026112100");
    READ("[null, \"null\"]", 2, NULL, "null");
    READ("[\"a\\\"b\\\\c\\/d\\n\"]", 1, "a\"b\\c/d\n");
    READ("[\"\\u00fc\\u20AC\\u0041\"]", 1, "ü€A");
    READ("[\"a, b]\"]", 1, "a, b]");
}

static void other_texts_are_refused(void **state) {
    static const char *const cases[] = {
        "",           "2018",        "[\"a\"",        "[\"a]",         "[\"a\", \"b\"]",
        "[\"a\\x\"]", "[\"\\u12\"]", "[\"\\ud800\"]", "[\"\\u0000\"]", "[\"a\\",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char **read = NULL;
        struct scoop_error error = {0};
        assert_int_equal(scoop_partition_parse(cases[i], 1, &read, &error), -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
    }
    char **read = NULL;
    struct scoop_error error = {0};
    assert_int_equal(scoop_partition_parse("[\"a\"]", 2, &read, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_writes_clauses_without_commas_between_them),
        cmocka_unit_test(moving_sets_the_location),
        cmocka_unit_test(a_location_is_the_same_only_when_it_is_shown_in_full),
        cmocka_unit_test(values_are_read_as_the_catalog_writes_them),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
