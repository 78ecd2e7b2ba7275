/* Hexadecimal digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/hex.h"

static void hex_is_read_strictly(void **state) {
    (void)state;
    unsigned char bytes[3];
    assert_int_equal(scoop_hex_decode("00fFa9", 6, bytes, 3), 0);
    assert_memory_equal(bytes, "\x00\xff\xa9", 3);
    assert_int_equal(scoop_hex_decode("00fFa", 5, bytes, 3), -1);
    assert_int_equal(scoop_hex_decode("00fFa9", 6, bytes, 2), -1);
    assert_int_equal(scoop_hex_decode("00fFg9", 6, bytes, 3), -1);
    assert_int_equal(scoop_hex_decode("+1", 2, bytes, 1), -1);
}

static void every_byte_is_a_digit_or_not(void **state) {
    (void)state;
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; byte++) {
        const char *digit = byte == 0 ? NULL : strchr(lower, byte);
        int expected = digit == NULL ? -1 : (int)(digit - lower);
        digit = byte == 0 ? NULL : strchr(upper, byte);
        if (digit != NULL)
            expected = (int)(digit - upper);
        assert_int_equal(scoop_hex_digit((unsigned char)byte), expected);
    }
}

static void a_number_ends_at_the_first_byte_that_is_none(void **state) {
    (void)state;
    const unsigned char *text = (const unsigned char *)"fFfFfFfF";
    assert_true(scoop_hex_number(text, 8) == 0xffffffff);
    assert_true(scoop_hex_number(text, 2) == 0xff);
    assert_true(scoop_hex_number(text, 0) == 0);
    assert_true(scoop_hex_number((const unsigned char *)"1", 4) == -1);
    assert_true(scoop_hex_number((const unsigned char *)"12g4", 4) == -1);
    assert_true(scoop_hex_number((const unsigned char *)"+123", 4) == -1);
}

static void bytes_are_written_in_lower_case(void **state) {
    (void)state;
    unsigned char bytes[256], again[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    scoop_hex_encode(bytes, sizeof bytes, text);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_int_equal(strlen(text), 512);
    assert_int_equal(scoop_hex_decode(text, 512, again, sizeof again), 0);
    assert_memory_equal(again, bytes, sizeof bytes);
    scoop_hex_encode(bytes, 0, text);
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_is_read_strictly),
        cmocka_unit_test(every_byte_is_a_digit_or_not),
        cmocka_unit_test(a_number_ends_at_the_first_byte_that_is_none),
        cmocka_unit_test(bytes_are_written_in_lower_case),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
