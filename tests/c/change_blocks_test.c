/* The lines of changes, made by two threads: the same bytes in the same order as by one. */
#include "delta_run.h"

#include <sched.h>
#include <unistd.h>

enum { ROWS = 9000, ROW_SIZE = 160 };

/* In the order of the keys; of ten rows one is gone, one is new, and three differ. */
static char *make_export(unsigned rows, bool is_new) {
    char *text = malloc((size_t)(rows + 1) * ROW_SIZE), *at = text;
    assert_non_null(text);
    at += sprintf(at, "k,v\n");
    for (unsigned n = 0; n < rows; n++)
        if (n % 10 != (is_new ? 0 : 1))
            at += sprintf(at, "%06u,%0100u%s\n", n, n, is_new && n % 10 > 6 ? "\tnow" : "");
    return text;
}

/* The caller ends with delta_run_free. */
static void compare(struct delta_run *run, unsigned rows) {
    char *before = make_export(rows, false), *now = make_export(rows, true);
    delta_run(run, before, now, NULL);
    assert_int_equal(run->result, 0);
    free(before);
    free(now);
}

static struct scoop_change_blocks *begin(const struct delta_run *run) {
    struct scoop_error error = {0};
    struct scoop_change_blocks *blocks = scoop_change_blocks_new(run->changes, &error);
    assert_non_null(blocks);
    return blocks;
}

/* Takes blocks to the end, which must make up the one text; returns their number. */
static size_t expect_json(const struct delta_run *run, size_t most_bytes) {
    struct scoop_error error = {0};
    const unsigned char *data;
    size_t length, at = 0, count = 0;
    int status;
    struct scoop_change_blocks *blocks = begin(run);
    for (; (status = scoop_change_blocks_next(blocks, &data, &length, &error)) == 1; count++) {
        assert_true(length > 0 && length <= most_bytes && length <= run->json.length - at);
        assert_memory_equal(data, run->json.data + at, length);
        at += length;
    }
    assert_int_equal(status, 0);
    assert_int_equal(at, run->json.length);
    assert_int_equal(scoop_change_blocks_next(blocks, &data, &length, &error), 0);
    scoop_change_blocks_free(blocks);
    return count;
}

static void many_blocks_come_in_order(void **state) {
    struct delta_run run;
    (void)state;
    compare(&run, ROWS);
    assert_true(run.changes->spools[0].count > 1 && run.changes->spools[1].tail.length > 0);
    for (int again = 0; again < 5; again++)
        assert_true(expect_json(&run, 1024 * 1024) > 3);
    delta_run_free(&run);
}

static void few_changes_and_none_need_no_second_thread(void **state) {
    struct delta_run run;
    (void)state;
    compare(&run, 30);
    assert_int_equal(expect_json(&run, 1024 * 1024), 2); /* of each spool */
    delta_run_free(&run);
    compare(&run, 0);
    assert_int_equal(expect_json(&run, 1024 * 1024), 0);
    delta_run_free(&run);
}

static void one_processor_makes_them_without_a_second_thread(void **state) {
    struct delta_run run;
    cpu_set_t all, one;
    (void)state;
    compare(&run, ROWS);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    expect_json(&run, 1024 * 1024);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    delta_run_free(&run);
}

/* Long names of columns and no values: a block of rows becomes much longer as lines. */
static void long_lines_come_in_parts(void **state) {
    enum { COLUMNS = 40, LINES = 20000, NAME_BYTES = 60 };
    struct delta_run run;
    char *text = malloc(COLUMNS * (NAME_BYTES + 1) + LINES * (COLUMNS + 8)), *at = text;
    (void)state;
    assert_non_null(text);
    at += sprintf(at, "k");
    for (int i = 0; i < COLUMNS; i++)
        at += sprintf(at, ",%0*d", NAME_BYTES, i);
    size_t header = (size_t)(at - text);
    for (int i = 0; i < LINES; i++) {
        at += sprintf(at, "\n%05d", i);
        memset(at, ',', COLUMNS);
        at += COLUMNS;
    }
    *at = 0;
    char *none = malloc(header + 1);
    assert_non_null(none);
    memcpy(none, text, header);
    none[header] = 0;
    delta_run(&run, none, text, NULL);
    assert_int_equal(run.result, 0);
    expect_json(&run, 1040 * 1024);
    delta_run_free(&run);
    free(none);
    free(text);
}

static void it_may_end_in_the_middle(void **state) {
    struct delta_run run;
    (void)state;
    compare(&run, ROWS);
    for (int taken = 0; taken < 4; taken++) {
        struct scoop_error error = {0};
        const unsigned char *data;
        size_t length;
        struct scoop_change_blocks *blocks = begin(&run);
        for (int i = 0; i < taken; i++)
            assert_int_equal(scoop_change_blocks_next(blocks, &data, &length, &error), 1);
        scoop_change_blocks_free(blocks);
    }
    delta_run_free(&run);
}

/* The blocks before a broken one come out, whoever made it, and the error stays. */
static void an_error_comes_in_its_place(void **state) {
    struct delta_run run;
    (void)state;
    compare(&run, ROWS);
    const struct scoop_spool *spool = &run.changes->spools[0];
    assert_int_equal(ftruncate(run.changes->scratch.fd, (off_t)spool->blocks[1].offset + 1), 0);
    struct scoop_error error = {0};
    const unsigned char *data;
    size_t length, at = 0;
    int status;
    struct scoop_change_blocks *blocks = begin(&run);
    while ((status = scoop_change_blocks_next(blocks, &data, &length, &error)) == 1)
        at += length;
    assert_int_equal(status, -1);
    assert_true(at > 0 && at < run.json.length / 2);
    assert_non_null(strstr(error.message, "reading a temporary file"));
    memset(&error, 0, sizeof error);
    assert_int_equal(scoop_change_blocks_next(blocks, &data, &length, &error), -1);
    assert_non_null(strstr(error.message, "reading a temporary file"));
    scoop_change_blocks_free(blocks);
    delta_run_free(&run);
}

static int try_all(const struct delta_run *run, struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    struct scoop_change_blocks *blocks = scoop_change_blocks_new(run->changes, error);
    if (blocks == NULL)
        return -1;
    int status;
    do
        status = scoop_change_blocks_next(blocks, &data, &length, error);
    while (status == 1);
    scoop_change_blocks_free(blocks);
    return status;
}

/* Where allocations can be made to fail, each one does, on whichever thread. */
static int fail_at(const struct delta_run *run, long nth, struct scoop_error *error) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
    int status = try_all(run, error);
    scoop_memory_fail_at(0);
    return status;
#else
    (void)nth;
    return try_all(run, error);
#endif
}

static void no_memory_is_an_error_on_either_thread(void **state) {
    static const unsigned sizes[] = {30, ROWS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct delta_run run;
        struct scoop_error error = {0};
        compare(&run, sizes[i]);
        for (long nth = 1; fail_at(&run, nth, &error) != 0; nth++) {
            assert_true(nth < 1000);
            assert_int_equal(error.code, SCOOP_NO_MEMORY);
        }
        delta_run_free(&run);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_blocks_come_in_order),
        cmocka_unit_test(few_changes_and_none_need_no_second_thread),
        cmocka_unit_test(one_processor_makes_them_without_a_second_thread),
        cmocka_unit_test(long_lines_come_in_parts),
        cmocka_unit_test(it_may_end_in_the_middle),
        cmocka_unit_test(an_error_comes_in_its_place),
        cmocka_unit_test(no_memory_is_an_error_on_either_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
