/* Escapes in strings of JSON, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text/escapes.h"

static void each_letter_stands_for_its_character(void **state) {
    (void)state;
    static const char known[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (int letter = 0; letter < 256; letter++) {
        const unsigned char text[3] = {'\\', (unsigned char)letter, 0};
        size_t length;
        long expected = -1;
        for (const char *pair = known; *pair != 0; pair += 2)
            if (pair[0] == letter)
                expected = pair[1];
        assert_true(scoop_escape_read(text, &length) == expected);
        assert_true(expected < 0 || length == 2);
    }
}

static void expect_code(const char *text, long code, size_t length) {
    size_t found = 0;
    assert_true(scoop_escape_read((const unsigned char *)text, &found) == code);
    assert_int_equal(found, length);
}

static void two_halves_are_one_character(void **state) {
    (void)state;
    expect_code("\\u0041", 0x41, 6);
    expect_code("\\u0000", 0, 6);
    expect_code("\\uFfFf", 0xffff, 6);
    expect_code("\\ud83d\\ude00", 0x1f600, 12);
    expect_code("\\ud800\\udc00", 0x10000, 12);
    expect_code("\\udbff\\udfff", 0x10ffff, 12);
}

static void a_half_alone_is_given_as_it_is(void **state) {
    (void)state;
    static const char *const after[] = {
        "",        "\\",      "\\u",     "\\ude0", "\\ude0\"", "\\n",    "\\x0000", "\\xde00",
        "\\nde00", "\\u0041", "\\ud83d", "x",      "udc00!",   "xude00", "\\udbff", "\\ue000"};
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        char text[32];
        snprintf(text, sizeof text, "\\ud83d%s", after[i]);
        expect_code(text, 0xd83d, 6);
    }
    expect_code("\\ude00\\ud83d", 0xde00, 6);
}

static void four_digits_are_asked_for(void **state) {
    (void)state;
    size_t length;
    static const char *const broken[] = {"\\u", "\\u1", "\\u12", "\\u123", "\\u12g4", "\\u+123"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_true(scoop_escape_read((const unsigned char *)broken[i], &length) == -1);
}

static void tables_store_neither_nul_nor_halves(void **state) {
    (void)state;
    for (long code = -1; code < 0x110000; code++)
        assert_int_equal(scoop_is_storable(code), code > 0 && (code < 0xd800 || code > 0xdfff));
}

static void expect_written(unsigned char byte, const char *plain, const char *brief) {
    unsigned char text[SCOOP_ESCAPE_MOST + 1];
    assert_true(scoop_needs_escape(byte));
    *scoop_escape_write(text, byte) = 0;
    assert_string_equal((char *)text, plain);
    *scoop_escape_write_short(text, byte) = 0;
    assert_string_equal((char *)text, brief);
}

static void what_cannot_stand_for_itself_is_written_as_an_escape(void **state) {
    (void)state;
    static const char *const names[0x20] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    expect_written('"', "\\\"", "\\\"");
    expect_written('\\', "\\\\", "\\\\");
    for (int byte = 0; byte < 0x20; byte++) {
        char plain[8];
        snprintf(plain, sizeof plain, "\\u%04x", byte);
        expect_written((unsigned char)byte, plain, names[byte] == NULL ? plain : names[byte]);
    }
    for (int byte = 0x20; byte < 256; byte++)
        assert_int_equal(scoop_needs_escape((unsigned char)byte), byte == '"' || byte == '\\');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_letter_stands_for_its_character),
        cmocka_unit_test(two_halves_are_one_character),
        cmocka_unit_test(a_half_alone_is_given_as_it_is),
        cmocka_unit_test(four_digits_are_asked_for),
        cmocka_unit_test(tables_store_neither_nul_nor_halves),
        cmocka_unit_test(what_cannot_stand_for_itself_is_written_as_an_escape),
    };
    return cmocka_run_group_tests_name("escapes", tests, NULL, NULL);
}
