/* The random names of temporary tables and loads, and what happens without randomness. */
#include "warehouse/load/load_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Stands before libcrypto's own: the engine's only source of random bytes. */
int RAND_bytes(unsigned char *out, int length);

static int available;

int RAND_bytes(unsigned char *out, int length) {
    memset(out, 0xa5, (size_t)length);
    return available;
}

static void random_hex_is_exactly_that_many_digits(void **state) {
    (void)state;
    struct scoop_error error = {0};
    char text[40];
    memset(text, '#', sizeof text);
    available = 1;
    assert_int_equal(scoop_random_hex(text, 8, &error), 0);
    assert_string_equal(text, "a5a5a5a5");
    assert_int_equal(text[9], '#');
}

static void without_random_bytes_there_is_no_name(void **state) {
    (void)state;
    struct scoop_error error = {0};
    char text[40] = "";
    available = 0;
    assert_int_equal(scoop_random_hex(text, 32, &error), -1);
    assert_int_equal(error.code, SCOOP_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_hex_is_exactly_that_many_digits),
        cmocka_unit_test(without_random_bytes_there_is_no_name),
    };
    return cmocka_run_group_tests_name("load_log", tests, NULL, NULL);
}
