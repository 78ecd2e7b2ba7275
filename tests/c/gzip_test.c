/* The gzip stage. */
#include "stage_run.h"

#include <zlib.h>

enum { TEXT_BYTES = 300 * 1000 };

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    return scoop_gzip_new(*(const int *)options, 0, &run->counters, &run->error);
}

/* Text that neither repeats nor is random. */
static unsigned char *make_text(void) {
    unsigned char *text = malloc(TEXT_BYTES);
    uint32_t seed = 1;
    assert_non_null(text);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        seed = seed * 1664525u + 1013904223u;
        text[i] = (unsigned char)("etaoin shrdlu,.\n"[seed >> 28]);
    }
    return text;
}

static void inflate_whole(const struct scoop_buf *member, unsigned char *text, size_t length) {
    unsigned char *out = malloc(TEXT_BYTES + 1);
    z_stream z = {.next_in = member->data,
                  .avail_in = (uInt)member->length,
                  .next_out = out,
                  .avail_out = TEXT_BYTES + 1};
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.total_out, length);
    assert_memory_equal(out, text, length);
    inflateEnd(&z);
    free(out);
}

static void each_level_gives_one_member_that_does_not_depend_on_the_cut(void **state) {
    (void)state;
    static const size_t chunks[] = {1021, 65536, 70001};
    unsigned char *text = make_text();
    for (int level = -1; level <= 9; level++) {
        struct stage_run whole;
        stage_run(&whole, make, &level, text, TEXT_BYTES, 0);
        assert_int_equal(whole.result, 0);
        inflate_whole(&whole.out, text, TEXT_BYTES);
        for (size_t i = 0; i < 3; i++) {
            struct stage_run run;
            stage_run(&run, make, &level, text, TEXT_BYTES, chunks[i]);
            assert_int_equal(run.out.length, whole.out.length);
            assert_memory_equal(run.out.data, whole.out.data, whole.out.length);
            stage_run_free(&run);
        }
        stage_run_free(&whole);
    }
    free(text);
}

/* Sizes beside the stage's blocks and the encoders' windows; bytes that do not compress. */
static void each_level_keeps_texts_of_any_size_and_kind(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 32768, 65535, 65536, 65537, 131072, 200001};
    unsigned char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    for (int kind = 0; kind < 2; kind++) {
        uint32_t seed = 7;
        for (size_t i = 0; i < TEXT_BYTES; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = kind == 0 ? 'x' : (unsigned char)(seed >> 24);
        }
        for (int level = 0; level <= 9; level++)
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                struct stage_run run;
                stage_run(&run, make, &level, text, sizes[i], 50000);
                assert_int_equal(run.result, 0);
                inflate_whole(&run.out, text, sizes[i]);
                stage_run_free(&run);
            }
    }
    free(text);
}

static void the_header_holds_no_time_and_no_name(void **state) {
    (void)state;
    for (int level = 0; level <= 9; level++) {
        struct stage_run run;
        stage_run(&run, make, &level, "", 0, 0);
        assert_int_equal(run.result, 0);
        assert_memory_equal(run.out.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
        stage_run_free(&run);
    }
}

static void a_level_out_of_range_is_a_usage_error(void **state) {
    (void)state;
    static const int levels[] = {-2, 10};
    for (size_t i = 0; i < 2; i++) {
        struct stage_run run;
        stage_run(&run, make, &levels[i], "", 0, 0);
        assert_int_equal(run.result, -1);
        assert_int_equal(run.error.code, SCOOP_USAGE);
        stage_run_free(&run);
    }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const int levels[] = {1, 3, 6};
    for (size_t i = 0; i < 3; i++)
        stage_run_torture(make, &levels[i], "hello\n", 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_gives_one_member_that_does_not_depend_on_the_cut),
        cmocka_unit_test(each_level_keeps_texts_of_any_size_and_kind),
        cmocka_unit_test(the_header_holds_no_time_and_no_name),
        cmocka_unit_test(a_level_out_of_range_is_a_usage_error),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
