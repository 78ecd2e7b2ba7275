"""The exceptions of airscoop, made from the engine's one table of errors.

Every one is an `AirscoopError`. All but `InternalError` are under exactly one of five bases, which
say what to do about it:

- `UsageError`: an argument is wrong. Change the call. The exit code is 2.
- `DataError`: the data are wrong or not whole. Look at them. The exit code is 3.
- `AccessError`: credentials, rights or trust are missing, or a local file cannot be used. Change
  them.
- `ConflictError`: what is there is not what the call expects. Decide which of the two is right.
- `TransientError`: something around the call did not do its part: the network, a server, memory,
  another run, a cancel. Run it again.

The base says what to look at. `retryable` alone says whether the same call may succeed later: it
may after Truncated, which is about data, and after CredentialsExpired, which is about access.
HttpError and PrefixIncomplete are retryable or not, as the cause is. Of the bases only UsageError
is raised itself.

The attributes of all are `code` (the table's name for it), `retryable`, `http_status`, `os_errno`,
`sqlstate` and `request_id` (None where they do not apply), and `source_missing`: whether it is the
source itself that is not there (404, 410, NoSuchKey).
Some errors have facts of their own, so that no program parses a message. Every error has the
attributes; they are None where they say nothing, or are not known:

- `BadRecord`, `TooManyRejected`: `source`, `line` (from 1), `byte_offset`, `reason` and `snippet`
  (what the record begins with) of the record that ended the run.
- `TooManyRejected`, `SuspectExport`: `limit_name` (such as "max_delete_ratio") and `limit`, its
  value. SuspectExport has `old_rows` and `new_rows`, the rows of the two exports, `deleted` or
  `updated` of them, and their `ratio` to the old rows.
- `TooFewRecords`: `limit_name` ("min_records"), `limit`, `counted` ("records"), and how many were
  `found`.
- `DuplicateKey`: `key`, one of those that several rows have, as the message shows it, `source` and
  `line` of the later row, and `earlier_line` of the one before.
- `SchemaChanged`: `added` and `gone`, lists of the columns that the newer side (the new export, the
  changes) has alone, and that it lacks. Lists of more than 1,000 bytes are None.
- `CountMismatch`: `counted` (such as "records in the source"), how many were `expected`, and how
  many were `found`. `Truncated` has them, too, counted in "bytes".
- `LockTimeout`: `holder`, the session or the run that holds the lock.
- What a `publish` ends with, once anything was sent: `published`, how many changes this run has
  stored, and `start_at`, where a later run goes on.
- What a script ends with: `statements_committed`, how many of its statements are surely committed.

`committed` says whether what was to be made is there in spite of the error: False, nearly always;
True, where it came after the commit; None, where it came in the commit and the server did not
answer any more, or where only some of several files, objects or statements are there. A statement
in a transaction that the caller has begun is not there before the COMMIT. An exception that
interrupts a run (KeyboardInterrupt, a timeout of Airflow's) gets the attribute, too, and a note
where it is not False.

Of a file, an object or an address NotFound and AccessDenied are raised as `PlaceNotFound` and
`PlaceAccessDenied`. They and `PlaceExists` (there already, and to be kept) are Python's
FileNotFoundError, PermissionError and FileExistsError, too, with their `errno`, `strerror` and
`filename`. Of anything else (a table, a privilege) NotFound and AccessDenied are raised as
themselves, and are no OSError.
"""

from __future__ import annotations

from airscoop._native import (
    AccessDenied,
    AccessError,
    AirscoopError,
    AlreadyApplied,
    BadRecord,
    Cancelled,
    ConflictError,
    ConnectionFailed,
    CorruptData,
    CountMismatch,
    CredentialsExpired,
    CredentialsMissing,
    DataError,
    DestinationChanged,
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
    PartitionConflict,
    PlaceAccessDenied,
    PlaceExists,
    PlaceNotFound,
    PrefixIncomplete,
    ProtocolError,
    SchemaChanged,
    SerializationConflict,
    SourceChanged,
    SqlError,
    StaleExport,
    StreamNotReady,
    SuspectExport,
    Throttled,
    TimedOut,
    TlsError,
    TooFewRecords,
    TooLarge,
    TooManyRejected,
    TrailingGarbage,
    TransientError,
    Truncated,
    UnsupportedFormat,
    UsageError,
    WrongExportState,
    WrongVersion,
)

__all__ = [
    "AccessDenied",
    "AccessError",
    "AirscoopError",
    "AlreadyApplied",
    "BadRecord",
    "Cancelled",
    "ConflictError",
    "ConnectionFailed",
    "CorruptData",
    "CountMismatch",
    "CredentialsExpired",
    "CredentialsMissing",
    "DataError",
    "DestinationChanged",
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
    "PartitionConflict",
    "PlaceAccessDenied",
    "PlaceExists",
    "PlaceNotFound",
    "PrefixIncomplete",
    "ProtocolError",
    "SchemaChanged",
    "SerializationConflict",
    "SourceChanged",
    "SqlError",
    "StaleExport",
    "StreamNotReady",
    "SuspectExport",
    "Throttled",
    "TimedOut",
    "TlsError",
    "TooFewRecords",
    "TooLarge",
    "TooManyRejected",
    "TrailingGarbage",
    "TransientError",
    "Truncated",
    "UnsupportedFormat",
    "UsageError",
    "WrongExportState",
    "WrongVersion",
]
