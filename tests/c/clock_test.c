/* The clocks, and waits that end by them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void time_goes_on(void **state) {
    (void)state;
    uint64_t before_ms = scoop_now_ms(), before_ns = scoop_now_ns();
    const struct timespec rest = {.tv_nsec = 20000000};
    nanosleep(&rest, NULL);
    assert_true(scoop_now_ms() >= before_ms + 19);
    assert_true(scoop_now_ns() >= before_ns + 20000000);
    assert_true(scoop_now_ms() >= before_ns / 1000000);
}

static void the_time_of_day_is_the_systems(void **state) {
    (void)state;
    int64_t before = time(NULL), seconds = scoop_unix_seconds(), ms = scoop_unix_ms();
    assert_true(seconds >= before && seconds <= time(NULL) + 1);
    assert_true(ms >= 1000 * seconds && ms < 1000 * (int64_t)(time(NULL) + 2));
}

/* The system's clock may be set meanwhile: the wait is as long as it was to be. */
static void a_wait_ends(void **state) {
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t rung;
    scoop_timed_condition_init(&rung);
    uint64_t begun_ms = scoop_now_ms();
    struct timespec until = scoop_time_after_ms(1030);
    pthread_mutex_lock(&lock);
    int status = 0;
    while (status == 0)
        status = pthread_cond_timedwait(&rung, &lock, &until);
    pthread_mutex_unlock(&lock);
    assert_int_equal(status, ETIMEDOUT);
    assert_true(scoop_now_ms() >= begun_ms + 1029);
    pthread_cond_destroy(&rung);
}

static void a_moment_to_come_is_written_as_timespecs_are(void **state) {
    (void)state;
    for (uint64_t wait_ms = 0; wait_ms < 3000; wait_ms += 111) {
        uint64_t before_ns = scoop_now_ns();
        struct timespec moment = scoop_time_after_ms(wait_ms);
        uint64_t ns = (uint64_t)moment.tv_sec * 1000000000 + (uint64_t)moment.tv_nsec;
        assert_true(moment.tv_nsec >= 0 && moment.tv_nsec < 1000000000);
        assert_true(ns >= before_ns + wait_ms * 1000000);
        assert_true(ns <= scoop_now_ns() + wait_ms * 1000000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_goes_on),
        cmocka_unit_test(the_time_of_day_is_the_systems),
        cmocka_unit_test(a_wait_ends),
        cmocka_unit_test(a_moment_to_come_is_written_as_timespecs_are),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
