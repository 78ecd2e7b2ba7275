"""The statements by which dlt merges a staged table into another, printed one a line.

dlt's own way to PostgreSQL stages rows that it has extracted and normalized by itself; here they
are in a table already, so only the merge is compared, by its default strategy: delete and insert.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import dlt
from dlt.common.schema.utils import new_table
from dlt.destinations import postgres
from dlt.destinations.sql_jobs import SqlMergeFollowupJob

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "data_type": "bigint", "primary_key": True},
    {"name": "at", "data_type": "timestamp", "dedup_sort": "desc"},
    {"name": "name", "data_type": "text"},
    {"name": "amount", "data_type": "decimal"},
    {"name": "tag", "data_type": "text"},
]


def main(dataset: str) -> None:
    schema = dlt.Schema("bench")
    table = new_table("target", write_disposition="merge", columns=COLUMNS)
    schema.update_table(table)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=folder,
            dataset_name=dataset,
            destination=postgres("postgresql://u:p@127.0.0.1:1/none"),
        )
        pipeline._inject_schema(schema)
        pipeline.default_schema_name = "bench"
        pipeline._set_context(True)
        client = pipeline._get_destination_clients(schema)[0]
        chain = [client.prepare_load_table("target")]
        for statement in SqlMergeFollowupJob.generate_sql(chain, client.sql_client):
            print(" ".join(statement.splitlines()))


main(*sys.argv[1:])
