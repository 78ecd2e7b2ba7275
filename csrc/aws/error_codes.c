#include "aws/error_codes.h"

#include <string.h>

enum { S3 = SCOOP_AWS_S3, KINESIS = SCOOP_AWS_KINESIS, BOTH = S3 | KINESIS };

struct code_row {
    const char *told;
    unsigned services;
    struct scoop_aws_verdict verdict;
};

struct status_row {
    int status;
    unsigned services;
    struct scoop_aws_verdict verdict;
};

#define TRANSIENT(of)                                                                              \
    { .code = SCOOP_##of, .retryable = true }
#define THROTTLING                                                                                 \
    { .code = SCOOP_THROTTLED, .retryable = true, .throttled = true }
#define FINAL(of)                                                                                  \
    { .code = SCOOP_##of }
#define STALE(of)                                                                                  \
    { .code = SCOOP_##of, .stale = true }
#define REDIRECT                                                                                   \
    { .code = SCOOP_HTTP, .wrong_region = true }
#define WRONG_TIME                                                                                 \
    { .code = SCOOP_ACCESS_DENIED, .wrong_time = true }

/* What a code says counts more than the status it came with. */
static const struct code_row by_code[] = {
    {"InternalError", S3, TRANSIENT(HTTP)},
    {"InternalErrors", S3, TRANSIENT(HTTP)},
    {"InternalFailure", KINESIS, TRANSIENT(HTTP)},
    {"InternalFailureException", KINESIS, TRANSIENT(HTTP)},
    {"InternalServerError", KINESIS, TRANSIENT(HTTP)},
    {"ServiceUnavailable", BOTH, TRANSIENT(HTTP)},
    {"ServiceUnavailableException", KINESIS, TRANSIENT(HTTP)},
    {"RequestTimeout", BOTH, TRANSIENT(TIMEOUT)},
    {"RequestTimeoutException", BOTH, TRANSIENT(TIMEOUT)},
    /* The request waited too long before it was sent; a new signature has a new time. */
    {"RequestTimeTooSkewed", S3, TRANSIENT(ACCESS_DENIED)},
    /* Another write was under way: its end decides. */
    {"ConditionalRequestConflict", S3, TRANSIENT(PRECONDITION)},

    {"Throttling", BOTH, THROTTLING},
    {"ThrottlingException", BOTH, THROTTLING},
    {"TooManyRequestsException", BOTH, THROTTLING},
    {"RequestLimitExceeded", BOTH, THROTTLING},
    {"LimitExceededException", BOTH, THROTTLING},
    {"ProvisionedThroughputExceededException", BOTH, THROTTLING},
    {"SlowDown", S3, THROTTLING},
    {"ThrottledException", S3, THROTTLING},
    {"RequestThrottled", S3, THROTTLING},
    {"RequestThrottledException", S3, THROTTLING},
    {"TransactionInProgressException", S3, THROTTLING},
    {"BandwidthLimitExceeded", S3, THROTTLING},
    {"PriorRequestNotComplete", S3, THROTTLING},
    {"EC2ThrottledException", S3, THROTTLING},
    {"KMSThrottlingException", KINESIS, THROTTLING},

    {"PermanentRedirect", S3, REDIRECT},
    {"TemporaryRedirect", S3, REDIRECT},
    {"AuthorizationHeaderMalformed", S3, REDIRECT},
    {"IllegalLocationConstraintException", S3, REDIRECT},

    {"ExpiredToken", BOTH, STALE(EXPIRED)},
    {"ExpiredTokenException", BOTH, STALE(EXPIRED)},
    {"InvalidToken", S3, STALE(ACCESS_DENIED)},
    {"UnrecognizedClientException", KINESIS, STALE(ACCESS_DENIED)},
    {"InvalidSignatureException", KINESIS, WRONG_TIME},
    {"SignatureDoesNotMatch", KINESIS, WRONG_TIME},
    {"RequestExpired", KINESIS, WRONG_TIME},
    {"SignatureDoesNotMatch", S3, FINAL(ACCESS_DENIED)},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED)},
    {"InvalidAccessKeyId", S3, FINAL(ACCESS_DENIED)},
    {"AccessDeniedException", KINESIS, FINAL(ACCESS_DENIED)},
    {"KMSAccessDeniedException", KINESIS, FINAL(ACCESS_DENIED)},
    {"MissingAuthenticationToken", KINESIS, FINAL(ACCESS_DENIED)},
    {"MissingAuthenticationTokenException", KINESIS, FINAL(ACCESS_DENIED)},

    {"NoSuchBucket", S3, FINAL(NOT_FOUND)},
    {"NoSuchKey", S3, FINAL(NOT_FOUND)},
    {"NoSuchUpload", S3, FINAL(NOT_FOUND)},
    {"NoSuchVersion", S3, FINAL(NOT_FOUND)},
    {"ResourceNotFoundException", KINESIS, FINAL(NOT_FOUND)},
    {"PreconditionFailed", S3, FINAL(PRECONDITION)},
    {"BadDigest", S3, FINAL(CORRUPT)},
    {"InvalidDigest", S3, FINAL(CORRUPT)},
    {"XAmzContentSHA256Mismatch", S3, FINAL(CORRUPT)},
    {"EntityTooLarge", S3, FINAL(TOO_LARGE)},
    {"EntityTooSmall", S3, FINAL(HTTP)},
    {"InvalidPart", S3, FINAL(HTTP)},
    {"InvalidPartOrder", S3, FINAL(HTTP)},
    {"InvalidRequest", S3, FINAL(HTTP)},
    {"MalformedXML", S3, FINAL(HTTP)},
    {"InvalidArgumentException", KINESIS, FINAL(HTTP)},
    {"ValidationException", KINESIS, FINAL(HTTP)},
    {"SerializationException", KINESIS, FINAL(HTTP)},
    {"KMSDisabledException", KINESIS, FINAL(HTTP)},
    {"KMSInvalidStateException", KINESIS, FINAL(HTTP)},
    {"KMSNotFoundException", KINESIS, FINAL(HTTP)},
    {"KMSOptInRequired", KINESIS, FINAL(HTTP)},
};

static const struct status_row by_status[] = {
    {200, S3, TRANSIENT(HTTP)}, /* an <Error> body after 200 stands for a 500 */
    {500, BOTH, TRANSIENT(HTTP)},
    {502, BOTH, TRANSIENT(HTTP)},
    {503, BOTH, TRANSIENT(HTTP)},
    {504, BOTH, TRANSIENT(TIMEOUT)},
    {429, BOTH, THROTTLING},
    {301, S3, REDIRECT},
    {302, S3, REDIRECT},
    {307, S3, REDIRECT},
    {401, BOTH, FINAL(ACCESS_DENIED)},
    {403, BOTH, FINAL(ACCESS_DENIED)},
    {404, BOTH, FINAL(NOT_FOUND)},
    {304, S3, FINAL(PRECONDITION)},
    {412, S3, FINAL(PRECONDITION)},
    {413, KINESIS, FINAL(TOO_LARGE)},
};

struct scoop_aws_verdict scoop_aws_classify(enum scoop_aws_service service, int status,
                                            const char *told) {
    for (size_t i = 0; told != NULL && i < sizeof by_code / sizeof *by_code; i++)
        if ((by_code[i].services & service) != 0 && strcmp(told, by_code[i].told) == 0)
            return by_code[i].verdict;
    for (size_t i = 0; i < sizeof by_status / sizeof *by_status; i++)
        if ((by_status[i].services & service) != 0 && status == by_status[i].status)
            return by_status[i].verdict;
    return (struct scoop_aws_verdict)FINAL(HTTP);
}
