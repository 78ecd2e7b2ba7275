/* The comparison of two exports in any order, when they are long for the memory they may take. */
#include "delta_run.h"

enum { ROWS = 60000, ROW_SIZE = 64 };

/* A permutation of 0 … ROWS-1. */
static unsigned far_away(unsigned i) {
    return (unsigned)((uint64_t)i * 7919 % ROWS);
}

/* Nearly in order: each run of eight is turned around. */
static unsigned nearby(unsigned i) {
    return i / 8 * 8 + 7 - i % 8;
}

struct export {
    unsigned (*order)(unsigned i);
    bool is_new;
    const char *between; /* values: with a quote rows are not stored as they came */
    unsigned twice;      /* a row that comes a second time, at the end; 0: none */
};

/* Of ten rows one is only in the old export, one only in the new one, and one differs. */
static char *make(const struct export *export, size_t *length) {
    char *text = malloc((size_t)(ROWS + 2) * ROW_SIZE), *at = text;
    assert_non_null(text);
    at += sprintf(at, "k,a,b\n");
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned n = export->order(i);
        if (n % 10 == (export->is_new ? 0 : 1))
            continue;
        at += sprintf(at, "key-%u%sof %u%s\n", n, export->between, n,
                      export->is_new && n % 10 == 2 ? " now" : "");
    }
    if (export->twice > 0)
        at += sprintf(at, "key-%u%sof %u\n", export->twice, export->between, export->twice);
    *length = (size_t)(at - text);
    return text;
}

static void compare_as(struct delta_run *run, const struct export *before, const struct export *now,
                       size_t memory_bytes, bool keep_last) {
    const struct delta_options options = {
        .memory_bytes = memory_bytes, .batch_bytes = 20000, .keep_last = keep_last};
    size_t length;
    char *old_text = make(before, &length), *new_text = make(now, &length);
    delta_run(run, old_text, new_text, &options);
    free(old_text);
    free(new_text);
    assert_string_equal(run->error.message, "");
    assert_int_equal(run->result, 0);
    assert_false(run->facts.merged);
}

static void compare(struct delta_run *run, const struct export *before, const struct export *now,
                    size_t memory_bytes) {
    compare_as(run, before, now, memory_bytes, false);
}

static void expect_tenths(const struct delta_run *run) {
    assert_int_equal(run->counts.inserted, ROWS / 10);
    assert_int_equal(run->counts.updated, ROWS / 10);
    assert_int_equal(run->counts.deleted, ROWS / 10);
    assert_int_equal(run->counts.unchanged, 7 * (ROWS / 10));
    assert_int_equal(run->counts.duplicates[SCOOP_OLD] + run->counts.duplicates[SCOOP_NEW], 0);
}

static void rows_far_apart_meet_within_any_memory(void **state) {
    /* All in memory; fingerprints in the scratch file; partitions split. */
    static const size_t memories[] = {0, 1 << 20, 1 << 18};
    (void)state;
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
        const struct export before = {far_away, false, ",x,", 0}, now = {nearby, true, ",x,", 0};
        struct delta_run run;
        compare(&run, &before, &now, memories[i]);
        expect_tenths(&run);
        assert_int_equal(run.facts.spilled_rows > 0, memories[i] > 0);
        delta_run_free(&run);
    }
}

static void rows_that_are_not_stored_as_they_came_meet_as_well(void **state) {
    const struct export before = {far_away, false, ",\"x,\ny\",", 0},
                        now = {nearby, true, ",\"x,\ny\",", 0};
    struct delta_run run;
    (void)state;
    compare(&run, &before, &now, 1 << 20);
    expect_tenths(&run);
    assert_non_null(strstr((char *)run.json.data, "\"a\":\"x,\\ny\""));
    delta_run_free(&run);
}

static void rows_that_meet_soon_are_not_written(void **state) {
    const struct export before = {nearby, false, ",x,", 0}, now = {nearby, true, ",x,", 0};
    struct delta_run run;
    size_t length;
    (void)state;
    scoop_hash_set_seed(1); /* which partitions are tried first decides how much is written */
    free(make(&before, &length));
    compare(&run, &before, &now, 2 << 20);
    expect_tenths(&run);
    /* Three rows in ten are changes: they are written twice, in the log and as changes. */
    assert_true(run.changes->scratch.length_bytes < 2 * length);
    delta_run_free(&run);
    compare(&run, &(struct export){far_away, false, ",x,", 0}, &now, 2 << 20);
    assert_true(run.changes->scratch.length_bytes > 3 * length);
    delta_run_free(&run);
}

static void expect_equal_bytes(const struct scoop_buf *expected, const struct scoop_buf *found) {
    assert_int_equal(found->length, expected->length);
    assert_memory_equal(found->data, expected->data, expected->length);
}

/* Updates written a second time, as pairs were found out of order, and blocks compacted and whole.
 */
static void neither_seed_nor_memory_shows_in_the_changes(void **state) {
    static const size_t memories[] = {0, 2 << 20, 1 << 20, 1 << 18};
    static unsigned (*const orders[])(unsigned i) = {nearby, far_away};
    (void)state;
    for (size_t mode = 0; mode < 4; mode++) {
        const struct export before = {orders[mode % 2], false, ",x,", 0},
                            now = {nearby, true, ",x,", 0};
        struct delta_run first = {0};
        uint64_t spilled = 0;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            struct delta_run run;
            scoop_hash_set_seed(seed * 0x9e3779b97f4a7c15u);
            compare_as(&run, &before, &now, memories[seed % 4], mode >= 2);
            expect_tenths(&run);
            spilled += run.facts.spilled_rows;
            if (seed == 1) {
                first = run;
                continue;
            }
            expect_equal_bytes(&first.json, &run.json);
            delta_run_free(&run);
        }
        assert_true(spilled > 0);
        delta_run_free(&first);
    }
}

static void a_key_that_comes_twice_is_found_however_late(void **state) {
    static const size_t memories[] = {0, 1 << 20};
    static unsigned (*const orders[])(unsigned i) = {nearby, far_away};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (unsigned sides = 1; sides < 4; sides++) {
            const struct export before = {orders[i % 2], false, ",x,", sides & 1 ? 25 : 0};
            const struct export now = {nearby, true, ",x,", sides & 2 ? 25 : 0};
            struct delta_run run;
            compare(&run, &before, &now, memories[i / 2]);
            assert_int_equal(run.counts.duplicates[SCOOP_OLD], sides & 1);
            assert_int_equal(run.counts.duplicates[SCOOP_NEW], sides >> 1);
            delta_run_free(&run);
        }
}

/* How often is told alike, whether the pairs were found by tries or at the end. */
static void a_key_that_comes_twice_in_both_counts_once_for_each(void **state) {
    static const size_t memories[] = {0, 2 << 20, 1 << 20};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        char *texts[2];
        for (int side = 0; side < 2; side++) {
            char *at = texts[side] = malloc((size_t)ROWS * ROW_SIZE);
            assert_non_null(at);
            at += sprintf(at, "k,a,b\n");
            for (unsigned n = 0; n < ROWS; n++) {
                at += sprintf(at, "key-%u,x,of %u\n", nearby(n), n);
                if (n == 1000 || n == ROWS - 5000)
                    at += sprintf(at, "twice,x,%d\n", i % 2 == 0 ? side : 0);
            }
        }
        struct delta_run run;
        delta_run(&run, texts[0], texts[1],
                  &(struct delta_options){.memory_bytes = memories[i / 2], .batch_bytes = 20000});
        assert_int_equal(run.result, 0);
        assert_int_equal(run.counts.duplicates[SCOOP_OLD], 1);
        assert_int_equal(run.counts.duplicates[SCOOP_NEW], 1);
        delta_run_free(&run);
        free(texts[0]);
        free(texts[1]);
    }
}

/* As when the wrong column is given as the key. */
static void many_rows_of_one_key_take_little(void **state) {
    static const char row[] = "one,x,y\n";
    const struct delta_options options = {.memory_bytes = 100000, .batch_bytes = 20000};
    char *text = malloc(16 + ROWS * sizeof row), *at = text;
    struct delta_run run;
    (void)state;
    assert_non_null(text);
    at += sprintf(at, "k,a,b\n");
    for (unsigned i = 0; i < ROWS; i++)
        at += sprintf(at, "%s", i == 0 ? "two,x,y\n" : row);
    delta_run(&run, text, "k,a,b\ntwo,x,y\none,x,y\n", &options);
    free(text);
    assert_int_equal(run.result, 0);
    assert_int_equal(run.counts.duplicates[SCOOP_OLD], ROWS - 2);
    assert_true(run.facts.spilled_rows < ROWS / 10);
    delta_run_free(&run);
}

static void a_row_may_be_longer_than_a_block(void **state) {
    enum { LONG = 400000, COUNT = 12 };
    char *texts[2];
    (void)state;
    for (int side = 0; side < 2; side++) {
        char *at = texts[side] = malloc((size_t)COUNT * (LONG + 32));
        assert_non_null(at);
        at += sprintf(at, "k,v\n");
        for (int i = 0; i < COUNT; i++) {
            int n = side == 0 ? COUNT - i : i + 1;
            at += sprintf(at, "%02d,%0*d\n", n, LONG - n, n == 5 ? side : 7);
        }
    }
    struct delta_run run;
    delta_run(&run, texts[0], texts[1],
              &(struct delta_options){.memory_bytes = 1 << 20, .batch_bytes = 50000});
    assert_string_equal(run.error.message, "");
    assert_int_equal(run.counts.updated, 1);
    assert_int_equal(run.counts.unchanged, COUNT - 1);
    delta_run_free(&run);
    free(texts[0]);
    free(texts[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_far_apart_meet_within_any_memory),
        cmocka_unit_test(rows_that_are_not_stored_as_they_came_meet_as_well),
        cmocka_unit_test(rows_that_meet_soon_are_not_written),
        cmocka_unit_test(neither_seed_nor_memory_shows_in_the_changes),
        cmocka_unit_test(a_key_that_comes_twice_is_found_however_late),
        cmocka_unit_test(a_key_that_comes_twice_in_both_counts_once_for_each),
        cmocka_unit_test(many_rows_of_one_key_take_little),
        cmocka_unit_test(a_row_may_be_longer_than_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
