/* The head stage. */
#include "stage_run.h"

struct head_options {
    uint64_t lines;
    bool reached;
};

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    struct head_options *head = (struct head_options *)(uintptr_t)options;
    return scoop_head_new(head->lines, &head->reached, &run->counters, &run->error);
}

static void the_first_lines_pass_and_the_rest_does_not(void **state) {
    (void)state;
    static const struct {
        uint64_t lines;
        const char *out;
        bool reached;
    } cases[] = {{0, "", true},
                 {1, "a\n", true},
                 {2, "a\n\n", true},
                 {3, "a\n\nb", false},
                 {9, "a\n\nb", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t chunk = 0; chunk < 5; chunk++) {
            struct head_options options = {.lines = cases[i].lines};
            struct stage_run run;
            stage_run(&run, make, &options, "a\n\nb", 4, chunk);
            assert_int_equal(run.result, 0);
            assert_string_equal(stage_run_text(&run.out), cases[i].out);
            assert_int_equal(options.reached, cases[i].reached);
            stage_run_free(&run);
        }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct head_options options = {.lines = 2};
    stage_run_torture(make, &options, "a\nb\nc\n", 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_lines_pass_and_the_rest_does_not),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
