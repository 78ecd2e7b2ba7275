/* Transfers between local ends, and to a port where no one listens: whole or not at all, also when
 * memory runs out at any point. In builds without SCOOP_TORTURE no allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "scoop/transfer.h"

enum { SLICE_MS = 50, MOST_ALLOCATIONS = 3000 };

static char folder[] = "/tmp/scoop-transfer-XXXXXX";
static char source_path[64], target_path[64], rejects_path[96];

static const char text[] = "{\"a\": 1}\n[bad\n\n{\"b\": [2, \"c\"]}\n";
static const char good[] = "{\"a\": 1}\n{\"b\": [2, \"c\"]}\n";

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(source_path, sizeof source_path, "%s/in.json", folder);
    snprintf(target_path, sizeof target_path, "%s/out.json", folder);
    snprintf(rejects_path, sizeof rejects_path, "%s/bad.jsonl", folder);
    FILE *file = fopen(source_path, "wb");
    if (file == NULL)
        return -1;
    fwrite(text, 1, sizeof text - 1, file);
    return fclose(file);
}

static int remove_folder(void **state) {
    (void)state;
    unlink(source_path);
    unlink(target_path);
    unlink(rejects_path);
    return rmdir(folder); /* fails when a file was left beside */
}

static enum scoop_transfer_state run(const struct scoop_transfer_options *options,
                                     struct scoop_transfer_facts *facts,
                                     struct scoop_error *error) {
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct scoop_transfer *transfer = scoop_transfer_new(options, error);
    if (transfer == NULL)
        return SCOOP_TRANSFER_FAILED;
    while (state == SCOOP_TRANSFER_RUNNING)
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    if (facts != NULL)
        scoop_transfer_facts(transfer, facts);
    scoop_transfer_free(transfer);
    return state;
}

static struct scoop_transfer_options local(void) {
    return (struct scoop_transfer_options){
        .source = {.uri = source_path},
        .destination = {.uri = target_path},
        .format = SCOOP_FORMAT_JSONL,
        .max_rejected = 1,
        .rejects_uri = rejects_path,
    };
}

static struct scoop_transfer_options to_closed_port(void) {
    struct scoop_transfer_options options = local();
    options.destination.uri = "s3://bucket/key.gz";
    options.destination.s3.endpoint_url = "http://127.0.0.1:1";
    options.destination.s3.credentials.access_key_id = "id";
    options.destination.s3.credentials.secret_access_key = "secret/of+tests";
    options.max_rejected = 0;
    options.rejects_uri = NULL;
    options.format = SCOOP_FORMAT_RAW;
    return options;
}

static void target_holds_the_good_records(void) {
    char got[sizeof good + 1] = "";
    FILE *file = fopen(target_path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got, file), sizeof good - 1);
    fclose(file);
    assert_string_equal(got, good);
}

static void a_file_is_copied_and_every_record_counted(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    target_holds_the_good_records();
    assert_int_equal(facts.counters.records_in, 3);
    assert_int_equal(facts.counters.records_out, 2);
    assert_int_equal(facts.counters.records_rejected, 1);
    assert_int_equal(facts.counters.blank_lines, 1);
    assert_true(facts.rejects_written);
}

static void a_bad_record_leaves_no_file(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_error error = {0};
    (void)state;
    unlink(target_path);
    options.max_rejected = 0;
    options.rejects_uri = NULL;
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_BAD_RECORD);
    assert_non_null(strstr(error.message, "line 2"));
    assert_int_not_equal(access(target_path, F_OK), 0);
}

static void a_cancelled_transfer_ends_in_cancelled(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_error error = {0};
    (void)state;
    unlink(target_path);
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    assert_non_null(transfer);
    scoop_transfer_cancel(transfer);
    assert_int_equal(scoop_transfer_run(transfer, SLICE_MS, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    scoop_transfer_free(transfer);
    assert_int_not_equal(access(target_path, F_OK), 0);
}

static void an_unfinished_transfer_that_is_freed_leaves_no_file(void **state) {
    struct scoop_transfer_options options = {.destination = {.uri = target_path}};
    struct scoop_error error = {0};
    (void)state;
    unlink(target_path);
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    assert_non_null(transfer);
    scoop_transfer_feed(transfer, "data", 4);
    assert_int_equal(scoop_transfer_run(transfer, SLICE_MS, &error), SCOOP_TRANSFER_EMPTY);
    scoop_transfer_free(transfer);
    assert_int_not_equal(access(target_path, F_OK), 0);
}

static void a_port_where_no_one_listens_is_a_lost_connection(void **state) {
    struct scoop_transfer_options options = to_closed_port();
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_CONNECTION);
    assert_null(strstr(error.message, "secret/of+tests"));
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

static void any_failing_allocation_leaves_a_whole_file_or_none(void **state) {
    struct scoop_transfer_options options = local();
    (void)state;
    for (long nth = 1; nth < MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
        unlink(target_path);
        fail_at(nth);
        enum scoop_transfer_state ended = run(&options, NULL, &error);
        fail_at(0);
        if (ended == SCOOP_TRANSFER_DONE) {
            target_holds_the_good_records();
            return;
        }
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
        assert_int_not_equal(access(target_path, F_OK), 0);
    }
    fail_msg("a transfer of some bytes needs more than %d allocations", MOST_ALLOCATIONS);
}

static void any_failing_allocation_of_an_upload_is_told(void **state) {
    struct scoop_transfer_options options = to_closed_port();
    (void)state;
    for (long nth = 1; nth < MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
        fail_at(nth);
        assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
        fail_at(0);
        if (error.code == SCOOP_CONNECTION)
            return;
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    }
    fail_msg("a request needs more than %d allocations", MOST_ALLOCATIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_copied_and_every_record_counted),
        cmocka_unit_test(a_bad_record_leaves_no_file),
        cmocka_unit_test(a_cancelled_transfer_ends_in_cancelled),
        cmocka_unit_test(an_unfinished_transfer_that_is_freed_leaves_no_file),
        cmocka_unit_test(a_port_where_no_one_listens_is_a_lost_connection),
        cmocka_unit_test(any_failing_allocation_leaves_a_whole_file_or_none),
        cmocka_unit_test(any_failing_allocation_of_an_upload_is_told),
    };
    return cmocka_run_group_tests_name("transfer", tests, make_folder, remove_folder);
}
