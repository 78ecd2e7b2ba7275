/* The comparison of two exports, without threads and sources. */
#include "delta_run.h"

enum { ROWS = 1000, ROW_SIZE = 48 };

static const struct delta_options plenty = {0};

static void expect_counts(const char *old_text, const char *new_text,
                          const struct delta_options *options, const uint64_t counts[4]) {
    struct delta_run run;
    delta_run(&run, old_text, new_text, options);
    assert_string_equal(run.error.message, "");
    assert_int_equal(run.result, 0);
    assert_int_equal(run.counts.inserted, counts[0]);
    assert_int_equal(run.counts.updated, counts[1]);
    assert_int_equal(run.counts.deleted, counts[2]);
    assert_int_equal(run.counts.unchanged, counts[3]);
    delta_run_free(&run);
}

static void changes_of_each_kind_are_found(void **state) {
    (void)state;
    struct delta_run run;
    delta_run(&run, "k,v\n1,a\n2,b\n3,c\n", "k,v\n1,a\n3,d\n4,e\n", &plenty);
    assert_int_equal(run.result, 0);
    assert_true(run.facts.merged);
    assert_non_null(strstr((char *)run.json.data,
                           "{\"op\":\"UPDATE\",\"key\":{\"k\":\"3\"},\"row\":{\"k\":\"3\",\"v\":"
                           "\"d\"},\"changed\":[\"v\"],\"format\":\"csv\",\"id\":\""));
    assert_non_null(strstr((char *)run.json.data, "{\"op\":\"DELETE\",\"key\":{\"k\":\"2\"}"));
    assert_non_null(strstr((char *)run.json.data, "{\"op\":\"INSERT\",\"key\":{\"k\":\"4\"}"));
    delta_run_free(&run);
}

/* A permutation of 0 … ROWS-1. */
static unsigned place(unsigned i, unsigned factor) {
    return i * factor % ROWS;
}

/* Row n is gone if n % 10 is 0 and updated if it is 1; `added` rows are new. */
static char *make_export(unsigned factor, bool is_new, unsigned added, size_t *changed) {
    char *text = malloc((ROWS + added + 1) * ROW_SIZE), *at = text;
    assert_non_null(text);
    at += sprintf(at, "k,v\n");
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned n = place(i, factor);
        if (is_new && n % 10 == 0)
            continue;
        at +=
            sprintf(at, "key-%05u,value %s of %u\n", n, is_new && n % 10 == 1 ? "now" : "then", n);
        *changed += n % 10 == 1;
    }
    for (unsigned i = 0; is_new && i < added; i++)
        at += sprintf(at, "more-%05u,x\n", i);
    return text;
}

static void the_result_is_the_same_in_any_order_and_memory(void **state) {
    static const unsigned factors[] = {1, 7};
    static const size_t memories[] = {0, 30000, 300000};
    static const size_t cuts[] = {0, 100, 5000};
    const uint64_t counts[] = {50, ROWS / 10, ROWS / 10, ROWS - 2 * (ROWS / 10)};
    (void)state;
    for (size_t f = 0; f < 4; f++)
        for (size_t m = 0; m < 3; m++)
            for (size_t last = 0; last < 2; last++) {
                size_t changed = 0;
                char *before = make_export(factors[f / 2], false, 0, &changed);
                char *now = make_export(factors[f % 2], true, 50, &changed);
                const struct delta_options options = {.memory_bytes = memories[m],
                                                      .batch_bytes = cuts[(f + m) % 3],
                                                      .keep_last = last == 1};
                expect_counts(before, now, &options, counts);
                free(before);
                free(now);
            }
}

static void little_memory_spills(void **state) {
    struct delta_run run;
    size_t changed = 0;
    (void)state;
    char *before = make_export(7, false, 0, &changed), *now = make_export(333, true, 0, &changed);
    delta_run(&run, before, now, &(struct delta_options){.memory_bytes = 1000});
    assert_int_equal(run.result, 0);
    assert_true(run.facts.spilled_rows > ROWS);
    assert_false(run.facts.merged);
    delta_run_free(&run);
    free(before);
    free(now);
}

static void a_broken_order_keeps_what_was_merged(void **state) {
    const uint64_t counts[] = {1, 1, 1, 4};
    (void)state;
    for (size_t cut = 0; cut < 12; cut++)
        expect_counts("k,v\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n", "k,v\n1,a\n3,c\n4,x\n5,e\n7,g\n6,f\n",
                      &(struct delta_options){.batch_bytes = cut}, counts);
    /* 2 comes late: it was provisionally gone. */
    const uint64_t none[] = {0, 0, 0, 4};
    for (size_t cut = 0; cut < 12; cut++)
        expect_counts("k,v\n1,a\n2,b\n3,c\n4,d\n", "k,v\n1,a\n3,c\n4,d\n2,b\n",
                      &(struct delta_options){.batch_bytes = cut}, none);
}

static void duplicates_are_counted_wherever_they_are(void **state) {
    static const char *const exports[] = {
        "k,v\n1,a\n1,b\n2,c\n", /* next to each other */
        "k,v\n1,a\n2,c\n1,b\n", /* after the order broke */
        "k,v\n2,c\n1,a\n1,b\n",
    };
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t cut = 0; cut < 12; cut++) {
            struct delta_run run;
            delta_run(&run, exports[i], "k,v\n1,a\n2,c\n",
                      &(struct delta_options){.batch_bytes = cut});
            assert_int_equal(run.result, 0);
            assert_int_equal(run.counts.duplicates[SCOOP_OLD], 1);
            assert_int_equal(run.counts.duplicates[SCOOP_NEW], 0);
            delta_run_free(&run);
        }
}

static void large_rows_have_room_of_their_own(void **state) {
    (void)state;
    char *before = malloc(100000), *now = malloc(100000);
    assert_non_null(before);
    assert_non_null(now);
    sprintf(before, "k,v\n2,%050000d\n1,%020000d\n", 1, 2);
    sprintf(now, "k,v\n1,%020000d\n2,%050000d\n", 3, 1);
    const uint64_t counts[] = {0, 1, 0, 1};
    expect_counts(before, now, &plenty, counts);
    expect_counts(before, now, &(struct delta_options){.memory_bytes = 30000}, counts);
    free(before);
    free(now);
}

/* Every allocation fails in turn: each time an error, and nothing leaks. */
static void torture(const char *old_text, const char *new_text,
                    const struct delta_options *options) {
#ifdef SCOOP_TORTURE
    for (long nth = 1;; nth++) {
        struct delta_run run;
        assert_true(nth < 100000);
        scoop_memory_fail_at(nth);
        delta_run(&run, old_text, new_text, options);
        scoop_memory_fail_at(0);
        int result = run.result;
        enum scoop_code code = run.error.code;
        delta_run_free(&run);
        if (result == 0)
            return;
        assert_int_equal(code, SCOOP_NO_MEMORY);
    }
#else
    const struct delta_options given = *options;
    struct delta_run run;
    delta_run(&run, old_text, new_text, &given);
    assert_int_equal(run.result, 0);
    delta_run_free(&run);
#endif
}

static void no_memory_is_an_error_at_every_allocation(void **state) {
    static const char old_text[] = "k,v\n1,a\n\"2\",\"b,\"\"\"\n3,c\n4,d\n0,z\n";
    static const char new_text[] = "v,k\na,1\nc,3\ne,4\nf,5\nz,0\n";
    (void)state;
    torture(old_text, new_text, &(struct delta_options){.batch_bytes = 9});
    torture(old_text, new_text, &(struct delta_options){.batch_bytes = 9, .memory_bytes = 100});
    torture(old_text, new_text, &(struct delta_options){.keep_last = true});
}

static void read_stream(struct ArrowArrayStream *stream, int64_t *rows, int *status) {
    struct ArrowSchema schema;
    struct ArrowArray array;
    *rows = 0;
    *status = stream->get_schema(stream, &schema);
    if (*status == 0) {
        assert_int_equal(schema.n_children, 5);
        assert_string_equal(schema.children[1]->name, "key");
        schema.release(&schema);
    }
    while (*status == 0) {
        *status = stream->get_next(stream, &array);
        if (*status != 0 || array.release == NULL)
            break;
        *rows += array.length;
        array.release(&array);
        assert_null(array.release);
    }
}

static void arrow_streams_survive_every_failed_allocation(void **state) {
    struct delta_run run;
    (void)state;
    delta_run(&run, "k,v\n1,a\n2,b\n3,c\n", "k,v\n1,a\n3,\"\"\n4,\n", &plenty);
    assert_int_equal(run.result, 0);
    for (long nth = 1;; nth++) {
        struct ArrowArrayStream stream;
        struct scoop_error error = {0};
        int64_t rows = 0;
        assert_true(nth < 10000);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(nth);
#endif
        int status = scoop_changes_arrow(run.changes, &stream, &error);
        if (status == 0) {
            read_stream(&stream, &rows, &status);
            assert_true(status == 0 || stream.get_last_error(&stream) != NULL);
            stream.release(&stream);
        }
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(0);
#endif
        if (status == 0) {
            assert_int_equal(rows, 3);
            break;
        }
    }
    delta_run_free(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_each_kind_are_found),
        cmocka_unit_test(the_result_is_the_same_in_any_order_and_memory),
        cmocka_unit_test(little_memory_spills),
        cmocka_unit_test(a_broken_order_keeps_what_was_merged),
        cmocka_unit_test(duplicates_are_counted_wherever_they_are),
        cmocka_unit_test(large_rows_have_room_of_their_own),
        cmocka_unit_test(no_memory_is_an_error_at_every_allocation),
        cmocka_unit_test(arrow_streams_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
