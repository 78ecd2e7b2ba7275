"""The exceptions of airscoop, made from the engine's one table of errors.

Every one is an `AirscoopError` with the attributes `code` (the table's name for it), `retryable`,
`http_status`, `os_errno`, `sqlstate` and `request_id` (None where they do not apply), and
`source_missing`: whether it is the source itself that is not there (404, 410, NoSuchKey).
`BadRecord` and `TooManyRejected` have `source`, `line` (from 1), `byte_offset`, `reason` and
`snippet` (what the record begins with) of the record that ended the run, each None where it is not
known. `statements_committed` is how many statements of a script are surely committed, of other
errors None.

`committed` says whether what was to be made is there in spite of the error: False, nearly always;
True, where it came after the commit; None, where it came in the commit and the server did not
answer any more, or where only some of several files, objects or statements are there. A statement
in a transaction that the caller has begun is not there before the COMMIT. An exception that
interrupts a run (KeyboardInterrupt, a timeout of Airflow's) gets the attribute, too, and a note
where it is not False.

Of a file, an object or an address NotFound, AccessDenied and PreconditionFailed are raised as
`PlaceNotFound`, `PlaceAccessDenied` and `PlaceExists` (there already, and to be kept), which are
Python's FileNotFoundError, PermissionError and FileExistsError, too, with their `errno`, `strerror`
and `filename`. Of anything else (a table, a privilege, a condition) they are raised as themselves,
and are no OSError.
"""

from __future__ import annotations

from airscoop._native import (
    AccessDenied,
    AirscoopError,
    BadRecord,
    Cancelled,
    ConnectionFailed,
    CorruptData,
    CountMismatch,
    CredentialsExpired,
    CredentialsMissing,
    DuplicateKey,
    ExportConflict,
    FileError,
    HttpError,
    InflationLimit,
    InternalError,
    LeftoverFiles,
    LengthUnknown,
    LocalStackFailed,
    LockLost,
    LockTimeout,
    MemoryLimit,
    NotFound,
    PlaceAccessDenied,
    PlaceExists,
    PlaceNotFound,
    PreconditionFailed,
    PrefixIncomplete,
    ProtocolError,
    SchemaChanged,
    SerializationConflict,
    SourceChanged,
    SqlError,
    StaleExport,
    SuspectExport,
    Throttled,
    TimedOut,
    TlsError,
    TooLarge,
    TooManyRejected,
    TrailingGarbage,
    Truncated,
    UnsupportedFormat,
    UsageError,
)

__all__ = [
    "AccessDenied",
    "AirscoopError",
    "BadRecord",
    "Cancelled",
    "ConnectionFailed",
    "CorruptData",
    "CountMismatch",
    "CredentialsExpired",
    "CredentialsMissing",
    "DuplicateKey",
    "ExportConflict",
    "FileError",
    "HttpError",
    "InflationLimit",
    "InternalError",
    "LeftoverFiles",
    "LengthUnknown",
    "LocalStackFailed",
    "LockLost",
    "LockTimeout",
    "MemoryLimit",
    "NotFound",
    "PlaceAccessDenied",
    "PlaceExists",
    "PlaceNotFound",
    "PreconditionFailed",
    "PrefixIncomplete",
    "ProtocolError",
    "SchemaChanged",
    "SerializationConflict",
    "SourceChanged",
    "SqlError",
    "StaleExport",
    "SuspectExport",
    "Throttled",
    "TimedOut",
    "TlsError",
    "TooLarge",
    "TooManyRejected",
    "TrailingGarbage",
    "Truncated",
    "UnsupportedFormat",
    "UsageError",
]
