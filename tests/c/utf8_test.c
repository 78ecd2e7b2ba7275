/* UTF-8, against the table of the Unicode standard (3-7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/utf8.h"

struct form {
    unsigned char first[2], rest[3][2]; /* from and to; 0: no such byte */
};

static const struct form forms[] = {
    {{0xc2, 0xdf}, {{0x80, 0xbf}}},
    {{0xe0, 0xe0}, {{0xa0, 0xbf}, {0x80, 0xbf}}},
    {{0xe1, 0xec}, {{0x80, 0xbf}, {0x80, 0xbf}}},
    {{0xed, 0xed}, {{0x80, 0x9f}, {0x80, 0xbf}}},
    {{0xee, 0xef}, {{0x80, 0xbf}, {0x80, 0xbf}}},
    {{0xf0, 0xf0}, {{0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {{0xf1, 0xf3}, {{0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {{0xf4, 0xf4}, {{0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}},
};

/* How many of the bytes begin a character, and whether they are all of it. */
static size_t expected_take(const unsigned char *text, size_t length, bool *whole) {
    *whole = text[0] < 0x80;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *form = &forms[i];
        size_t at = 1, wanted = 1;
        if (text[0] < form->first[0] || text[0] > form->first[1])
            continue;
        while (wanted < 4 && form->rest[wanted - 1][0] != 0)
            wanted++;
        while (at < wanted && at < length && text[at] >= form->rest[at - 1][0] &&
               text[at] <= form->rest[at - 1][1])
            at++;
        *whole = at == wanted;
        return at;
    }
    return 1;
}

static void expect_as_in_the_table(const unsigned char text[5]) {
    for (size_t length = 1; length <= 4; length++) {
        bool whole, expected_whole;
        size_t expected = expected_take(text, length, &expected_whole);
        assert_int_equal(scoop_utf8_take(text, length, &whole), expected);
        assert_int_equal(whole, expected_whole);
        if (text[0] >= 0x80 && length == 4)
            assert_int_equal(scoop_utf8_sequence(text), whole ? expected : 0);
    }
}

/* Of the third and fourth bytes those next to the bounds. */
static void all_sequences_are_judged_as_in_the_table(void **state) {
    (void)state;
    static const unsigned char edges[] = {0x00, '"',  0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xff};
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t i = 0; i < sizeof edges; i++)
                for (size_t j = 0; j < sizeof edges; j++) {
                    const unsigned char text[5] = {(unsigned char)first, (unsigned char)second,
                                                   edges[i], edges[j], 0};
                    expect_as_in_the_table(text);
                }
}

static void every_character_is_written_and_read(void **state) {
    (void)state;
    for (unsigned long code = 0; code < 0x110000; code++) {
        unsigned char text[SCOOP_UTF8_MOST + 1] = {0};
        bool whole, surrogate = code >= 0xd800 && code <= 0xdfff;
        size_t length = scoop_utf8_encode(code, text);
        assert_int_equal(length, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_true(text[length] == 0);
        scoop_utf8_take(text, length, &whole);
        assert_int_equal(whole, !surrogate);
        assert_int_equal(scoop_utf8_valid(text, length), surrogate ? 0 : length);
        assert_int_equal(scoop_utf8_count(text, length), 1);
    }
    unsigned char text[SCOOP_UTF8_MOST];
    assert_int_equal(scoop_utf8_encode(SCOOP_REPLACEMENT, text), 3);
    assert_memory_equal(text, "\xef\xbf\xbd", 3);
}

/* Eight bytes are looked at in one: each place of a bad byte, in texts of each length. */
static void the_first_byte_that_is_wrong_is_found(void **state) {
    (void)state;
    unsigned char text[40];
    for (size_t length = 0; length <= sizeof text; length++) {
        memset(text, 'a', sizeof text);
        assert_int_equal(scoop_utf8_valid(text, length), length);
        for (size_t at = 0; at < length; at++) {
            text[at] = 0xff;
            assert_int_equal(scoop_utf8_valid(text, length), at);
            text[at] = 0xe2;
            assert_int_equal(scoop_utf8_valid(text, length), at);
            if (at + 3 <= length) {
                memcpy(text + at, "\xe2\x82\xac", 3);
                assert_int_equal(scoop_utf8_valid(text, length), length);
                assert_int_equal(scoop_utf8_valid(text, at + 2), at);
                memset(text + at, 'a', 3);
            }
            text[at] = 'a';
        }
    }
    assert_int_equal(scoop_utf8_valid(NULL, 0), 0);
    assert_int_equal(scoop_utf8_count(NULL, 0), 0);
    assert_int_equal(scoop_utf8_count("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sequences_are_judged_as_in_the_table),
        cmocka_unit_test(every_character_is_written_and_read),
        cmocka_unit_test(the_first_byte_that_is_wrong_is_found),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
