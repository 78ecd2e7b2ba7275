"""What Airflow learns about this package through the entry point apache_airflow_provider."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    return {
        "package-name": "airscoop",
        "name": "airscoop",
        "description": "Checked streams into S3 and deduplicating loads into Redshift.",
        "integrations": [{"integration-name": "airscoop", "tags": ["aws"]}],
        "operators": [
            {
                "integration-name": "airscoop",
                "python-modules": [
                    "airscoop.operators.add_partition",
                    "airscoop.operators.apply_changes",
                    "airscoop.operators.finish_export",
                    "airscoop.operators.insert_distinct",
                    "airscoop.operators.lock_export",
                    "airscoop.operators.publish_changes",
                    "airscoop.operators.refresh_materialized_view",
                    "airscoop.operators.register_exports",
                    "airscoop.operators.snapshot_delta",
                    "airscoop.operators.stream_to_s3",
                ],
            }
        ],
        "notifications": [
            "airscoop.notifications.event_bridge.EventBridge",
            "airscoop.notifications.log_line.LogLine",
        ],
        "hooks": [
            {
                "integration-name": "airscoop",
                "python-modules": [
                    "airscoop.hooks.athena",
                    "airscoop.hooks.aws",
                    "airscoop.hooks.warehouse",
                ],
            }
        ],
    }
