/* S3's messages, built and parsed, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/message.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static const char error_body[] =
    DECLARATION "<Error><Code>PermanentRedirect</Code><Message>The bucket is in another region"
                "</Message><Bucket>b</Bucket><Region>eu-west-1</Region><RequestId>4442587FB7D0A2F9"
                "</RequestId><HostId>x</HostId></Error>";

static void error_body_is_read(void **state) {
    (void)state;
    struct scoop_s3_error out;
    assert_true(scoop_s3_parse_error(error_body, sizeof error_body - 1, &out));
    assert_string_equal(out.code, "PermanentRedirect");
    assert_string_equal(out.message, "The bucket is in another region");
    assert_string_equal(out.region, "eu-west-1");
    assert_string_equal(out.request_id, "4442587FB7D0A2F9");
}

static void wrapped_error_body_is_read(void **state) {
    (void)state;
    static const char body[] = "<ErrorResponse><Error><Code>Throttling</Code></Error>"
                               "<RequestId>r</RequestId></ErrorResponse>";
    struct scoop_s3_error out;
    assert_true(scoop_s3_parse_error(body, sizeof body - 1, &out));
    assert_string_equal(out.code, "Throttling");
    assert_string_equal(out.request_id, "r");
}

/* A server repeats a name that was asked for. */
static void characters_that_xml_has_not_take_no_message_away(void **state) {
    (void)state;
    static const struct {
        const char *text, *told;
    } messages[] = {
        {"no key a\x01z", "no key a z"},
        {"no key a\x1bz", "no key a z"},
        {"no key a&#x1;z", "no key a     z"},
        {"no key a&#31;z", "no key a     z"},
        {"no key a&#xD800;z &amp; b", "no key a        z & b"},
        {"no key a\xffz", "no key a z"},
        {"no key a\xc3z", "no key a z"},
        {"no key \xc3\xa4\x02&#228;", "no key \xc3\xa4 \xc3\xa4"},
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char body[256];
        struct scoop_s3_error out;
        snprintf(body, sizeof body, "<Error><Code>NoSuchKey</Code><Message>%s</Message></Error>",
                 messages[i].text);
        assert_true(scoop_s3_parse_error(body, strlen(body), &out));
        assert_string_equal(out.code, "NoSuchKey");
        assert_string_equal(out.message, messages[i].told);
    }
    static const char nul[] = "<Error><Code>a\0b</Code></Error>";
    struct scoop_s3_error out;
    assert_true(scoop_s3_parse_error(nul, sizeof nul - 1, &out));
    assert_string_equal(out.code, "a b");
    assert_false(scoop_s3_parse_error("<Error>&#x1", 11, &out));
}

static void what_is_no_error_body_leaves_nothing(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html><Code>x</Code></html>",
        "Service Unavailable",
        "<Error><Code>x</Code>",
        "<Errors><Code>x</Code></Errors>",
        "{\"Code\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct scoop_s3_error out, empty = {.code = ""};
        memset(&out, 'x', sizeof out);
        assert_false(scoop_s3_parse_error(bodies[i], strlen(bodies[i]), &out));
        assert_memory_equal(&out, &empty, sizeof out);
    }
}

static void long_messages_are_cut_between_characters(void **state) {
    (void)state;
    char body[4096] = "<Error><Message>";
    struct scoop_s3_error out;
    for (int i = 0; i < 400; i++)
        strcat(body, "\xE4\xBD\xA0");
    strcat(body, "</Message></Error>");
    assert_true(scoop_s3_parse_error(body, strlen(body), &out));
    assert_int_equal(strlen(out.message), (sizeof out.message - 1) / 3 * 3);
}

static void upload_id_is_read(void **state) {
    (void)state;
    static const char body[] =
        DECLARATION "<InitiateMultipartUploadResult" XMLNS "><Bucket>b</Bucket><Key>k</Key>"
                    "<UploadId>VXBsb2FkIElE&amp;x</UploadId></InitiateMultipartUploadResult>";
    struct scoop_error error = {0};
    struct scoop_buf id;
    scoop_buf_init(&id, 1024);
    assert_int_equal(scoop_s3_parse_upload_id(body, sizeof body - 1, &id, &error), 0);
    assert_string_equal(scoop_buf_text(&id, &error), "VXBsb2FkIElE&x");
    scoop_buf_free(&id);
}

static void answer_without_upload_id_is_a_fault(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "<InitiateMultipartUploadResult/>",
        "<Other><UploadId>u</UploadId></Other>",
        "<InitiateMultipartUploadResult><UploadId>u</UploadId>",
        "<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct scoop_error error = {0};
        struct scoop_buf id;
        scoop_buf_init(&id, 1024);
        assert_int_equal(scoop_s3_parse_upload_id(bodies[i], strlen(bodies[i]), &id, &error), -1);
        assert_int_equal(error.code, SCOOP_PROTOCOL);
        assert_int_equal(id.length, 0);
        scoop_buf_free(&id);
    }
}

static const char completion_body[] =
    DECLARATION "   \n  <CompleteMultipartUploadResult" XMLNS "><Location>http://h/b/k</Location>"
                "<Bucket>b</Bucket><Key>k</Key><ETag>&quot;3858f62230ac3c915f300c664312c11f-9&quot;"
                "</ETag></CompleteMultipartUploadResult>";

static void completion_is_read(void **state) {
    (void)state;
    char etag[SCOOP_ETAG_SIZE];
    struct scoop_s3_error refusal;
    assert_int_equal(
        scoop_s3_parse_completion(completion_body, sizeof completion_body - 1, etag, &refusal),
        SCOOP_S3_COMPLETED);
    assert_string_equal(etag, "\"3858f62230ac3c915f300c664312c11f-9\"");
}

static void refused_completion_is_told_apart(void **state) {
    (void)state;
    static const char body[] = DECLARATION "\n\n <Error><Code>InternalError</Code></Error>";
    char etag[SCOOP_ETAG_SIZE];
    struct scoop_s3_error refusal;
    assert_int_equal(scoop_s3_parse_completion(body, sizeof body - 1, etag, &refusal),
                     SCOOP_S3_REFUSED);
    assert_string_equal(refusal.code, "InternalError");
    assert_string_equal(etag, "");
}

static void completion_cut_anywhere_is_unreadable(void **state) {
    (void)state;
    char etag[SCOOP_ETAG_SIZE];
    struct scoop_s3_error refusal;
    for (size_t length = 0; length < sizeof completion_body - 1; length++) {
        assert_int_equal(scoop_s3_parse_completion(completion_body, length, etag, &refusal),
                         SCOOP_S3_UNREADABLE);
        assert_string_equal(etag, "");
    }
    static const char *const bodies[] = {
        "<html/>", "<CompleteMultipartUploadResult/>",
        "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(scoop_s3_parse_completion(bodies[i], strlen(bodies[i]), etag, &refusal),
                         SCOOP_S3_UNREADABLE);
}

static void completion_body_is_built(void **state) {
    (void)state;
    static const struct scoop_s3_part parts[] = {{1, "\"a\"", "AAAA=="}, {3, "<&>", NULL}};
    struct scoop_error error = {0};
    struct scoop_buf body;
    scoop_buf_init(&body, 4096);
    assert_int_equal(scoop_s3_build_completion(parts, 2, "ChecksumCRC32C", &body, &error), 0);
    assert_string_equal(
        scoop_buf_text(&body, &error),
        "<CompleteMultipartUpload" XMLNS "><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;"
        "</ETag><ChecksumCRC32C>AAAA==</ChecksumCRC32C></Part><Part><PartNumber>3</PartNumber>"
        "<ETag>&lt;&amp;&gt;</ETag></Part></CompleteMultipartUpload>");
    scoop_buf_free(&body);
}

static void completion_of_wrong_parts_is_refused(void **state) {
    (void)state;
    static const struct scoop_s3_part cases[][2] = {
        {{2, "a", NULL}, {1, "b", NULL}}, {{1, "a", NULL}, {1, "b", NULL}},
        {{0, "a", NULL}, {1, "b", NULL}}, {{1, "a", NULL}, {10001, "b", NULL}},
        {{1, "", NULL}, {2, "b", NULL}},  {{1, "a", NULL}, {2, NULL, NULL}},
    };
    struct scoop_buf body;
    scoop_buf_init(&body, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_error error = {0};
        assert_int_equal(scoop_s3_build_completion(cases[i], 2, NULL, &body, &error), -1);
        assert_int_equal(error.code, SCOOP_INTERNAL);
    }
    struct scoop_error error = {0};
    assert_int_equal(scoop_s3_build_completion(cases[0], 0, NULL, &body, &error), -1);
    scoop_buf_free(&body);
}

/* Parts "hello " and "world", their MD5s, and md5(md5 + md5). */
static void multipart_etag_is_the_md5_of_md5s(void **state) {
    (void)state;
    static const struct scoop_s3_part parts[] = {
        {1, "\"f814893777bcc2295fff05f00e508da6\"", NULL},
        {2, "7D793037A0760186574B0282F2F435E7", NULL},
    };
    char etag[SCOOP_ETAG_SIZE];
    assert_true(scoop_s3_multipart_etag(parts, 2, etag));
    assert_string_equal(etag, "\"e09e4fd6265b36115fe3db32df945d84-2\"");
}

static void multipart_etag_of_opaque_etags_is_unknown(void **state) {
    (void)state;
    static const struct scoop_s3_part parts[] = {
        {1, "\"f814893777bcc2295fff05f00e508da6\"", NULL},
        {2, "\"f814893777bcc2295fff05f00e508da6-1\"", NULL},
        {3, "", NULL},
    };
    char etag[SCOOP_ETAG_SIZE];
    assert_true(scoop_s3_multipart_etag(parts, 1, etag));
    assert_false(scoop_s3_multipart_etag(parts, 2, etag));
    assert_false(scoop_s3_multipart_etag(parts + 2, 1, etag));
    assert_false(scoop_s3_multipart_etag(parts, 0, etag));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_body_is_read),
        cmocka_unit_test(wrapped_error_body_is_read),
        cmocka_unit_test(characters_that_xml_has_not_take_no_message_away),
        cmocka_unit_test(what_is_no_error_body_leaves_nothing),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(upload_id_is_read),
        cmocka_unit_test(answer_without_upload_id_is_a_fault),
        cmocka_unit_test(completion_is_read),
        cmocka_unit_test(refused_completion_is_told_apart),
        cmocka_unit_test(completion_cut_anywhere_is_unreadable),
        cmocka_unit_test(completion_body_is_built),
        cmocka_unit_test(completion_of_wrong_parts_is_refused),
        cmocka_unit_test(multipart_etag_is_the_md5_of_md5s),
        cmocka_unit_test(multipart_etag_of_opaque_etags_is_unknown),
    };
    return cmocka_run_group_tests_name("s3_message", tests, NULL, NULL);
}
