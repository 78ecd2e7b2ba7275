/* Web addresses: what is sent for what was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text/address.h"

static void expect_sent(const char *given, const char *expected) {
    char sent[512], again[512];
    assert_true(scoop_address_size(strlen(given)) <= sizeof sent);
    assert_int_equal(scoop_address_send(given, sent), strlen(expected));
    assert_string_equal(sent, expected);
    scoop_address_send(sent, again);
    assert_string_equal(again, expected);
}

static void an_address_is_sent_as_browsers_send_it(void **state) {
    static const char *const table[][2] = {
        {"https://h", "https://h/"},
        {"HTTP://Host:8080", "http://Host:8080/"},
        {"http://h?a=b", "http://h/?a=b"},
        {"http://h#top", "http://h/"},
        {"http://h/a?b#c", "http://h/a?b"},
        {" \t http://h/a \r\n", "http://h/a"},
        {"http://h/a\r\n b\tc", "http://h/a%0D%0A%20b%09c"},
        {"http://h/a b.csv?c d", "http://h/a%20b.csv?c%20d"},
        {"http://h/a%20b%2fc%zz%", "http://h/a%20b%2fc%zz%"},
        {"http://h/\xc3\xa9t\xc3\xa9?\xc3\xa9", "http://h/%C3%A9t%C3%A9?%C3%A9"},
        {"http://h/\xe9", "http://h/%E9"},
        {"http://h/\"<>^`{}|'", "http://h/%22%3C%3E%5E%60%7B%7D|'"},
        {"http://h/?\"<>^`{}|'\\", "http://h/?%22%3C%3E^`{}|%27\\"},
        {"http://h/a\x7f\x01z", "http://h/a%7F%01z"},
        {"http://h\\a\\..\\b", "http://h/b"},
        {"http://h\\@other/x", "http://h/@other/x"},
        {"http://u:p@h/x", "http://u:p@h/x"},
        {"http://u@b:p:w@rd @h/x", "http://u%40b:p%3Aw%40rd%20@h/x"},
        {"http://@h/", "http://@h/"},
        {"http://[::1]:80/x", "http://[::1]:80/x"},
        {"http://b\xc3\xbc"
         "cher.example/x",
         "http://b\xc3\xbc"
         "cher.example/x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_sent(table[i][0], table[i][1]);
}

/* The examples of RFC 3986, 5.2.4, and those of the URL Standard with %2e. */
static void dot_segments_are_removed(void **state) {
    static const char *const table[][2] = {
        {"http://h/a/b/c/./../../g", "http://h/a/g"},
        {"http://h/.", "http://h/"},
        {"http://h/..", "http://h/"},
        {"http://h/a/.", "http://h/a/"},
        {"http://h/a/..", "http://h/"},
        {"http://h/a/b/..", "http://h/a/"},
        {"http://h/../../a", "http://h/a"},
        {"http://h/a/%2e/b", "http://h/a/b"},
        {"http://h/a/%2E%2e/b", "http://h/b"},
        {"http://h/a/.%2e/b", "http://h/b"},
        {"http://h/a//../b", "http://h/a/b"},
        {"http://h//a//b", "http://h//a//b"},
        {"http://h/a/.../b/.c/d.", "http://h/a/.../b/.c/d."},
        {"http://h/a/%2f../b", "http://h/a/%2f../b"},
        {"http://h/a/ ../b", "http://h/a/%20../b"},
        {"http://h/a/.\t./b", "http://h/a/.%09./b"},
        {"http://h/a?b/../c", "http://h/a?b/../c"},
        {"http://h/x/../a?signatures=1&designature", "http://h/a?signatures=1&designature"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_sent(table[i][0], table[i][1]);
}

static void the_path_of_a_signed_address_is_kept(void **state) {
    static const char *const names[] = {
        "X-Amz-Signature",
        "x-amz-signature",
        "Signature",
        "X-Goog-Signature",
        "sig",
        "x-oss-signature",
        "q-signature",
        "url_sig",
        "hdnea",
    };
    char given[256], expected[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(given, sizeof given, " http://h/a/../b//./c d\\'?e=f g'&%s=0a%%2F\n", names[i]);
        snprintf(expected, sizeof expected, "http://h/a/../b//./c%%20d\\'?e=f%%20g'&%s=0a%%2F",
                 names[i]);
        expect_sent(given, expected);
    }
    expect_sent("http://h/a/../Signature=1?a=b#&sig=1", "http://h/Signature=1?a=b");
    expect_sent("http://h/a/../b?signature", "http://h/b?signature");
    expect_sent("http://h/a/../b?a=sig=1", "http://h/b?a=sig=1");
}

/* RFC 3986, 5.4; where browsers differ, as they do. */
static void a_reference_is_read_where_it_stood(void **state) {
    static const char *const table[][2] = {
        {"https://x/y", "https://x/y"},
        {"g", "http://u@a/b/c/g"},
        {"./g", "http://u@a/b/c/g"},
        {"g/", "http://u@a/b/c/g/"},
        {"/g", "http://u@a/g"},
        {"//g", "http://g/"},
        {"\\\\g\\x", "http://g/x"},
        {"?y", "http://u@a/b/c/d;p?y"},
        {"g?y#s", "http://u@a/b/c/g?y"},
        {"#s", "http://u@a/b/c/d;p?q"},
        {"", "http://u@a/b/c/d;p?q"},
        {";x", "http://u@a/b/c/;x"},
        {".", "http://u@a/b/c/"},
        {"..", "http://u@a/b/"},
        {"../g", "http://u@a/b/g"},
        {"../..", "http://u@a/"},
        {"../../../g", "http://u@a/g"},
        {"/./g/../h", "http://u@a/h"},
        {"/g h?\xc3\xa9", "http://u@a/g%20h?%C3%A9"},
        {"../g?sig=1", "http://u@a/b/g?sig=1"},
        {"/x/../g?sig=1", "http://u@a/x/../g?sig=1"},
        {"https://x/a/../b?X-Amz-Signature=1", "https://x/a/../b?X-Amz-Signature=1"},
        {"https://x/a/../b", "https://x/b"},
        {"ftp://x/y", "ftp://x/y"},
        {"javascript:x", "javascript:x"},
        {"http:g", "http:g"},
    };
    char found[256];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        scoop_address_resolve("http://u@a/b/c/d;p?q", table[i][0], found);
        assert_string_equal(found, table[i][1]);
    }
}

static void an_origin_is_scheme_host_and_port(void **state) {
    static const char *const same[][2] = {
        {"http://h/a", "http://H:80/b"},
        {"https://h/a", "https://u:p@h:443?b"},
        {"http://[::1]/", "http://[::1]:80/"},
        {"http://h:/", "http://h/"},
    };
    static const char *const others[][2] = {
        {"http://h/", "https://h/"},    {"http://h/", "http://h:81/"},
        {"http://h/", "http://hh/"},    {"http://h/", "http://g/"},
        {"https://h/", "https://h.x/"}, {"http://h:x/", "http://h:x/"},
        {"ftp://h/", "ftp://h/"},       {"http://h:65616/", "http://h/"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(scoop_address_same_origin(same[i][0], same[i][1]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(scoop_address_same_origin(others[i][0], others[i][1]));
}

static void control_characters_are_found_within_an_address_only(void **state) {
    (void)state;
    assert_false(scoop_address_has_control(" \t\r\nhttp://h/a b\xc3\xa9\x01\n"));
    assert_true(scoop_address_has_control("http://h/a\nb"));
    assert_true(scoop_address_has_control("http://h/a\x7f"));
    assert_true(scoop_address_has_control("http://h\r\n/a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_sent_as_browsers_send_it),
        cmocka_unit_test(dot_segments_are_removed),
        cmocka_unit_test(the_path_of_a_signed_address_is_kept),
        cmocka_unit_test(a_reference_is_read_where_it_stood),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(control_characters_are_found_within_an_address_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
