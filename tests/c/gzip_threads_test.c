/* gzip in blocks on threads, alone and at the end of workers: the bytes never depend on the
 * threads, an outlet holds back, and everything can be freed at any moment. */
#include <signal.h>
#include <unistd.h>

#include "stage_run.h"

#include <zlib.h>

enum { HANG_SECONDS = 120, TEXT_BYTES = 3 * 1000 * 1000, NAP_US = 200 };

static const int levels[] = {1, 3, 6};

struct wanted {
    int level;
    unsigned threads;
};

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    const struct wanted *wanted = options;
    return scoop_gzip_new(wanted->level, wanted->threads, &run->counters, &run->error);
}

/* gzip on a worker's thread, an outlet behind it that nobody empties. */
static struct scoop_stage *make_line(struct scoop_counters *counters, struct scoop_stage **outlet) {
    struct scoop_error error = {0};
    struct scoop_stage *gzip = scoop_gzip_new(1, 2, counters, &error);
    *outlet = scoop_outlet_new(NULL, counters, &error);
    assert_non_null(gzip);
    assert_non_null(*outlet);
    gzip->next = *outlet;
    struct scoop_stage *worker = scoop_worker_new(gzip, NULL, counters, &error);
    assert_non_null(worker);
    return worker;
}

static unsigned char *make_text(unsigned mask) {
    unsigned char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    for (uint32_t i = 0, x = 1; i < TEXT_BYTES; i++, x = x * 1664525 + 1013904223)
        text[i] = (unsigned char)(x >> 24 & mask);
    return text;
}

static void inflates_to(const unsigned char *member, size_t member_length,
                        const unsigned char *text, size_t length) {
    unsigned char *out = malloc(TEXT_BYTES + 1);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)member,
                  .avail_in = (uInt)member_length,
                  .next_out = out,
                  .avail_out = TEXT_BYTES + 1};
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0); /* one member, which any gunzip reads to its end */
    assert_int_equal(z.total_out, length);
    assert_memory_equal(out, text, length);
    inflateEnd(&z);
    free(out);
}

static void the_bytes_depend_on_neither_threads_nor_cut(void **state) {
    static const size_t sizes[] = {0, 1, 524287, 524288, 524289, 1048576, 1048577, TEXT_BYTES};
    unsigned char *text = make_text(0x1f);
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const struct wanted serial = {levels[i], 0};
            struct stage_run alone;
            stage_run(&alone, make, &serial, text, sizes[s], 0);
            assert_int_equal(alone.result, 0);
            inflates_to(alone.out.data, alone.out.length, text, sizes[s]);
            for (unsigned threads = 1; threads <= 4; threads += 3) {
                const struct wanted pooled = {levels[i], threads};
                struct stage_run run;
                stage_run(&run, make, &pooled, text, sizes[s], 70001);
                assert_int_equal(run.result, 0);
                assert_int_equal(run.out.length, alone.out.length);
                assert_memory_equal(run.out.data, alone.out.data, alone.out.length);
                stage_run_free(&run);
            }
            stage_run_free(&alone);
        }
    free(text);
}

static void bytes_that_do_not_compress_are_kept(void **state) {
    unsigned char *text = make_text(0xff);
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const struct wanted wanted = {levels[i], 2};
        struct stage_run run;
        stage_run(&run, make, &wanted, text, TEXT_BYTES, 0);
        assert_int_equal(run.result, 0);
        assert_true(run.out.length < TEXT_BYTES + TEXT_BYTES / 100);
        inflates_to(run.out.data, run.out.length, text, TEXT_BYTES);
        stage_run_free(&run);
    }
    free(text);
}

static void a_window_of_the_block_before_is_used(void **state) {
    enum { BLOCK = 512 * 1024, PERIOD = 20000 };
    const struct wanted wanted = {6, 2};
    struct stage_run run, first;
    unsigned char *text = make_text(0xff);
    (void)state;
    for (size_t i = PERIOD; i < TEXT_BYTES; i++) /* nothing new after the first period */
        text[i] = text[i - PERIOD];
    stage_run(&first, make, &wanted, text, BLOCK, 0);
    stage_run(&run, make, &wanted, text, (size_t)2 * BLOCK, 0);
    assert_true(run.out.length - first.out.length < PERIOD / 2);
    stage_run_free(&first);
    stage_run_free(&run);
    free(text);
}

/* Offers all of the text while it is taken; returns what was. */
static size_t offer(struct scoop_stage *worker, const unsigned char *text, size_t length) {
    struct scoop_error error = {0};
    size_t at = 0;
    for (int naps = 0; at < length && naps < 500;) {
        size_t consumed = 0;
        if (!scoop_worker_ready(worker)) {
            usleep(NAP_US);
            naps++;
            continue;
        }
        assert_int_equal(worker->type->write(worker, text + at, length - at, &consumed, &error), 0);
        at += consumed;
        naps = 0;
    }
    return at;
}

static void an_outlet_that_nobody_empties_holds_all_back(void **state) {
    enum { MOST_HELD = 6 * 1024 * 1024 }; /* outlet, blocks, queue */
    struct scoop_counters counters = {0};
    struct scoop_stage *outlet;
    unsigned char *text = make_text(0xff);
    size_t taken = 0, last = 1;
    (void)state;
    struct scoop_stage *worker = make_line(&counters, &outlet);
    for (int round = 0; round < 10 && last > 0; round++)
        taken += last = offer(worker, text, TEXT_BYTES);
    assert_true(taken < MOST_HELD);
    assert_int_equal(last, 0);
    scoop_stage_free_chain(worker);
    free(text);
}

static void what_is_taken_out_is_the_whole_member(void **state) {
    struct scoop_counters counters = {0};
    struct scoop_error error = {0};
    struct scoop_stage *outlet;
    struct scoop_buf out;
    unsigned char *text = make_text(0x3f);
    bool ended = false, failed = false;
    (void)state;
    scoop_buf_init(&out, (size_t)2 * TEXT_BYTES);
    struct scoop_stage *worker = make_line(&counters, &outlet);
    for (size_t at = 0;;) {
        const unsigned char *data;
        size_t length = scoop_outlet_peek(outlet, &data);
        assert_int_equal(scoop_buf_append(&out, data, length, &error), 0);
        scoop_outlet_consume(outlet, length);
        if (at < TEXT_BYTES && scoop_worker_ready(worker)) {
            size_t consumed = 0;
            assert_int_equal(
                worker->type->write(worker, text + at, TEXT_BYTES - at, &consumed, &error), 0);
            at += consumed;
        } else if (at == TEXT_BYTES && !ended) {
            scoop_worker_end(worker);
            ended = true;
        } else if (ended && scoop_worker_done(worker, &failed) &&
                   scoop_outlet_peek(outlet, &data) == 0) {
            break;
        }
    }
    assert_int_equal(scoop_stage_finish_chain(worker, &error), 0);
    inflates_to(out.data, out.length, text, TEXT_BYTES);
    scoop_stage_free_chain(worker);
    scoop_buf_free(&out);
    free(text);
}

static size_t threads_here(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    size_t threads = 0;
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        sscanf(line, "Threads: %zu", &threads);
    fclose(status);
    return threads;
}

static void a_small_text_starts_no_thread(void **state) {
    struct scoop_counters counters = {0};
    struct scoop_error error = {0};
    struct scoop_stage *outlet;
    const unsigned char *data;
    bool failed = true;
    (void)state;
    size_t before = threads_here();
    struct scoop_stage *worker = make_line(&counters, &outlet);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(scoop_stage_push(worker, "a few bytes\n", 12, &error), 0);
    scoop_worker_end(worker);
    assert_true(scoop_worker_done(worker, &failed));
    assert_false(failed);
    assert_int_equal(threads_here(), before);
    assert_true(scoop_outlet_peek(outlet, &data) > 18);
    assert_memory_equal(data, "\x1f\x8b\x08\0\0\0\0\0", 8);
    scoop_stage_free_chain(worker);
}

static void freeing_at_any_moment_ends_all_threads(void **state) {
    unsigned char *text = make_text(0xff);
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct scoop_counters counters = {0};
        struct scoop_error error = {0};
        struct scoop_stage *outlet;
        struct scoop_stage *worker = make_line(&counters, &outlet);
        for (size_t at = 0; at < (size_t)round * 50000 && scoop_worker_ready(worker);) {
            size_t consumed = 0;
            assert_int_equal(
                worker->type->write(worker, text + at, TEXT_BYTES - at, &consumed, &error), 0);
            at += consumed;
        }
        if (round % 3 == 0)
            scoop_worker_end(worker);
        usleep(round % 7 * 300);
        scoop_stage_free_chain(worker);
    }
    free(text);
}

/* Damage behind a bad record, and the bad record: whoever is faster, the record came first. */
static void the_fault_that_comes_first_in_the_stream_is_told(void **state) {
    static const char record[] = "{\"a\": 1}\n";
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct scoop_counters counters = {0};
        struct scoop_error error = {0}, fault = {0};
        scoop_fail(&fault, SCOOP_TRUNCATED, "the source ends too early");
        struct scoop_stage *check = scoop_json_check_new(NULL, &counters, &error);
        assert_non_null(check);
        check->next = scoop_drop_new(&counters, &error);
        struct scoop_stage *worker = scoop_worker_new(check, NULL, &counters, &error);
        assert_non_null(worker);
        for (int i = 0; i < 20000; i++)
            assert_int_equal(scoop_stage_push(worker, record, sizeof record - 1, &error), 0);
        if (round % 2 == 0)
            assert_int_equal(scoop_stage_push(worker, "[bad\n", 5, &error), 0);
        assert_int_equal(scoop_stage_push(worker, record, sizeof record - 1, &error), 0);
        scoop_worker_abandon(worker, &fault);
        assert_int_equal(scoop_stage_finish_chain(worker, &error), -1);
        assert_int_equal(error.code, round % 2 == 0 ? SCOOP_BAD_RECORD : SCOOP_TRUNCATED);
        scoop_stage_free_chain(worker);
    }
}

/* Threads do not allocate in the same order each time: several runs must get through. */
static void every_allocation_may_fail(void **state) {
    const struct wanted wanted = {1, 2};
    unsigned char *text = make_text(0x1f);
    int successes = 0;
    (void)state;
    for (long nth = 1; successes < 5; nth++) {
        struct stage_run run;
        assert_true(nth < 1000);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(nth);
#endif
        stage_run(&run, make, &wanted, text, TEXT_BYTES / 2, 0);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(0);
#endif
        successes = run.result == 0 ? successes + 1 : 0;
        assert_true(run.result == 0 || run.error.code == SCOOP_NO_MEMORY);
        stage_run_free(&run);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_depend_on_neither_threads_nor_cut),
        cmocka_unit_test(bytes_that_do_not_compress_are_kept),
        cmocka_unit_test(a_window_of_the_block_before_is_used),
        cmocka_unit_test(an_outlet_that_nobody_empties_holds_all_back),
        cmocka_unit_test(what_is_taken_out_is_the_whole_member),
        cmocka_unit_test(a_small_text_starts_no_thread),
        cmocka_unit_test(freeing_at_any_moment_ends_all_threads),
        cmocka_unit_test(the_fault_that_comes_first_in_the_stream_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    alarm(HANG_SECONDS);
    return cmocka_run_group_tests_name("gzip_threads", tests, NULL, NULL);
}
