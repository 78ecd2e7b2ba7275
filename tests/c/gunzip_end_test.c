/* Text that has no room in gunzip's output when its last compressed byte is taken. */
#include "stage_run.h"

#include <zlib.h>

enum { MEMBER_ROOM = 4096, AROUND = 300, STRIDE = 7, NEAR = 20 };

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    (void)options;
    return scoop_gunzip_new(NULL, &run->counters, &run->error);
}

/* Appends a member of `length` times 'x'. */
static void add_member(struct scoop_buf *buf, size_t length) {
    unsigned char out[MEMBER_ROOM];
    struct scoop_error error;
    unsigned char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'x', length);
    z_stream z = {
        .next_in = text, .avail_in = (uInt)length, .next_out = out, .avail_out = sizeof out};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(scoop_buf_append(buf, out, sizeof out - z.avail_out, &error), 0);
    deflateEnd(&z);
    free(text);
}

static void expect_text(const struct scoop_buf *gzip, size_t chunk, size_t length,
                        unsigned members) {
    struct stage_run run;
    stage_run(&run, make, NULL, gzip->data, gzip->length, chunk);
    assert_int_equal(run.result, 0);
    assert_int_equal(run.counters.gzip_members, members);
    assert_int_equal(run.out.length, length);
    stage_run_free(&run);
}

static void no_text_is_held_back_at_the_end(void **state) {
    (void)state;
    for (size_t steps = 1; steps <= 3; steps++)
        for (size_t i = 0; i <= 2 * AROUND; i += STRIDE) {
            struct scoop_buf buf;
            size_t length = steps * SCOOP_STEP_BYTES + i - AROUND;
            scoop_buf_init(&buf, MEMBER_ROOM);
            add_member(&buf, length);
            expect_text(&buf, 0, length, 1);
            expect_text(&buf, 1 + i % 11, length, 1);
            scoop_buf_free(&buf);
        }
}

static void a_member_may_find_any_room_left_by_the_one_before(void **state) {
    (void)state;
    for (size_t i = 0; i <= 2 * NEAR; i++)
        for (size_t second = 1; second < 3 * SCOOP_STEP_BYTES; second += SCOOP_STEP_BYTES / 2 - 1) {
            struct scoop_buf buf;
            size_t first = SCOOP_STEP_BYTES + i - NEAR;
            scoop_buf_init(&buf, (size_t)2 * MEMBER_ROOM);
            add_member(&buf, first);
            add_member(&buf, second);
            expect_text(&buf, 0, first + second, 2);
            scoop_buf_free(&buf);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_is_held_back_at_the_end),
        cmocka_unit_test(a_member_may_find_any_room_left_by_the_one_before),
    };
    return cmocka_run_group_tests_name("gunzip_end", tests, NULL, NULL);
}
