/* What a later try takes up: parts by number, the proof of the first ones, and a sink that goes on
 * after them; also when memory runs out at any point (in builds
 * with SCOOP_TORTURE). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "scoop/resume.h"
#include "sink/s3/s3.h"

enum { PART_BYTES = 5 * 1024 * 1024, MOST_ALLOCATIONS = 200 };

static struct scoop_resume *make(uint32_t parts, struct scoop_error *error) {
    char etag[16];
    struct scoop_resume *resume = scoop_resume_new("upload", "\"one\" 7", error);
    for (uint32_t number = 1; resume != NULL && number <= parts; number++) {
        snprintf(etag, sizeof etag, "\"%u\"", number);
        if (scoop_resume_add(resume, number, PART_BYTES, etag, number % 2 ? "AAAAAA==" : "",
                             error) == 0)
            continue;
        scoop_resume_free(resume);
        return NULL;
    }
    return resume;
}

static void parts_are_found_by_number(void **state) {
    (void)state;
    static const uint32_t numbers[] = {2, 3, 7, 10000};
    struct scoop_error error = {0};
    struct scoop_resume *resume = scoop_resume_new("u", "s", &error);
    assert_null(scoop_resume_part(resume, 1));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scoop_resume_add(resume, numbers[i], i, "e", "", &error), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scoop_resume_part(resume, numbers[i])->size_bytes, i);
    assert_null(scoop_resume_part(resume, 1));
    assert_null(scoop_resume_part(resume, 4));
    assert_null(scoop_resume_part(resume, 9999));
    scoop_resume_free(resume);
}

static void numbers_ascend_up_to_the_last_that_s3_knows(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_resume *resume = make(3, &error);
    assert_int_equal(scoop_resume_add(resume, 3, 1, "e", "", &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    assert_int_equal(scoop_resume_add(resume, 10001, 1, "e", "", &error), -1);
    scoop_resume_free(resume);
}

/* In Python: sha256(sha256(bytes(32) + b'"a"').digest() + b'"b"'). */
static void the_digest_of_etags_is_a_chain(void **state) {
    (void)state;
    static const char expected[] =
        "2569832db6974a1786dea927497de14afaeff6fbd08a1644168130388679bfb8";
    struct scoop_error error = {0};
    struct scoop_upload_mark mark = {0};
    char text[2 * SCOOP_SHA256_BYTES + 1];
    assert_int_equal(scoop_upload_mark_add(&mark, "\"a\"", &error), 0);
    assert_int_equal(scoop_upload_mark_add(&mark, "\"b\"", &error), 0);
    scoop_hex_encode(mark.etags, sizeof mark.etags, text);
    assert_string_equal(text, expected);
}

static struct scoop_sink *take_up(const struct scoop_resume *resume, struct scoop_budget *budget,
                                  struct scoop_error *error) {
    const struct scoop_s3_sink_options options = {
        .bucket = "b",
        .key = "k",
        .budget = budget,
        .plan = {.first_bytes = PART_BYTES, .largest_bytes = PART_BYTES},
        .memory_bytes = 4 * PART_BYTES,
        .buffers = 2,
        .resume = resume,
    };
    return scoop_s3_sink_new(&options, error);
}

static void a_sink_goes_on_after_the_kept_parts(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_budget budget = {.limit_bytes = 4 * PART_BYTES};
    struct scoop_upload_mark mark, expected = {0};
    struct scoop_sink_facts facts;
    struct scoop_resume *resume = make(4, &error);
    resume->kept_parts = 3;
    resume->kept_bytes = 3 * PART_BYTES;
    resume->kept_checksum = 0x1234;
    struct scoop_sink *sink = take_up(resume, &budget, &error);
    assert_non_null(sink);
    assert_string_equal(scoop_sink_upload_id(sink), "upload");
    assert_int_equal(scoop_sink_mark(sink, &mark, &error), 0);
    assert_int_equal(mark.parts, 3);
    assert_int_equal(mark.bytes, 3 * PART_BYTES);
    assert_int_equal(mark.checksum, 0x1234);
    for (uint32_t number = 1; number <= 3; number++)
        scoop_upload_mark_add(&expected, scoop_resume_part(resume, number)->etag, &error);
    assert_memory_equal(mark.etags, expected.etags, sizeof mark.etags);
    scoop_sink_facts(sink, &facts);
    assert_int_equal(facts.resumed_bytes, 3 * PART_BYTES);
    sink->type->free(sink);
    scoop_resume_free(resume);
}

static void parts_that_are_not_listed_are_not_kept(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_budget budget = {.limit_bytes = 4 * PART_BYTES};
    struct scoop_resume *resume = make(2, &error);
    resume->kept_parts = 3;
    assert_null(take_up(resume, &budget, &error));
    assert_int_equal(error.code, SCOOP_INTERNAL);
    scoop_resume_free(resume);
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct scoop_budget budget = {.limit_bytes = 4 * PART_BYTES};
    for (long nth = 1; nth < MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
        struct scoop_sink *sink = NULL;
        fail_at(nth);
        struct scoop_resume *resume = make(3, &error);
        if (resume != NULL) {
            resume->kept_parts = 3;
            sink = take_up(resume, &budget, &error);
        }
        fail_at(0);
        bool done = sink != NULL;
        if (done)
            sink->type->free(sink);
        else
            assert_int_equal(error.code, SCOOP_NO_MEMORY);
        scoop_resume_free(resume);
        if (done)
            return;
    }
    fail_msg("it never succeeded");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_by_number),
        cmocka_unit_test(numbers_ascend_up_to_the_last_that_s3_knows),
        cmocka_unit_test(the_digest_of_etags_is_a_chain),
        cmocka_unit_test(a_sink_goes_on_after_the_kept_parts),
        cmocka_unit_test(parts_that_are_not_listed_are_not_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
