"""What a page of the documents takes as given: files, objects, tables, and names in its Python.

Everything runs against the local stack. The pages' own names lead there: `World.places` says which
address stands for which; the buckets of `BUCKETS` are made.
"""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

import airscoop
from airscoop.exports.lease import Lease
from airscoop.exports.model import Export, ExportObject
from airscoop.exports.registry import Registry
from airscoop.local.aws import client as aws_client
from airscoop.systems.bestsellers.made_data import Plan, make
from support.exports import CHANGES

BUCKETS = ("my-bucket", "lake", "exports", "changes", "bucket")
WEB = "https://example.org"
V1 = "order_id,state\n5,paid\n6,paid\n7,open\n8,open\n"
V2 = "order_id,state\n5,paid\n6,paid\n7,paid\n9,open\n"
V3 = "order_id,state,city\n5,paid,\n6,paid,\n7,paid,Oslo\n9,open,\n"


@dataclass(frozen=True)
class World:
    """The stack's status, and a folder in which a page's commands run."""

    status: dict[str, Any]
    folder: Path
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)  # until a page's end

    @property
    def places(self) -> dict[str, str]:
        """A page's address to the one that stands for it."""
        return {WEB: self.status["http"]["url"].rstrip("/")}

    def s3(self) -> Any:
        s3 = self.status["s3"]
        return boto3.client(
            "s3",
            endpoint_url=s3["endpoint"],
            region_name=s3["region"],
            aws_access_key_id=s3["access_key_id"],
            aws_secret_access_key=s3["secret_access_key"],
        )

    def make_stream(self, name: str) -> None:
        kinesis = aws_client("kinesis", self.status["aws"]["endpoint"], self.status["s3"])
        if name not in kinesis.list_streams()["StreamNames"]:
            kinesis.create_stream(StreamName=name, ShardCount=1)

    def put(self, bucket: str, key: str, text: str) -> None:
        """An object, packed if its name says so."""
        data = text.encode()
        packed = gzip.compress(data, mtime=0) if key.endswith(".gz") else data
        self.s3().put_object(Bucket=bucket, Key=key, Body=packed)

    def write(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.folder / name).write_text(text, encoding=encoding, newline="")

    def serve(self, name: str) -> None:
        """A file of the folder on the web server."""
        root = Path(self.status["http"]["root"])
        (root / name).write_bytes((self.folder / name).read_bytes())

    def warehouse(self) -> airscoop.Warehouse:
        return airscoop.Warehouse(self.status["warehouse"]["dsn"])

    def execute(self, *statements: str) -> None:
        with self.warehouse() as warehouse:
            for statement in statements:
                warehouse.execute(statement)


def reviews(world: World) -> None:
    """reviews.json.gz, here and on the web, and metadata as meta.gz."""
    make(world.folder, Plan(reviews=1000, metadata=200, seed=1, late=False))
    (world.folder / "metadata.json.gz").rename(world.folder / "meta.gz")
    world.serve("reviews.json.gz")


def orders(world: World) -> None:
    """Three exports of a table of orders, the changes of the second, and a table with the first."""
    for number, text in enumerate((V1, V2, V3), 1):
        world.put("exports", f"acme/orders/v{number}/e.csv.gz", text)
    old, new = (f"s3://exports/acme/orders/v{number}/e.csv.gz" for number in (1, 2))
    airscoop.delta(old, new, key=["order_id"]).write("s3://changes/orders/v2.jsonl.gz")
    airscoop.copy("s3://changes/orders/v2.jsonl.gz", world.folder / "changes.jsonl.gz")
    world.execute(
        "DROP TABLE IF EXISTS public.orders",
        "CREATE TABLE public.orders (order_id integer, state varchar(20))",
        "INSERT INTO public.orders VALUES (5, 'paid'), (6, 'paid'), (7, 'open'), (8, 'open')",
    )


def in_a_dag(world: World, **names: Any) -> dict[str, Any]:
    """Names of a page whose operators stand in a DAG of their own."""
    from airflow.sdk import DAG

    world.held.enter_context(DAG("page"))
    return names


def readme(world: World) -> dict[str, Any]:
    reviews(world)
    incoming(world)
    return {}


def incoming(world: World) -> None:
    """A hundred orders that came in, and the table that they go to; orders.jsonl on the web."""
    world.execute(
        "CREATE SCHEMA IF NOT EXISTS incoming",
        "DROP TABLE IF EXISTS incoming.orders",
        "CREATE TABLE incoming.orders AS SELECT generate_series(1, 100) AS order_id, 5 AS amount",
        "DROP TABLE IF EXISTS public.orders",
        "CREATE TABLE public.orders (order_id integer, amount integer)",
    )
    lines = [f'{{"order_id": {number}, "amount": 5}}\n' for number in range(1, 101)]
    world.write("orders.jsonl", "".join(lines))
    world.serve("orders.jsonl")


def your_own_file(world: World) -> dict[str, Any]:
    reviews(world)
    world.execute("DROP SCHEMA IF EXISTS mine CASCADE", "DROP SCHEMA IF EXISTS files CASCADE")
    return {}


def your_own_dag(world: World) -> dict[str, Any]:
    incoming(world)
    return {}


def apply_page(world: World) -> dict[str, Any]:
    from airscoop.operators.apply_changes import ApplyChangesOperator
    from airscoop.operators.lock_export import LockExportOperator
    from airscoop.operators.snapshot_delta import SnapshotDeltaOperator

    orders(world)
    world.execute("DROP TABLE IF EXISTS t")
    world.execute("CREATE TABLE t (k integer, v integer, CONSTRAINT t_v_key UNIQUE (v))")
    names = in_a_dag(world, warehouse=world.warehouse(), ApplyChangesOperator=ApplyChangesOperator)
    lock = LockExportOperator(task_id="lock", export="{{ params.export }}")
    changes = "s3://changes/orders/v2.jsonl.gz"
    delta = SnapshotDeltaOperator(
        task_id="delta", lock=lock.output, key=["order_id"], changes=changes
    )
    return names | {"lock": lock, "delta": delta}


def command_line(world: World) -> dict[str, Any]:
    world.write("sales.csv", "id;name\r\n1;Zoë\r\n", "cp1252")
    world.write("old.csv", "id\tname\n1\t\\N\n")
    world.write("new.csv", "id\tname\n1\tZo\n")
    world.write("report.csv", "id\n1\n")
    world.serve("report.csv")
    for key in ("in/a.csv", "out/a.csv"):
        world.put("bucket", key, "id\n1\n")
    world.put("bucket", "in/b.csv", "id\n10\n2\n")
    return {
        "url": f"{world.places[WEB]}/report.csv",
        "password": "secret",
        "token": "secret",
        "airscoop": airscoop,
    }


def credentials_page(world: World) -> dict[str, Any]:
    class Sts:
        """Answers as boto3's client of STS does."""

        def assume_role(self, **arguments: str) -> dict[str, Any]:
            raise NotImplementedError

    return {"give": lambda: None, "sts": Sts(), "role": "arn:aws:iam::0:role/x"}


def delta_page(world: World) -> dict[str, Any]:
    orders(world)
    for name in ("old", "new"):
        world.write(f"{name}.csv", "PK;name\n1;Zoë\n", "cp1252")
        world.write(f"{name}.txt", "1,Zoë\n")
    return {}


def hits_page(world: World) -> dict[str, Any]:
    hit = '{"GroupID": 7, "CountryCode": "%s", "Domain": "example.org"}\n'
    world.put("lake", "raw/hour=14/a.json", hit % "DE" + hit % "FR")
    world.put("lake", "raw/hour=14/b.json.gz", hit % "DE")
    return {}


def files_page(world: World) -> dict[str, Any]:
    import pyarrow
    import pyarrow.parquet

    reviews(world)
    table = pyarrow.table({"day": ["2026-01-01"], "amount": [1.5], "more": [1]})
    with airscoop.open("s3://my-bucket/sales.parquet", "wb") as file:
        pyarrow.parquet.write_table(table, file)
    return {"rows": [["B1", "2.50"]], "find": lambda file: file.write("found\n")}


def grants_page(world: World) -> dict[str, Any]:
    with world.warehouse() as warehouse:
        there = {name for (name,) in warehouse.execute("SELECT usename FROM pg_user")}
        for name in {"etl", "backfill"} - there:
            warehouse.execute(f"CREATE USER {name} PASSWORD 'Secret12'")
    return {"warehouse": world.warehouse()}


def objects_page(world: World) -> dict[str, Any]:
    reviews(world)
    return {"airscoop": airscoop}


def publish_page(world: World) -> dict[str, Any]:
    for version, text in (("V0001", "PK,name\n1,a\n"), ("V0002", "PK,name\n1,b\n2,c\n")):
        world.put("bucket", f"acme/users/20201230_{version}/e.csv.gz", text)
    world.make_stream("user-changes")
    return {}


def query_page(world: World) -> dict[str, Any]:
    import pyarrow

    dsn = world.status["postgres"]["dsn"]
    with airscoop.Warehouse(dsn, dialect="postgres") as warehouse:
        warehouse.execute("DROP TABLE IF EXISTS sales")
        warehouse.execute("CREATE TABLE sales (day date, amount numeric(10, 2), region text)")
        warehouse.execute("INSERT INTO sales VALUES ('2026-01-01', 1.5, 'north')")
    return {"settings": dsn, "pyarrow": pyarrow}


def registry_page(world: World) -> dict[str, Any]:
    orders(world)
    world.s3().delete_object(Bucket="exports", Key="acme/orders/v3/e.csv.gz")
    world.make_stream("stream")
    half_published(Registry("registry"), "acme/users", "V7")
    return {}


def half_published(registry: Registry, dataset: str, version: str) -> None:
    """An export that failed after a part of its changes was published."""
    tenant, table = dataset.split("/")
    found = ExportObject(uri=f"s3://exports/{dataset}/{version}/e.csv", etag="e", size=1)
    export = Export(bucket="exports", tenant=tenant, table=table, version=version, objects=(found,))
    with Lease.acquire(registry, dataset) as lease:
        record = registry.start(lease, registry.register(export).record, previous=None)
        registry.computed(lease, record.id, CHANGES, {})
        registry.save_offset(lease, record.id, 2)
        registry.failed(lease, record.id, "the stream is gone", "NOT_FOUND")


def tracing_page(world: World) -> dict[str, Any]:
    reviews(world)
    return {}


SCENES: dict[str, Callable[[World], dict[str, Any]]] = {
    "README.md": readme,
    "docs/how-to/aggregate.md": hits_page,
    "docs/how-to/apply.md": apply_page,
    "docs/how-to/command-line.md": command_line,
    "docs/how-to/credentials.md": credentials_page,
    "docs/how-to/delta.md": delta_page,
    "docs/how-to/files.md": files_page,
    "docs/how-to/grants.md": grants_page,
    "docs/how-to/objects.md": objects_page,
    "docs/how-to/operators.md": in_a_dag,
    "docs/how-to/publish.md": publish_page,
    "docs/how-to/query.md": query_page,
    "docs/how-to/registry.md": registry_page,
    "docs/how-to/test-your-dag.md": your_own_dag,
    "docs/how-to/tracing.md": tracing_page,
    "docs/how-to/your-own-file.md": your_own_file,
}
