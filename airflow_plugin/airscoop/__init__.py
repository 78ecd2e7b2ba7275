"""airscoop: files from the web and from object storage into S3 and on into the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airscoop.athena import AthenaSettings
    from airscoop.credentials import Credentials, KinesisSettings, S3Settings
    from airscoop.errors import AirscoopError
    from airscoop.files import open
    from airscoop.object_options import ObjectOptions
    from airscoop.prefix import PrefixIncomplete, copy_prefix
    from airscoop.publishing import PublishJob, publish
    from airscoop.receipts import Receipt
    from airscoop.receipts.prefix import PrefixReceipt
    from airscoop.receipts.publishing import PublishReceipt
    from airscoop.receipts.snapshots import DeltaReceipt
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.receipts.warehouse import (
        ApplyReceipt,
        InsertReceipt,
        PartitionReceipt,
        RefreshReceipt,
        ScriptReceipt,
    )
    from airscoop.snapshots import Change, Delta, DeltaJob, delta
    from airscoop.transfer import CopyJob, Progress, Upload, check, copy, read
    from airscoop.warehouse import LoadContext, Partition, Warehouse

__version__ = "0.1.0"

_HOMES = {
    "AirscoopError": "airscoop.errors",
    "ApplyReceipt": "airscoop.receipts.warehouse",
    "AthenaSettings": "airscoop.athena",
    "Change": "airscoop.snapshots",
    "CopyJob": "airscoop.transfer",
    "CopyReceipt": "airscoop.receipts.transfer",
    "Credentials": "airscoop.credentials",
    "Delta": "airscoop.snapshots",
    "DeltaJob": "airscoop.snapshots",
    "DeltaReceipt": "airscoop.receipts.snapshots",
    "InsertReceipt": "airscoop.receipts.warehouse",
    "KinesisSettings": "airscoop.credentials",
    "LoadContext": "airscoop.warehouse",
    "ObjectOptions": "airscoop.object_options",
    "Partition": "airscoop.warehouse",
    "PartitionReceipt": "airscoop.receipts.warehouse",
    "PrefixIncomplete": "airscoop.prefix",
    "PrefixReceipt": "airscoop.receipts.prefix",
    "Progress": "airscoop.transfer",
    "PublishJob": "airscoop.publishing",
    "PublishReceipt": "airscoop.receipts.publishing",
    "Receipt": "airscoop.receipts",
    "RefreshReceipt": "airscoop.receipts.warehouse",
    "S3Settings": "airscoop.credentials",
    "ScriptReceipt": "airscoop.receipts.warehouse",
    "Upload": "airscoop.transfer",
    "Warehouse": "airscoop.warehouse",
    "check": "airscoop.transfer",
    "copy": "airscoop.transfer",
    "copy_prefix": "airscoop.prefix",
    "delta": "airscoop.snapshots",
    "open": "airscoop.files",
    "publish": "airscoop.publishing",
    "read": "airscoop.transfer",
}

__all__ = [
    "AirscoopError",
    "ApplyReceipt",
    "AthenaSettings",
    "Change",
    "CopyJob",
    "CopyReceipt",
    "Credentials",
    "Delta",
    "DeltaJob",
    "DeltaReceipt",
    "InsertReceipt",
    "KinesisSettings",
    "LoadContext",
    "ObjectOptions",
    "Partition",
    "PartitionReceipt",
    "PrefixIncomplete",
    "PrefixReceipt",
    "Progress",
    "PublishJob",
    "PublishReceipt",
    "Receipt",
    "RefreshReceipt",
    "S3Settings",
    "ScriptReceipt",
    "Upload",
    "Warehouse",
    "__version__",
    "check",
    "copy",
    "copy_prefix",
    "delta",
    "open",
    "publish",
    "read",
]


def __getattr__(name: str) -> Any:
    """Loads a verb on first use, so that `import airscoop` stays light."""
    from importlib import import_module

    if name in ("errors", "storage", "uploads"):
        return import_module(f"airscoop.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'airscoop' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, "errors", "storage", "uploads"])
