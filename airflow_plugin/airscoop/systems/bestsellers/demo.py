"""Reviews and metadata over HTTP -> S3 -> Spectrum -> Redshift -> a materialized view.

Two runs with fixed logical dates: a first delivery, then a second one eight hours later with late
versions. Both are exact to repeat: a second demo inserts nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airscoop import Warehouse
from airscoop.local.airflow_home import AirflowHome
from airscoop.local.demo.showing import ROOT, airflow_of, failed, say, start_stack, table
from airscoop.systems.bestsellers.made_data import NOTICE, Plan, make

DAG_ID = "bestsellers"
FOLDER = "bestsellers"
DATES = ("2026-01-01T00:00:00+00:00", "2026-01-01T08:00:00+00:00")
SOURCES = ("reviews", "metadata")
INSERT_COUNTS = ("scanned", "inserted", "replaced", "already_there", "duplicates")
# The script's last statement makes the view.
SCHEMA_IS_THERE = """
SELECT COUNT(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE nspname = 'bestsellers' AND relname = 'review_joined_price'
"""
EXTERNAL_TABLES = ("spectrum.reviews", "spectrum.metadata")
COUNTS = """
SELECT (SELECT COUNT(*) FROM bestsellers.reviews),
       (SELECT COUNT(*) FROM bestsellers.metadata),
       (SELECT COUNT(*) FROM bestsellers.review_joined_price),
       (SELECT COUNT(price) FROM bestsellers.review_joined_price)
"""
SOME_ROWS = """
SELECT reviewerid, asin, summary, overall, unixreviewtime, price
FROM bestsellers.review_joined_price
WHERE price IS NOT NULL AND reviewerid IS NOT NULL
ORDER BY unixreviewtime DESC, reviewerid, asin
LIMIT 8
"""


def run(options: argparse.Namespace) -> int:
    status = start_stack()
    variables = {
        "bestsellers_bucket": status["s3"]["bucket"],
        "bestsellers_file_url": f"{status['http']['url'].rstrip('/')}/{FOLDER}",
    }
    airflow, log = airflow_of(status, variables)
    if airflow.run(log, "db", "migrate") != 0:
        return failed("Airflow's database could not be made", log)
    prepare_schema(status)
    changed = 0
    for date in DATES:
        plan = Plan(
            reviews=options.reviews,
            metadata=options.metadata,
            seed=options.seed,
            late=date != DATES[0],
        )
        if not run_dag(airflow, log, Path(status["http"]["root"]) / FOLDER, plan, date):
            return failed(f"the run of {date} failed", log)
        changed += rows_changed(airflow.receipts(DAG_ID, date))
    show_view(status)
    if changed == 0:
        say("both runs found all their rows there: nothing was inserted twice")
    say("./run demo again inserts nothing; ./run down stops the stack")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reviews", type=int, default=5000, help="lines in the reviews' file")
    parser.add_argument("--metadata", type=int, default=1000, help="lines in the metadata's file")
    parser.add_argument("--seed", type=int, default=1, help="other seeds make other data")


def prepare_schema(status: Mapping[str, Any]) -> None:
    """Runs sql/bestsellers/schema.sql, once for a warehouse; again where it stopped half way."""
    script = ROOT / "sql" / "bestsellers" / "schema.sql"
    with Warehouse(status["warehouse"]["dsn"]) as warehouse:
        if warehouse.execute(SCHEMA_IS_THERE) != [("0",)]:
            say("the schemas, tables and the view are there from an earlier demo")
            return
        # The script stops at one that exists; dropping it removes metadata only.
        for name in EXTERNAL_TABLES:
            warehouse.execute(f"DROP TABLE IF EXISTS {name}")
        variables = {
            "role": "arn:aws:iam::000000000000:role/local",
            "bucket": status["s3"]["bucket"],
        }
        say(warehouse.run_script(script, variables=variables).summary())


def run_dag(airflow: AirflowHome, log: Path, served: Path, plan: Plan, date: str) -> bool:
    delivery = "the second delivery, with late versions" if plan.late else "the first delivery"
    make(served, plan)
    say(
        f"made {delivery}: {plan.reviews:,} reviews, {plan.metadata:,} metadata lines. {NOTICE}",
        f"airflow dags test {DAG_ID} {date}",
        before="\n",
    )
    started = time.monotonic()
    if airflow.run(log, "dags", "test", DAG_ID, date) != 0:
        return False
    show_receipts(airflow.receipts(DAG_ID, date))
    say(f"the run took {time.monotonic() - started:.0f} s, Airflow's start included")
    return True


def rows_changed(receipts: Mapping[str, Mapping[str, Any]]) -> int:
    inserts = [receipts[f"insert_{name}"] for name in SOURCES]
    return sum(insert["inserted"] + insert["replaced"] for insert in inserts)


def show_receipts(receipts: Mapping[str, Mapping[str, Any]]) -> None:
    copies = [receipts[f"download_{name}"] for name in SOURCES]
    print(
        table(
            ("download", "records in", "out", "rejected", "bytes in", "bytes out"),
            [
                (
                    Path(copy["destination"]).name,
                    *(f"{copy[f'records_{way}']:,}" for way in ("in", "out", "rejected")),
                    f"{copy['source_bytes']:,}",
                    f"{copy['destination_bytes']:,}",
                )
                for copy in copies
            ],
        )
    )
    partitions = [receipts[f"partition_{name}"] for name in SOURCES]
    print(
        table(
            ("partition", "value", "status"),
            [
                (receipt["table"], "/".join(one["values"].values()), one["status"])
                for receipt in partitions
                for one in receipt["partitions"]
            ],
        )
    )
    inserts = [receipts[f"insert_{name}"] for name in SOURCES]
    print(
        table(
            ("insert", *(name.replace("_", " ") for name in INSERT_COUNTS)),
            [
                (insert["target"], *(f"{insert[count]:,}" for count in INSERT_COUNTS))
                for insert in inserts
            ],
        )
    )
    refresh = receipts.get("run_refresh_materialized_view_on_redshift")
    if refresh is None:
        print("refresh skipped: no insert changed a table\n")
    else:
        print(f"{refresh['view']} refreshed in {refresh['seconds']:.1f} s\n")


def show_view(status: Mapping[str, Any]) -> None:
    with Warehouse(status["warehouse"]["dsn"]) as warehouse:
        counts = warehouse.execute(COUNTS)[0]
        rows = warehouse.execute(SOME_ROWS)
    say("some rows of the materialized view bestsellers.review_joined_price:")
    print(table(("reviewerid", "asin", "summary", "overall", "unixreviewtime", "price"), rows))
    names = ("rows of reviews", "of metadata", "of the view", "of it with a price")
    print(table(names, [tuple(f"{int(count or 0):,}" for count in counts)]))
