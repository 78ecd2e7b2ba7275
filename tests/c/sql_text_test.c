/* Names and values as SQL text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "warehouse/sql/sql_text.h"

typedef void (*quoting)(struct scoop_sql_writer *, const char *);

static void assert_quoted(quoting quote, const char *value, const char *expected) {
    struct scoop_buf sql;
    struct scoop_error error = {0};
    scoop_buf_init(&sql, 4096);
    struct scoop_sql_writer writer = {&sql, &error, 0};
    quote(&writer, value);
    assert_int_equal(writer.status, 0);
    assert_string_equal(scoop_sql_statement(&writer), expected);
    scoop_buf_free(&sql);
}

static void a_literal_doubles_single_quotes(void **state) {
    (void)state;
    assert_quoted(scoop_sql_literal, "", "''");
    assert_quoted(scoop_sql_literal, "plain", "'plain'");
    assert_quoted(scoop_sql_literal, "it's", "'it''s'");
    assert_quoted(scoop_sql_literal, "'; DROP TABLE t; --", "'''; DROP TABLE t; --'");
    assert_quoted(scoop_sql_literal, "a\"b\nü", "'a\"b\nü'");
}

static void a_literal_refuses_a_backslash(void **state) {
    struct scoop_buf sql;
    struct scoop_error error = {0};
    (void)state;
    scoop_buf_init(&sql, 4096);
    struct scoop_sql_writer writer = {&sql, &error, 0};
    scoop_sql_literal(&writer, "\\'; DROP");
    assert_int_equal(writer.status, -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_buf_free(&sql);
}

static void an_identifier_doubles_double_quotes_and_folds_nothing(void **state) {
    (void)state;
    assert_quoted(scoop_sql_identifier, "Plain", "\"Plain\"");
    assert_quoted(scoop_sql_identifier, "a\"b", "\"a\"\"b\"");
    assert_quoted(scoop_sql_identifier, "select", "\"select\"");
}

static void an_empty_identifier_is_refused(void **state) {
    struct scoop_buf sql;
    struct scoop_error error = {0};
    (void)state;
    scoop_buf_init(&sql, 4096);
    struct scoop_sql_writer writer = {&sql, &error, 0};
    scoop_sql_identifier(&writer, "");
    assert_int_equal(writer.status, -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_buf_free(&sql);
}

static void a_statement_is_its_pieces(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_buf sql;
    const struct scoop_table_name name = {.schema = "a\"b", .table = "c.d"};
    scoop_buf_init(&sql, 4096);
    struct scoop_sql_writer writer = {&sql, &error, 0};
    assert_string_equal(scoop_sql_statement(&writer), "");
    scoop_sql_text(&writer, "SELECT ");
    scoop_sql_number(&writer, 12);
    scoop_sql_text(&writer, " FROM ");
    scoop_sql_table(&writer, &name);
    scoop_sql_text(&writer, " WHERE x = ");
    scoop_sql_literal(&writer, "it's");
    assert_string_equal(scoop_sql_statement(&writer),
                        "SELECT 12 FROM \"a\"\"b\".\"c.d\" WHERE x = 'it''s'");
    scoop_buf_free(&sql);
}

/* Of several failures the first is told. */
static void behind_a_piece_that_failed_nothing_is_written(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_buf sql;
    const struct scoop_table_name nameless = {.schema = "s"};
    scoop_buf_init(&sql, 4096);
    struct scoop_sql_writer writer = {&sql, &error, 0};
    scoop_sql_text(&writer, "a");
    scoop_sql_literal(&writer, "\\");
    scoop_sql_identifier(&writer, "");
    scoop_sql_text(&writer, "b");
    scoop_sql_number(&writer, 1);
    scoop_sql_table(&writer, &nameless);
    assert_int_equal(writer.status, -1);
    assert_null(scoop_sql_statement(&writer));
    assert_int_equal(sql.length, 1);
    assert_non_null(strstr(error.message, "backslash"));
    scoop_buf_free(&sql);
    scoop_buf_init(&sql, 4);
    writer = (struct scoop_sql_writer){&sql, &error, 0};
    scoop_sql_text(&writer, "four");
    scoop_sql_text(&writer, "!");
    scoop_sql_text(&writer, "");
    assert_null(scoop_sql_statement(&writer));
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    scoop_buf_free(&sql);
}

static void a_name_splits_at_its_dot(void **state) {
    static const char *const cases[][3] = {
        {"s.t", "s", "t"},         {"Schema.Table", "Schema", "Table"},
        {"\"a.b\".t", "a.b", "t"}, {"s.\"a\"\"b\"", "s", "a\"b"},
        {"\"s\".\"t\"", "s", "t"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scoop_table_name name;
        struct scoop_error error = {0};
        assert_int_equal(scoop_sql_split(cases[i][0], &name, &error), 0);
        assert_string_equal(name.schema, cases[i][1]);
        assert_string_equal(name.table, cases[i][2]);
    }
}

static void a_name_may_begin_with_its_database(void **state) {
    struct scoop_table_name name;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scoop_sql_split("\"my.db\".s.\"t\"", &name, &error), 0);
    assert_string_equal(name.database, "my.db");
    assert_string_equal(name.schema, "s");
    assert_string_equal(name.table, "t");
    assert_int_equal(scoop_sql_split("s.t", &name, &error), 0);
    assert_string_equal(name.database, "");
    static const char *const wrong[] = {"d.s.", ".s.t", "d..t", "d.s.t.", "d.s.\"t", "\"\".s.t"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(scoop_sql_split(wrong[i], &name, &error), -1);
}

static void other_names_are_refused(void **state) {
    static const char *const cases[] = {
        "",         "t",     ".t",       "s.",     "a.b.c.d",  "\"s.t",
        "\"s\"t.u", "s.\"t", "s.\"t\"u", "\"\".t", "s.t\"u\"", "s.\"t\"\"",
    };
    char longest[300];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scoop_table_name name;
        struct scoop_error error = {0};
        assert_int_equal(scoop_sql_split(cases[i], &name, &error), -1);
        assert_int_equal(error.code, SCOOP_USAGE);
    }
    for (size_t length = SCOOP_NAME_BYTES; length <= SCOOP_NAME_BYTES + 1; length++) {
        struct scoop_table_name name;
        struct scoop_error error = {0};
        memset(longest, 'x', sizeof longest);
        memcpy(longest + length, ".t", 3);
        assert_int_equal(scoop_sql_split(longest, &name, &error),
                         length == SCOOP_NAME_BYTES ? 0 : -1);
    }
}

static void a_semicolon_within_a_statement_ends_none(void **state) {
    static const char *const single[] = {
        "",
        ";",
        " ; -- x",
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1;;\n /* ; */ -- ;",
        "SELECT ';'",
        "SELECT 'a''b;c'",
        "SELECT \"a;b\"",
        "SELECT $$;$$",
        "SELECT $a$ $$ ; $a$",
        "/* a; /* b; */ */ X",
        "SELECT E'\\';'",
        "SELECT 'open; text",
        "SELECT a$b;",
        "SELECT U&'x;'",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
    };
    static const char *const several[] = {
        "SELECT 1; SELECT 2", "BEGIN;COMMIT",       ";SELECT 1;X",        "SELECT '\\'; X --'",
        "SELECT $1$ ; X $1$", "SELECT a$b$; X $b$", "SELECT 1 -- ;\n; X", "SELECT e; SELECT 'x'",
    };
    (void)state;
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        assert_true(scoop_sql_is_single(single[i], false));
    for (size_t i = 0; i < sizeof several / sizeof several[0]; i++)
        assert_false(scoop_sql_is_single(several[i], false));
    assert_true(scoop_sql_is_single("SELECT '\\'; X --'", true)); /* as Redshift reads it */
}

static void a_statement_is_shown_up_to_its_first_value(void **state) {
    static const char *const cases[][2] = {
        {"SELECT a, \"b 1\" FROM s.t", "SELECT a, \"b 1\" FROM s.t"},
        {"CREATE USER u PASSWORD 'hunter2'", "CREATE USER u PASSWORD …"},
        {"SELECT * FROM t\n  WHERE id = 42", "SELECT * FROM t WHERE id = …"},
        {"-- hunter2\nSELECT /* hunter2 /* x */ */ a", "SELECT a"},
        {"/* hunter2 */ DELETE FROM t2", "DELETE FROM t2"},
        {"SELECT $$hunter2$$", "SELECT …"},
        {"SELECT a$b, $1", "SELECT a$b, …"},
        {"SET my.secret TO hunter2", "SET my…"},
        {"set x=hunter2", "set x…"},
        {"SELECT E'hunter2'", "SELECT E…"},
        {"/* hunter2", ""},
        {"COPY t FROM 's3://b' CREDENTIALS 'hunter2'", "COPY t FROM …"},
        {"", ""},
    };
    char text[100];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scoop_sql_display(cases[i][0], text, sizeof text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void a_long_statement_is_cut(void **state) {
    char sql[1000], text[20];
    (void)state;
    memset(sql, 'x', sizeof sql - 1);
    sql[sizeof sql - 1] = 0;
    scoop_sql_display(sql, text, sizeof text);
    assert_true(strlen(text) < sizeof text);
    assert_memory_equal(text, "xxxxxxxxxx", 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_doubles_single_quotes),
        cmocka_unit_test(a_literal_refuses_a_backslash),
        cmocka_unit_test(an_identifier_doubles_double_quotes_and_folds_nothing),
        cmocka_unit_test(an_empty_identifier_is_refused),
        cmocka_unit_test(a_statement_is_its_pieces),
        cmocka_unit_test(behind_a_piece_that_failed_nothing_is_written),
        cmocka_unit_test(a_name_splits_at_its_dot),
        cmocka_unit_test(a_name_may_begin_with_its_database),
        cmocka_unit_test(a_semicolon_within_a_statement_ends_none),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(a_statement_is_shown_up_to_its_first_value),
        cmocka_unit_test(a_long_statement_is_cut),
    };
    return cmocka_run_group_tests_name("sql_text", tests, NULL, NULL);
}
