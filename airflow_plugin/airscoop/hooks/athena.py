"""The delta of two exports by Athena, through the Amazon provider's hook."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airscoop.delta_sql import COUNTS, DeltaSql, check_counts
from airscoop.receipt import DeltaReceipt
from airscoop.snapshots import MAX_DELETE_RATIO, MIN_ROWS

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook

POLL_SECONDS = 5


def delta_by_athena(
    hook: AthenaHook,
    sql: DeltaSql,
    *,
    database: str,
    destination: str,
    query_results: str,
    max_delete_ratio: float = MAX_DELETE_RATIO,
    min_rows: int = MIN_ROWS,
    workgroup: str = "primary",
) -> DeltaReceipt:
    """Writes the changes as JSON lines below `destination`, an empty s3:// prefix.

    The counts are checked first, by a query of its own whose result Athena keeps below
    `query_results`: nothing is written when they are refused.
    """
    start = time.monotonic()
    context = {"Database": database}
    place = {"OutputLocation": query_results}

    def run(statement: str) -> str:
        query = hook.run_query(statement, context, place, workgroup=workgroup)
        if hook.poll_query_status(query, sleep_time=POLL_SECONDS) != "SUCCEEDED":
            from airscoop.errors import SqlError

            hook.stop_query(query)
            raise SqlError(f"Athena query {query}: {hook.get_state_change_reason(query)}")
        return query

    answer: Any = hook.get_query_results(run(sql.counts()))
    values = [int(item["VarCharValue"]) for item in answer["ResultSet"]["Rows"][1]["Data"]]
    counts = dict(zip(COUNTS, values, strict=True))
    check_counts(counts, name=sql.new, max_delete_ratio=max_delete_ratio, min_rows=min_rows)
    run(sql.unload(destination))
    return DeltaReceipt(
        seconds=time.monotonic() - start,
        old=sql.old,
        new=sql.new,
        key=list(sql.key),
        sorted=False,
        spilled_bytes=0,
        old_etag=None,
        new_etag=None,
        source_bytes=0,
        text_bytes=0,
        retries=0,
        old_rows=counts["old_rows"],
        new_rows=counts["new_rows"],
        inserted=counts["inserted"],
        updated=counts["updated"],
        deleted=counts["deleted"],
        unchanged=counts["unchanged"],
        old_duplicates=0,
        new_duplicates=0,
    )
