"""Why exports fail: what may be gone by the next run, and what is the same in every run."""

from __future__ import annotations

from airscoop import errors
from airscoop.exports.registry import ExportRecord

# What stands around an export, not what stands in it: the places, the keys, the network.
AROUND: tuple[type[errors.AirscoopError], ...] = (
    errors.AccessDenied,
    errors.AlreadyApplied,
    errors.ConnectionFailed,
    errors.CredentialsExpired,
    errors.CredentialsMissing,
    errors.DestinationChanged,
    errors.ExportConflict,
    errors.FileError,
    errors.HttpError,
    errors.LockTimeout,
    errors.MemoryLimit,
    errors.NotFound,
    errors.PartitionConflict,
    errors.PlaceExists,
    errors.ProtocolError,
    errors.SerializationConflict,
    errors.SourceChanged,
    errors.StreamNotReady,
    errors.Throttled,
    errors.TimedOut,
    errors.TlsError,
    errors.Truncated,
    errors.WrongExportState,
    errors.WrongVersion,
)
CODES = frozenset(one.code for one in AROUND)


def may_be_gone(record: ExportRecord) -> bool:
    """Whether another try may end otherwise than the one that failed, with nothing said by hand."""
    return record.has_failed and record.conflict is None and record.code in CODES


def advice(record: ExportRecord) -> str:
    """Why a run fails for an export that has failed, and what to do."""
    return (
        f"{record.id}, the newest version of its table, has failed: {record.error}; mend the "
        f"cause, then have it tried again (airscoop exports retry {record.id}, or a run with its "
        f"key), or let it go (airscoop exports give-up {record.id})"
    )
