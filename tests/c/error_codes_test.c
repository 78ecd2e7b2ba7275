/* What answers of AWS's services mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/error_codes.h"

static bool are_equal(struct scoop_aws_verdict a, struct scoop_aws_verdict b) {
    return a.code == b.code && a.retryable == b.retryable && a.throttled == b.throttled &&
           a.wrong_region == b.wrong_region && a.stale == b.stale && a.wrong_time == b.wrong_time;
}

struct verdict_case {
    int status;
    const char *s3_code;
    struct scoop_aws_verdict expected;
};

static void answers_of_s3_are_classified(void **state) {
    (void)state;
    static const struct verdict_case cases[] = {
        {500, NULL, {SCOOP_HTTP, true, false, false, false, false}},
        {502, "", {SCOOP_HTTP, true, false, false, false, false}},
        {503, "", {SCOOP_HTTP, true, false, false, false, false}},
        {504, "", {SCOOP_TIMEOUT, true, false, false, false, false}},
        {400, "RequestTimeout", {SCOOP_TIMEOUT, true, false, false, false, false}},
        {500, "InternalError", {SCOOP_HTTP, true, false, false, false, false}},
        {200, "InternalError", {SCOOP_HTTP, true, false, false, false, false}},
        {200, "SomethingNew", {SCOOP_HTTP, true, false, false, false, false}},
        {200, "NoSuchUpload", {SCOOP_NOT_FOUND, false, false, false, false, false}},
        {503, "SlowDown", {SCOOP_THROTTLED, true, true, false, false, false}},
        {200, "SlowDown", {SCOOP_THROTTLED, true, true, false, false, false}},
        {429, NULL, {SCOOP_THROTTLED, true, true, false, false, false}},
        {400, "ThrottlingException", {SCOOP_THROTTLED, true, true, false, false, false}},
        {400,
         "ProvisionedThroughputExceededException",
         {SCOOP_THROTTLED, true, true, false, false, false}},
        {400, "PriorRequestNotComplete", {SCOOP_THROTTLED, true, true, false, false, false}},
        {403, "RequestTimeTooSkewed", {SCOOP_ACCESS_DENIED, true, false, false, false, false}},
        {301, "PermanentRedirect", {SCOOP_HTTP, false, false, true, false, false}},
        {301, NULL, {SCOOP_HTTP, false, false, true, false, false}},
        {307, NULL, {SCOOP_HTTP, false, false, true, false, false}},
        {400, "AuthorizationHeaderMalformed", {SCOOP_HTTP, false, false, true, false, false}},
        {400, "IllegalLocationConstraintException", {SCOOP_HTTP, false, false, true, false, false}},
        {400, "ExpiredToken", {SCOOP_EXPIRED, false, false, false, true, false}},
        {403, "AccessDenied", {SCOOP_ACCESS_DENIED, false, false, false, false, false}},
        {403, NULL, {SCOOP_ACCESS_DENIED, false, false, false, false, false}},
        {403, "SignatureDoesNotMatch", {SCOOP_ACCESS_DENIED, false, false, false, false, false}},
        {403, "InvalidAccessKeyId", {SCOOP_ACCESS_DENIED, false, false, false, false, false}},
        {404, NULL, {SCOOP_NOT_FOUND, false, false, false, false, false}},
        {404, "NoSuchBucket", {SCOOP_NOT_FOUND, false, false, false, false, false}},
        {412, NULL, {SCOOP_DESTINATION_CHANGED, false, false, false, false, false}},
        {304, NULL, {SCOOP_DESTINATION_CHANGED, false, false, false, false, false}},
        {409,
         "ConditionalRequestConflict",
         {SCOOP_DESTINATION_CHANGED, true, false, false, false, false}},
        {400, "BadDigest", {SCOOP_CORRUPT, false, false, false, false, false}},
        {400, "EntityTooLarge", {SCOOP_TOO_LARGE, false, false, false, false, false}},
        {400, "EntityTooSmall", {SCOOP_HTTP, false, false, false, false, false}},
        {400, "InvalidPart", {SCOOP_HTTP, false, false, false, false, false}},
        {416, "InvalidRange", {SCOOP_HTTP, false, false, false, false, false}},
        {400, NULL, {SCOOP_HTTP, false, false, false, false, false}},
        {501, "NotImplemented", {SCOOP_HTTP, false, false, false, false, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_aws_verdict verdict =
            scoop_aws_classify(SCOOP_AWS_S3, cases[i].status, cases[i].s3_code);
        if (!are_equal(verdict, cases[i].expected))
            fail_msg("%d %s became %s", cases[i].status,
                     cases[i].s3_code != NULL ? cases[i].s3_code : "",
                     scoop_code_name(verdict.code));
    }
}

static void each_error_of_a_kinesis_call_has_its_verdict(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *code;
        enum scoop_code expected;
        bool retryable, throttled;
    } cases[] = {
        {400, "ProvisionedThroughputExceededException", SCOOP_THROTTLED, true, true},
        {400, "LimitExceededException", SCOOP_THROTTLED, true, true},
        {400, "KMSThrottlingException", SCOOP_THROTTLED, true, true},
        {500, "InternalFailureException", SCOOP_HTTP, true, false},
        {503, "", SCOOP_HTTP, true, false},
        {504, NULL, SCOOP_TIMEOUT, true, false},
        {400, "ResourceNotFoundException", SCOOP_NOT_FOUND, false, false},
        {400, "InvalidArgumentException", SCOOP_HTTP, false, false},
        {400, "AccessDeniedException", SCOOP_ACCESS_DENIED, false, false},
        {400, "KMSDisabledException", SCOOP_HTTP, false, false},
        {400, "ExpiredTokenException", SCOOP_EXPIRED, false, false},
        {418, "Teapot", SCOOP_HTTP, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_aws_verdict verdict =
            scoop_aws_classify(SCOOP_AWS_KINESIS, cases[i].status, cases[i].code);
        assert_int_equal(verdict.code, cases[i].expected);
        assert_int_equal(verdict.retryable, cases[i].retryable);
        assert_int_equal(verdict.throttled, cases[i].throttled);
    }
    assert_true(scoop_aws_classify(SCOOP_AWS_KINESIS, 400, "ExpiredTokenException").stale);
    assert_true(scoop_aws_classify(SCOOP_AWS_KINESIS, 400, "InvalidSignatureException").wrong_time);
}

static void what_all_services_say_is_read_alike(void **state) {
    (void)state;
    static const char *const codes[] = {"ServiceUnavailable",
                                        "RequestTimeout",
                                        "RequestTimeoutException",
                                        "Throttling",
                                        "ThrottlingException",
                                        "TooManyRequestsException",
                                        "RequestLimitExceeded",
                                        "LimitExceededException",
                                        "ExpiredToken",
                                        "ExpiredTokenException",
                                        "ProvisionedThroughputExceededException"};
    static const int statuses[] = {400, 401, 403, 404, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct scoop_aws_verdict s3 = scoop_aws_classify(SCOOP_AWS_S3, 418, codes[i]);
        assert_true(are_equal(s3, scoop_aws_classify(SCOOP_AWS_KINESIS, 418, codes[i])));
        assert_true(s3.retryable || s3.stale);
    }
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        assert_true(are_equal(scoop_aws_classify(SCOOP_AWS_S3, statuses[i], NULL),
                              scoop_aws_classify(SCOOP_AWS_KINESIS, statuses[i], "")));
}

/* One name may mean two things, and a status of S3's protocol nothing elsewhere. */
static void what_one_service_says_is_not_read_of_another(void **state) {
    (void)state;
    assert_true(scoop_aws_classify(SCOOP_AWS_KINESIS, 403, "SignatureDoesNotMatch").wrong_time);
    assert_false(scoop_aws_classify(SCOOP_AWS_S3, 403, "SignatureDoesNotMatch").wrong_time);
    assert_int_equal(scoop_aws_classify(SCOOP_AWS_KINESIS, 400, "SlowDown").code, SCOOP_HTTP);
    assert_int_equal(scoop_aws_classify(SCOOP_AWS_S3, 400, "KMSThrottlingException").code,
                     SCOOP_HTTP);
    assert_false(scoop_aws_classify(SCOOP_AWS_KINESIS, 200, NULL).retryable);
    assert_false(scoop_aws_classify(SCOOP_AWS_KINESIS, 301, NULL).wrong_region);
    assert_int_equal(scoop_aws_classify(SCOOP_AWS_KINESIS, 412, NULL).code, SCOOP_HTTP);
    assert_int_equal(scoop_aws_classify(SCOOP_AWS_KINESIS, 413, NULL).code, SCOOP_TOO_LARGE);
    assert_int_equal(scoop_aws_classify(SCOOP_AWS_S3, 413, NULL).code, SCOOP_HTTP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_s3_are_classified),
        cmocka_unit_test(each_error_of_a_kinesis_call_has_its_verdict),
        cmocka_unit_test(what_all_services_say_is_read_alike),
        cmocka_unit_test(what_one_service_says_is_not_read_of_another),
    };
    return cmocka_run_group_tests_name("error_codes", tests, NULL, NULL);
}
