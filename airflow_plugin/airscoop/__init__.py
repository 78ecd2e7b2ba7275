"""airscoop: files from the web and from object storage into S3 and on into the warehouse."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` takes longer to load than the rest of this module
if TYPE_CHECKING:
    from typing import Any

    from airscoop import errors, resume, storage, uploads
    from airscoop.aggregation.job import AggregateJob, aggregate
    from airscoop.aggregation.result import Aggregation, Groups
    from airscoop.aws.credentials import Credentials
    from airscoop.aws.settings import KinesisSettings, S3Settings
    from airscoop.deltas.job import DeltaJob, delta
    from airscoop.deltas.result import Change, Delta
    from airscoop.errors import AirscoopError, PrefixIncomplete
    from airscoop.hooks.athena import AthenaSettings
    from airscoop.publishing.job import PublishJob, publish
    from airscoop.receipts import Receipt
    from airscoop.receipts.aggregation import AggregationReceipt
    from airscoop.receipts.deltas import DeltaReceipt
    from airscoop.receipts.prefix import PrefixReceipt
    from airscoop.receipts.publishing import PublishReceipt
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.receipts.warehouse import (
        ApplyReceipt,
        InitReceipt,
        InsertReceipt,
        PartitionReceipt,
        RefreshReceipt,
        ScriptReceipt,
    )
    from airscoop.timeouts import Timeouts
    from airscoop.transfer.copy import CopyJob, check, copy, read
    from airscoop.transfer.csv_dialect import CsvDialect
    from airscoop.transfer.job import Progress
    from airscoop.transfer.object_options import ObjectOptions
    from airscoop.transfer.open import open as open
    from airscoop.transfer.prefix import copy_prefix
    from airscoop.transfer.upload import Upload
    from airscoop.warehouse.rows import Rows
    from airscoop.warehouse.session import LoadContext, Partition, Warehouse

__version__ = "0.1.0"

_HOMES = {
    "AggregateJob": "airscoop.aggregation.job",
    "Aggregation": "airscoop.aggregation.result",
    "AggregationReceipt": "airscoop.receipts.aggregation",
    "AirscoopError": "airscoop.errors",
    "ApplyReceipt": "airscoop.receipts.warehouse",
    "AthenaSettings": "airscoop.hooks.athena",
    "Change": "airscoop.deltas.result",
    "CopyJob": "airscoop.transfer.copy",
    "CopyReceipt": "airscoop.receipts.transfer",
    "CsvDialect": "airscoop.transfer.csv_dialect",
    "Credentials": "airscoop.aws.credentials",
    "Delta": "airscoop.deltas.result",
    "DeltaJob": "airscoop.deltas.job",
    "DeltaReceipt": "airscoop.receipts.deltas",
    "Groups": "airscoop.aggregation.result",
    "InitReceipt": "airscoop.receipts.warehouse",
    "InsertReceipt": "airscoop.receipts.warehouse",
    "KinesisSettings": "airscoop.aws.settings",
    "LoadContext": "airscoop.warehouse.session",
    "ObjectOptions": "airscoop.transfer.object_options",
    "Partition": "airscoop.warehouse.session",
    "PartitionReceipt": "airscoop.receipts.warehouse",
    "PrefixIncomplete": "airscoop.errors",
    "PrefixReceipt": "airscoop.receipts.prefix",
    "Progress": "airscoop.transfer.job",
    "PublishJob": "airscoop.publishing.job",
    "PublishReceipt": "airscoop.receipts.publishing",
    "Receipt": "airscoop.receipts",
    "RefreshReceipt": "airscoop.receipts.warehouse",
    "Rows": "airscoop.warehouse.rows",
    "S3Settings": "airscoop.aws.settings",
    "ScriptReceipt": "airscoop.receipts.warehouse",
    "Timeouts": "airscoop.timeouts",
    "Upload": "airscoop.transfer.upload",
    "Warehouse": "airscoop.warehouse.session",
    "aggregate": "airscoop.aggregation.job",
    "check": "airscoop.transfer.copy",
    "copy": "airscoop.transfer.copy",
    "copy_prefix": "airscoop.transfer.prefix",
    "delta": "airscoop.deltas.job",
    "errors": "airscoop.errors",
    "open": "airscoop.transfer.open",
    "publish": "airscoop.publishing.job",
    "read": "airscoop.transfer.copy",
    "resume": "airscoop.resume",
    "storage": "airscoop.storage",
    "uploads": "airscoop.uploads",
}
_MODULES = ("errors", "resume", "storage", "uploads")

# Without `open`: a star import would shadow the built-in.
__all__ = [
    "AggregateJob",
    "Aggregation",
    "AggregationReceipt",
    "AirscoopError",
    "ApplyReceipt",
    "AthenaSettings",
    "Change",
    "CopyJob",
    "CopyReceipt",
    "Credentials",
    "CsvDialect",
    "Delta",
    "DeltaJob",
    "DeltaReceipt",
    "Groups",
    "InitReceipt",
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
    "Rows",
    "S3Settings",
    "ScriptReceipt",
    "Timeouts",
    "Upload",
    "Warehouse",
    "__version__",
    "aggregate",
    "check",
    "copy",
    "copy_prefix",
    "delta",
    "errors",
    "publish",
    "read",
    "resume",
    "storage",
    "uploads",
]


def __getattr__(name: str) -> Any:
    """Loads a verb on first use, so that `import airscoop` stays light."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'airscoop' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = home if name in _MODULES else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
