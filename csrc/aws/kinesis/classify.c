#include <string.h>

#include "aws/kinesis/message.h"

struct code_verdict {
    const char *kinesis_code;
    struct scoop_kinesis_verdict verdict;
};

#define TRANSIENT(code)                                                                            \
    { SCOOP_##code, true, false, false, false }
#define THROTTLING                                                                                 \
    { SCOOP_THROTTLED, true, true, false, false }
#define FINAL(code)                                                                                \
    { SCOOP_##code, false, false, false, false }
#define STALE(code)                                                                                \
    { SCOOP_##code, false, false, true, false }
#define WRONG_TIME                                                                                 \
    { SCOOP_ACCESS_DENIED, false, false, false, true }

/* What a code says counts more than the status it came with. */
static const struct code_verdict by_code[] = {
    {"InternalFailure", TRANSIENT(HTTP)},
    {"InternalFailureException", TRANSIENT(HTTP)},
    {"InternalServerError", TRANSIENT(HTTP)},
    {"ServiceUnavailable", TRANSIENT(HTTP)},
    {"ServiceUnavailableException", TRANSIENT(HTTP)},
    {"RequestTimeout", TRANSIENT(TIMEOUT)},
    {"RequestTimeoutException", TRANSIENT(TIMEOUT)},

    {"ProvisionedThroughputExceededException", THROTTLING},
    {"LimitExceededException", THROTTLING},
    {"KMSThrottlingException", THROTTLING},
    {"Throttling", THROTTLING},
    {"ThrottlingException", THROTTLING},
    {"TooManyRequestsException", THROTTLING},
    {"RequestLimitExceeded", THROTTLING},

    {"ExpiredToken", STALE(EXPIRED)},
    {"ExpiredTokenException", STALE(EXPIRED)},
    {"UnrecognizedClientException", STALE(ACCESS_DENIED)},
    {"InvalidSignatureException", WRONG_TIME},
    {"SignatureDoesNotMatch", WRONG_TIME},
    {"RequestExpired", WRONG_TIME},
    {"AccessDeniedException", FINAL(ACCESS_DENIED)},
    {"KMSAccessDeniedException", FINAL(ACCESS_DENIED)},
    {"MissingAuthenticationToken", FINAL(ACCESS_DENIED)},
    {"MissingAuthenticationTokenException", FINAL(ACCESS_DENIED)},
    {"ResourceNotFoundException", FINAL(NOT_FOUND)},
    {"InvalidArgumentException", FINAL(HTTP)},
    {"ValidationException", FINAL(HTTP)},
    {"SerializationException", FINAL(HTTP)},
    {"KMSDisabledException", FINAL(HTTP)},
    {"KMSInvalidStateException", FINAL(HTTP)},
    {"KMSNotFoundException", FINAL(HTTP)},
    {"KMSOptInRequired", FINAL(HTTP)},
};

static struct scoop_kinesis_verdict classify_status(int status) {
    switch (status) {
    case 500:
    case 502:
    case 503:
        return (struct scoop_kinesis_verdict)TRANSIENT(HTTP);
    case 504:
        return (struct scoop_kinesis_verdict)TRANSIENT(TIMEOUT);
    case 429:
        return (struct scoop_kinesis_verdict)THROTTLING;
    case 401:
    case 403:
        return (struct scoop_kinesis_verdict)FINAL(ACCESS_DENIED);
    case 404:
        return (struct scoop_kinesis_verdict)FINAL(NOT_FOUND);
    case 413:
        return (struct scoop_kinesis_verdict)FINAL(TOO_LARGE);
    default:
        return (struct scoop_kinesis_verdict)FINAL(HTTP);
    }
}

struct scoop_kinesis_verdict scoop_kinesis_classify(int status, const char *kinesis_code) {
    for (size_t i = 0; kinesis_code != NULL && i < sizeof by_code / sizeof *by_code; i++)
        if (strcmp(kinesis_code, by_code[i].kinesis_code) == 0)
            return by_code[i].verdict;
    return classify_status(status);
}
