/* The sum of a publishing: what was taken and what was stored must be equal at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "publish/publish.c" /* its counters are its own */

/* Ends a publishing that has sent nothing, with these counters. */
static int finish_with(uint64_t skipped, uint64_t taken, struct scoop_error *error) {
    static struct scoop_publish publish;
    const struct scoop_outbox_options options = {
        .stream = "stream",
        .first_number = 3,
        .memory_bytes = 1 << 20,
        .max_record_bytes = 1 << 16,
        .max_in_flight = 1,
        .max_age_ms = 1,
        .retry_ms = 1,
    };
    publish = (struct scoop_publish){.options.start_at = 3, .skipped = skipped, .taken = taken};
    publish.outbox = scoop_outbox_new(&options, error);
    assert_non_null(publish.outbox);
    int status = finish(&publish, error);
    assert_int_equal(publish.phase == DONE, status == 0);
    scoop_outbox_free(publish.outbox);
    return status;
}

static void a_change_too_many_is_an_error(void **state) {
    static const uint64_t wrong[][2] = {{3, 1}, {4, 0}, {4, UINT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scoop_error error = {0};
        assert_int_equal(finish_with(wrong[i][0], wrong[i][1], &error), -1);
        assert_int_equal(error.code, SCOOP_COUNT_MISMATCH);
    }
}

static void what_adds_up_is_done(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(finish_with(3, 0, &error), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_too_many_is_an_error),
        cmocka_unit_test(what_adds_up_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
