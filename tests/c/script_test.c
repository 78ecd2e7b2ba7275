/* Scripts: where statements end, and where variables go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/script.h"

static const struct scoop_script_variable variables[] = {{"name", "it's"}, {"other", "a\"b"}};

/* Splits with the first `count` variables and compares; expected is closed by NULL. */
static void assert_split(const struct scoop_script_text *text, size_t count,
                         const char *const *expected) {
    struct scoop_script script;
    struct scoop_error error = {0};
    if (scoop_script_parse(text, variables, count, &script, &error) != 0)
        fail_msg("%s", error.message);
    size_t i = 0;
    for (; expected[i] != NULL; i++) {
        assert_true(i < script.count);
        assert_string_equal(script.statements[i].sql, expected[i]);
    }
    assert_int_equal(script.count, i);
    scoop_script_free(&script);
}

static void assert_refused(const char *text, size_t count, const char *message) {
    struct scoop_script script;
    struct scoop_error error = {0};
    const struct scoop_script_text whole = {"f.sql", text, strlen(text), false};
    assert_int_equal(scoop_script_parse(&whole, variables, count, &script, &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' is not in '%s'", message, error.message);
}

#define SPLIT(text, count, ...)                                                                    \
    assert_split(&(const struct scoop_script_text){"f", (text), strlen(text), false}, (count),     \
                 (const char *const[]){__VA_ARGS__, NULL})
/* Where every text has escapes. */
#define SPLIT_ESCAPED(text, count, ...)                                                            \
    assert_split(&(const struct scoop_script_text){"f", (text), strlen(text), true}, (count),      \
                 (const char *const[]){__VA_ARGS__, NULL})

static void statements_end_at_semicolons(void **state) {
    (void)state;
    SPLIT("", 0, NULL);
    SPLIT(" ;; -- nothing\n ; /* nothing */", 0, NULL);
    SPLIT("a; b ;c", 0, "a", "b ", "c");
    SPLIT("\xEF\xBB\xBF"
          "a;",
          0, "a");
}

static void semicolons_in_quotes_end_nothing(void **state) {
    (void)state;
    SPLIT("a ';'; b", 0, "a ';'", "b");
    SPLIT("a 'it''s;'; b", 0, "a 'it''s;'", "b");
    SPLIT("a \";\"\";\"; b", 0, "a \";\"\";\"", "b");
    SPLIT("a '\\'; b", 0, "a '\\'", "b");
    SPLIT("a E'\\';'; b", 0, "a E'\\';'", "b");
    SPLIT("a namE'\\'; b", 0, "a namE'\\'", "b");
}

static void a_backslash_is_an_escape_where_the_server_reads_it_so(void **state) {
    (void)state;
    SPLIT("a 'it\\'; done", 0, "a 'it\\'", "done");
    SPLIT_ESCAPED("a 'it\\'s; done'; b", 0, "a 'it\\'s; done'", "b");
    SPLIT_ESCAPED("a '\\\\'; b", 0, "a '\\\\'", "b");
    SPLIT_ESCAPED("a 'it''s;\\''; b", 0, "a 'it''s;\\''", "b");
    SPLIT_ESCAPED("a E'\\';'; b", 0, "a E'\\';'", "b");
    SPLIT_ESCAPED("a \"\\\"; b", 0, "a \"\\\"", "b");
    SPLIT_ESCAPED("a $$\\$$; b -- \\\n;c", 0, "a $$\\$$", "b -- \\\n", "c");
}

static void a_text_that_goes_on_in_another_line_keeps_its_escapes(void **state) {
    (void)state;
    SPLIT("a E'x'\n '\\';'; b", 0, "a E'x'\n '\\';'", "b");
    SPLIT("a E'x' -- it's\n'\\';'; b", 0, "a E'x' -- it's\n'\\';'", "b");
    SPLIT("a E'x'\n -- it's\n'\\';'; b", 0, "a E'x'\n -- it's\n'\\';'", "b");
    SPLIT("a E'x' '\\'; b", 0, "a E'x' '\\'", "b");
    SPLIT("a 'x'\n'\\'; b", 0, "a 'x'\n'\\'", "b");
    SPLIT("a E'x'\n; b", 0, "a E'x'\n", "b");
}

static void semicolons_in_dollar_quotes_end_nothing(void **state) {
    (void)state;
    SPLIT("a $$;'$$; b", 0, "a $$;'$$", "b");
    SPLIT("a $x$;$$;$y$;$x$; b", 0, "a $x$;$$;$y$;$x$", "b");
    SPLIT("a $1;b $2", 0, "a $1", "b $2");
    SPLIT("a b$c$d;e$c$f", 0, "a b$c$d", "e$c$f");
}

static void comments_end_nothing_and_lead_to_nothing(void **state) {
    (void)state;
    SPLIT("-- it's ;\na; b", 0, "a", "b");
    SPLIT("/* it's ; /* nested; */ ; */ a; b", 0, "a", "b");
    SPLIT("a -- ;\n b; c", 0, "a -- ;\n b", "c");
    SPLIT("a /* ; */ b; c", 0, "a /* ; */ b", "c");
    SPLIT("a '--'; b '/*'; c - - d", 0, "a '--'", "b '/*'", "c - - d");
}

static void variables_stay_in_their_quotes(void **state) {
    (void)state;
    SPLIT("a '${name}'", 1, "a 'it''s'");
    SPLIT("a \"${name}\"", 1, "a \"it's\"");
    SPLIT("a '${name}/${other}', \"${other}\"", 2, "a 'it''s/a\"b', \"a\"\"b\"");
    SPLIT("a '$ {name} $x {' '${name}'", 1, "a '$ {name} $x {' 'it''s'");
}

static void variables_in_comments_are_left_alone(void **state) {
    (void)state;
    SPLIT("-- ${name}\na /* ${nothing} */ 'x'", 0, "a /* ${nothing} */ 'x'");
}

static void wrong_variables_are_named_with_their_line(void **state) {
    (void)state;
    assert_refused("a;\nb '${nothing}'", 0, "f.sql:2: the variable nothing is not given");
    assert_refused("a '${name}'", 2, "f.sql does not use the variable other");
    assert_refused("-- ${name}\n", 1, "does not use the variable name");
    assert_refused("a;\n\nb ${name}", 1, "f.sql:3: ${…} may stand within");
    assert_refused("a $$ ${name} $$", 1, "f.sql:1: ${…} may stand within");
    assert_refused("a '\n${}'", 0, "f.sql:2: ${ begins no variable");
    assert_refused("a '${name'", 1, "${ begins no variable");
    assert_refused("a '${name", 1, "${ begins no variable");
    assert_refused("a '${na me}'", 1, "${ begins no variable");
}

static void a_value_with_a_backslash_is_refused(void **state) {
    static const struct scoop_script_variable escape = {"v", "\\"};
    static const struct scoop_script_text text = {"f", "a '${v}'", 8, false};
    struct scoop_script script;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scoop_script_parse(&text, &escape, 1, &script, &error), -1);
    assert_non_null(strstr(error.message, "f:1: the value of the variable v holds a backslash"));
}

static void what_is_not_closed_is_named_with_its_line(void **state) {
    (void)state;
    assert_refused("a;\nb '\n\n", 0, "f.sql:2: a text in quotes is not closed");
    assert_refused("a \"x", 0, "f.sql:1: a name in double quotes is not closed");
    assert_refused("a\n$x$ $$ ", 0, "f.sql:2: a text in dollar quotes is not closed");
    assert_refused("a\n/* /* */ ", 0, "f.sql:2: a comment is not closed");
    assert_refused("a E'\\'", 0, "f.sql:1: a text in quotes is not closed");
}

static void a_statement_knows_the_line_of_its_first_word(void **state) {
    static const char text[] = "\n-- x\na\n'\n';\n/*\n*/ b;c";
    static const size_t lines[] = {3, 7, 7};
    static const struct scoop_script_text whole = {"f", text, sizeof text - 1, false};
    struct scoop_script script;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scoop_script_parse(&whole, NULL, 0, &script, &error), 0);
    assert_int_equal(script.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(script.statements[i].line, lines[i]);
    scoop_script_free(&script);
}

static void a_nul_byte_is_refused(void **state) {
    static const struct scoop_script_text text = {"f", "a\0b", 3, false};
    struct scoop_script script;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scoop_script_parse(&text, NULL, 0, &script, &error), -1);
    assert_non_null(strstr(error.message, "NUL byte at offset 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_end_at_semicolons),
        cmocka_unit_test(semicolons_in_quotes_end_nothing),
        cmocka_unit_test(a_backslash_is_an_escape_where_the_server_reads_it_so),
        cmocka_unit_test(a_text_that_goes_on_in_another_line_keeps_its_escapes),
        cmocka_unit_test(semicolons_in_dollar_quotes_end_nothing),
        cmocka_unit_test(comments_end_nothing_and_lead_to_nothing),
        cmocka_unit_test(variables_stay_in_their_quotes),
        cmocka_unit_test(variables_in_comments_are_left_alone),
        cmocka_unit_test(wrong_variables_are_named_with_their_line),
        cmocka_unit_test(a_value_with_a_backslash_is_refused),
        cmocka_unit_test(what_is_not_closed_is_named_with_its_line),
        cmocka_unit_test(a_statement_knows_the_line_of_its_first_word),
        cmocka_unit_test(a_nul_byte_is_refused),
    };
    return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
