/* Many bytes looked at in one are judged as one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/copy_padded.h"
#include "text/scan.h"

static bool is_special(unsigned char byte) {
    return byte < ' ' || byte >= 0x80 || byte == '"' || byte == '\\';
}

/* Every byte at every place among bytes that are none of the wanted. */
static void each_byte_is_judged_at_each_place(void **state) {
    (void)state;
    unsigned char text[SCOOP_SCAN_BYTES];
    for (int byte = 0; byte < 256; byte++) {
        bool ends = byte == ',' || byte == '\n' || byte == '\r' || byte == '"'; /* a CSV value */
        for (int at = 0; at < SCOOP_SCAN_BYTES; at++) {
            const uint64_t bit = (uint64_t)1 << at;
            unsigned high = 0;
            uint64_t special = 0;
            memset(text, 'a', sizeof text);
            text[at] = (unsigned char)byte;
            assert_true(scoop_scan_csv(text, &high) == (ends ? bit : 0));
            assert_int_equal(high != 0, byte >= 0x80);
            assert_true(scoop_scan_row(text, &special) == (byte == ',' ? bit : 0));
            assert_true(special == (is_special((unsigned char)byte) ? bit : 0));
        }
    }
}

static void several_are_found_together(void **state) {
    (void)state;
    unsigned char text[SCOOP_SCAN_BYTES];
    unsigned high = 1;
    uint64_t special = 0;
    memset(text, ',', sizeof text);
    assert_true(scoop_scan_csv(text, &high) == ~(uint64_t)0);
    assert_true(scoop_scan_row(text, &special) == ~(uint64_t)0 && special == 0);
    assert_true(high != 0); /* what was seen before stays */
    memset(text, '"', sizeof text);
    assert_true(scoop_scan_row(text, &special) == 0 && special == ~(uint64_t)0);
}

/* At each place of texts of each length, which begin anywhere in memory. */
static void a_string_is_plain_up_to_the_first_that_is_not(void **state) {
    (void)state;
    unsigned char text[72];
    for (int byte = 0; byte < 256; byte++) {
        bool stops = is_special((unsigned char)byte) || byte == '\'';
        for (size_t from = 0; from < 3; from++)
            for (size_t length = 0; length <= 40; length++)
                for (size_t at = 0; at < length; at++) {
                    memset(text, 'a', sizeof text);
                    text[from + length] = '"'; /* behind the end */
                    text[from + at] = (unsigned char)byte;
                    const unsigned char *found =
                        scoop_skip_plain(text + from, text + from + length, '\'');
                    assert_true(found == text + from + (stops ? at : length));
                }
    }
    assert_true(scoop_skip_plain(text, text, '"') == text);
}

static void a_padded_copy_is_a_copy(void **state) {
    (void)state;
    unsigned char from[100], to[100];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (unsigned char)i;
    for (size_t length = 0; length + SCOOP_COPY_BYTES <= sizeof from; length++) {
        memset(to, 0xff, sizeof to);
        assert_true(scoop_copy_padded(to, from, length) == to + length);
        assert_memory_equal(to, from, length);
        for (size_t i = length + SCOOP_COPY_BYTES; i < sizeof to; i++)
            assert_int_equal(to[i], 0xff);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_judged_at_each_place),
        cmocka_unit_test(several_are_found_together),
        cmocka_unit_test(a_string_is_plain_up_to_the_first_that_is_not),
        cmocka_unit_test(a_padded_copy_is_a_copy),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
