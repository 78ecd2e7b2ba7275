/* A broken invariant is an INTERNAL error, or, in the flavours that look for defects, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/invariant.h"

static void what_holds_leaves_the_error_alone(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_true(SCOOP_INVARIANT(1 + 1 == 2, &error));
    assert_int_equal(error.code, SCOOP_OK);
}

#ifdef SCOOP_ABORTS_ON_DEFECT
static void a_broken_one_ends_the_program(void **state) {
    int status = 0;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        (void)!SCOOP_INVARIANT(1 + 1 == 3, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
#else
static void a_broken_one_ends_the_program(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_false(SCOOP_INVARIANT(1 + 1 == 3, &error));
    assert_int_equal(error.code, SCOOP_INTERNAL);
    assert_non_null(strstr(error.message, "invariant_test.c:"));
    assert_non_null(strstr(error.message, "1 + 1 == 3 does not hold"));
    assert_false(SCOOP_INVARIANT(1 + 1 == 3, NULL));
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_leaves_the_error_alone),
        cmocka_unit_test(a_broken_one_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
