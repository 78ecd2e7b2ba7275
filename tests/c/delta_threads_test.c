/* The delta of two files: two reading threads and the one that compares, or fewer, where the system
 * gives no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"
#include "scoop/delta.h"

enum { ROWS = 100000 /* enough for a second thread that matches */, SLICE_MS = 50 };

/* Who asks for the nth thread, from 0, gets none where this has a bit. */
static unsigned long refused;
static atomic_uint asked;

bool __real_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user);
bool __wrap_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user);

bool __wrap_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user) {
    bool given = (refused >> atomic_fetch_add(&asked, 1) % 32 & 1) == 0;
    return given && __real_scoop_thread_start(thread, run, user);
}

static void refuse(unsigned long threads) {
    refused = threads;
    atomic_store(&asked, 0);
}

/* None; the old export's; the new one's; all but the old one's; all but the new one's. */
static const unsigned long refusals[] = {~0ul, 1, 2, ~1ul, ~2ul};
enum { REFUSALS = sizeof refusals / sizeof *refusals, SOME_REFUSALS = 2 };

struct files {
    char old_path[64], new_path[64];
};

/* Every tenth row differs, is gone or is new; `step` walks through all rows. */
static void write_export(const char *path, unsigned step, bool is_new) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("k,v\n", file);
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned n = i * step % ROWS;
        if (n % 10 == (is_new ? 0 : 1))
            continue;
        fprintf(file, "%u,a value of %u%s\n", n, n, is_new && n % 10 == 2 ? " now" : "");
    }
    fclose(file);
}

static void make_files(struct files *files, unsigned old_step, unsigned new_step) {
    snprintf(files->old_path, sizeof files->old_path, "/tmp/delta-test-old-%d", (int)getpid());
    snprintf(files->new_path, sizeof files->new_path, "/tmp/delta-test-new-%d", (int)getpid());
    write_export(files->old_path, old_step, false);
    write_export(files->new_path, new_step, true);
}

static void remove_files(const struct files *files) {
    unlink(files->old_path);
    unlink(files->new_path);
}

static struct scoop_delta *new_delta(const struct files *files, const char *key,
                                     struct scoop_error *error) {
    const struct scoop_transfer_options old_side = {.source = {.uri = files->old_path}};
    const struct scoop_transfer_options new_side = {.source = {.uri = files->new_path}};
    const struct scoop_delta_options options = {
        .sides = {&old_side, &new_side},
        .keys = &key,
        .key_count = 1,
        .max_delete_ratio = 0.5,
        .min_rows = 1,
    };
    return scoop_delta_new(&options, error);
}

static enum scoop_delta_state run_on(struct scoop_delta *delta, struct scoop_error *error) {
    enum scoop_delta_state state;
    do
        state = scoop_delta_run(delta, SLICE_MS, error);
    while (state == SCOOP_DELTA_RUNNING);
    return state;
}

static void expect_delta(unsigned old_step, unsigned new_step, bool sorted) {
    struct files files;
    struct scoop_error error = {0};
    struct scoop_delta_facts facts;
    struct scoop_buf json;
    make_files(&files, old_step, new_step);
    struct scoop_delta *delta = new_delta(&files, "k", &error);
    assert_non_null(delta);
    assert_int_equal(run_on(delta, &error), SCOOP_DELTA_DONE);
    scoop_delta_facts(delta, &facts);
    assert_int_equal(facts.inserted, ROWS / 10);
    assert_int_equal(facts.deleted, ROWS / 10);
    assert_int_equal(facts.updated, ROWS / 10);
    assert_int_equal(facts.unchanged, ROWS - 3 * (ROWS / 10));
    assert_int_equal(facts.sorted, sorted);
    assert_true(facts.sides[0].source_bytes > ROWS);
    struct scoop_changes *changes = scoop_delta_changes(delta);
    scoop_delta_free(delta); /* the changes live on */
    struct scoop_changes_reader *reader = scoop_changes_reader_new(changes, &error);
    scoop_changes_give(changes);
    scoop_buf_init(&json, (size_t)1 << 30);
    assert_int_equal(scoop_changes_read_json(reader, SIZE_MAX, &json, &error), 0);
    size_t lines = 0;
    for (size_t i = 0; i < json.length; i++)
        lines += json.data[i] == '\n';
    assert_int_equal(lines, 3 * (ROWS / 10));
    scoop_buf_free(&json);
    scoop_changes_reader_free(reader);
    remove_files(&files);
}

static void two_files_in_order_are_merged(void **state) {
    (void)state;
    expect_delta(1, 1, true);
}

static void two_files_in_any_order_are_joined(void **state) {
    (void)state;
    expect_delta(7, 333, false);
}

static void exports_without_a_thread_are_read_by_the_one_that_compares(void **state) {
    (void)state;
    for (int i = 0; i < REFUSALS; i++) {
        refuse(refusals[i]);
        expect_delta(1, 1, true);
        refuse(refusals[i]);
        expect_delta(7, 333, false);
    }
    refuse(0);
}

static void expect_cancelled(void) {
    struct files files;
    struct scoop_error error = {0};
    make_files(&files, 7, 333);
    struct scoop_delta *delta = new_delta(&files, "k", &error);
    assert_non_null(delta);
    scoop_delta_run(delta, 1, &error);
    scoop_delta_cancel(delta);
    assert_int_equal(run_on(delta, &error), SCOOP_DELTA_FAILED);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    scoop_delta_free(delta);
    remove_files(&files);
}

static void a_cancelled_delta_ends_in_cancelled(void **state) {
    (void)state;
    expect_cancelled();
    for (int i = 0; i < SOME_REFUSALS; i++) {
        refuse(refusals[i]);
        expect_cancelled();
    }
    refuse(0);
}

static void free_in_the_middle(void) {
    struct files files;
    struct scoop_error error = {0};
    make_files(&files, 1, 1);
    for (int slices = 0; slices < 4; slices++) {
        struct scoop_delta *delta = new_delta(&files, "k", &error);
        assert_non_null(delta);
        for (int i = 0; i < slices; i++)
            scoop_delta_run(delta, 1, &error);
        scoop_delta_free(delta);
    }
    remove_files(&files);
}

/* It may be freed at any time: the threads are stopped and waited for. */
static void a_delta_is_freed_in_the_middle(void **state) {
    (void)state;
    free_in_the_middle();
    for (int i = 0; i < SOME_REFUSALS; i++) {
        refuse(refusals[i]);
        free_in_the_middle();
    }
    refuse(0);
}

/* The new export has all its rows in each of three objects: of a key's rows the last one counts. */
static void expect_all_objects(void) {
    struct files files;
    struct scoop_error error = {0};
    struct scoop_delta_facts facts;
    const char *key = "k";
    make_files(&files, 1, 7);
    const struct scoop_transfer_options old_side = {.source = {.uri = files.old_path}};
    const struct scoop_transfer_options new_side = {.source = {.uri = files.new_path}};
    const struct scoop_transfer_options objects[] = {new_side, new_side, new_side};
    const struct scoop_delta_options options = {
        .sides = {&old_side, objects},
        .side_objects = {1, 3},
        .keys = &key,
        .key_count = 1,
        .keep_last = true,
        .max_delete_ratio = 0.5,
    };
    struct scoop_delta *delta = scoop_delta_new(&options, &error);
    assert_non_null(delta);
    assert_int_equal(run_on(delta, &error), SCOOP_DELTA_DONE);
    scoop_delta_facts(delta, &facts);
    assert_int_equal(facts.sides[1].rows, 3 * (ROWS - ROWS / 10));
    assert_int_equal(facts.sides[1].duplicates, 2 * (ROWS - ROWS / 10));
    assert_int_equal(facts.unchanged, ROWS - 3 * (ROWS / 10));
    assert_string_equal(facts.sides[1].etag, "");
    scoop_delta_free(delta);
    delta = scoop_delta_new(&options, &error);
    for (int i = 0; i < 5; i++)
        scoop_delta_run(delta, 20, &error);
    scoop_delta_free(delta); /* in the middle */
    remove_files(&files);
}

static void objects_of_an_export_are_read_one_after_the_other(void **state) {
    (void)state;
    expect_all_objects();
    refuse(~0ul);
    expect_all_objects();
    refuse(4); /* the second object's */
    expect_all_objects();
    refuse(0);
}

static void a_wrong_key_and_a_missing_file_are_told(void **state) {
    struct files files;
    struct scoop_error error = {0};
    (void)state;
    make_files(&files, 1, 1);
    struct scoop_delta *delta = new_delta(&files, "nothing", &error);
    assert_int_equal(run_on(delta, &error), SCOOP_DELTA_FAILED);
    assert_int_equal(error.code, SCOOP_USAGE);
    scoop_delta_free(delta);
    unlink(files.new_path);
    delta = new_delta(&files, "k", &error);
    assert_int_equal(run_on(delta, &error), SCOOP_DELTA_FAILED);
    assert_int_equal(error.code, SCOOP_NOT_FOUND);
    scoop_delta_free(delta);
    remove_files(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_files_in_order_are_merged),
        cmocka_unit_test(two_files_in_any_order_are_joined),
        cmocka_unit_test(exports_without_a_thread_are_read_by_the_one_that_compares),
        cmocka_unit_test(a_cancelled_delta_ends_in_cancelled),
        cmocka_unit_test(a_delta_is_freed_in_the_middle),
        cmocka_unit_test(objects_of_an_export_are_read_one_after_the_other),
        cmocka_unit_test(a_wrong_key_and_a_missing_file_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
