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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_known_by_its_first_bytes),
        cmocka_unit_test(text_is_plain_even_when_it_begins_like_a_format),
        cmocka_unit_test(each_content_has_a_name),
    };
    return cmocka_run_group_tests_name("sniff", tests, NULL, NULL);
}
