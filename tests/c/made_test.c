/* Which statements may commit something, and what a call that failed has committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "warehouse/session/made.h"

static void outside_of_a_transaction_all_but_its_begin_may_commit(void **state) {
    (void)state;
    assert_true(scoop_sql_may_commit("INSERT INTO t VALUES (1)", false));
    assert_true(scoop_sql_may_commit(" -- begin\n insert into t values (1)", false));
    assert_true(scoop_sql_may_commit("/* begin */insert into t values (1)", false));
    assert_true(scoop_sql_may_commit("BEGIN; INSERT INTO t VALUES (1); COMMIT", false));
    assert_true(scoop_sql_may_commit("begins", false));
    assert_true(scoop_sql_may_commit("/* /* */ begin */ insert into t values (1)", false));
    assert_false(scoop_sql_may_commit("BEGIN", false));
    assert_false(scoop_sql_may_commit("Start transaction; INSERT INTO t VALUES (1);", false));
    assert_false(scoop_sql_may_commit("", false));
    assert_false(scoop_sql_may_commit(" ; /* nothing", false));
    assert_false(scoop_sql_may_commit("-- nothing", false));
}

static void in_a_transaction_only_its_end_may_commit(void **state) {
    (void)state;
    assert_true(scoop_sql_may_commit("COMMIT", true));
    assert_true(scoop_sql_may_commit("  end;", true));
    assert_true(scoop_sql_may_commit("INSERT INTO t VALUES (1); /* all */ commit", true));
    assert_true(scoop_sql_may_commit("ROLLBACK; INSERT INTO t VALUES (1)", true));
    assert_false(scoop_sql_may_commit("INSERT INTO t SELECT CASE WHEN a THEN 1 END", true));
    assert_false(scoop_sql_may_commit("INSERT INTO commit VALUES (1)", true));
    assert_false(scoop_sql_may_commit("committed", true));
    assert_false(scoop_sql_may_commit("ROLLBACK", true));
    assert_false(scoop_sql_may_commit("abort;", true));
}

/* A semicolon in quotes is no end; it may only make a text look as if it committed. */
static void quotes_err_on_the_side_of_a_commit(void **state) {
    (void)state;
    assert_true(scoop_sql_may_commit("INSERT INTO t VALUES ('; commit')", true));
    assert_true(scoop_sql_may_commit("INSERT INTO t VALUES ('; begin')", false));
}

static void a_transaction_begins_and_ends_by_the_first_word(void **state) {
    (void)state;
    static const char *const ends[] = {"BEGIN",
                                       " start transaction",
                                       "COMMIT",
                                       "end;",
                                       "Abort",
                                       "/* x */ commit and chain",
                                       ";;COMMIT",
                                       "ROLLBACK",
                                       "rollback work",
                                       "ROLLBACK TRANSACTION AND CHAIN",
                                       "PREPARE TRANSACTION 'x'"};
    static const char *const goes_on[] = {"",
                                          ";",
                                          "SELECT 1",
                                          "committed",
                                          "SAVEPOINT s",
                                          "RELEASE s",
                                          "ROLLBACK TO s",
                                          "rollback work to s",
                                          "ROLLBACK TRANSACTION /* x */ TO SAVEPOINT s",
                                          "PREPARE p AS SELECT 1",
                                          "TRUNCATE t"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        assert_true(scoop_sql_ends_transaction(ends[i], false));
    for (size_t i = 0; i < sizeof goes_on / sizeof goes_on[0]; i++)
        assert_false(scoop_sql_ends_transaction(goes_on[i], false));
    assert_true(scoop_sql_ends_transaction("truncate t", true));
    assert_false(scoop_sql_ends_transaction("truncated", true));
}

static enum scoop_committed told(bool some, bool unknown, bool all) {
    const struct scoop_made made = {some, unknown};
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_CANCELLED, "stopped");
    assert_int_equal(scoop_made_tell(&made, all, &error), -1);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    return error.committed;
}

static void a_part_is_neither_all_nor_nothing(void **state) {
    (void)state;
    assert_int_equal(told(false, false, false), SCOOP_COMMITTED_NO);
    assert_int_equal(told(false, false, true), SCOOP_COMMITTED_NO);
    assert_int_equal(told(true, false, false), SCOOP_COMMITTED_UNKNOWN);
    assert_int_equal(told(true, false, true), SCOOP_COMMITTED_YES);
    assert_int_equal(told(false, true, false), SCOOP_COMMITTED_UNKNOWN);
    assert_int_equal(told(true, true, false), SCOOP_COMMITTED_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_of_a_transaction_all_but_its_begin_may_commit),
        cmocka_unit_test(in_a_transaction_only_its_end_may_commit),
        cmocka_unit_test(quotes_err_on_the_side_of_a_commit),
        cmocka_unit_test(a_transaction_begins_and_ends_by_the_first_word),
        cmocka_unit_test(a_part_is_neither_all_nor_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
