/* in = out + rejected: a counter that is wrong by one ends a transfer before its commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "copy/transfer_internal.h"

enum { SLICE_MS = 50 };

static const char lines[] = "{\"a\":1}\n{bad\n{\"a\":2}\n";
static char folder[] = "/tmp/scoop-counts-XXXXXX";
static char target[64], rejects[96];

static enum scoop_transfer_state run(struct scoop_transfer *transfer, struct scoop_error *error) {
    enum scoop_transfer_state state;
    do
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    while (state == SCOOP_TRANSFER_RUNNING);
    return state;
}

/* Writes the lines; between the last one and the end a counter is changed. */
static enum scoop_transfer_state write_lines(size_t counter, int by, struct scoop_error *error) {
    const struct scoop_transfer_options options = {.destination = {.uri = target},
                                                   .format = SCOOP_FORMAT_JSONL,
                                                   .max_rejected = 1,
                                                   .rejects_uri = rejects};
    struct scoop_transfer *transfer = scoop_transfer_new(&options, error);
    assert_non_null(transfer);
    scoop_transfer_feed(transfer, lines, sizeof lines - 1);
    assert_int_equal(run(transfer, error), SCOOP_TRANSFER_EMPTY);
    *(uint64_t *)(void *)((char *)&transfer->attempt.counters + counter) += (uint64_t)by;
    scoop_transfer_feed_end(transfer);
    enum scoop_transfer_state state = run(transfer, error);
    scoop_transfer_free(transfer);
    return state;
}

static void a_record_too_many_or_too_few_is_never_committed(void **state) {
    static const size_t counters[] = {offsetof(struct scoop_counters, records_in),
                                      offsetof(struct scoop_counters, records_out),
                                      offsetof(struct scoop_counters, records_rejected)};
    (void)state;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        for (int by = -1; by <= 1; by += 2) {
            struct scoop_error error = {0};
            assert_int_equal(write_lines(counters[i], by, &error), SCOOP_TRANSFER_FAILED);
            assert_int_equal(error.code, SCOOP_COUNT_MISMATCH);
            assert_non_null(strstr(error.message, "records came in"));
            assert_int_not_equal(access(target, F_OK), 0);
        }
}

static void what_adds_up_is_committed(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(write_lines(offsetof(struct scoop_counters, records_in), 0, &error),
                     SCOOP_TRANSFER_DONE);
    assert_int_equal(access(target, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_too_many_or_too_few_is_never_committed),
        cmocka_unit_test(what_adds_up_is_committed),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(target, sizeof target, "%s/target.jsonl", folder);
    snprintf(rejects, sizeof rejects, "%s/rejects", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(target);
    unlink(rejects);
    rmdir(folder);
    return failed;
}
