#include <string.h>

#include "aws/s3/message.h"

struct code_verdict {
    const char *s3_code;
    struct scoop_s3_verdict verdict;
};

#define TRANSIENT(code)                                                                            \
    { SCOOP_##code, true, false, false, false }
#define THROTTLING                                                                                 \
    { SCOOP_THROTTLED, true, true, false, false }
#define FINAL(code)                                                                                \
    { SCOOP_##code, false, false, false, false }
#define STALE(code)                                                                                \
    { SCOOP_##code, false, false, false, true }
#define REDIRECT                                                                                   \
    { SCOOP_HTTP, false, false, true, false }

/* What a code says counts more than the status it came with. */
static const struct code_verdict by_code[] = {
    {"InternalError", TRANSIENT(HTTP)},
    {"InternalErrors", TRANSIENT(HTTP)},
    {"ServiceUnavailable", TRANSIENT(HTTP)},
    {"RequestTimeout", TRANSIENT(TIMEOUT)},
    {"RequestTimeoutException", TRANSIENT(TIMEOUT)},
    /* The request waited too long before it was sent; a new signature has a new time. */
    {"RequestTimeTooSkewed", TRANSIENT(ACCESS_DENIED)},

    {"SlowDown", THROTTLING},
    {"Throttling", THROTTLING},
    {"ThrottlingException", THROTTLING},
    {"ThrottledException", THROTTLING},
    {"RequestThrottled", THROTTLING},
    {"RequestThrottledException", THROTTLING},
    {"TooManyRequestsException", THROTTLING},
    {"ProvisionedThroughputExceededException", THROTTLING},
    {"TransactionInProgressException", THROTTLING},
    {"RequestLimitExceeded", THROTTLING},
    {"BandwidthLimitExceeded", THROTTLING},
    {"LimitExceededException", THROTTLING},
    {"PriorRequestNotComplete", THROTTLING},
    {"EC2ThrottledException", THROTTLING},

    {"PermanentRedirect", REDIRECT},
    {"TemporaryRedirect", REDIRECT},
    {"AuthorizationHeaderMalformed", REDIRECT},
    {"IllegalLocationConstraintException", REDIRECT},

    {"ExpiredToken", STALE(EXPIRED)},
    {"ExpiredTokenException", STALE(EXPIRED)},
    {"AccessDenied", FINAL(ACCESS_DENIED)},
    {"InvalidAccessKeyId", FINAL(ACCESS_DENIED)},
    {"SignatureDoesNotMatch", FINAL(ACCESS_DENIED)},
    {"InvalidToken", STALE(ACCESS_DENIED)},
    {"NoSuchBucket", FINAL(NOT_FOUND)},
    {"NoSuchKey", FINAL(NOT_FOUND)},
    {"NoSuchUpload", FINAL(NOT_FOUND)},
    {"NoSuchVersion", FINAL(NOT_FOUND)},
    {"PreconditionFailed", FINAL(PRECONDITION)},
    /* Another write was under way: its end decides. */
    {"ConditionalRequestConflict", TRANSIENT(PRECONDITION)},
    {"BadDigest", FINAL(CORRUPT)},
    {"InvalidDigest", FINAL(CORRUPT)},
    {"XAmzContentSHA256Mismatch", FINAL(CORRUPT)},
    {"EntityTooLarge", FINAL(TOO_LARGE)},
    {"EntityTooSmall", FINAL(HTTP)},
    {"InvalidPart", FINAL(HTTP)},
    {"InvalidPartOrder", FINAL(HTTP)},
    {"InvalidRequest", FINAL(HTTP)},
    {"MalformedXML", FINAL(HTTP)},
};

static struct scoop_s3_verdict classify_status(int status) {
    switch (status) {
    case 200: /* an <Error> body after 200 stands for a 500 */
    case 500:
    case 502:
    case 503:
        return (struct scoop_s3_verdict)TRANSIENT(HTTP);
    case 504:
        return (struct scoop_s3_verdict)TRANSIENT(TIMEOUT);
    case 429:
        return (struct scoop_s3_verdict)THROTTLING;
    case 301:
    case 302:
    case 307:
        return (struct scoop_s3_verdict)REDIRECT;
    case 401:
    case 403:
        return (struct scoop_s3_verdict)FINAL(ACCESS_DENIED);
    case 404:
        return (struct scoop_s3_verdict)FINAL(NOT_FOUND);
    case 304:
    case 412:
        return (struct scoop_s3_verdict)FINAL(PRECONDITION);
    default:
        return (struct scoop_s3_verdict)FINAL(HTTP);
    }
}

struct scoop_s3_verdict scoop_s3_classify(int status, const char *s3_code) {
    for (size_t i = 0; s3_code != NULL && i < sizeof by_code / sizeof *by_code; i++)
        if (strcmp(s3_code, by_code[i].s3_code) == 0)
            return by_code[i].verdict;
    return classify_status(status);
}
