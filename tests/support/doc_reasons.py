"""Why a block in README and docs is not run by tests/services/docs: by its page and what it begins
with. A path is the test that runs the same."""

from __future__ import annotations

from support.doc_blocks import Block

AWS = "it needs an AWS account"
SETUP = "tests/deploy/test_run_setup.py"
TERRAFORM = "tests/deploy/test_terraform_runs.py"

REASONS = {
    "README.md": {
        "./run demo ": "tests/services/local/test_local_demo.py",
        "./run setup ": SETUP,
    },
    "docs/how-to/credentials.md": {"airscoop copy s3://arn:aws:": AWS},
    "docs/how-to/delta.md": {
        "airscoop.delta(": AWS,
        "airscoop delta s3://exports/acme/orders/v1/e.csv.gz ": AWS,
    },
    "docs/how-to/tell-failures.md": {"aws events put-rule": AWS, "aws cloudwatch put-metric": AWS},
    "docs/how-to/operators.md": {
        "import json, os, urllib.request": "tests/services/airflow/test_task_receipts.py"
    },
    "docs/internals/coverage.md": {"./run coverage ": "it runs all tests"},
    "docs/systems/bestsellers.md": {
        "./run demo bestsellers": "tests/systems/bestsellers/test_bestsellers_dag.py",
        "terraform -chdir=terraform init": AWS,
        "export AIRSCOOP_WAREHOUSE_DSN=": AWS,
        "airflow variables set bestsellers_bucket": AWS,
    },
    "docs/systems/snapshot_delta.md": {
        "./run demo snapshot_delta": "tests/systems/snapshot_delta/test_snapshot_delta_dag.py",
        "terraform -chdir=terraform init": AWS,
        "aws s3 cp export.csv.gz": AWS,
    },
    "terraform/README.md": {
        "terraform -chdir=terraform init -backend=false": TERRAFORM,
        "terraform -chdir=terraform init": AWS,
        "role=": AWS,
        "airscoop script sql/bestsellers/schema.sql": AWS,
        "airflow variables set snapshot_delta_bucket": AWS,
        "aws iam attach-role-policy": AWS,
    },
}


def reason_of(block: Block) -> str | None:
    """Why it is not run; None where nobody says so."""
    return next((REASONS[block.page][start] for start in starts_of(block)), None)


def starts_of(block: Block) -> list[str]:
    """What of the list it begins with."""
    return [start for start in REASONS.get(block.page, ()) if block.first.startswith(start)]
