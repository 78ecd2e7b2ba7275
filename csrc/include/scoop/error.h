/* Errors of libscoop: a caller-owned struct, filled once by whoever detects the fault. */
#ifndef SCOOP_ERROR_H
#define SCOOP_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one table: code, Python exception, retryable by default, sentence. The enum, the texts and
 * the exception classes of the binding are generated from it. */
#define SCOOP_ERRORS(X)                                                                            \
    X(OK, "AirscoopError", false, "No error.")                                                     \
    X(NO_MEMORY, "MemoryLimit", true, "Memory or the memory limit is exhausted.")                  \
    X(USAGE, "UsageError", false, "The call's arguments are wrong.")                               \
    X(CANCELLED, "Cancelled", true, "The run was cancelled; nothing was committed.")               \
    X(IO, "FileError", false, "A local file could not be read or written.")                        \
    X(CONNECTION, "ConnectionFailed", true, "The connection failed or was lost.")                  \
    X(TIMEOUT, "TimedOut", true, "The other side did not answer in time.")                         \
    X(TLS, "TlsError", false, "TLS could not be set up or the certificate was refused.")           \
    X(HTTP, "HttpError", false, "The server answered with an error.")                              \
    X(THROTTLED, "Throttled", true, "The server asked to slow down.")                              \
    X(NOT_FOUND, "NotFound", false, "The object, bucket, file or table does not exist.")           \
    X(ACCESS_DENIED, "AccessDenied", false, "Permission was denied.")                              \
    X(EXPIRED, "CredentialsExpired", true, "The credentials have expired.")                        \
    X(CREDENTIALS, "CredentialsMissing", false, "No usable credentials were found.")               \
    X(PRECONDITION, "PreconditionFailed", false, "A condition of the request did not hold.")       \
    X(SOURCE_CHANGED, "SourceChanged", true, "The source changed while it was read.")              \
    X(TRUNCATED, "Truncated", true, "The source ended before its proven end.")                     \
    X(LENGTH_UNKNOWN, "LengthUnknown", false, "The source does not say where it ends.")            \
    X(CORRUPT, "CorruptData", false, "The data is damaged: checksum, length or framing is wrong.") \
    X(TRAILING_GARBAGE, "TrailingGarbage", false, "Bytes follow the end of the gzip data.")        \
    X(INFLATION, "InflationLimit", false, "The data inflates beyond the limit.")                   \
    X(UNSUPPORTED, "UnsupportedFormat", false, "The format is recognised but not supported.")      \
    X(BAD_RECORD, "BadRecord", false, "A record is invalid.")                                      \
    X(TOO_MANY_REJECTED, "TooManyRejected", false, "More records were rejected than allowed.")     \
    X(PROTOCOL, "ProtocolError", true, "The other side broke the protocol.")                       \
    X(TOO_LARGE, "TooLarge", false, "A size is beyond what the destination allows.")               \
    X(SQL, "SqlError", false, "The warehouse refused a statement.")                                \
    X(SERIALIZATION, "SerializationConflict", true, "A concurrent transaction won.")               \
    X(LOCK_TIMEOUT, "LockTimeout", true, "A lock was not granted in time.")                        \
    X(LOCK_LOST, "LockLost", false, "The lock was lost: another run may hold it.")                 \
    X(STALE_EXPORT, "StaleExport", false, "An export is older than the last one done.")            \
    X(EXPORT_CONFLICT, "ExportConflict", false, "A version's objects are not those registered.")   \
    X(DUPLICATE_KEY, "DuplicateKey", false, "A key stands for more than one row of an export.")    \
    X(SCHEMA_CHANGED, "SchemaChanged", false, "The columns of two exports differ.")                \
    X(SUSPECT_EXPORT, "SuspectExport", false, "An export looks cut short; nothing was passed on.") \
    X(COUNT_MISMATCH, "CountMismatch", false, "Counts that must be equal differ.")                 \
    X(INCOMPLETE, "PrefixIncomplete", false, "Some objects of a prefix were not copied.")          \
    X(LEFTOVER, "LeftoverFiles", false, "Older files beside the new ones could not be removed.")   \
    X(LOCAL_STACK, "LocalStackFailed", false, "The local stack does not start, stop or answer.")   \
    X(INTERNAL, "InternalError", false, "A defect in airscoop; please report it.")

enum scoop_code {
#define X(name, exception, retryable, sentence) SCOOP_##name,
    SCOOP_ERRORS(X)
#undef X
        SCOOP_CODE_COUNT
};

/* Whether what a run was to make is there in spite of its error. */
enum scoop_committed { SCOOP_COMMITTED_NO, SCOOP_COMMITTED_YES, SCOOP_COMMITTED_UNKNOWN };

/* The record that an error is about. Bytes that are no UTF-8 are U+FFFD in the snippet. */
struct scoop_error_record {
    bool given;
    bool has_offset; /* not in text of a named encoding */
    uint64_t line;   /* from 1 */
    uint64_t byte_offset;
    char source[512]; /* as messages name it, "" when whoever refused it does not know */
    char reason[256];
    char snippet[400]; /* what it begins with, "" when unknown */
};

/* All text is NUL-terminated UTF-8 (made by text/text.h), cut to fit, never holds a secret.
 * Zero-initialise before use. */
struct scoop_error {
    enum scoop_code code;
    bool retryable; /* true: the same call may succeed later */
    enum scoop_committed committed;
    bool source_missing; /* NOT_FOUND of the source itself: HTTP 404 or 410, or S3's NoSuchKey */
    int http_status;     /* 0 when none */
    int os_errno;        /* 0 when none */
    char sqlstate[6];    /* "" when none */
    char request_id[80]; /* the server's, "" when none */
    char message[1024];
    /* The file, object or address that is not there, is refused, or is there already; "" when it is
     * none of these, as of a table. Bytes as they are, cut to fit, without what holds secrets. */
    char place[1104];
    struct scoop_error_record record;
};

/* Fills *error from the table and the printf-style format, replacing what it held; returns -1, so
 * that a caller can `return scoop_fail(...)`. error must not be NULL. */
int scoop_fail(struct scoop_error *error, enum scoop_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with errno's text appended and os_errno set; ENOENT and EACCES/EPERM become NOT_FOUND
 * and ACCESS_DENIED. */
int scoop_fail_errno(struct scoop_error *error, int os_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about a file: "DOING PATH: reason", and the path is the error's place. */
int scoop_fail_file(struct scoop_error *error, int os_errno, const char *doing, const char *path);

/* Sets error->place; the arguments must not point into it. */
void scoop_error_place(struct scoop_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces the message alone; the arguments may point into *error. */
void scoop_error_say(struct scoop_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NO_MEMORY with a standard message; returns -1. */
int scoop_fail_memory(struct scoop_error *error);

/* Static text, valid for ever. */
const char *scoop_code_name(enum scoop_code code);      /* "TRUNCATED" */
const char *scoop_code_exception(enum scoop_code code); /* "Truncated" */
const char *scoop_code_sentence(enum scoop_code code);

#endif
