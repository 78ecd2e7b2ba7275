"""What each operator cannot be made without."""

from __future__ import annotations

from typing import Any

LOCK = {"export": "t/x/V1", "previous": None, "owner": "me", "fence": 1}
NEEDED: dict[str, dict[str, Any]] = {
    "StreamToS3Operator": {"source": "new.csv", "destination": "out"},
    "AddPartitionOperator": {"table": "a.b", "values": {"a": "b"}, "location": "s3://b/k/"},
    "InsertDistinctOperator": {
        "source": "a.b", "target": "a.c", "columns": ["x"], "key": ["x"], "expected_records": None,
    },
    "ApplyChangesOperator": {
        "changes": "changes.jsonl", "table": "a.b", "key": ["PK"], "expected_changes": None,
    },
    "RefreshMaterializedViewOperator": {"view": "a.b"},
    "LockExportOperator": {"export": "t/x/V1"},
    "RegisterExportsOperator": {"bucket": "bucket", "datasets": ["t"]},
    "SnapshotDeltaOperator": {"lock": LOCK, "changes": "s3://bucket/c"},
    "PublishChangesOperator": {"lock": LOCK, "stream": "s"},
    "FinishExportOperator": {"lock": LOCK},
}  # fmt: skip
