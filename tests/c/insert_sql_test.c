/* The insert's SQL, word by word, and what none of it may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "warehouse/sql/insert_sql.h"

static const char *const columns[] = {"k1", "k2", "at", "x"};
static const char *const keys[] = {"k1", "k2"};
static const char *const order[] = {"at"};
static const char *const partition_columns[] = {"day"};
static const char *const partition_values[] = {"it's"};
static const struct scoop_insert_names names = {
    .source = "e.src",
    .target = "i.tgt",
    .columns = columns,
    .column_count = 4,
    .keys = keys,
    .key_count = 2,
    .order_by = order,
    .order_count = 1,
    .partition_columns = partition_columns,
    .partition_values = partition_values,
    .partition_count = 1,
};

static struct scoop_insert_plan plan_of(bool replace, bool has_repeated) {
    struct scoop_insert_plan plan;
    struct scoop_error error = {0};
    assert_int_equal(scoop_insert_plan(&names, replace, "f00", &plan, &error), 0);
    plan.has_repeated = has_repeated;
    return plan;
}

#define ASSERT_SQL(expected, name, ...)                                                            \
    do {                                                                                           \
        struct scoop_buf sql;                                                                      \
        struct scoop_error error = {0};                                                            \
        scoop_buf_init(&sql, 65536);                                                               \
        assert_int_equal(scoop_insert_sql_##name(__VA_ARGS__, &sql, &error), 0);                   \
        assert_string_equal(scoop_buf_text(&sql, &error), (expected));                             \
        scoop_buf_free(&sql);                                                                      \
    } while (0)

static void the_batch_has_the_targets_types_and_reads_the_source_once(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"airscoop_batch_f00\" AS SELECT \"k1\", \"k2\", \"at\", \"x\" "
               "FROM \"i\".\"tgt\" WHERE 1 = 0",
               create_batch, &plan);
    ASSERT_SQL("INSERT INTO \"airscoop_batch_f00\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT \"k1\", \"k2\", \"at\", \"x\" FROM \"e\".\"src\" WHERE \"day\" = 'it''s'",
               fill_batch, &plan);
}

static void a_load_may_use_what_an_index_may_be_made_with(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("SELECT set_config('work_mem', m.setting || 'kB', true) "
               "FROM pg_settings w, pg_settings m "
               "WHERE w.name = 'work_mem' AND m.name = 'maintenance_work_mem' "
               "AND CAST(w.setting AS bigint) < CAST(m.setting AS bigint) "
               "UNION ALL SELECT set_config('default_statistics_target', '10', true)",
               raise_memory, &plan);
}

static void keys_of_the_batch_are_analyzed(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("ANALYZE \"airscoop_batch_f00\" (\"k1\", \"k2\")", analyze, &plan);
}

static void rows_keys_and_nulls_are_counted_in_one_query(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("SELECT SUM(airscoop_rows), COUNT(*), "
               "SUM(CASE WHEN k.\"k1\" IS NULL THEN 0 ELSE airscoop_rows END), "
               "SUM(CASE WHEN k.\"k2\" IS NULL THEN 0 ELSE airscoop_rows END) "
               "FROM (SELECT \"k1\", \"k2\", COUNT(*) AS airscoop_rows "
               "FROM \"airscoop_batch_f00\" b GROUP BY \"k1\", \"k2\") k",
               count_batch, &plan);
}

static void a_key_that_is_null_in_some_rows_is_filled_on_both_sides(void **state) {
    struct scoop_insert_plan plan = plan_of(false, true);
    (void)state;
    plan.nulls[0] = SCOOP_NULLS_SOME;
    plan.nulls[1] = SCOOP_NULLS_ALL;
    ASSERT_SQL("CREATE TEMP TABLE \"airscoop_filler_f00\" AS SELECT (SELECT b.\"k1\" FROM "
               "\"airscoop_batch_f00\" b WHERE b.\"k1\" IS NOT NULL LIMIT 1) AS \"k1\"",
               create_filler, &plan);
    ASSERT_SQL("CREATE TEMP TABLE \"airscoop_matched_f00\" AS SELECT w.\"k1\", w.\"k2\", "
               "0 AS airscoop_greater FROM \"airscoop_batch_f00\" w, \"i\".\"tgt\" t WHERE "
               "COALESCE(t.\"k1\", (SELECT f.\"k1\" FROM \"airscoop_filler_f00\" f)) = "
               "COALESCE(w.\"k1\", (SELECT f.\"k1\" FROM \"airscoop_filler_f00\" f)) AND "
               "CASE WHEN t.\"k1\" IS NULL THEN 1 ELSE 0 END = "
               "CASE WHEN w.\"k1\" IS NULL THEN 1 ELSE 0 END AND t.\"k2\" IS NULL "
               "GROUP BY w.\"k1\", w.\"k2\"",
               create_matched, &plan);
}

static void rows_are_numbered_only_where_a_key_repeats(void **state) {
    struct scoop_insert_plan plan = plan_of(false, true);
    (void)state;
    ASSERT_SQL("INSERT INTO \"i\".\"tgt\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT \"k1\", \"k2\", \"at\", \"x\" FROM (SELECT w.\"k1\", w.\"k2\", w.\"at\", "
               "w.\"x\", ROW_NUMBER() OVER (PARTITION BY w.\"k1\", w.\"k2\" ORDER BY "
               "w.\"at\" DESC NULLS LAST, w.\"x\" DESC NULLS LAST) AS airscoop_rank "
               "FROM \"airscoop_batch_f00\" w LEFT JOIN \"airscoop_matched_f00\" o "
               "ON o.\"k1\" = w.\"k1\" AND o.\"k2\" = w.\"k2\" AND o.airscoop_greater = 0 "
               "WHERE o.airscoop_greater IS NULL) ranked WHERE airscoop_rank = 1",
               insert_missing, &plan, true);
}

static void matched_keys_are_found_by_equality_alone(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"airscoop_matched_f00\" AS SELECT w.\"k1\", w.\"k2\", "
               "0 AS airscoop_greater FROM \"airscoop_batch_f00\" w, \"i\".\"tgt\" t "
               "WHERE t.\"k1\" = w.\"k1\" AND t.\"k2\" = w.\"k2\" GROUP BY w.\"k1\", w.\"k2\"",
               create_matched, &plan);
    ASSERT_SQL("SELECT COUNT(*), SUM(airscoop_greater) FROM \"airscoop_matched_f00\"",
               count_matched, &plan);
}

static void greater_rows_are_compared_with_null_lowest(void **state) {
    struct scoop_insert_plan plan = plan_of(true, false);
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"airscoop_matched_f00\" AS SELECT \"k1\", \"k2\", "
               "MAX(airscoop_greater) AS airscoop_greater FROM (SELECT w.\"k1\", w.\"k2\", "
               "MIN(CASE WHEN w.\"at\" > t.\"at\" THEN 1 WHEN w.\"at\" < t.\"at\" THEN 0 "
               "WHEN w.\"at\" IS NOT NULL AND t.\"at\" IS NULL THEN 1 "
               "WHEN w.\"at\" IS NULL AND t.\"at\" IS NOT NULL THEN 0 ELSE 0 END) "
               "AS airscoop_greater FROM \"airscoop_batch_f00\" w, \"i\".\"tgt\" t "
               "WHERE t.\"k1\" = w.\"k1\" AND t.\"k2\" = w.\"k2\" "
               "GROUP BY w.\"k1\", w.\"k2\", w.\"at\") m GROUP BY \"k1\", \"k2\"",
               create_matched, &plan);
    ASSERT_SQL("DELETE FROM \"i\".\"tgt\" USING \"airscoop_matched_f00\" g_f00 "
               "WHERE \"tgt\".\"k1\" = g_f00.\"k1\" AND \"tgt\".\"k2\" = g_f00.\"k2\" "
               "AND g_f00.airscoop_greater = 1",
               delete_greater, &plan);
    ASSERT_SQL("INSERT INTO \"i\".\"tgt\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT w.\"k1\", w.\"k2\", w.\"at\", w.\"x\" FROM \"airscoop_batch_f00\" w "
               "LEFT JOIN \"airscoop_matched_f00\" o ON o.\"k1\" = w.\"k1\" "
               "AND o.\"k2\" = w.\"k2\" AND o.airscoop_greater = 0 "
               "WHERE o.airscoop_greater IS NULL",
               insert_missing, &plan, true);
}

static void missing_rows_are_found_without_the_target(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("INSERT INTO \"i\".\"tgt\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT w.\"k1\", w.\"k2\", w.\"at\", w.\"x\" FROM \"airscoop_batch_f00\" w "
               "LEFT JOIN \"airscoop_matched_f00\" o ON o.\"k1\" = w.\"k1\" "
               "AND o.\"k2\" = w.\"k2\" AND o.airscoop_greater = 0 "
               "WHERE o.airscoop_greater IS NULL",
               insert_missing, &plan, true);
    ASSERT_SQL("INSERT INTO \"i\".\"tgt\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT w.\"k1\", w.\"k2\", w.\"at\", w.\"x\" FROM \"airscoop_batch_f00\" w",
               insert_missing, &plan, false);
}

static void a_source_with_the_targets_types_is_read_where_it_is(void **state) {
    static const char *const own[] = {"K1", "k2", "at", "x"};
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    plan.from_source = true;
    plan.source_columns = own;
    ASSERT_SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", keep_snapshot, &plan);
    ASSERT_SQL("INSERT INTO \"i\".\"tgt\" (\"k1\", \"k2\", \"at\", \"x\") "
               "SELECT w.\"k1\", w.\"k2\", w.\"at\", w.\"x\" FROM (SELECT \"K1\" AS \"k1\", "
               "\"k2\" AS \"k2\", \"at\" AS \"at\", \"x\" AS \"x\" FROM \"e\".\"src\" "
               "WHERE \"day\" = 'it''s') w",
               insert_missing, &plan, false);
    ASSERT_SQL("DROP TABLE \"airscoop_matched_f00\"", drop, &plan);
}

static void one_statement_drops_what_was_made(void **state) {
    struct scoop_insert_plan plan = plan_of(false, false);
    (void)state;
    ASSERT_SQL("DROP TABLE \"airscoop_batch_f00\", \"airscoop_matched_f00\"", drop, &plan);
    plan = plan_of(true, true);
    plan.nulls[1] = SCOOP_NULLS_SOME;
    ASSERT_SQL("DROP TABLE \"airscoop_batch_f00\", \"airscoop_matched_f00\", "
               "\"airscoop_filler_f00\"",
               drop, &plan);
}

static void assert_portable(const char *sql) {
    static const char *const banned[] = {
        " OR ", "RETURNING", "ON CONFLICT", "DISTINCT", "FILTER", "IS NOT DISTINCT",
        "ctid", "LATERAL",   "::",
    };
    for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
        if (strstr(sql, banned[i]) != NULL)
            fail_msg("'%s' is in: %s", banned[i], sql);
}

#define ASSERT_PORTABLE(name, ...)                                                                 \
    do {                                                                                           \
        scoop_buf_consume(&sql, sql.length);                                                       \
        assert_int_equal(scoop_insert_sql_##name(__VA_ARGS__, &sql, &error), 0);                   \
        assert_portable(scoop_buf_text(&sql, &error));                                             \
    } while (0)

static void no_statement_holds_an_or_or_what_redshift_lacks(void **state) {
    struct scoop_buf sql;
    struct scoop_error error = {0};
    (void)state;
    scoop_buf_init(&sql, 65536);
    for (unsigned variant = 0; variant < 12; variant++) {
        struct scoop_insert_plan plan = plan_of(variant & 1, variant >> 1 & 1);
        plan.nulls[1] = variant >> 2;
        ASSERT_PORTABLE(create_batch, &plan);
        ASSERT_PORTABLE(fill_batch, &plan);
        ASSERT_PORTABLE(count_batch, &plan);
        ASSERT_PORTABLE(create_filler, &plan);
        ASSERT_PORTABLE(create_matched, &plan);
        ASSERT_PORTABLE(count_matched, &plan);
        ASSERT_PORTABLE(delete_greater, &plan);
        ASSERT_PORTABLE(insert_missing, &plan, true);
        ASSERT_PORTABLE(drop, &plan);
    }
    scoop_buf_free(&sql);
}

static void assert_lock(const char *schema, const char *table, const char *expected) {
    struct scoop_table_name target = {0}, lock;
    snprintf(target.schema, sizeof target.schema, "%s", schema);
    snprintf(target.table, sizeof target.table, "%s", table);
    scoop_insert_lock_name(&target, &lock);
    assert_string_equal(lock.schema, "airscoop");
    if (expected != NULL)
        assert_string_equal(lock.table, expected);
    assert_true(strlen(lock.table) <= 63);
}

static void the_lock_is_named_after_the_target(void **state) {
    char name[SCOOP_NAME_BYTES + 1];
    struct scoop_table_name target = {.schema = "s"}, first, second;
    (void)state;
    assert_lock("Bestsellers", "Reviews", "lock_bestsellers_reviews");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_lock(name, name, NULL);
    for (size_t i = 0; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "ü", 2);
    name[sizeof name - 2] = 0;
    assert_lock("s", name, NULL);
    assert_lock("ss", name, NULL);
    /* Two names that differ only where they are cut get two locks. */
    memcpy(target.table, name, sizeof name);
    scoop_insert_lock_name(&target, &first);
    target.table[strlen(name) - 1] = 'x';
    scoop_insert_lock_name(&target, &second);
    assert_string_not_equal(first.table, second.table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_has_the_targets_types_and_reads_the_source_once),
        cmocka_unit_test(a_load_may_use_what_an_index_may_be_made_with),
        cmocka_unit_test(keys_of_the_batch_are_analyzed),
        cmocka_unit_test(rows_keys_and_nulls_are_counted_in_one_query),
        cmocka_unit_test(a_key_that_is_null_in_some_rows_is_filled_on_both_sides),
        cmocka_unit_test(rows_are_numbered_only_where_a_key_repeats),
        cmocka_unit_test(matched_keys_are_found_by_equality_alone),
        cmocka_unit_test(greater_rows_are_compared_with_null_lowest),
        cmocka_unit_test(missing_rows_are_found_without_the_target),
        cmocka_unit_test(a_source_with_the_targets_types_is_read_where_it_is),
        cmocka_unit_test(one_statement_drops_what_was_made),
        cmocka_unit_test(no_statement_holds_an_or_or_what_redshift_lacks),
        cmocka_unit_test(the_lock_is_named_after_the_target),
    };
    return cmocka_run_group_tests_name("insert_sql", tests, NULL, NULL);
}
