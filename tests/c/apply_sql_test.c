/* The SQL of applying changes, word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "warehouse/sql/apply_sql.h"
#include "warehouse/sql/exchange_sql.h"

static char id[] = "i\"d", note[] = "note", doc[] = "doc", other[] = "other";
static struct scoop_apply_column columns[] = {{.name = id, .key = true, .given = true},
                                              {.name = note, .given = true},
                                              {.name = doc, .given = true, .is_text = true},
                                              {.name = other}};
static const struct scoop_apply_plan plan = {
    .target = {.schema = "s", .table = "t"}, .stage = "st", .columns = columns, .column_count = 4};

#define ASSERT_SQL(expected, name, ...)                                                            \
    do {                                                                                           \
        struct scoop_buf sql;                                                                      \
        struct scoop_error error = {0};                                                            \
        scoop_buf_init(&sql, 65536);                                                               \
        assert_int_equal(scoop_apply_sql_##name(__VA_ARGS__, &sql, &error), 0);                    \
        assert_string_equal(scoop_buf_text(&sql, &error), (expected));                             \
        scoop_buf_free(&sql);                                                                      \
    } while (0)

static void the_stage_has_the_targets_types_and_names_of_its_own(void **state) {
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"st\" AS SELECT CAST(0 AS BIGINT) AS \"airscoop_number\", "
               "CAST('' AS VARCHAR(1)) AS \"airscoop_op\", \"i\"\"d\" AS \"c1\", \"note\" AS "
               "\"c2\", \"doc\" AS \"c3\", \"other\" AS \"c4\" FROM \"s\".\"t\" WHERE 1 = 0",
               create_stage, &plan);
    ASSERT_SQL("COPY \"st\" FROM STDIN", copy_stage, &plan);
    ASSERT_SQL("INSERT INTO \"st\" VALUES ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12)",
               fill_stage, &plan, 2);
}

static void a_change_of_each_kind_is_one_statement_by_key(void **state) {
    (void)state;
    ASSERT_SQL("INSERT INTO \"s\".\"t\" (\"i\"\"d\", \"note\", \"doc\") SELECT \"c1\", \"c2\", "
               "\"c3\" FROM \"st\" WHERE \"airscoop_op\" = 'I'",
               apply, &plan, SCOOP_CHANGE_INSERT);
    ASSERT_SQL("UPDATE \"s\".\"t\" SET \"note\" = \"st\".\"c2\", \"doc\" = \"st\".\"c3\" FROM "
               "\"st\" WHERE \"st\".\"c1\" = \"t\".\"i\"\"d\" AND \"st\".\"airscoop_op\" = 'U'",
               apply, &plan, SCOOP_CHANGE_UPDATE);
    ASSERT_SQL("DELETE FROM \"s\".\"t\" USING \"st\" WHERE \"st\".\"c1\" = \"t\".\"i\"\"d\" AND "
               "\"st\".\"airscoop_op\" = 'D'",
               apply, &plan, SCOOP_CHANGE_DELETE);
}

static void values_are_compared_with_null_equal_to_null(void **state) {
    (void)state;
    ASSERT_SQL("SELECT COUNT(*) FROM \"st\" s JOIN \"s\".\"t\" t ON s.\"c1\" = t.\"i\"\"d\" "
               "WHERE s.\"airscoop_op\" <> 'D' AND (s.\"c1\" = t.\"i\"\"d\" OR (s.\"c1\" IS NULL "
               "AND t.\"i\"\"d\" IS NULL)) AND (s.\"c2\" = t.\"note\" OR (s.\"c2\" IS NULL "
               "AND t.\"note\" IS NULL)) AND (MD5(s.\"c3\") = MD5(t.\"doc\") OR (s.\"c3\" IS NULL "
               "AND t.\"doc\" IS NULL))",
               count_equal, &plan);
    struct scoop_apply_plan on_postgres = plan;
    on_postgres.postgres = true;
    on_postgres.column_count = 1;
    ASSERT_SQL("SELECT COUNT(*) FROM \"st\" s JOIN \"s\".\"t\" t ON s.\"c1\" = t.\"i\"\"d\" "
               "WHERE s.\"airscoop_op\" <> 'D' AND (CAST(s.\"c1\" AS TEXT) COLLATE \"C\" = "
               "CAST(t.\"i\"\"d\" AS TEXT) COLLATE \"C\" OR (s.\"c1\" IS NULL AND "
               "t.\"i\"\"d\" IS NULL))",
               count_equal, &on_postgres);
}

static void keys_that_do_not_fit_are_found_with_their_changes(void **state) {
    (void)state;
    ASSERT_SQL("SELECT s.\"airscoop_op\", COUNT(*), SUM(CASE WHEN t.\"i\"\"d\" IS NULL THEN 1 ELSE "
               "0 END) FROM \"st\" s LEFT JOIN \"s\".\"t\" t ON s.\"c1\" = t.\"i\"\"d\" GROUP BY 1",
               count_matched, &plan);
    ASSERT_SQL("SELECT s.\"airscoop_number\", s.\"c1\" FROM \"st\" s WHERE s.\"airscoop_op\" = 'U' "
               "AND NOT EXISTS (SELECT 1 FROM \"s\".\"t\" t WHERE s.\"c1\" = t.\"i\"\"d\") ORDER "
               "BY 1 LIMIT 3",
               examples, &plan, SCOOP_CHANGE_UPDATE, SCOOP_APPLY_MISSING);
    ASSERT_SQL("SELECT MIN(\"airscoop_number\"), MAX(\"airscoop_number\"), COUNT(*), \"c1\" FROM "
               "\"st\" GROUP BY \"c1\" HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 3",
               repeated, &plan);
}

/* Redshift's SUPER takes a text as one string, so it is staged as a text. */
static void what_becomes_super_is_parsed_from_the_text_in_the_stage(void **state) {
    static struct scoop_apply_column both[] = {
        {.name = note, .key = true, .given = true},
        {.name = doc, .given = true, .is_json = true, .is_super = true}};
    static const struct scoop_apply_plan plan_of_super = {
        .target = {.schema = "s", .table = "t"}, .stage = "st", .columns = both, .column_count = 2};
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"st\" AS SELECT CAST(0 AS BIGINT) AS \"airscoop_number\", "
               "CAST('' AS VARCHAR(1)) AS \"airscoop_op\", \"note\" AS \"c1\", CAST('' AS "
               "VARCHAR(65535)) AS \"c2\" FROM \"s\".\"t\" WHERE 1 = 0",
               create_stage, &plan_of_super);
    ASSERT_SQL("INSERT INTO \"s\".\"t\" (\"note\", \"doc\") SELECT \"c1\", "
               "JSON_PARSE(\"c2\") FROM \"st\" WHERE \"airscoop_op\" = 'I'",
               apply, &plan_of_super, SCOOP_CHANGE_INSERT);
    ASSERT_SQL("UPDATE \"s\".\"t\" SET \"doc\" = JSON_PARSE(\"st\".\"c2\") FROM \"st\" WHERE "
               "\"st\".\"c1\" = \"t\".\"note\" AND \"st\".\"airscoop_op\" = 'U'",
               apply, &plan_of_super, SCOOP_CHANGE_UPDATE);
    ASSERT_SQL("SELECT COUNT(*) FROM \"st\" s JOIN \"s\".\"t\" t ON s.\"c1\" = t.\"note\" WHERE "
               "s.\"airscoop_op\" <> 'D' AND (s.\"c1\" = t.\"note\" OR (s.\"c1\" IS NULL AND "
               "t.\"note\" IS NULL)) AND (JSON_SERIALIZE(JSON_PARSE(s.\"c2\")) = "
               "JSON_SERIALIZE(t.\"doc\") OR (s.\"c2\" IS NULL AND t.\"doc\" IS NULL))",
               count_equal, &plan_of_super);
}

static void updated_rows_are_inserted_again_with_what_the_file_lacks(void **state) {
    struct scoop_apply_column own[] = {{.name = id, .key = true, .given = true},
                                       {.name = note, .given = true, .unique = true},
                                       {.name = doc, .generated = true},
                                       {.name = other}};
    const struct scoop_apply_plan exchanged = {
        .target = {.schema = "s", .table = "t"}, .stage = "st", .columns = own, .column_count = 4};
    (void)state;
    ASSERT_SQL("CREATE TEMP TABLE \"st_rows\" AS SELECT t.* FROM \"s\".\"t\" t JOIN \"st\" s ON "
               "s.\"c1\" = t.\"i\"\"d\" WHERE s.\"airscoop_op\" = 'U'",
               save_rows, &exchanged);
    ASSERT_SQL("DELETE FROM \"s\".\"t\" t USING \"st\" s WHERE s.\"c1\" = t.\"i\"\"d\" AND "
               "s.\"airscoop_op\" = 'U'",
               delete_saved, &exchanged);
    ASSERT_SQL("INSERT INTO \"s\".\"t\" (\"i\"\"d\", \"note\", \"other\") OVERRIDING SYSTEM VALUE "
               "SELECT t.\"i\"\"d\", s.\"c2\", t.\"other\" FROM \"st_rows\" t JOIN \"st\" s ON "
               "s.\"c1\" = t.\"i\"\"d\"",
               insert_saved, &exchanged);
    ASSERT_SQL(
        "SELECT s.\"airscoop_number\", o.\"airscoop_number\", s.\"c1\", o.\"c1\" FROM \"st\" "
        "s JOIN \"st\" o ON s.\"airscoop_number\" < o.\"airscoop_number\" AND s.\"c2\" = "
        "o.\"c2\" WHERE s.\"airscoop_op\" = 'I' AND o.\"airscoop_op\" = 'I' ORDER BY 1 "
        "LIMIT 1",
        same_as_change, &exchanged, SCOOP_CHANGE_INSERT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stage_has_the_targets_types_and_names_of_its_own),
        cmocka_unit_test(what_becomes_super_is_parsed_from_the_text_in_the_stage),
        cmocka_unit_test(a_change_of_each_kind_is_one_statement_by_key),
        cmocka_unit_test(values_are_compared_with_null_equal_to_null),
        cmocka_unit_test(keys_that_do_not_fit_are_found_with_their_changes),
        cmocka_unit_test(updated_rows_are_inserted_again_with_what_the_file_lacks),
    };
    return cmocka_run_group_tests_name("apply_sql", tests, NULL, NULL);
}
