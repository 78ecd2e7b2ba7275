/* Pages of S3's lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/message.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* Each item becomes a line of a log. */

static int log_object(void *user, const struct scoop_s3_object *object, struct scoop_error *error) {
    assert_int_equal(strlen(object->key), object->key_length);
    return scoop_buf_printf(user, error, "%s|%llu|%s|%s\n", object->key,
                            (unsigned long long)object->size_bytes, object->etag,
                            object->last_modified);
}

static int log_part(void *user, const struct scoop_s3_listed_part *part,
                    struct scoop_error *error) {
    return scoop_buf_printf(user, error, "%u|%llu|%s|%s|%s\n", part->number,
                            (unsigned long long)part->size_bytes, part->etag, part->crc32c,
                            part->crc64nvme);
}

static int log_upload(void *user, const struct scoop_s3_listed_upload *upload,
                      struct scoop_error *error) {
    return scoop_buf_printf(user, error, "%s|%s|%s\n", upload->key, upload->upload_id,
                            upload->initiated);
}

static const char objects_body[] = DECLARATION
    "<ListBucketResult" XMLNS "><Name>b</Name><Prefix>p%2F</Prefix><KeyCount>2</KeyCount>"
    "<MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>"
    "<Contents><Key>p%2Fa+b%2Bc%01</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified>"
    "<ETag>&quot;e-2&quot;</ETag><Size>48828125000000</Size><Owner><ID>o</ID></Owner>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
    "<Contents><Key>p%2F%E4%BD%A0</Key><Size>0</Size></Contents>"
    "<CommonPrefixes><Prefix>p%2Fq%2F</Prefix></CommonPrefixes>"
    "<NextContinuationToken>1/t+%k</NextContinuationToken>"
    "<EncodingType>url</EncodingType></ListBucketResult>";

static void objects_page_is_read(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    assert_int_equal(scoop_s3_parse_objects(objects_body, sizeof objects_body - 1, log_object, &log,
                                            &page, &error),
                     0);
    assert_string_equal(scoop_buf_text(&log, &error),
                        "p/a b+c\x01|48828125000000|\"e-2\"|2026-11-21T10:00:00.000Z\n"
                        "p/\xE4\xBD\xA0|0||\n");
    assert_true(page.truncated);
    assert_string_equal((const char *)page.token.data, "1/t+%k");
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static void keys_of_a_page_without_encoding_stay(void **state) {
    (void)state;
    static const char body[] =
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20b+c</Key>"
        "<Size>1</Size></Contents></ListBucketResult>";
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    assert_int_equal(scoop_s3_parse_objects(body, sizeof body - 1, log_object, &log, &page, &error),
                     0);
    assert_string_equal(scoop_buf_text(&log, &error), "a%20b+c|1||\n");
    assert_false(page.truncated);
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static void cut_page_yields_no_item(void **state) {
    (void)state;
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    for (size_t length = 0; length < sizeof objects_body - 1; length++) {
        struct scoop_error error = {0};
        assert_int_equal(
            scoop_s3_parse_objects(objects_body, length, log_object, &log, &page, &error), -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
        assert_int_equal(log.length, 0);
    }
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static void wrong_pages_are_refused(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "<Other/>",
        "<ListBucketResultX/>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size></Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>99999999999999999999</Size></Contents>"
        "</ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%z</Key></Contents>"
        "</ListBucketResult>",
    };
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct scoop_error error = {0};
        assert_int_equal(
            scoop_s3_parse_objects(bodies[i], strlen(bodies[i]), log_object, &log, &page, &error),
            -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
    }
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static void parts_page_is_read(void **state) {
    (void)state;
    static const char body[] =
        "<ListPartsResult" XMLNS "><Key>k</Key><UploadId>u</UploadId><PartNumberMarker>0"
        "</PartNumberMarker><NextPartNumberMarker>2</NextPartNumberMarker><MaxParts>2</MaxParts>"
        "<IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag>"
        "<Size>5242880</Size><ChecksumCRC32C>yZRlqg==</ChecksumCRC32C></Part><Part>"
        "<PartNumber>2</PartNumber><ETag>\"b\"</ETag><Size>7</Size></Part><Part><PartNumber>3"
        "</PartNumber><ETag>\"c\"</ETag><Size>8</Size><ChecksumCRC64NVME>AAAAAAAAAAA="
        "</ChecksumCRC64NVME></Part></ListPartsResult>";
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    assert_int_equal(scoop_s3_parse_parts(body, sizeof body - 1, log_part, &log, &page, &error), 0);
    assert_string_equal(scoop_buf_text(&log, &error),
                        "1|5242880|\"a\"|yZRlqg==|\n2|7|\"b\"||\n3|8|\"c\"||AAAAAAAAAAA=\n");
    assert_true(page.truncated);
    assert_int_equal(page.part_number_marker, 2);
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static void empty_parts_page_is_no_fault(void **state) {
    (void)state;
    static const char body[] = "<ListPartsResult><NextPartNumberMarker/><IsTruncated>false"
                               "</IsTruncated></ListPartsResult>";
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = true, .part_number_marker = 7};
    assert_int_equal(scoop_s3_parse_parts(body, sizeof body - 1, log_part, NULL, &page, &error), 0);
    assert_false(page.truncated);
    assert_int_equal(page.part_number_marker, 0);
    scoop_s3_page_free(&page);
}

static void part_numbers_are_checked(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "<ListPartsResult><Part><PartNumber>10001</PartNumber></Part></ListPartsResult>",
        "<ListPartsResult><Part><PartNumber>0</PartNumber></Part></ListPartsResult>",
        "<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct scoop_error error = {0};
        struct scoop_s3_page page = {.truncated = false};
        assert_int_equal(
            scoop_s3_parse_parts(bodies[i], strlen(bodies[i]), log_part, NULL, &page, &error), -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
        scoop_s3_page_free(&page);
    }
}

static void uploads_page_is_read(void **state) {
    (void)state;
    static const char body[] =
        "<ListMultipartUploadsResult" XMLNS "><Bucket>b</Bucket><KeyMarker/>"
        "<NextKeyMarker>a%2Fz+1</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker>"
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<Upload><Key>a%2Fb</Key><UploadId>u1</UploadId><Initiator><ID>i</ID></Initiator>"
        "<Initiated>2026-11-20T00:00:00.000Z</Initiated></Upload>"
        "<Upload><Key>a%2Fz+1</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>";
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    struct scoop_buf log;
    scoop_buf_init(&log, 4096);
    assert_int_equal(scoop_s3_parse_uploads(body, sizeof body - 1, log_upload, &log, &page, &error),
                     0);
    assert_string_equal(scoop_buf_text(&log, &error),
                        "a/b|u1|2026-11-20T00:00:00.000Z\na/z 1|u2|\n");
    assert_true(page.truncated);
    assert_string_equal((const char *)page.token.data, "a/z 1");
    assert_string_equal((const char *)page.upload_id.data, "u2");
    scoop_s3_page_free(&page);
    scoop_buf_free(&log);
}

static int stop_at_once(void *user, const struct scoop_s3_object *object,
                        struct scoop_error *error) {
    int *calls = user;
    ++*calls;
    return scoop_fail(error, SCOOP_CANCELLED, "stopped at %zu", object->key_length);
}

static void callback_ends_the_page(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    int calls = 0;
    assert_int_equal(scoop_s3_parse_objects(objects_body, sizeof objects_body - 1, stop_at_once,
                                            &calls, &page, &error),
                     -1);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    assert_int_equal(calls, 1);
    scoop_s3_page_free(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_page_is_read),
        cmocka_unit_test(keys_of_a_page_without_encoding_stay),
        cmocka_unit_test(cut_page_yields_no_item),
        cmocka_unit_test(wrong_pages_are_refused),
        cmocka_unit_test(parts_page_is_read),
        cmocka_unit_test(empty_parts_page_is_no_fault),
        cmocka_unit_test(part_numbers_are_checked),
        cmocka_unit_test(uploads_page_is_read),
        cmocka_unit_test(callback_ends_the_page),
    };
    return cmocka_run_group_tests_name("s3_page", tests, NULL, NULL);
}
