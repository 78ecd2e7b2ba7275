"""Airflow operators: one thin shell per verb, and `watched`; each is loaded when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airscoop.notifications.event_bridge import EventBridge
    from airscoop.notifications.watched import watched
    from airscoop.operators.add_partition import AddPartitionOperator
    from airscoop.operators.apply_changes import ApplyChangesOperator
    from airscoop.operators.finish_export import FinishExportOperator
    from airscoop.operators.insert_distinct import InsertDistinctOperator
    from airscoop.operators.lock_export import LockExportOperator
    from airscoop.operators.publish_changes import PublishChangesOperator
    from airscoop.operators.refresh_materialized_view import RefreshMaterializedViewOperator
    from airscoop.operators.register_exports import RegisterExportsOperator
    from airscoop.operators.snapshot_delta import SnapshotDeltaOperator
    from airscoop.operators.stream_to_s3 import StreamToS3Operator

_HOMES = {
    "AddPartitionOperator": "airscoop.operators.add_partition",
    "ApplyChangesOperator": "airscoop.operators.apply_changes",
    "EventBridge": "airscoop.notifications.event_bridge",
    "FinishExportOperator": "airscoop.operators.finish_export",
    "InsertDistinctOperator": "airscoop.operators.insert_distinct",
    "LockExportOperator": "airscoop.operators.lock_export",
    "PublishChangesOperator": "airscoop.operators.publish_changes",
    "RefreshMaterializedViewOperator": "airscoop.operators.refresh_materialized_view",
    "RegisterExportsOperator": "airscoop.operators.register_exports",
    "SnapshotDeltaOperator": "airscoop.operators.snapshot_delta",
    "StreamToS3Operator": "airscoop.operators.stream_to_s3",
    "watched": "airscoop.notifications.watched",
}

__all__ = [
    "AddPartitionOperator",
    "ApplyChangesOperator",
    "EventBridge",
    "FinishExportOperator",
    "InsertDistinctOperator",
    "LockExportOperator",
    "PublishChangesOperator",
    "RefreshMaterializedViewOperator",
    "RegisterExportsOperator",
    "SnapshotDeltaOperator",
    "StreamToS3Operator",
    "watched",
]


def __getattr__(name: str) -> Any:
    """Loads an operator on first use, with what it alone needs."""
    if name not in _HOMES:
        raise AttributeError(f"module 'airscoop.operators' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
