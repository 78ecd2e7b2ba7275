"""The DAG bestsellers: reviews and metadata over HTTP -> S3 -> Spectrum -> Redshift -> a view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable, XComArg

from airscoop.operators import (
    AddPartitionOperator,
    InsertDistinctOperator,
    RefreshMaterializedViewOperator,
    StreamToS3Operator,
    watched,
)
from airscoop.systems.bestsellers.config import BestsellersSource, load_bestsellers_sources

SOURCES = Path(__file__).parent / "config" / "bestsellers.yml"
HOUR = "{{ macros.airscoop.partition_hour(dag_run) }}"


def load_source(source: BestsellersSource) -> XComArg:
    """Download, partition and insert one source; gives the insert's receipt."""
    partition = {source.partition_key: HOUR}
    folder = f"{source.partition_key}={HOUR}"
    location = f"{source.bucket_dir}/{folder}/"
    rejects = f"{source.bucket_dir}/_rejects/{folder}/{source.name}.jsonl"
    download = StreamToS3Operator(
        task_id=f"download_{source.name}",
        source=source.file_url,
        destination=f"{location}{source.name}.json.gz",
        format=source.format,
        max_rejected=source.max_rejected,
        rejects=rejects if source.max_rejected else None,
        pool=source.pool,
    )
    register = AddPartitionOperator(
        task_id=f"partition_{source.name}",
        table=source.external_dbtable,
        values=partition,
        location=location,
        pool=source.pool,
    )
    insert = InsertDistinctOperator(
        task_id=f"insert_{source.name}",
        source=source.external_dbtable,
        target=source.dbtable,
        columns=source.columns,
        key=source.distinct_on_columns,
        order_by=source.order_by,
        mode=source.mode,
        partition=partition,
        receipt=download.output,
        pool=source.pool,
    )
    download >> register >> insert
    return insert.output


with DAG(
    dag_id="bestsellers",
    description="Book reviews and metadata, loaded without duplicates every eight hours",
    # A trigger timetable: the run at 08:00 has the logical date 08:00, so a partition is named
    # after the hour in which it was downloaded. (A data interval timetable's would be 00:00.)
    schedule=CronTriggerTimetable("0 */8 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    tags=["airscoop"],
    doc_md=__doc__,
) as dag:
    RefreshMaterializedViewOperator(
        task_id="run_refresh_materialized_view_on_redshift",
        view="bestsellers.review_joined_price",
        receipt=[load_source(source) for source in load_bestsellers_sources(SOURCES)],
    )
watched(dag)
