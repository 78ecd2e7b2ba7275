/* Stages that work on other threads, and beside: all bytes in order, faults come back, and freeing
 * at any moment ends the threads. An alarm ends the program should a case hang. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "stage_run.h"

enum {
    HANG_SECONDS = 60,
    NESTED_CHUNKS = 2 * SCOOP_QUEUE_CHUNKS, /* what two nested workers hold */
    NAP_US = 100 * 1000,
    SHORT_NAP_US = 200,
    TEXT_BYTES = 3000000,
};

/* The end of a chain under a worker: keeps what it gets, slowly or not at all if asked. */
struct probe {
    struct scoop_stage base;
    struct scoop_buf out;
    struct scoop_counters counters;
    atomic_bool *wait_for; /* every write waits until this is set; NULL: does not */
    useconds_t nap_us;     /* before every write */
    atomic_uint writes, finishes, frees;
    unsigned fail_at_write; /* from 1; 0: never */
    bool fail_at_finish;
    atomic_bool other_thread, takes_signals;
    pthread_t owner;
};

static int probe_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                       size_t *consumed, struct scoop_error *error) {
    struct probe *probe = (struct probe *)stage;
    sigset_t blocked;
    *consumed = length;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    probe->takes_signals = sigismember(&blocked, SIGINT) == 0;
    probe->other_thread = !pthread_equal(probe->owner, pthread_self());
    while (probe->wait_for != NULL && !atomic_load(probe->wait_for))
        usleep(SHORT_NAP_US);
    if (probe->nap_us > 0)
        usleep(probe->nap_us);
    if (++probe->writes == probe->fail_at_write)
        return scoop_fail(error, SCOOP_CORRUPT, "write %u is bad", probe->fail_at_write);
    return scoop_buf_append(&probe->out, data, length, error);
}

static int probe_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct probe *probe = (struct probe *)stage;
    probe->finishes++;
    return probe->fail_at_finish ? scoop_fail(error, SCOOP_TRUNCATED, "the end is bad") : 0;
}

static void probe_free(struct scoop_stage *stage) {
    ((struct probe *)stage)->frees++;
}

static const struct scoop_stage_type probe_type = {"probe", probe_write, probe_finish, probe_free,
                                                   NULL};

static void probe_init(struct probe *probe) {
    memset(probe, 0, sizeof *probe);
    probe->base.type = &probe_type;
    probe->base.counters = &probe->counters;
    probe->owner = pthread_self();
    scoop_buf_init(&probe->out, (size_t)1 << 30);
}

/* Much text has passed already: the thread starts with the first byte. */
static struct scoop_stage *worker_around(struct scoop_stage *inner) {
    static struct scoop_counters counters = {.text_bytes = TEXT_BYTES};
    struct scoop_error error = {0};
    struct scoop_stage *worker = scoop_worker_new(inner, NULL, &counters, &error);
    assert_non_null(worker);
    return worker;
}

/* A worker whose inner chain is a worker. */
static struct scoop_stage *nested(struct probe *probe) {
    return worker_around(worker_around(&probe->base));
}

static int write_step(struct scoop_stage *stage, struct scoop_error *error) {
    static const unsigned char step[SCOOP_STEP_BYTES];
    return scoop_stage_push(stage, step, sizeof step, error);
}

/* Writes as much as two nested workers hold while the innermost stage does not go on. */
static void fill(struct scoop_stage *worker) {
    struct scoop_error error = {0};
    for (int i = 0; i < NESTED_CHUNKS; i++) {
        while (!scoop_worker_ready(worker))
            usleep(SHORT_NAP_US);
        assert_int_equal(write_step(worker, &error), 0);
    }
    assert_false(scoop_worker_ready(worker));
}

static unsigned char *make_text(void) {
    unsigned char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    for (uint32_t i = 0, x = 1; i < TEXT_BYTES; i++, x = x * 1664525 + 1013904223)
        text[i] = (unsigned char)(x >> 24);
    return text;
}

/* Cut into pieces from nothing to more than a chunk. */
static void write_text(struct scoop_stage *stage, const unsigned char *text) {
    struct scoop_error error = {0};
    size_t piece = 0;
    for (size_t at = 0; at < TEXT_BYTES; at += piece) {
        piece = (piece * 7 + 1) % (2 * SCOOP_STEP_BYTES);
        piece = piece < TEXT_BYTES - at ? piece : TEXT_BYTES - at;
        assert_int_equal(scoop_stage_push(stage, text + at, piece, &error), 0);
    }
    assert_int_equal(scoop_stage_finish_chain(stage, &error), 0);
}

static void holds_text(struct probe *probe, const unsigned char *text) {
    assert_int_equal(probe->out.length, TEXT_BYTES);
    assert_memory_equal(probe->out.data, text, TEXT_BYTES);
    assert_int_equal(probe->finishes, 1);
    scoop_buf_free(&probe->out);
}

static void all_bytes_arrive_in_order_on_another_thread(void **state) {
    unsigned char *text = make_text();
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct scoop_stage *worker = worker_around(&probe.base);
    write_text(worker, text);
    scoop_stage_free_chain(worker);
    holds_text(&probe, text);
    assert_true(probe.other_thread);
    assert_false(probe.takes_signals);
    assert_int_equal(probe.frees, 1);
    free(text);
}

static void all_bytes_arrive_through_nested_workers(void **state) {
    unsigned char *text = make_text();
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct scoop_stage *worker = nested(&probe);
    write_text(worker, text);
    scoop_stage_free_chain(worker);
    holds_text(&probe, text);
    free(text);
}

static void a_finish_without_a_write_finishes_the_inner_chain(void **state) {
    struct scoop_error error = {0};
    struct probe first, second;
    (void)state;
    probe_init(&first);
    probe_init(&second);
    first.base.next = &second.base;
    struct scoop_stage *worker = worker_around(worker_around(&first.base));
    assert_int_equal(scoop_stage_finish_chain(worker, &error), 0);
    scoop_stage_free_chain(worker);
    assert_int_equal(first.finishes, 1);
    assert_int_equal(second.finishes, 1);
    assert_int_equal(first.writes, 0);
    assert_int_equal(first.frees, 1);
    assert_int_equal(second.frees, 1);
}

static void has_the_fault_of_write(const struct scoop_error *error, const char *message) {
    assert_int_equal(error->code, SCOOP_CORRUPT);
    assert_string_equal(error->message, message);
}

static void a_fault_comes_back_from_a_later_write(void **state) {
    (void)state;
    for (unsigned at = 1; at < 2 * SCOOP_QUEUE_CHUNKS; at++) {
        struct scoop_error error = {0};
        struct probe probe;
        char message[32];
        probe_init(&probe);
        probe.fail_at_write = at;
        snprintf(message, sizeof message, "write %u is bad", at);
        struct scoop_stage *worker = worker_around(&probe.base);
        unsigned written = 0;
        while (write_step(worker, &error) == 0)
            assert_true(++written < at + SCOOP_QUEUE_CHUNKS);
        has_the_fault_of_write(&error, message);
        assert_true(scoop_worker_ready(worker)); /* so that the owner comes and sees it */
        memset(&error, 0, sizeof error);
        assert_int_equal(write_step(worker, &error), -1);
        has_the_fault_of_write(&error, message);
        scoop_stage_free_chain(worker);
        assert_int_equal(probe.writes, at);
        assert_int_equal(probe.finishes, 0);
        scoop_buf_free(&probe.out);
    }
}

static void a_fault_in_the_last_bytes_comes_back_from_finish(void **state) {
    struct scoop_error error = {0};
    struct probe probe;
    (void)state;
    probe_init(&probe);
    probe.fail_at_write = 1;
    probe.nap_us = SHORT_NAP_US;
    struct scoop_stage *worker = nested(&probe);
    assert_int_equal(write_step(worker, &error), 0);
    assert_int_equal(scoop_stage_finish_chain(worker, &error), -1);
    has_the_fault_of_write(&error, "write 1 is bad");
    scoop_stage_free_chain(worker);
    assert_int_equal(probe.finishes, 0);
}

static void a_fault_of_the_inner_finish_comes_back_from_finish(void **state) {
    struct scoop_error error = {0};
    struct probe probe;
    (void)state;
    probe_init(&probe);
    probe.fail_at_finish = true;
    struct scoop_stage *worker = nested(&probe);
    assert_int_equal(write_step(worker, &error), 0);
    assert_int_equal(scoop_stage_finish_chain(worker, &error), -1);
    assert_int_equal(error.code, SCOOP_TRUNCATED);
    assert_string_equal(error.message, "the end is bad");
    scoop_stage_free_chain(worker);
    scoop_buf_free(&probe.out);
}

static void *set_soon(void *user) {
    usleep(NAP_US);
    atomic_store((atomic_bool *)user, true);
    return NULL;
}

static void a_fault_of_the_innermost_frees_the_blocked_outermost(void **state) {
    struct scoop_error error = {0};
    struct probe probe;
    atomic_bool open = false;
    pthread_t opener;
    (void)state;
    probe_init(&probe);
    probe.wait_for = &open;
    probe.fail_at_write = 1;
    struct scoop_stage *worker = nested(&probe);
    fill(worker);
    assert_int_equal(pthread_create(&opener, NULL, set_soon, &open), 0);
    int status = write_step(worker, &error); /* waits for room that never comes */
    pthread_join(opener, NULL);
    assert_int_equal(status, -1);
    has_the_fault_of_write(&error, "write 1 is bad");
    scoop_stage_free_chain(worker);
    assert_int_equal(probe.writes, 1);
}

static void a_worker_is_ready_while_its_queue_has_room(void **state) {
    struct scoop_error error = {0};
    struct probe probe;
    atomic_bool open = false;
    (void)state;
    probe_init(&probe);
    probe.wait_for = &open;
    struct scoop_stage *worker = worker_around(&probe.base);
    for (int i = 0; i < SCOOP_QUEUE_CHUNKS; i++) {
        assert_true(scoop_worker_ready(worker));
        assert_int_equal(write_step(worker, &error), 0);
    }
    assert_false(scoop_worker_ready(worker));
    atomic_store(&open, true);
    while (!scoop_worker_ready(worker))
        usleep(SHORT_NAP_US);
    scoop_stage_free_chain(worker);
    scoop_buf_free(&probe.out);
}

static void freeing_an_unused_worker_frees_the_inner_chain(void **state) {
    struct probe probe;
    (void)state;
    probe_init(&probe);
    scoop_stage_free_chain(nested(&probe));
    assert_int_equal(probe.frees, 1);
    assert_int_equal(probe.writes + probe.finishes, 0);
}

/* Hands on much for one write, as gunzip does. */
static int spread_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    for (int i = 0; i < 2 * NESTED_CHUNKS; i++)
        if (scoop_stage_push(stage->next, data, length, error) != 0)
            return -1;
    return 0;
}

static const struct scoop_stage_type spread_type = {"spread", spread_write, probe_finish,
                                                    probe_free, NULL};

static void freeing_full_workers_leaves_what_is_queued(void **state) {
    struct scoop_error error = {0};
    struct probe spread, probe;
    atomic_bool freeing = false;
    (void)state;
    probe_init(&spread);
    probe_init(&probe);
    spread.base.type = &spread_type;
    spread.base.next = worker_around(&probe.base);
    probe.wait_for = &freeing;
    probe.nap_us = NAP_US; /* time for the workers to be told before the next chunk */
    struct scoop_stage *worker = worker_around(&spread.base);
    assert_int_equal(write_step(worker, &error), 0);
    while (scoop_worker_ready(spread.base.next))
        usleep(SHORT_NAP_US);
    atomic_store(&freeing, true);
    scoop_stage_free_chain(worker);
    assert_true(probe.writes < SCOOP_QUEUE_CHUNKS);
    assert_int_equal(probe.finishes, 0);
    assert_int_equal(probe.frees, 1);
    scoop_buf_free(&probe.out);
}

static void freeing_at_any_moment_ends_the_threads(void **state) {
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct scoop_error error = {0};
        struct probe probe;
        probe_init(&probe);
        probe.nap_us = round % 4 * 50;
        probe.fail_at_write = round % 3 == 0 ? 1 + round % 7 : 0;
        struct scoop_stage *worker = worker_around(nested(&probe));
        for (unsigned i = 0; i < round % 50 && write_step(worker, &error) == 0; i++)
            if (round % 5 == 0)
                usleep(round);
        if (round % 11 == 0)
            scoop_stage_finish_chain(worker, &error);
        scoop_stage_free_chain(worker);
        assert_int_equal(probe.frees, 1);
        scoop_buf_free(&probe.out);
    }
}

static struct scoop_stage *beside_of(struct scoop_stage *inner, struct probe *next) {
    struct scoop_error error = {0};
    struct scoop_stage *beside = scoop_beside_new(inner, &next->counters, &error);
    assert_non_null(beside);
    beside->next = &next->base;
    return beside;
}

static void beside_shows_the_same_bytes_to_both(void **state) {
    unsigned char *text = make_text();
    struct probe inner, next;
    (void)state;
    probe_init(&inner);
    probe_init(&next);
    struct scoop_stage *beside = beside_of(nested(&inner), &next);
    write_text(beside, text);
    scoop_stage_free_chain(beside);
    holds_text(&inner, text);
    holds_text(&next, text);
    assert_false(next.other_thread);
    assert_true(inner.other_thread);
    assert_int_equal(inner.frees, 1);
    free(text);
}

static void a_fault_beside_ends_the_chain_before_it_is_finished(void **state) {
    struct scoop_error error = {0};
    struct probe inner, next;
    (void)state;
    probe_init(&inner);
    probe_init(&next);
    inner.fail_at_finish = true;
    struct scoop_stage *beside = beside_of(worker_around(&inner.base), &next);
    assert_int_equal(write_step(beside, &error), 0);
    assert_int_equal(scoop_stage_finish_chain(beside, &error), -1);
    assert_int_equal(error.code, SCOOP_TRUNCATED);
    scoop_stage_free_chain(beside);
    assert_int_equal(next.finishes, 0);
    scoop_buf_free(&inner.out);
    scoop_buf_free(&next.out);
}

static void bytes_that_are_bad_beside_are_not_passed_on(void **state) {
    struct scoop_error error = {0};
    struct probe inner, next;
    (void)state;
    probe_init(&inner);
    probe_init(&next);
    inner.fail_at_write = 1;
    struct scoop_stage *beside = beside_of(&inner.base, &next);
    assert_int_equal(write_step(beside, &error), -1);
    has_the_fault_of_write(&error, "write 1 is bad");
    scoop_stage_free_chain(beside);
    assert_int_equal(next.writes, 0);
}

static void a_fault_of_the_next_stage_passes_through_beside(void **state) {
    struct scoop_error error = {0};
    struct probe inner, next;
    (void)state;
    probe_init(&inner);
    probe_init(&next);
    next.fail_at_write = 1;
    struct scoop_stage *beside = beside_of(worker_around(&inner.base), &next);
    assert_int_equal(write_step(beside, &error), -1);
    has_the_fault_of_write(&error, "write 1 is bad");
    scoop_stage_free_chain(beside);
    assert_int_equal(inner.frees, 1);
    scoop_buf_free(&inner.out);
}

/* Everything that checks beside: two threads, each with a queue. */
static struct scoop_stage *make_all(struct stage_run *run, const void *options) {
    struct scoop_stage *end = scoop_drop_new(&run->counters, &run->error);
    (void)options;
    if (end != NULL)
        end = scoop_worker_new(end, NULL, &run->counters, &run->error);
    if (end != NULL)
        end = scoop_worker_new(end, NULL, &run->counters, &run->error);
    return end == NULL ? NULL : scoop_beside_new(end, &run->counters, &run->error);
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    stage_run_torture(make_all, NULL, "a text of some bytes", 20);
}

static int set_alarm(void **state) {
    (void)state;
    alarm(HANG_SECONDS);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_bytes_arrive_in_order_on_another_thread, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(all_bytes_arrive_through_nested_workers, set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_finish_without_a_write_finishes_the_inner_chain,
                                        set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_fault_comes_back_from_a_later_write, set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_fault_in_the_last_bytes_comes_back_from_finish, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(a_fault_of_the_inner_finish_comes_back_from_finish,
                                        set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_fault_of_the_innermost_frees_the_blocked_outermost,
                                        set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_worker_is_ready_while_its_queue_has_room, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(freeing_an_unused_worker_frees_the_inner_chain, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(freeing_full_workers_leaves_what_is_queued, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(freeing_at_any_moment_ends_the_threads, set_alarm, NULL),
        cmocka_unit_test_setup_teardown(beside_shows_the_same_bytes_to_both, set_alarm, NULL),
        cmocka_unit_test_setup_teardown(a_fault_beside_ends_the_chain_before_it_is_finished,
                                        set_alarm, NULL),
        cmocka_unit_test_setup_teardown(bytes_that_are_bad_beside_are_not_passed_on, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(a_fault_of_the_next_stage_passes_through_beside, set_alarm,
                                        NULL),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_survived, set_alarm, NULL),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
