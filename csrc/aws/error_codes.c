#include "aws/error_codes.h"

#include <string.h>
#include <strings.h>

enum { S3 = SCOOP_AWS_S3, KINESIS = SCOOP_AWS_KINESIS, BOTH = S3 | KINESIS };

struct code_row {
    const char *told; /* with '*' at its end: every code that begins so */
    unsigned services;
    struct scoop_aws_verdict verdict;
    const char *advice; /* of S3: what to do about it; NULL: nothing that is known */
    const char *about;  /* the row is for messages with this in it, in any case; NULL: for all */
};

struct status_row {
    int status;
    unsigned services;
    struct scoop_aws_verdict verdict;
    const char *advice;
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

/* The advice that several answers call for. */
#define CHECK_KEY                                                                                  \
    "check that access_key_id and secret_access_key are this server's, and are not mixed up"
#define NEW_KEYS                                                                                   \
    "get new credentials (sign in again, or ask the role again), or give a "                       \
    "credentials_provider, which is asked for them"
#define RIGHT_REGION                                                                               \
    "set the bucket's own region (S3Settings(region=…), --region, AWS_REGION), and no "          \
    "endpoint_url of another one"
#define KMS_KEY                                                                                    \
    "allow this identity kms:Decrypt (to read, and for uploads in parts) and "                     \
    "kms:GenerateDataKey (to write) in its own policy and in the key's, or name another key "      \
    "(kms_key_id)"
#define KMS_STATE                                                                                  \
    "the object's KMS key has to be there, enabled, and in the bucket's region; name it by its "   \
    "ARN (kms_key_id)"
#define LOCKED                                                                                     \
    "Object Lock keeps this version: write under another key, or wait until its retention or "     \
    "legal hold ends"
#define LOCK_CHECKSUM                                                                              \
    "a bucket with Object Lock takes objects with a checksum: leave checksum=\"none\" out"
#define OTHER_CHECKSUM                                                                             \
    "the server does not know this checksum: use checksum=\"crc32c\", \"crc64nvme\" or \"none\" "  \
    "(--checksum)"
#define SLOWER                                                                                     \
    "ask for less at once (jobs=, --jobs), or spread the keys over several prefixes; S3 adapts "   \
    "within minutes"
#define ALLOW "check the credentials and that they allow {action}"
#define LOOK "check the bucket and the key; needed: {action}"
#define BUCKET_NAME                                                                                \
    "check the bucket's name, and that endpoint_url and region are those of its server"

/* What a code says counts more than the status it came with. Of several rows with one code the
 * first whose `about` is in the message counts; their verdicts are the same. */
static const struct code_row by_code[] = {
    {"InternalError", S3, TRANSIENT(HTTP), NULL, NULL},
    {"InternalErrors", S3, TRANSIENT(HTTP), NULL, NULL},
    {"InternalFailure", KINESIS, TRANSIENT(HTTP), NULL, NULL},
    {"InternalFailureException", KINESIS, TRANSIENT(HTTP), NULL, NULL},
    {"InternalServerError", KINESIS, TRANSIENT(HTTP), NULL, NULL},
    {"ServiceUnavailable", BOTH, TRANSIENT(HTTP), SLOWER, NULL},
    {"ServiceUnavailableException", KINESIS, TRANSIENT(HTTP), NULL, NULL},
    {"RequestTimeout", BOTH, TRANSIENT(TIMEOUT),
     "the server waited too long for the body: send less at once (jobs=, memory_limit=), or look "
     "at the network",
     NULL},
    {"RequestTimeoutException", BOTH, TRANSIENT(TIMEOUT), NULL, NULL},
    /* The request waited too long before it was sent; a new signature has a new time. */
    {"RequestTimeTooSkewed", S3, TRANSIENT(ACCESS_DENIED),
     "set this machine's clock (NTP): S3 takes requests within 15 minutes of its own", NULL},
    /* Another write was under way: its end decides. */
    {"ConditionalRequestConflict", S3, TRANSIENT(DESTINATION_CHANGED), NULL, NULL},

    {"Throttling", BOTH, THROTTLING, SLOWER, NULL},
    {"ThrottlingException", BOTH, THROTTLING, SLOWER, NULL},
    {"TooManyRequestsException", BOTH, THROTTLING, SLOWER, NULL},
    {"RequestLimitExceeded", BOTH, THROTTLING, SLOWER, NULL},
    {"LimitExceededException", BOTH, THROTTLING, SLOWER, NULL},
    {"ProvisionedThroughputExceededException", BOTH, THROTTLING, SLOWER, NULL},
    {"SlowDown", S3, THROTTLING, SLOWER, NULL},
    {"SlowDownRead", S3, THROTTLING, SLOWER, NULL},
    {"SlowDownWrite", S3, THROTTLING, SLOWER, NULL},
    {"TooManyRequests", S3, THROTTLING, SLOWER, NULL},
    {"ThrottledException", S3, THROTTLING, SLOWER, NULL},
    {"RequestThrottled", S3, THROTTLING, SLOWER, NULL},
    {"RequestThrottledException", S3, THROTTLING, SLOWER, NULL},
    {"TransactionInProgressException", S3, THROTTLING, SLOWER, NULL},
    {"BandwidthLimitExceeded", S3, THROTTLING, SLOWER, NULL},
    {"PriorRequestNotComplete", S3, THROTTLING, SLOWER, NULL},
    {"EC2ThrottledException", S3, THROTTLING, SLOWER, NULL},
    {"KMSThrottlingException", KINESIS, THROTTLING, NULL, NULL},
    {"KMS.ThrottlingException", S3, THROTTLING,
     "the account asks KMS too often: give the bucket a bucket key (bucket_key=True), or ask for "
     "less at once",
     NULL},

    {"PermanentRedirect", S3, REDIRECT, RIGHT_REGION, NULL},
    {"TemporaryRedirect", S3, REDIRECT,
     "the bucket was made a short while ago, and its name is not known everywhere yet: set its "
     "region, or try again in an hour",
     NULL},
    {"AuthorizationHeaderMalformed", S3, REDIRECT, RIGHT_REGION, NULL},
    {"IllegalLocationConstraintException", S3, REDIRECT, RIGHT_REGION, NULL},

    {"ExpiredToken", BOTH, STALE(EXPIRED), NEW_KEYS, NULL},
    {"ExpiredTokenException", BOTH, STALE(EXPIRED), NEW_KEYS, NULL},
    {"TokenRefreshRequired", S3, STALE(EXPIRED), NEW_KEYS, NULL},
    {"InvalidToken", S3, STALE(ACCESS_DENIED),
     "the session token belongs to other keys, or to another partition: take all three from one "
     "answer",
     NULL},
    {"UnrecognizedClientException", KINESIS, STALE(ACCESS_DENIED), NULL, NULL},
    {"InvalidSignatureException", KINESIS, WRONG_TIME, NULL, NULL},
    {"SignatureDoesNotMatch", KINESIS, WRONG_TIME, NULL, NULL},
    {"RequestExpired", KINESIS, WRONG_TIME, NULL, NULL},
    {"SignatureDoesNotMatch", S3, FINAL(ACCESS_DENIED),
     "check the secret access key, and that no proxy changes requests on their way", NULL},
    {"InvalidAccessKeyId", S3, FINAL(ACCESS_DENIED), CHECK_KEY, NULL},
    {"InvalidSecurity", S3, FINAL(ACCESS_DENIED), CHECK_KEY, NULL},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED), KMS_KEY, "kms:"},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED), KMS_KEY, "ciphertext"},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED), LOCKED, "object lock"},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED), LOCKED, "worm protected"},
    {"AccessDenied", S3, FINAL(ACCESS_DENIED), ALLOW, NULL},
    {"AllAccessDisabled", S3, FINAL(ACCESS_DENIED), BUCKET_NAME, NULL},
    {"AccountProblem", S3, FINAL(ACCESS_DENIED), "the account cannot use S3: ask AWS's support",
     NULL},
    {"NotSignedUp", S3, FINAL(ACCESS_DENIED), "sign the account up for S3", NULL},
    {"InvalidPayer", S3, FINAL(ACCESS_DENIED),
     "accept the costs of requests (requester_pays=True, --requester-pays)", NULL},
    {"InvalidObjectState", S3, FINAL(ACCESS_DENIED),
     "the object is archived: restore it (aws s3api restore-object), wait until that is done, "
     "and copy it then",
     NULL},
    {"ObjectLocked", S3, FINAL(ACCESS_DENIED), LOCKED, NULL},
    {"AccessDeniedException", KINESIS, FINAL(ACCESS_DENIED), NULL, NULL},
    {"KMSAccessDeniedException", KINESIS, FINAL(ACCESS_DENIED), NULL, NULL},
    {"MissingAuthenticationToken", KINESIS, FINAL(ACCESS_DENIED), NULL, NULL},
    {"MissingAuthenticationTokenException", KINESIS, FINAL(ACCESS_DENIED), NULL, NULL},
    {"KMS.AccessDeniedException", S3, FINAL(ACCESS_DENIED), KMS_KEY, NULL},
    {"KMS.AccessDenied", S3, FINAL(ACCESS_DENIED), KMS_KEY, NULL},
    {"KMS.*", S3, FINAL(HTTP), KMS_STATE, NULL},

    {"NoSuchBucket", S3, FINAL(NOT_FOUND), BUCKET_NAME, NULL},
    {"InvalidBucketName", S3, FINAL(HTTP), BUCKET_NAME, NULL},
    {"NoSuchAccessPoint", S3, FINAL(NOT_FOUND),
     "check the access point's name, account and region in its ARN or alias", NULL},
    {"NoSuchKey", S3, FINAL(NOT_FOUND), LOOK, NULL},
    {"NoSuchUpload", S3, FINAL(NOT_FOUND),
     "the upload was completed or aborted meanwhile, by a lifecycle rule, say: run it again", NULL},
    {"NoSuchVersion", S3, FINAL(NOT_FOUND), "check the version; it may have been deleted", NULL},
    {"ResourceNotFoundException", KINESIS, FINAL(NOT_FOUND), NULL, NULL},
    {"PreconditionFailed", S3, FINAL(DESTINATION_CHANGED), NULL, NULL},
    {"BadDigest", S3, FINAL(CORRUPT),
     "the bytes changed between here and the server: look at the memory and at proxies", NULL},
    {"InvalidDigest", S3, FINAL(CORRUPT), NULL, NULL},
    {"XAmzContentSHA256Mismatch", S3, FINAL(CORRUPT),
     "the bytes changed between here and the server: look at the memory and at proxies", NULL},
    {"XAmzContentChecksumMismatch", S3, FINAL(CORRUPT), OTHER_CHECKSUM, NULL},
    {"EntityTooLarge", S3, FINAL(TOO_LARGE),
     "the server takes no object or part of this size: split it (split_bytes=, --split-bytes), or "
     "raise memory_limit so that it goes in parts",
     NULL},
    {"EntityTooSmall", S3, FINAL(HTTP), "the server wants larger parts: raise memory_limit", NULL},
    {"InvalidPart", S3, FINAL(HTTP), "a part was lost or replaced by another program: run it again",
     NULL},
    {"InvalidPartOrder", S3, FINAL(HTTP), NULL, NULL},
    {"MetadataTooLarge", S3, FINAL(HTTP), "the metadata of an object are at most 2 KB together",
     NULL},
    {"RequestHeaderSectionTooLarge", S3, FINAL(HTTP), "give the object fewer headers and tags",
     NULL},
    {"InvalidTag", S3, FINAL(HTTP),
     "a tag has letters, digits, spaces and + - = . _ : / @, and does not begin with aws:", NULL},
    {"InvalidStorageClass", S3, FINAL(HTTP), "the server has no such storage class: leave it out",
     NULL},
    {"AccessControlListNotSupported", S3, FINAL(HTTP),
     "the bucket takes no access control lists: leave acl= out, the bucket's policy decides", NULL},
    {"KeyTooLongError", S3, FINAL(HTTP), "a key has at most 1,024 bytes", NULL},
    {"MethodNotAllowed", S3, FINAL(HTTP), "this version is a delete marker: name another one",
     "delete marker"},
    {"MethodNotAllowed", S3, FINAL(HTTP),
     "the server does not allow this for such a resource: check the bucket, the key and the "
     "endpoint",
     NULL},
    {"InvalidRequest", S3, FINAL(HTTP), LOCK_CHECKSUM, "object lock"},
    {"InvalidRequest", S3, FINAL(HTTP), OTHER_CHECKSUM, "checksum"},
    {"InvalidRequest", S3, FINAL(HTTP), "use https, which objects under a KMS key need",
     "secure connection"},
    {"InvalidRequest", S3, FINAL(HTTP), NULL, NULL},
    {"InvalidArgument", S3, FINAL(HTTP), OTHER_CHECKSUM, "checksum"},
    {"InvalidArgument", S3, FINAL(HTTP), KMS_STATE, "kms"},
    {"InvalidArgument", S3, FINAL(HTTP), NULL, NULL},
    {"NotImplemented", S3, FINAL(HTTP), OTHER_CHECKSUM, "checksum"},
    {"NotImplemented", S3, FINAL(HTTP),
     "the server does not know a header of this request: leave out what is not needed of "
     "object_options, or use checksum=\"none\"",
     NULL},
    {"MalformedXML", S3, FINAL(HTTP), OTHER_CHECKSUM, "checksum"},
    {"MalformedXML", S3, FINAL(HTTP), NULL, NULL},
    {"InvalidRegionName", S3, FINAL(HTTP), RIGHT_REGION, NULL},
    {"QuotaExceeded", S3, FINAL(HTTP), "the bucket is full: make room, or raise its quota", NULL},
    {"XMinioAdminBucketQuotaExceeded", S3, FINAL(HTTP),
     "the bucket is full: make room, or raise its quota", NULL},
    {"XMinioStorageFull", S3, FINAL(HTTP), "the server's disks are full", NULL},
    {"InvalidArgumentException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"ValidationException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"SerializationException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"KMSDisabledException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"KMSInvalidStateException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"KMSNotFoundException", KINESIS, FINAL(HTTP), NULL, NULL},
    {"KMSOptInRequired", KINESIS, FINAL(HTTP), NULL, NULL},
};

/* Of answers without a code, as those to a HEAD are, and with one that nobody knows. */
static const struct status_row by_status[] = {
    {200, S3, TRANSIENT(HTTP), NULL}, /* an <Error> body after 200 stands for a 500 */
    {500, BOTH, TRANSIENT(HTTP), NULL},
    {502, BOTH, TRANSIENT(HTTP), NULL},
    {503, BOTH, TRANSIENT(HTTP), SLOWER},
    {504, BOTH, TRANSIENT(TIMEOUT), NULL},
    {429, BOTH, THROTTLING, SLOWER},
    {301, S3, REDIRECT, RIGHT_REGION},
    {302, S3, REDIRECT, RIGHT_REGION},
    {307, S3, REDIRECT, RIGHT_REGION},
    {401, BOTH, FINAL(ACCESS_DENIED), ALLOW},
    {403, BOTH, FINAL(ACCESS_DENIED), ALLOW},
    {404, BOTH, FINAL(NOT_FOUND), LOOK},
    {304, S3, FINAL(DESTINATION_CHANGED), NULL},
    {405, S3, FINAL(HTTP),
     "check the endpoint; or this version is a delete marker: name another one"},
    {412, S3, FINAL(DESTINATION_CHANGED), NULL},
    {413, KINESIS, FINAL(TOO_LARGE), NULL},
    {507, S3, FINAL(HTTP), "the server's disks are full"},
};

static bool is_told(const struct code_row *row, const char *told) {
    size_t length = strlen(row->told);
    if (row->told[length - 1] == '*')
        return strncmp(told, row->told, length - 1) == 0;
    return strcmp(told, row->told) == 0;
}

static bool is_about(const struct code_row *row, const char *message) {
    size_t length = row->about == NULL ? 0 : strlen(row->about);
    if (length == 0)
        return true;
    for (; message != NULL && strlen(message) >= length; message++)
        if (strncasecmp(message, row->about, length) == 0)
            return true;
    return false;
}

/* The first row of a code, or of a code and a message. */
static const struct code_row *find_code(enum scoop_aws_service service, const char *told,
                                        const char *message, bool any_message) {
    for (size_t i = 0; told != NULL && i < sizeof by_code / sizeof *by_code; i++)
        if ((by_code[i].services & service) != 0 && is_told(&by_code[i], told) &&
            (any_message || is_about(&by_code[i], message)))
            return &by_code[i];
    return NULL;
}

static const struct status_row *find_status(enum scoop_aws_service service, int status) {
    for (size_t i = 0; i < sizeof by_status / sizeof *by_status; i++)
        if ((by_status[i].services & service) != 0 && status == by_status[i].status)
            return &by_status[i];
    return NULL;
}

struct scoop_aws_verdict scoop_aws_classify(enum scoop_aws_service service, int status,
                                            const char *told) {
    const struct code_row *code = find_code(service, told, NULL, true);
    const struct status_row *row = find_status(service, status);
    if (code != NULL)
        return code->verdict;
    return row != NULL ? row->verdict : (struct scoop_aws_verdict)FINAL(HTTP);
}

const char *scoop_aws_advice(int status, const char *told, const char *message) {
    const struct code_row *code = find_code(SCOOP_AWS_S3, told, message, false);
    const struct status_row *row = find_status(SCOOP_AWS_S3, status);
    if (code != NULL)
        return code->advice;
    return row != NULL ? row->advice : NULL;
}
