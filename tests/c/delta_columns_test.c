/* JSON lines whose members come late, in objects some of which are empty: with threads and without,
 * and with each allocation failing. */
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
#include "scoop/memory.h"

enum {
    SLICE_MS = 50,
    PARTS = 4,
    LONG_ROWS = 3,
    PAD_BYTES = 120 * 1000,
    MOST_ALLOCATIONS = 5000,
    SPARSE_ROWS = 4000
};

/* Who asks for the nth thread, from 0, gets none where this has a bit. */
static unsigned long refused;
static atomic_uint asked;

bool __real_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user);
bool __wrap_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user);

bool __wrap_scoop_thread_start(pthread_t *thread, void *(*run)(void *user), void *user) {
    bool given = (refused >> atomic_fetch_add(&asked, 1) % 32 & 1) == 0;
    return given && __real_scoop_thread_start(thread, run, user);
}

static char paths[SCOOP_DELTA_SIDES][PARTS][64];

/* Rows longer than a batch, so that what follows is none of the first rows. */
static void write_part(int side, int part, const char *text, unsigned key) {
    FILE *file = fopen(paths[side][part], "w");
    assert_non_null(file);
    for (unsigned i = 0; key > 0 && i < LONG_ROWS; i++)
        fprintf(file, "{\"k\":%u,\"v\":\"%0*d\"}\n", key + i, PAD_BYTES, 0);
    fputs(text, file);
    fclose(file);
}

static int make_files(void **state) {
    (void)state;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        for (int part = 0; part < PARTS; part++)
            snprintf(paths[side][part], sizeof paths[side][part], "/tmp/delta-columns-%d-%d%d.json",
                     (int)getpid(), side, part);
    write_part(0, 0, "", 0);
    write_part(0, 1, "{\"k\":1,\"w\":1,\"o\":1}\n{\"k\":2,\"w\":2}\n", 0);
    write_part(0, 2, "{\"k\":3,\"z\":3}\n", 100);
    write_part(0, 3, "\n", 0);
    write_part(1, 0, "\n\n", 0);
    write_part(1, 1, "{\"k\":2,\"n\":1}\n{\"k\":1,\"z\":null}\n", 100);
    write_part(1, 2, "", 0);
    write_part(1, 3, "{\"z\":4,\"k\":3,\"w\":null}\n", 0);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        for (int part = 0; part < PARTS; part++)
            unlink(paths[side][part]);
    return 0;
}

static struct scoop_delta *new_delta(size_t parts, enum scoop_schema_change schema_change,
                                     struct scoop_error *error) {
    static struct scoop_transfer_options sides[SCOOP_DELTA_SIDES][PARTS];
    static const char *const key = "k";
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++)
        for (int part = 0; part < PARTS; part++)
            sides[side][part].source.uri = paths[side][part];
    const struct scoop_delta_options options = {
        .sides = {sides[0], sides[1]},
        .side_objects = {parts, parts},
        .keys = &key,
        .key_count = 1,
        .schema_change = schema_change,
        .max_delete_ratio = 0.5,
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

static int read_changes(struct scoop_delta *delta, struct scoop_buf *json,
                        struct scoop_error *error) {
    struct scoop_changes *changes = scoop_delta_changes(delta);
    struct scoop_changes_reader *reader = scoop_changes_reader_new(changes, error);
    int status = reader == NULL ? -1 : scoop_changes_read_json(reader, SIZE_MAX, json, error);
    scoop_changes_reader_free(reader);
    scoop_changes_give(changes);
    return status;
}

enum { CHANGES = 3 };

static const char *const of_common[CHANGES] = {
    "\"row\":{\"k\":2,\"v\":null,\"z\":null,\"w\":null,\"n\":1},\"changed\":[\"w\"]",
    "\"row\":{\"k\":1,\"v\":null,\"z\":null,\"w\":null,\"n\":null},\"changed\":[\"w\"]",
    "\"row\":{\"k\":3,\"v\":null,\"z\":4,\"w\":null,\"n\":null},\"changed\":[\"z\"]",
};
static const char *const of_all[CHANGES] = {
    "\"row\":{\"k\":2,\"v\":null,\"n\":1,\"z\":null,\"w\":null,\"o\":null},\"changed\":[\"n\","
    "\"w\"]",
    "\"row\":{\"k\":1,\"v\":null,\"n\":null,\"z\":null,\"w\":null,\"o\":null},\"changed\":[\"w\","
    "\"o\"]",
    "\"row\":{\"k\":3,\"v\":null,\"n\":null,\"z\":4,\"w\":null,\"o\":null},\"changed\":[\"z\"]",
};

static void expect_changes(struct scoop_buf *json, enum scoop_schema_change schema_change) {
    const char *const *rows = schema_change == SCOOP_SCHEMA_CHANGE_ALL ? of_all : of_common;
    assert_int_equal(scoop_buf_append(json, "", 1, &(struct scoop_error){0}), 0);
    const char *text = (const char *)json->data;
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, CHANGES);
    for (size_t i = 0; i < CHANGES; i++)
        if (strstr(text, rows[i]) == NULL)
            fail_msg("%s is not in %s", rows[i], text);
}

static void take_all(enum scoop_schema_change schema_change) {
    struct scoop_error error = {0};
    struct scoop_buf json;
    scoop_buf_init(&json, 1 << 24);
    struct scoop_delta *delta = new_delta(PARTS, schema_change, &error);
    assert_non_null(delta);
    run_on(delta, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(read_changes(delta, &json, &error), 0);
    expect_changes(&json, schema_change);
    scoop_buf_free(&json);
    scoop_delta_free(delta);
}

static void late_members_are_columns_with_and_without_threads(void **state) {
    /* None; the old export's; the new one's; all but the first; all but the second. */
    static const unsigned long refusals[] = {0, ~0ul, 1, 2, ~1ul, ~2ul};
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct scoop_error error = {0};
        refused = refusals[i];
        atomic_store(&asked, 0);
        take_all(SCOOP_SCHEMA_CHANGE_COMMON);
        take_all(SCOOP_SCHEMA_CHANGE_ALL);
        struct scoop_delta *delta = new_delta(PARTS, SCOOP_SCHEMA_CHANGE_ERROR, &error);
        assert_non_null(delta);
        assert_int_equal(run_on(delta, &error), SCOOP_DELTA_FAILED);
        assert_int_equal(error.code, SCOOP_SCHEMA_CHANGED);
        assert_non_null(strstr(error.message, "added: n; gone: o;"));
        scoop_delta_free(delta);
    }
    refused = 0;
}

/* Each row has a column of its own: with its NULLs it is longer than its text. */
static void few_members_of_many_columns_are_taken_in_pieces(void **state) {
    static const unsigned long refusals[] = {0, ~0ul};
    (void)state;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        FILE *file = fopen(paths[side][0], "w");
        assert_non_null(file);
        for (unsigned i = 0; i < SPARSE_ROWS; i++)
            fprintf(file, "{\"k\":%u,\"c%u\":%d}\n", i, i, side);
        fclose(file);
    }
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct scoop_error error = {0};
        struct scoop_delta_facts facts;
        refused = refusals[i];
        atomic_store(&asked, 0);
        struct scoop_delta *delta = new_delta(1, SCOOP_SCHEMA_CHANGE_ERROR, &error);
        assert_non_null(delta);
        assert_int_equal(run_on(delta, &error), SCOOP_DELTA_DONE);
        scoop_delta_facts(delta, &facts);
        assert_int_equal(facts.updated, SPARSE_ROWS);
        scoop_delta_free(delta);
    }
    refused = 0;
}

static int try_all(enum scoop_schema_change schema_change, struct scoop_buf *json,
                   struct scoop_error *error) {
    struct scoop_delta *delta = new_delta(PARTS, schema_change, error);
    if (delta == NULL)
        return -1;
    int status = -1;
    if (run_on(delta, error) == SCOOP_DELTA_DONE)
        status = read_changes(delta, json, error);
    scoop_delta_free(delta);
    return status;
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

static void fail_each_allocation(enum scoop_schema_change schema_change) {
    bool done = false;
    refused = ~0ul; /* on one thread, so that each is met */
    for (long nth = 1; !done && nth < MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
        struct scoop_buf json;
        scoop_buf_init(&json, 1 << 24);
        fail_at(nth);
        done = try_all(schema_change, &json, &error) == 0;
        fail_at(0);
        if (done)
            expect_changes(&json, schema_change);
        else
            assert_int_equal(error.code, SCOOP_NO_MEMORY);
        scoop_buf_free(&json);
    }
    refused = 0;
    assert_true(done);
}

static void each_allocation_that_fails_ends_the_delta(void **state) {
    (void)state;
    fail_each_allocation(SCOOP_SCHEMA_CHANGE_COMMON);
    fail_each_allocation(SCOOP_SCHEMA_CHANGE_ALL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_members_are_columns_with_and_without_threads),
        cmocka_unit_test(each_allocation_that_fails_ends_the_delta),
        cmocka_unit_test(few_members_of_many_columns_are_taken_in_pieces), /* writes files anew */
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
