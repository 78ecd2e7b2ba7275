/* The sums of a delta: with a counter that is wrong by one there is no result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "delta/delta.c" /* its counters are its own */

enum { TEST_SLICE_MS = 50 };

static char folder[] = "/tmp/scoop-counts-XXXXXX";
static char old_path[64], new_path[64];

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum scoop_delta_state compare_with(size_t counter, int by, struct scoop_error *error) {
    const struct scoop_transfer_options before = {.source = {.uri = old_path}},
                                        now = {.source = {.uri = new_path}};
    const char *const keys[] = {"k"};
    const struct scoop_delta_options options = {
        .sides = {&before, &now},
        .keys = keys,
        .key_count = 1,
        .max_delete_ratio = 1.0,
    };
    struct scoop_delta *delta = scoop_delta_new(&options, error);
    enum scoop_delta_state state;
    assert_non_null(delta);
    *(uint64_t *)(void *)((char *)&delta->counts + counter) += (uint64_t)by;
    do
        state = scoop_delta_run(delta, TEST_SLICE_MS, error);
    while (state == SCOOP_DELTA_RUNNING);
    scoop_delta_free(delta);
    return state;
}

static void counts_that_do_not_add_up_are_an_error(void **state) {
    static const size_t counters[] = {
        offsetof(struct scoop_delta_counts, inserted),
        offsetof(struct scoop_delta_counts, updated),
        offsetof(struct scoop_delta_counts, deleted),
        offsetof(struct scoop_delta_counts, unchanged),
    };
    (void)state;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        for (int by = -1; by <= 1; by += 2) {
            struct scoop_error error = {0};
            assert_int_equal(compare_with(counters[i], by, &error), SCOOP_DELTA_FAILED);
            assert_int_equal(error.code, SCOOP_COUNT_MISMATCH);
            assert_non_null(strstr(error.message, "do not add up"));
        }
}

static void counts_that_add_up_are_none(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(compare_with(0, 0, &error), SCOOP_DELTA_DONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_that_do_not_add_up_are_an_error),
        cmocka_unit_test(counts_that_add_up_are_none),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(old_path, sizeof old_path, "%s/old.csv", folder);
    snprintf(new_path, sizeof new_path, "%s/new.csv", folder);
    write_file(old_path, "k,v\n1,a\n2,b\n3,c\n4,d\n");
    write_file(new_path, "k,v\n1,a\n2,x\n4,d\n5,e\n");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(old_path);
    unlink(new_path);
    rmdir(folder);
    return failed;
}
