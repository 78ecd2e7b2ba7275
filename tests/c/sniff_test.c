/* What a source is, by its first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage/sniff.h"

static enum scoop_content sniff(const char *bytes, size_t length) {
    unsigned char *copy = malloc(length + 1); /* no byte beyond length is read */
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    unsigned char *exact = realloc(copy, length == 0 ? 1 : length);
    enum scoop_content content = scoop_sniff(exact, length);
    free(exact);
    return content;
}

static void each_format_is_known_by_its_first_bytes(void **state) {
    (void)state;
    assert_int_equal(sniff("\x1f\x8b\x08", 3), SCOOP_CONTENT_GZIP);
    assert_int_equal(sniff("PK\x03\x04", 4), SCOOP_CONTENT_ZIP);
    assert_int_equal(sniff("PK\x05\x06", 4), SCOOP_CONTENT_ZIP);
    assert_int_equal(sniff("BZh91AY&SY", 10), SCOOP_CONTENT_BZIP2);
    assert_int_equal(sniff("BZh9\x17\x72\x45\x38\x50\x90", 10), SCOOP_CONTENT_BZIP2);
    assert_int_equal(sniff("\x28\xb5\x2f\xfd", 4), SCOOP_CONTENT_ZSTD);
    assert_int_equal(sniff("\x52\x2a\x4d\x18", 4), SCOOP_CONTENT_ZSTD);
    assert_int_equal(sniff("\xfd"
                           "7zXZ\0",
                           6),
                     SCOOP_CONTENT_XZ);
    assert_int_equal(sniff("\xff\xfe{\0", 4), SCOOP_CONTENT_UTF16);
    assert_int_equal(sniff("\xfe\xff\0{", 4), SCOOP_CONTENT_UTF16);
    assert_int_equal(sniff("{\0}\0", 4), SCOOP_CONTENT_UTF16);
    assert_int_equal(sniff("\0{\0}", 4), SCOOP_CONTENT_UTF16);
    assert_int_equal(sniff("\xff\xfe\0\0", 4), SCOOP_CONTENT_UTF32);
    assert_int_equal(sniff("\0\0\xfe\xff", 4), SCOOP_CONTENT_UTF32);
    assert_int_equal(sniff("{\0\0\0", 4), SCOOP_CONTENT_UTF32);
    assert_int_equal(sniff("\0\0\0{", 4), SCOOP_CONTENT_UTF32);
}

static void text_is_plain_even_when_it_begins_like_a_format(void **state) {
    (void)state;
    assert_int_equal(sniff("", 0), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("1", 1), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("{\"a\":1}", 7), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("\xef\xbb\xbf{}", 5), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("PKZIP", 5), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("BZh9 is text", 12), SCOOP_CONTENT_PLAIN);
    assert_int_equal(sniff("\x1f", 1), SCOOP_CONTENT_PLAIN);
}

static void each_content_has_a_name(void **state) {
    (void)state;
    assert_string_equal(scoop_content_name(SCOOP_CONTENT_BZIP2), "bzip2");
    assert_string_equal(scoop_content_name(SCOOP_CONTENT_ZSTD), "zstd");
    assert_string_equal(scoop_content_name(SCOOP_CONTENT_UTF16), "UTF-16 text");
    assert_string_equal(scoop_content_name(SCOOP_CONTENT_PLAIN), "plain");
}

static const char *looks(const char *text, size_t length) {
    return scoop_sniff_looks((const unsigned char *)text, length);
}

static void a_message_says_what_content_looks_like(void **state) {
    static const struct {
        const char *text, *looks;
        bool is_text;
    } contents[] = {
        {"<!DOCTYPE ", "HTML", false},
        {"<html>", "HTML", false},
        {"\xef\xbb\xbf\r\n<HT", "HTML", false},
        {"<?xml", "XML", true},
        {"<table>", "HTML or XML", true},
        {"{\"a\"", "JSON", true},
        {" [1", "JSON", true},
        {"a,b\n1,2\n", "plain text", true},
        {"\xc3\xa9t\xc3\xa9", "plain text", true},
        {"\x01\x02\x03", "binary data", false},
        {"\xff\xd8\xff\xe0", "binary data", false},
        {"PK\x03\x04", "a zip archive", false},
        {"7z\xbc\xaf\x27\x1c", "7z data", false},
        {"%PDF-1.7", "PDF", false},
        {"\x1f\x8b\x08", "gzip data", false},
        {"\x28\xb5\x2f\xfd", "zstd data", false},
        {"BZh91AY&SY", "bzip2 data", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        size_t length = strlen(contents[i].text);
        assert_string_equal(looks(contents[i].text, length), contents[i].looks);
        bool is_text = scoop_sniff_is_text((const unsigned char *)contents[i].text, length);
        if (is_text != contents[i].is_text && strcmp(contents[i].looks, "PDF") != 0)
            fail_msg("%s", contents[i].looks);
    }
    assert_string_equal(looks("", 0), "nothing at all");
}

static void a_gzip_header_is_more_than_its_magic(void **state) {
    static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    unsigned char other[sizeof header];
    (void)state;
    assert_true(scoop_sniff_is_gzip_header(header, sizeof header));
    assert_false(scoop_sniff_is_gzip_header(header, sizeof header - 1));
    for (size_t i = 0; i < 4; i++) {
        memcpy(other, header, sizeof header);
        other[i] ^= 0x80;
        assert_false(scoop_sniff_is_gzip_header(other, sizeof other));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_known_by_its_first_bytes),
        cmocka_unit_test(text_is_plain_even_when_it_begins_like_a_format),
        cmocka_unit_test(each_content_has_a_name),
        cmocka_unit_test(a_message_says_what_content_looks_like),
        cmocka_unit_test(a_gzip_header_is_more_than_its_magic),
    };
    return cmocka_run_group_tests_name("sniff", tests, NULL, NULL);
}
