/* The messages of copies that S3 makes itself, and the text of checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/copy.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void copy_source_is_encoded_byte_for_byte(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_buf value;
    scoop_buf_init(&value, 1024);
    assert_int_equal(
        scoop_s3_build_copy_source("a.bucket", "../a b//%2F+?\xC3\xBC", NULL, &value, &error), 0);
    assert_string_equal(scoop_buf_text(&value, &error), "a.bucket/../a%20b//%252F%2B%3F%C3%BC");
    scoop_buf_free(&value);
}

static void copied_objects_and_parts_are_read(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_copied copied;
    static const char object[] =
        "<CopyObjectResult" XMLNS "><LastModified>x</LastModified><ETag>&quot;e&quot;</ETag>"
        "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></CopyObjectResult>";
    static const char part[] = "<CopyPartResult><ETag>e</ETag>"
                               "<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>"
                               "</CopyPartResult>";
    assert_int_equal(
        scoop_s3_parse_copied(object, strlen(object), SCOOP_S3_CHECKSUM_CRC32C, &copied, &error),
        0);
    assert_string_equal(copied.etag, "\"e\"");
    assert_string_equal(copied.checksum, "AAAAAA==");
    assert_int_equal(
        scoop_s3_parse_copied(part, strlen(part), SCOOP_S3_CHECKSUM_CRC64NVME, &copied, &error), 0);
    assert_string_equal(copied.etag, "e");
    assert_string_equal(copied.checksum, "AAAAAAAAAAA=");
    assert_int_equal(
        scoop_s3_parse_copied(part, strlen(part), SCOOP_S3_CHECKSUM_CRC32C, &copied, &error), 0);
    assert_string_equal(copied.checksum, "");
}

static void copied_cut_anywhere_is_a_fault(void **state) {
    (void)state;
    static const char body[] = "<CopyPartResult><ETag>e</ETag></CopyPartResult>";
    for (size_t length = 0; length < strlen(body); length++) {
        struct scoop_error error = {0};
        struct scoop_s3_copied copied;
        assert_int_equal(
            scoop_s3_parse_copied(body, length, SCOOP_S3_CHECKSUM_NONE, &copied, &error), -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
    }
}

static void what_has_no_etag_is_no_copy(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "<CopyObjectResult></CopyObjectResult>",
        "<CopyObjectResult><ETag></ETag></CopyObjectResult>",
        "<Other><ETag>e</ETag></Other>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct scoop_error error = {0};
        struct scoop_s3_copied copied;
        assert_int_equal(scoop_s3_parse_copied(bodies[i], strlen(bodies[i]), SCOOP_S3_CHECKSUM_NONE,
                                               &copied, &error),
                         -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
    }
}

static void tags_become_a_header(void **state) {
    (void)state;
    static const char body[] = "<Tagging" XMLNS "><TagSet>"
                               "<Tag><Key>a&amp;b</Key><Value>1 2</Value></Tag>"
                               "<Tag><Key>c</Key><Value></Value></Tag></TagSet></Tagging>";
    struct scoop_error error = {0};
    struct scoop_buf tags;
    scoop_buf_init(&tags, 1024);
    assert_int_equal(scoop_s3_parse_tags(body, strlen(body), &tags, &error), 0);
    assert_string_equal(scoop_buf_text(&tags, &error), "a%26b=1%202&c=");
    scoop_buf_free(&tags);
}

static void checksum_texts_are_read_back(void **state) {
    (void)state;
    static const uint64_t values[] = {
        0, 1, 0x80000000u, 0xFFFFFFFFu, UINT64_C(0x0123456789ABCDEF), UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int kind = SCOOP_S3_CHECKSUM_CRC32C; kind <= SCOOP_S3_CHECKSUM_CRC64NVME; kind++) {
            struct scoop_error error = {0};
            char text[SCOOP_S3_CHECKSUM_SIZE];
            uint64_t value = kind == SCOOP_S3_CHECKSUM_CRC32C ? (uint32_t)values[i] : values[i];
            uint64_t found = 0;
            assert_int_equal(
                scoop_s3_checksum_text((enum scoop_s3_checksum)kind, value, text, &error), 0);
            assert_true(scoop_s3_checksum_parse((enum scoop_s3_checksum)kind, text, &found));
            assert_true(found == value);
        }
}

static void what_is_no_checksum_is_told(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "AAAAAA", "AAAAAA=", "AAAAAA===", "AAAAAB==", "AAAA\nA==", "AAAAAA==-2", "AAAAAAAAAAA=",
    };
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(scoop_s3_checksum_parse(SCOOP_S3_CHECKSUM_CRC32C, texts[i], &value));
    assert_false(scoop_s3_checksum_parse(SCOOP_S3_CHECKSUM_CRC64NVME, "AAAAAA==", &value));
    assert_false(scoop_s3_checksum_parse(SCOOP_S3_CHECKSUM_CRC64NVME, "AAAAAAAAAAB=", &value));
    assert_false(scoop_s3_checksum_parse(SCOOP_S3_CHECKSUM_NONE, "", &value));
    assert_int_equal(value, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_source_is_encoded_byte_for_byte),
        cmocka_unit_test(copied_objects_and_parts_are_read),
        cmocka_unit_test(copied_cut_anywhere_is_a_fault),
        cmocka_unit_test(what_has_no_etag_is_no_copy),
        cmocka_unit_test(tags_become_a_header),
        cmocka_unit_test(checksum_texts_are_read_back),
        cmocka_unit_test(what_is_no_checksum_is_told),
    };
    return cmocka_run_group_tests_name("s3_copy", tests, NULL, NULL);
}
