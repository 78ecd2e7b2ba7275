/* The attempts of a copy that the server could make: each comes once, and none goes on with what
 * belongs to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/transfer.h"

#include "s3_server.h"

enum { SLICE_MS = 50, MOST_SLICES = 400 };

static const char text[] = "some bytes";

static struct scoop_transfer_options options(void) {
    const struct scoop_s3_options s3 = {
        .endpoint_url = endpoint,
        .credentials = {"id", "secret", NULL},
        .payload_signing = SCOOP_PAYLOAD_SIGNING_NEVER,
    };
    return (struct scoop_transfer_options){
        .source = {.uri = "s3://bucket/source", .s3 = s3},
        .destination = {.uri = "s3://bucket/k", .s3 = s3},
    };
}

static void offer(uint64_t claimed, bool parts_are_refused) {
    source = (const unsigned char *)text;
    source_length = strlen(text);
    claimed_length = claimed;
    parts_length = 0;
    refuses_part_copies = parts_are_refused;
    copied_upload[0] = 0;
    atomic_store(&stored, 0);
    atomic_store(&uploads, 0);
}

/* Of an end that never comes, the last state. */
static enum scoop_transfer_state copy_object(const struct scoop_resume *resume,
                                             struct scoop_transfer_facts *facts,
                                             struct scoop_error *error) {
    const struct scoop_transfer_options wanted = options();
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct scoop_transfer *transfer = scoop_transfer_new(&wanted, error);
    assert_non_null(transfer);
    if (resume != NULL)
        scoop_transfer_take_up(transfer, resume);
    for (int i = 0; i < MOST_SLICES && state == SCOOP_TRANSFER_RUNNING; i++)
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    scoop_transfer_facts(transfer, facts);
    scoop_transfer_free(transfer);
    return state;
}

static void what_no_request_can_copy_is_streamed(void **state) {
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    offer(UINT64_C(6) << 30, true);
    assert_int_equal(copy_object(NULL, &facts, &error), SCOOP_TRANSFER_DONE);
    assert_false(facts.server_side);
    assert_non_null(strstr(facts.server_side_refused, "InvalidArgument"));
    assert_int_equal(facts.counters.destination_bytes, strlen(text));
    assert_true(atomic_load(&stored));
    assert_int_equal(atomic_load(&uploads), 0);
}

/* An earlier try had to stream; the server's copy has an upload of its own. */
static void the_server_does_not_copy_into_an_earlier_upload(void **state) {
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    struct scoop_resume *resume = scoop_resume_new("earlier", "\"source\" 10", &error);
    (void)state;
    offer(UINT64_C(130) << 20, false);
    assert_non_null(resume);
    assert_int_equal(copy_object(resume, &facts, &error), SCOOP_TRANSFER_DONE);
    scoop_resume_free(resume);
    assert_true(facts.server_side);
    assert_int_equal(facts.resumed, SCOOP_RESUMED_NOT);
    assert_string_equal(copied_upload, "u");
}

static int begin(void **state) {
    (void)state;
    return start_server();
}

static int end(void **state) {
    (void)state;
    return stop_server();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_request_can_copy_is_streamed),
        cmocka_unit_test(the_server_does_not_copy_into_an_earlier_upload),
    };
    return cmocka_run_group_tests_name("server_copy", tests, begin, end);
}
