/* What an object is given besides its bytes, as headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/object_headers.h"

static const char *value_of(const struct scoop_object_headers *headers, const char *name) {
    for (size_t i = 0; i < headers->count; i++)
        if (strcmp(headers->pairs[i].name, name) == 0)
            return headers->pairs[i].value;
    return "missing";
}

static void refuses(struct scoop_object_options options, const char *why) {
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    assert_non_null(strstr(error.message, why));
    assert_int_equal(headers.count, 0);
}

static void nothing_asked_for_is_no_header(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    const struct scoop_object_options options = {.content_type = "text/csv"};
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    assert_int_equal(headers.count, 0);
}

static void each_option_has_its_header(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    const struct scoop_object_options options = {
        .encryption = "aws:kms",
        .kms_key_id = "arn:aws:kms:eu-west-1:123456789012:key/abc",
        .bucket_key = true,
        .storage_class = "STANDARD_IA",
        .tags = "team=data%20lake&a%2Bb=%C3%A9%26",
        .metadata = "Run-Id=2026-11-21%20x&empty=",
    };
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    assert_int_equal(headers.count, 7);
    assert_string_equal(value_of(&headers, "x-amz-server-side-encryption"), "aws:kms");
    assert_string_equal(value_of(&headers, "x-amz-server-side-encryption-aws-kms-key-id"),
                        options.kms_key_id);
    assert_string_equal(value_of(&headers, "x-amz-server-side-encryption-bucket-key-enabled"),
                        "true");
    assert_string_equal(value_of(&headers, "x-amz-storage-class"), "STANDARD_IA");
    assert_string_equal(value_of(&headers, "x-amz-tagging"), "a%2Bb=%C3%A9%26&team=data%20lake");
    assert_string_equal(value_of(&headers, "x-amz-meta-Run-Id"), "2026-11-21 x");
    assert_string_equal(value_of(&headers, "x-amz-meta-empty"), "");
    scoop_object_headers_free(&headers);
}

static void an_empty_header_of_http_is_named_and_not_sent(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    const struct scoop_object_options options = {.content_encoding = "",
                                                 .cache_control = "private"};
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    assert_int_equal(headers.count, 2);
    assert_string_equal(value_of(&headers, "Cache-Control"), "private");
    assert_null(value_of(&headers, "Content-Encoding"));
    scoop_object_headers_free(&headers);
}

static void encryption_options_that_do_not_fit_together_are_refused(void **state) {
    (void)state;
    refuses((struct scoop_object_options){.encryption = "aes256"}, "AES256");
    refuses((struct scoop_object_options){.kms_key_id = "k"}, "kms_key_id");
    refuses((struct scoop_object_options){.encryption = "AES256", .kms_key_id = "k"}, "kms_key_id");
    refuses((struct scoop_object_options){.encryption = "aws:kms:dsse", .bucket_key = true},
            "bucket_key");
    refuses((struct scoop_object_options){.encryption = "aws:kms", .kms_key_id = "a\nb"}, "key");
}

static void what_would_break_a_header_is_refused(void **state) {
    (void)state;
    refuses((struct scoop_object_options){.content_type = "text/csv\r\nx: y"}, "content_type");
    refuses((struct scoop_object_options){.content_type = ""}, "content_type");
    refuses((struct scoop_object_options){.storage_class = "standard"}, "storage_class");
    refuses((struct scoop_object_options){.metadata = "a%20b=c"}, "a name is made of");
    refuses((struct scoop_object_options){.metadata = "a=c%0D%0Ax:y"}, "metadata");
    refuses((struct scoop_object_options){.metadata = "a=%C3%A9"}, "ASCII");
    refuses((struct scoop_object_options){.metadata = "a=%20b"}, "blanks");
    refuses((struct scoop_object_options){.metadata = "a=%00"}, "NUL");
    refuses((struct scoop_object_options){.metadata = "=b"}, "metadata");
    refuses((struct scoop_object_options){.metadata = "a=1&A=2"}, "twice");
}

static void ten_tags_are_the_most(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    struct scoop_object_options options = {.tags = "0=&1=&2=&3=&4=&5=&6=&7=&8=&9="};
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    scoop_object_headers_free(&headers);
    refuses((struct scoop_object_options){.tags = "0=&1=&2=&3=&4=&5=&6=&7=&8=&9=&10="}, "10 tags");
    refuses((struct scoop_object_options){.tags = "a=1&a=2"}, "twice");
    refuses((struct scoop_object_options){.tags = "=1"}, "1 to 128");
}

/* Two bytes of UTF-8 are one character. */
static void lengths_of_tags_are_counted_in_characters(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    char text[2000] = "";
    struct scoop_object_options options = {.tags = text};
    for (int i = 0; i < 128; i++)
        strcat(text, "%C3%A9");
    strcat(text, "=");
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    scoop_object_headers_free(&headers);
    text[strlen(text) - 1] = 0;
    strcat(text, "x=");
    refuses(options, "1 to 128");
}

static void two_kilobytes_of_metadata_are_the_most(void **state) {
    (void)state;
    struct scoop_object_headers headers = {0};
    struct scoop_error error = {0};
    char text[2100];
    struct scoop_object_options options = {.metadata = text};
    int length = snprintf(text, sizeof text, "name=%.*d", 2044, 0);
    assert_int_equal(length, 2049);
    assert_int_equal(scoop_object_headers_build(&options, &headers, &error), 0);
    scoop_object_headers_free(&headers);
    snprintf(text, sizeof text, "name=%.*d", 2045, 0);
    refuses(options, "2048 bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_for_is_no_header),
        cmocka_unit_test(each_option_has_its_header),
        cmocka_unit_test(an_empty_header_of_http_is_named_and_not_sent),
        cmocka_unit_test(encryption_options_that_do_not_fit_together_are_refused),
        cmocka_unit_test(what_would_break_a_header_is_refused),
        cmocka_unit_test(ten_tags_are_the_most),
        cmocka_unit_test(lengths_of_tags_are_counted_in_characters),
        cmocka_unit_test(two_kilobytes_of_metadata_are_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
