/* The buffer with a ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/buffer.h"
#include "scoop/memory.h"

static void it_grows_to_its_ceiling_and_not_beyond(void **state) {
    (void)state;
    struct scoop_buf buf;
    struct scoop_error error = {0};
    scoop_buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(scoop_buf_append(&buf, "x", 1, &error), 0);
    assert_int_equal(scoop_buf_append(&buf, "x", 1, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    assert_int_equal(buf.length, 1000);
    assert_int_equal(strlen(scoop_buf_text(&buf, &error)), 1000);
    assert_int_equal(scoop_buf_reserve(&buf, SIZE_MAX, &error), -1);
    scoop_buf_free(&buf);
}

static void a_whole_one_is_allocated_once(void **state) {
    enum { SMALL = 1000, LARGE = 1536 * 1024 };
    static const size_t ceilings[] = {SMALL, LARGE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scoop_error error = {0};
        struct scoop_buf buf;
        scoop_buf_init_whole(&buf, ceilings[i]);
        for (int again = 0; again < 2; again++) {
            assert_null(buf.data);
            assert_int_equal(scoop_buf_append(&buf, "a", 1, &error), 0);
            const unsigned char *first = buf.data;
            while (buf.length < ceilings[i])
                assert_int_equal(scoop_buf_append(&buf, "b", 1, &error), 0);
            assert_ptr_equal(buf.data, first);
            assert_int_equal(buf.data[0], 'a');
            assert_int_equal(buf.data[ceilings[i] - 1], 'b');
            assert_int_equal(scoop_buf_append(&buf, "c", 1, &error), -1);
            assert_int_equal(error.code, SCOOP_TOO_LARGE);
            scoop_buf_free(&buf); /* it may be used again */
        }
    }
}

static void consuming_removes_from_the_front(void **state) {
    (void)state;
    struct scoop_buf buf;
    struct scoop_error error = {0};
    scoop_buf_init(&buf, 100);
    assert_int_equal(scoop_buf_append_text(&buf, "hello world", &error), 0);
    scoop_buf_consume(&buf, 6);
    assert_string_equal(scoop_buf_text(&buf, &error), "world");
    scoop_buf_consume(&buf, 50);
    assert_string_equal(scoop_buf_text(&buf, &error), "");
    scoop_buf_free(&buf);
}

static void printf_appends(void **state) {
    (void)state;
    struct scoop_buf buf;
    struct scoop_error error = {0};
    scoop_buf_init(&buf, 10);
    assert_int_equal(scoop_buf_printf(&buf, &error, "%d-%s", 12, "ab"), 0);
    assert_int_equal(scoop_buf_printf(&buf, &error, "%s", "too long"), -1);
    assert_string_equal(scoop_buf_text(&buf, &error), "12-ab");
    scoop_buf_free(&buf);
    assert_int_equal(scoop_buf_printf(&buf, &error, "%s", "again"), 0);
    assert_string_equal(scoop_buf_text(&buf, &error), "again");
    scoop_buf_free(&buf);
}

static void a_failed_allocation_keeps_what_was_held(void **state) {
    (void)state;
#ifdef SCOOP_TORTURE
    struct scoop_buf buf;
    struct scoop_error error = {0};
    char more[1000] = {0};
    scoop_buf_init(&buf, 10000);
    assert_int_equal(scoop_buf_append_text(&buf, "kept", &error), 0);
    scoop_memory_fail_at(1);
    assert_int_equal(scoop_buf_append(&buf, more, sizeof more, &error), -1);
    assert_int_equal(error.code, SCOOP_NO_MEMORY);
    assert_string_equal(scoop_buf_text(&buf, &error), "kept");
    assert_int_equal(scoop_buf_append(&buf, more, sizeof more, &error), 0);
    scoop_buf_free(&buf);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_to_its_ceiling_and_not_beyond),
        cmocka_unit_test(a_whole_one_is_allocated_once),
        cmocka_unit_test(consuming_removes_from_the_front),
        cmocka_unit_test(printf_appends),
        cmocka_unit_test(a_failed_allocation_keeps_what_was_held),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
