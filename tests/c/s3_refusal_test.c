/* Answers of S3 told to users: the server's words, the facts in the answer, and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/error_codes.h"
#include "aws/s3/refusal.h"

static struct scoop_error explained(struct scoop_s3_refusal refusal, const char *xml) {
    struct scoop_s3_error body;
    struct scoop_error error = {0};
    scoop_s3_parse_error(xml, strlen(xml), &body);
    refusal.method = refusal.method != NULL ? refusal.method : "GET";
    refusal.action = "s3:GetObject";
    refusal.where = "s3://bucket/key";
    refusal.body = &body;
    scoop_s3_explain(&refusal, scoop_aws_classify(SCOOP_AWS_S3, refusal.status, body.code).code,
                     &error);
    return error;
}

static const struct {
    int status;
    const char *code, *rest; /* elements behind Code */
    const char *told;        /* in the message */
} answers[] = {
    {403, "AccessDenied",
     "<Message>User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt</Message>",
     "allow this identity kms:Decrypt"},
    {403, "AccessDenied", "<Message>The ciphertext refers to a customer master key</Message>",
     "kms:GenerateDataKey"},
    {400, "KMS.DisabledException", "<Message>arn:… is disabled.</Message>", "enabled"},
    {400, "KMS.NotFoundException", "", "in the bucket's region"},
    {403, "AccessDenied",
     "<Message>Access Denied because object protected by object lock.</Message>",
     "Object Lock keeps this version"},
    {400, "InvalidRequest",
     "<Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests "
     "with Object Lock parameters</Message>",
     "leave checksum=\"none\" out"},
    {403, "RequestTimeTooSkewed",
     "<RequestTime>20260101T000000Z</RequestTime><ServerTime>2026-01-01T01:00:00Z</ServerTime>",
     "signed at 20260101T000000Z, the server's clock said 2026-01-01T01:00:00Z; set this "
     "machine's clock"},
    {301, "PermanentRedirect", "<Endpoint>bucket.s3-eu-west-1.amazonaws.com</Endpoint>",
     "its endpoint is bucket.s3-eu-west-1.amazonaws.com; set the bucket's own region"},
    {400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>",
     "the bucket is in the region eu-west-1; set the bucket's own region"},
    {403, "InvalidObjectState", "<StorageClass>DEEP_ARCHIVE</StorageClass>",
     "its storage class is DEEP_ARCHIVE; the object is archived: restore it"},
    {400, "InvalidRequest",
     "<Message>Checksum algorithm provided is unsupported. Please try again with any of the valid "
     "types: [CRC32, SHA1]</Message>",
     "use checksum="},
    {501, "NotImplemented",
     "<Message>Header 'x-amz-checksum-algorithm' with value 'CRC64NVME' not implemented</Message>",
     "use checksum="},
    {501, "NotImplemented", "", "leave out what is not needed of object_options"},
    {404, "NoSuchBucket", "", "check the bucket's name"},
    {400, "ExpiredToken", "", "get new credentials"},
    {503, "SlowDown", "", "--jobs"},
    {400, "RequestTimeout", "", "waited too long"},
    {403, "InvalidAccessKeyId", "", "this server's"},
    {403, "SignatureDoesNotMatch", "", "check the secret access key"},
    {400, "EntityTooLarge", "", "--split-bytes"},
    {400, "AccessControlListNotSupported", "", "leave acl= out"},
    {403, "AccessDenied", "", "that they allow s3:GetObject"},
    {404, "NoSuchKey", "", "needed: s3:GetObject"},
};

static void each_answer_tells_what_to_do(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char xml[1024];
        snprintf(xml, sizeof xml, "<Error><Code>%s</Code>%s</Error>", answers[i].code,
                 answers[i].rest);
        struct scoop_s3_refusal refusal = {.status = answers[i].status, .server_clock = -1};
        struct scoop_error error = explained(refusal, xml);
        if (strstr(error.message, answers[i].told) == NULL ||
            strstr(error.message, answers[i].code) == NULL)
            fail_msg("%s: %s", answers[i].code, error.message);
        assert_int_equal(error.http_status, answers[i].status);
    }
}

static void the_answer_to_a_head_is_told_by_its_headers(void **state) {
    (void)state;
    struct scoop_s3_refusal refusal = {.method = "HEAD", .status = 301, .server_clock = -1};
    refusal.region = "eu-west-1";
    assert_string_equal(explained(refusal, "").message,
                        "HEAD s3://bucket/key: HTTP 301; the bucket is in the region eu-west-1; "
                        "set the bucket's own region (S3Settings(region=…), --region, "
                        "AWS_REGION), and no endpoint_url of another one");
    refusal.status = 400;
    assert_non_null(strstr(explained(refusal, "").message, "in the region eu-west-1"));
    refusal.status = 404;
    assert_null(strstr(explained(refusal, "").message, "region"));
}

static void clocks_that_differ_are_both_told_without_a_body(void **state) {
    (void)state;
    struct scoop_s3_refusal refusal = {.method = "HEAD", .status = 403};
    refusal.signed_at = 1767225600;
    refusal.server_clock = refusal.signed_at + 3600;
    const char *told = "signed at 2026-01-01T00:00:00Z, the server's clock said "
                       "2026-01-01T01:00:00Z";
    assert_non_null(strstr(explained(refusal, "").message, told));
    refusal.server_clock = refusal.signed_at + 30;
    assert_null(strstr(explained(refusal, "").message, "clock"));
    refusal.server_clock = -1;
    assert_null(strstr(explained(refusal, "").message, "clock"));
    refusal.server_clock = INT64_MAX;
    assert_null(strstr(explained(refusal, "").message, "clock"));
}

static void a_delete_marker_is_named(void **state) {
    (void)state;
    struct scoop_s3_refusal refusal = {.status = 405, .delete_marker = true, .server_clock = -1};
    struct scoop_error error =
        explained(refusal, "<Error><Code>MethodNotAllowed</Code><Message>The specified method is "
                           "not allowed against this resource.</Message></Error>");
    assert_non_null(strstr(error.message, "this version is a delete marker"));
    assert_non_null(strstr(error.message, "name another one"));
    refusal.delete_marker = false;
    error = explained(refusal, "<Error><Code>MethodNotAllowed</Code></Error>");
    assert_null(strstr(error.message, "delete marker"));
}

/* A server may say what it likes: what to do is still told. */
static void long_texts_leave_room_for_the_advice(void **state) {
    (void)state;
    char xml[4096], filler[1200];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = 0;
    snprintf(xml, sizeof xml,
             "<Error><Code>SlowDown</Code><Message>%s</Message><Region>%s</Region></Error>", filler,
             filler);
    struct scoop_s3_error body;
    struct scoop_error error = {0};
    scoop_s3_parse_error(xml, strlen(xml), &body);
    const struct scoop_s3_refusal refusal = {.method = "PUT",
                                             .action = "s3:PutObject",
                                             .where = filler,
                                             .status = 503,
                                             .body = &body,
                                             .server_clock = -1};
    scoop_s3_explain(&refusal, SCOOP_THROTTLED, &error);
    assert_non_null(strstr(error.message, "--jobs"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_tells_what_to_do),
        cmocka_unit_test(the_answer_to_a_head_is_told_by_its_headers),
        cmocka_unit_test(clocks_that_differ_are_both_told_without_a_body),
        cmocka_unit_test(a_delete_marker_is_named),
        cmocka_unit_test(long_texts_leave_room_for_the_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
