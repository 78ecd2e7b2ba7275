/* Addresses as messages show them: no form of one shows a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/url_display.h"

static void expect(const char *url, const char *wanted) {
    char text[200];
    scoop_url_display(url, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void a_url_is_shown_without_its_secrets(void **state) {
    static const char *const cases[][2] = {
        {"https://user:pw@h.example:8443/a/b?X-Amz-Signature=s#f", "https://h.example:8443/a/b"},
        {"http://u:p@w@h/x@y", "http://h/x@y"},
        {"http://[::1]:80/x", "http://[::1]:80/x"},
        {"http://user:pa/ss@h/x", "http://…"},
        {"http://user:1a/ss@h/x", "http://…"},
        {"http://user:1/ss@h/x", "http://…"},
        {"http://user:1?ss@h/x", "http://…"},
        {"http://user:1#ss@h/x", "http://…"},
        {"HTTPS://u:pw@h/x", "HTTPS://h/x"},
        {"ftp://u:pw@h/x", "ftp://h/x"},
        {"redis://:pw@h:6379/0", "redis://h:6379/0"},
        {"postgresql://u:p%40w@h/db?password=pw", "postgresql://h/db"},
        {"jdbc:postgresql://h/db?user=u&password=pw", "jdbc:postgresql://h/db"},
        {"  https://u:pw@h/x", "https://h/x"},
        {"//u:pw@h/x", "//h/x"},
        {"u:pw@h/x", "…"},
        {"https:/u:pw@h/x", "…"},
        {"https%3A%2F%2Fu:pw%40h/x", "…"},
        {"https://proxy/https://u:pw@h/x", "https://proxy/…"},
        {"https://proxy/a/https%3A%2F%2Fu:pw%40h/x", "https://proxy/a/…"},
        {"s3://u:pw@bucket/key", "s3://bucket/key"},
        {"s3://u:pw/key", "s3://…"},
        {"S3://bucket/key?X-Amz-Signature=s", "S3://bucket/key"},
        {"s3://bucket/key?AWSAccessKeyId=a&Signature=s", "s3://bucket/key"},
        {"http://h/x;token=s", "http://h/x;token=…"},
        {"http://h/x;v=1;PASSw%6Frd=s/y", "http://h/x;v=1;PASSw%6Frd=…"},
        {"10:30:pw@h", "…"},
        {"u1:pw@h", "…"},
        {"u123:45@h", "…"},
        {"u:10:30@h", "…"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i][0], cases[i][1]);
}

static void what_holds_no_secret_is_shown_as_it_is(void **state) {
    static const char *const names[] = {
        "/a/path:with/x@y",
        "./a:b@c",
        "../a:b@c",
        "a@b",
        "day=1/a:b",
        " a",
        "-",
        "C:\\x",
        "//tmp/a@b",
        "s3://b/a?b#c@d",
        "s3://b/x:y@z?day=1",
        "s3://b/x?token=abc.json;token=s",
        "10:30@x",
        "dump-2026-01-01T10:00:00Z@host.json",
        "http://h/x;v=1/y;token",
        "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x/key",
        "http://h/x@y",
        "http://h.example/a:b",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect(names[i], names[i]);
}

static void what_does_not_fit_is_cut(void **state) {
    char text[12];
    (void)state;
    scoop_url_display("https://u:pw@host.example/a", text, sizeof text);
    assert_string_equal(text, "https://hos");
    expect("https://h/a\r\nb", "https://h/a??b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_shown_without_its_secrets),
        cmocka_unit_test(what_holds_no_secret_is_shown_as_it_is),
        cmocka_unit_test(what_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
