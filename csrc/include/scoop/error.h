/* Errors of libscoop: a caller-owned struct, filled once by whoever detects the fault. */
#ifndef SCOOP_ERROR_H
#define SCOOP_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a user does about an error. Nothing is raised as one of these itself. */
#define SCOOP_ERROR_BASES(X)                                                                       \
    X("DataError", "The data are wrong or not whole: look at them.")                               \
    X("AccessError", "Credentials, rights or trust are missing, or a local file cannot be used.")  \
    X("ConflictError", "What is there is not what the call expects.")                              \
    X("TransientError", "Something around the call did not do its part: run it again.")

/* The one table: code, Python exception, its base, retryable by default, sentence. The enum, the
 * texts and the exception classes of the binding are generated from it. */
#define SCOOP_ERRORS(X)                                                                            \
    X(OK, "AirscoopError", NULL, false, "No error.")                                               \
    X(NO_MEMORY, "MemoryLimit", "TransientError", true,                                            \
      "Memory or the memory limit is exhausted.")                                                  \
    X(USAGE, "UsageError", "AirscoopError", false, "The call's arguments are wrong.")              \
    X(CANCELLED, "Cancelled", "TransientError", true,                                              \
      "The run was cancelled; nothing was committed.")                                             \
    X(IO, "FileError", "AccessError", false, "A local file could not be read or written.")         \
    X(CONNECTION, "ConnectionFailed", "TransientError", true,                                      \
      "The connection failed or was lost.")                                                        \
    X(TIMEOUT, "TimedOut", "TransientError", true, "The other side did not answer in time.")       \
    X(TLS, "TlsError", "AccessError", false,                                                       \
      "TLS could not be set up or the certificate was refused.")                                   \
    X(HTTP, "HttpError", "TransientError", false, "The server answered with an error.")            \
    X(THROTTLED, "Throttled", "TransientError", true, "The server asked to slow down.")            \
    X(NOT_FOUND, "NotFound", "ConflictError", false,                                               \
      "The object, bucket, file or table does not exist.")                                         \
    X(ACCESS_DENIED, "AccessDenied", "AccessError", false, "Permission was denied.")               \
    X(EXPIRED, "CredentialsExpired", "AccessError", true, "The credentials have expired.")         \
    X(CREDENTIALS, "CredentialsMissing", "AccessError", false,                                     \
      "No usable credentials were found.")                                                         \
    X(EXISTS, "PlaceExists", "ConflictError", false,                                               \
      "The file or object is there already, and was to be kept.")                                  \
    X(DESTINATION_CHANGED, "DestinationChanged", "ConflictError", false,                           \
      "Another write changed the destination; ours replaced nothing.")                             \
    X(PARTITION_CONFLICT, "PartitionConflict", "ConflictError", false,                             \
      "The catalog has the partition elsewhere, twice, or not at all.")                            \
    X(WRONG_VERSION, "WrongVersion", "ConflictError", false,                                       \
      "The changes do not follow the version that the table has.")                                 \
    X(ALREADY_APPLIED, "AlreadyApplied", "ConflictError", false,                                   \
      "The changes were applied, and the table has changed since.")                                \
    X(STREAM_NOT_READY, "StreamNotReady", "ConflictError", false, "The stream is not active.")     \
    X(WRONG_EXPORT_STATE, "WrongExportState", "ConflictError", false,                              \
      "An export's state in the registry does not allow this.")                                    \
    X(SOURCE_CHANGED, "SourceChanged", "TransientError", true,                                     \
      "The source changed while it was read.")                                                     \
    X(TRUNCATED, "Truncated", "DataError", true, "The source ended before its proven end.")        \
    X(LENGTH_UNKNOWN, "LengthUnknown", "DataError", false,                                         \
      "The source does not say where it ends.")                                                    \
    X(CORRUPT, "CorruptData", "DataError", false,                                                  \
      "The data is damaged: checksum, length or framing is wrong.")                                \
    X(TRAILING_GARBAGE, "TrailingGarbage", "DataError", false,                                     \
      "Bytes follow the end of the gzip data.")                                                    \
    X(INFLATION, "InflationLimit", "DataError", false, "The data inflates beyond the limit.")      \
    X(UNSUPPORTED, "UnsupportedFormat", "DataError", false,                                        \
      "The format is recognised but not supported.")                                               \
    X(BAD_RECORD, "BadRecord", "DataError", false, "A record is invalid.")                         \
    X(TOO_MANY_REJECTED, "TooManyRejected", "DataError", false,                                    \
      "More records were rejected than allowed.")                                                  \
    X(TOO_FEW_RECORDS, "TooFewRecords", "DataError", false,                                        \
      "There are fewer records than min_records asks for.")                                        \
    X(PROTOCOL, "ProtocolError", "TransientError", true, "The other side broke the protocol.")     \
    X(TOO_LARGE, "TooLarge", "DataError", false, "A size is beyond what the destination allows.")  \
    X(SQL, "SqlError", "ConflictError", false, "The warehouse refused a statement.")               \
    X(SERIALIZATION, "SerializationConflict", "TransientError", true,                              \
      "A concurrent transaction won.")                                                             \
    X(LOCK_TIMEOUT, "LockTimeout", "TransientError", true, "A lock was not granted in time.")      \
    X(LOCK_LOST, "LockLost", "ConflictError", false,                                               \
      "The lock was lost: another run may hold it.")                                               \
    X(STALE_EXPORT, "StaleExport", "ConflictError", false,                                         \
      "An export is older than the last one done.")                                                \
    X(EXPORT_CONFLICT, "ExportConflict", "ConflictError", false,                                   \
      "A version's objects are not those registered.")                                             \
    X(DUPLICATE_KEY, "DuplicateKey", "DataError", false,                                           \
      "A key stands for more than one row of an export.")                                          \
    X(SCHEMA_CHANGED, "SchemaChanged", "DataError", false, "The columns of two exports differ.")   \
    X(SUSPECT_EXPORT, "SuspectExport", "DataError", false,                                         \
      "An export looks cut short; nothing was passed on.")                                         \
    X(COUNT_MISMATCH, "CountMismatch", "DataError", false, "Counts that must be equal differ.")    \
    X(INCOMPLETE, "PrefixIncomplete", "TransientError", false,                                     \
      "Some objects of a prefix were not copied.")                                                 \
    X(LEFTOVER, "LeftoverFiles", "ConflictError", false,                                           \
      "Older files beside the new ones could not be removed.")                                     \
    X(LOCAL_STACK, "LocalStackFailed", "ConflictError", false,                                     \
      "The local stack does not start, stop or answer.")                                           \
    X(INTERNAL, "InternalError", "AirscoopError", false, "A defect in airscoop; please report it.")

enum scoop_code {
#define X(name, exception, base, retryable, sentence) SCOOP_##name,
    SCOOP_ERRORS(X)
#undef X
        SCOOP_CODE_COUNT
};

/* Whether what a run was to make is there in spite of its error. */
enum scoop_committed { SCOOP_COMMITTED_NO, SCOOP_COMMITTED_YES, SCOOP_COMMITTED_UNKNOWN };

/* The record, or the line, that an error is about. Bytes that are no UTF-8 are U+FFFD in the
 * snippet. */
struct scoop_error_record {
    bool given;
    bool has_offset; /* not in text of a named encoding */
    uint64_t line;   /* from 1; 0: unknown */
    uint64_t byte_offset;
    char source[512]; /* as messages name it, "" when whoever refused it does not know */
    char reason[256];
    char snippet[400]; /* what it begins with, "" when unknown */
};

/* Facts that only some errors have, by the attributes' names, so that no program parses a message;
 * what each is says airscoop/errors.py. */
#define SCOOP_ERROR_FACTS(X)                                                                       \
    X(KEY, "key")                                                                                  \
    X(EARLIER_LINE, "earlier_line")                                                                \
    X(LIMIT_NAME, "limit_name")                                                                    \
    X(LIMIT, "limit")                                                                              \
    X(OLD_ROWS, "old_rows")                                                                        \
    X(NEW_ROWS, "new_rows")                                                                        \
    X(DELETED, "deleted")                                                                          \
    X(UPDATED, "updated")                                                                          \
    X(RATIO, "ratio")                                                                              \
    X(COUNTED, "counted")                                                                          \
    X(EXPECTED, "expected")                                                                        \
    X(FOUND, "found")                                                                              \
    X(ADDED, "added")                                                                              \
    X(GONE, "gone")                                                                                \
    X(HOLDER, "holder")

enum scoop_fact {
#define X(name, attribute) SCOOP_FACT_##name,
    SCOOP_ERROR_FACTS(X)
#undef X
};

enum scoop_fact_kind {
    SCOOP_FACT_IS_NUMBER,
    SCOOP_FACT_IS_RATIO,
    SCOOP_FACT_IS_TEXT,
    SCOOP_FACT_IS_LIST /* of texts, one behind the other */
};

enum { SCOOP_ERROR_FACTS_MOST = 6, SCOOP_ERROR_TEXTS_BYTES = 1000 };

/* Set by the functions of base/error_facts.h. */
struct scoop_error_fact {
    enum scoop_fact name;
    enum scoop_fact_kind kind;
    uint16_t at, count; /* where the texts begin in fact_texts, and how many they are */
    union {
        int64_t number;
        double ratio;
    };
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
    size_t fact_count, fact_texts_used;
    struct scoop_error_fact facts[SCOOP_ERROR_FACTS_MOST];
    char fact_texts[SCOOP_ERROR_TEXTS_BYTES];
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
const char *scoop_code_base(enum scoop_code code);      /* "DataError"; NULL of OK */
const char *scoop_code_sentence(enum scoop_code code);

#endif
