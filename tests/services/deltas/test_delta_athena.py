"""airscoop.delta(engine="athena"): the same changes as the other engine's, and what is refused.

Athena is the local one, a process of its own, reached by the Amazon provider's hook.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from airflow.providers.amazon.aws.hooks.athena import AthenaHook

import airscoop
from airscoop import errors
from airscoop.deltas.athena_result import AthenaDelta
from airscoop.deltas.job import delta_job
from airscoop.exports.registry import Registry
from airscoop.hooks import athena as hooks
from airscoop.hooks.athena import AthenaSettings
from airscoop.process_mark import process_mark
from support.airports import airports
from support.athena_server import OVER, AthenaServer, running
from support.exports import Exports, LeaseClock
from support.fault_server import FaultProxy, error, fault_proxy
from support.moto import MotoServer
from support.s3 import BUCKET, Store

PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
OLD = 'PK,v,"the note"\r\n1,a,"x, ""y"""\r\n2,b,\r\n3,c,ü\r\n4,d,z\r\n'
NEW = '\ufeffthe note,PK,v\n"x, ""y""",1,a\n,2,B\nü,3,c\nnew,5,e\\\n'


class Bench:
    """A store, a catalog and an Athena, and what they were asked."""

    def __init__(self, store: Store, moto: MotoServer, server: AthenaServer) -> None:
        self.store, self.moto = store, moto
        self.glue, self.athena = moto.client("glue"), server.client()
        self.database = f"db_{store.prefix}"
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def export(self, version: str, *texts: str) -> list[str]:
        return [
            self.store.put(f"t/{version}/{number}.csv.gz", gzip.compress(text.encode()))
            for number, text in enumerate(texts)
        ]

    def delta(self, old: Any, new: Any, **options: Any) -> AthenaDelta:
        settings = AthenaSettings(
            database=self.database,
            results=self.store.uri("results"),
            poll_seconds=0.01,
            empty_is_null=options.pop("empty_is_null", False),
        )
        found = airscoop.delta(
            old, new, engine="athena", athena=settings, s3=self.store.settings(), **options
        )
        assert isinstance(found, AthenaDelta)
        return found

    def catalog(self, name: str, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> str:
        """A table of texts in the catalog, over one Parquet file."""
        found = [{"Name": column, "Type": kind} for column, kind in columns.items()]
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        texts = [pyarrow.array(each, pyarrow.string()) for each in values]
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(texts, names=list(columns)), file)
        self.store.put(f"catalog/{name}/1.parquet", file.getvalue())
        storage = {
            "Columns": found,
            "Location": self.store.uri(f"catalog/{name}/"),
            "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
            "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe"},
        }
        table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
        self.glue.create_table(DatabaseName=self.database, TableInput=table)
        return f"{self.database}.{name}"

    def queries(self) -> list[dict[str, Any]]:
        """What Athena was asked for results below the test's prefix."""
        pages = self.athena.get_paginator("list_query_executions").paginate()
        ids = [each for page in pages for each in page["QueryExecutionIds"]]
        found = [self.athena.get_query_execution(QueryExecutionId=each) for each in ids]
        return [
            each["QueryExecution"]
            for each in found
            if each["QueryExecution"]["ResultConfiguration"]["OutputLocation"].startswith(
                self.store.uri("")
            )
        ]

    def statements(self) -> list[str]:
        return [query["Query"] for query in self.queries()]

    def states(self) -> list[str]:
        return [query["Status"]["State"] for query in self.queries()]

    def tables(self) -> list[str]:
        found = self.glue.get_tables(DatabaseName=self.database)["TableList"]
        return [table["Name"] for table in found if table["Name"].startswith("airscoop")]

    def left(self) -> list[str]:
        return [name for name in self.store.names() if name.startswith("results/")]


@contextmanager
def working(
    store: Store, moto: MotoServer, server: AthenaServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """A bench whose Athena and catalog are those that AWS's variables name."""
    for name, text in server.environment().items():
        monkeypatch.setenv(name, text)
    found = Bench(store, moto, server)
    yield found
    assert found.tables() == []


@pytest.fixture
def bench(
    store: Store,
    moto_server: MotoServer,
    athena_server: AthenaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    with working(store, moto_server, athena_server, monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def faulty_athena(
    s3_server: Store, moto_server: MotoServer
) -> Iterator[tuple[AthenaServer, FaultProxy]]:
    """One that reaches S3 by a proxy, and the proxy."""
    with (
        fault_proxy(s3_server.endpoint) as proxy,
        running(proxy.url, moto_server.endpoint) as server,
    ):
        yield server, proxy


@pytest.fixture
def faulty_bench(
    store: Store,
    moto_server: MotoServer,
    faulty_athena: tuple[AthenaServer, FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    with working(store, moto_server, faulty_athena[0], monkeypatch) as found:
        yield found


@pytest.fixture
def held(faulty_athena: tuple[AthenaServer, FaultProxy]) -> Iterator[threading.Event]:
    """Queries read nothing before this is set."""
    released = threading.Event()

    def hold(handler: Any, request: Any) -> None:
        released.wait(60)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    rule = faulty_athena[1].on("get", hold, times=1000)
    yield released
    released.set()
    rule.times = 0


@pytest.fixture
def failing(faulty_athena: tuple[AthenaServer, FaultProxy]) -> Iterator[Any]:
    """What an UNLOAD has written is there, but the list of it is refused."""

    def refuse(handler: Any, request: Any) -> None:
        if "manifest" in request.path:
            error("AccessDenied", 403)(handler, request)
        else:
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

    rule = faulty_athena[1].on("put", refuse, times=1000)
    yield rule
    rule.times = 0


def local(bench: Bench, old: Any, new: Any, **options: Any) -> airscoop.Delta:
    return airscoop.delta(old, new, s3=bench.store.settings(), **options)


def by_id(delta: airscoop.Delta) -> list[Any]:
    return sorted(
        ({**change, "changed": sorted(change.get("changed", []))} for change in delta),
        key=lambda change: str(change["id"]),
    )


def counts(delta: airscoop.Delta) -> tuple[int, ...]:
    facts = delta.receipt
    return (
        facts.old_rows, facts.new_rows, facts.inserted, facts.updated, facts.deleted,
        facts.unchanged,
    )  # fmt: skip


def test_both_engines_find_the_same_changes(bench: Bench) -> None:
    old, new = bench.export("v1", OLD), bench.export("v2", NEW)
    named = {"dataset": 'it\'s "ours"', "version": "it's v2", "previous": "it's v1"}
    athena = bench.delta(old, new, **named, empty_is_null=True)
    other = local(bench, old, new, **named)
    assert by_id(athena) == by_id(other)
    assert counts(athena) == counts(other) == (4, 4, 1, 1, 1, 2)
    assert [change["id"] for change in athena] == sorted(change["id"] for change in other)


def test_an_export_of_several_objects_and_the_first_import(bench: Bench) -> None:
    parts = bench.export("v1", "PK,v\n1,a\n2,b\n", "PK,v\n3,c\n")
    bench.store.put("t/v1/_SUCCESS", b"")
    athena = bench.delta(None, parts)
    assert counts(athena) == (0, 3, 3, 0, 0, 0)
    assert by_id(athena) == by_id(local(bench, None, parts))


def test_real_snapshots_have_the_same_changes_by_both_engines(bench: Bench) -> None:
    old, new = (
        bench.store.put(f"airports/{version}/airports.csv", airports(version).read_bytes())
        for version in ("20250909", "20260905")
    )
    athena = bench.delta(old, new, key=["icao"], version="20260905")
    other = local(bench, old, new, key=["icao"], version="20260905")
    for delta in (athena, other):
        facts = delta.receipt
        assert (facts.inserted, facts.deleted, facts.updated) == (628, 600, 12_062)
    assert by_id(athena) == by_id(other)


def test_what_is_written_is_the_same_each_time_and_can_be_discarded(bench: Bench) -> None:
    old, new = bench.export("v1", OLD), bench.export("v2", NEW)
    written = []
    for name in ("a.jsonl", "b.jsonl"):
        delta = bench.delta(old, new)
        delta.write(bench.store.uri(name), s3=bench.store.settings())
        written.append(bench.store.get(name))
        assert bench.left()
        delta.discard()
        assert bench.left() == []
    assert written[0] == written[1]
    assert len(written[0].splitlines()) == 3


@pytest.mark.parametrize("gone", ["null", "drop"])
def test_columns_that_are_new_or_gone_are_compared(bench: Bench, gone: str) -> None:
    old = bench.export("v1", "PK,v,was\n1,a,x\n2,b,\n3,c,y\n")
    new = bench.export("v2", "is,PK,v\nn,1,a\n,2,b\n,3,C\n,4,d\n")
    options: dict[str, Any] = {"on_schema_change": "all", "gone_columns": gone, "version": "v2"}
    athena = bench.delta(old, new, empty_is_null=True, **options)
    other = local(bench, old, new, **options)
    assert by_id(athena) == by_id(other)
    assert counts(athena) == counts(other) == (3, 4, 1, 2, 0, 1)
    assert athena.receipt.columns_added == other.receipt.columns_added == ["is"]
    assert athena.receipt.columns_gone == other.receipt.columns_gone == ["was"]
    texts = {change["key"]["PK"]: change["row"] for change in bench.delta(old, new, **options)}
    assert sorted(texts) == ["1", "3", "4"]  # nothing is the empty text there, on both sides
    assert texts["4"] == {"is": "", "PK": "4", "v": "d", **({"was": ""} if gone != "drop" else {})}


def test_a_column_that_a_table_of_the_catalog_lacks_is_null(bench: Bench) -> None:
    old = bench.catalog("old", {"pk": "string"}, [("1",), ("2",)])
    new = bench.catalog("new", {"pk": "string", "v": "string"}, [("1", ""), ("2", None)])
    delta = bench.delta(old, new, key=["pk"], on_schema_change="all")
    assert [(change["op"], change["row"]) for change in delta] == [("UPDATE", {"pk": "1", "v": ""})]


def test_another_case_alone_is_a_changed_schema(bench: Bench) -> None:
    old, new = bench.export("v1", "PK,v\n1,a\n"), bench.export("v2", "pk,v\n1,a\n")
    for mode in ("error", "all"):
        with pytest.raises(errors.SchemaChanged, match=r'the column "PK" of .* is "pk" in'):
            bench.delta(old, new, on_schema_change=mode)
    other = bench.export("v3", "id,v\n1,a\n")
    with pytest.raises(errors.UsageError, match=r'the key "id" is no column of .*v1'):
        bench.delta(old, other, key=["id"], on_schema_change="all")


def test_tables_of_the_catalog_are_compared(bench: Bench) -> None:
    columns = {"pk": "string", "v": "varchar(9)"}
    old = bench.catalog("old", columns, [("1", None), ("2", "b"), ("3", "c")])
    new = bench.catalog("new", columns, [("1", ""), ("2", "b"), ("3", None)])
    delta = bench.delta(old, new, key=["pk"])
    assert counts(delta) == (3, 3, 0, 2, 0, 1)
    assert {change["key"]["pk"]: change["row"]["v"] for change in delta} == {"1": "", "3": None}
    typed = bench.catalog("typed", {"pk": "bigint"}, [])
    with pytest.raises(errors.UnsupportedFormat, match="pk is bigint"):
        bench.delta(None, typed, key=["pk"])
    with pytest.raises(errors.NotFound, match="gone is no table"):
        bench.delta(None, f"{bench.database}.gone", key=["pk"])


@pytest.mark.parametrize(
    ("new", "error", "message"),
    [
        ("PK,v\n1,a\n1,b\n", errors.DuplicateKey, "1 rows have a key that another"),
        ("PK,v\n,a\n2,b\n", errors.BadRecord, "1 rows have an empty key"),
        ('PK,v\n1,"a\nb"\n2,b\n', errors.BadRecord, "2 rows have too few values"),
        ("PK,v\n", errors.SuspectExport, "fewer than min_rows"),
        ("PK,v\n1,a\n", errors.SuspectExport, "more than max_delete_ratio"),
        ("PK,v,w\n1,a,b\n2,b,c\n", errors.SchemaChanged, "added: w"),
        ('PK,"v\nw"\n1,a\n', errors.BadRecord, "no row of names"),
        ("PK,PK\n1,a\n", errors.BadRecord, "no row of names"),
        ("", errors.BadRecord, "there is no header row"),
        ("id,v\n1,a\n2,b\n", errors.SchemaChanged, "added: id; gone: PK"),
    ],
)
def test_what_is_refused_writes_nothing(
    bench: Bench, new: str, error: type[errors.AirscoopError], message: str
) -> None:
    old = bench.export("v1", "PK,v\n1,a\n2,b\n")
    with pytest.raises(error, match=message):
        bench.delta(old, bench.export("v2", new))
    assert not any("UNLOAD" in statement for statement in bench.statements())
    assert bench.left() == []


def test_objects_of_no_bytes_are_passed_over(bench: Bench) -> None:
    old, new = bench.export("v1", "", "PK,v\n1,a\n"), bench.export("v2", "PK,v\n1,b\n", "")
    assert [(c["op"], c["row"]) for c in bench.delta(old, new)] == [
        ("UPDATE", {"PK": "1", "v": "b"})
    ]


def test_a_folder_with_other_objects_is_refused(bench: Bench) -> None:
    one, two = bench.export("v1", "PK,v\n1,a\n", "PK,v\n2,b\n")
    with pytest.raises(errors.UsageError, match=r"1\.csv\.gz, too, .* folder of its own"):
        bench.delta(None, one)
    elsewhere = bench.export("v2", "PK,v\n1,a\n")
    with pytest.raises(errors.NotFound, match="another folder"):
        bench.delta(None, [one, two, *elsewhere])
    with pytest.raises(errors.SchemaChanged, match="other columns than"):
        bench.delta(None, bench.export("v3", "PK,v\n1,a\n", "PK,w\n2,b\n"))


@pytest.mark.parametrize(
    "options",
    [{"format": "jsonl"}, {"on_duplicates": "last"}, {"on_schema_change": "compare_common"}],
)
def test_what_athena_cannot_do_is_said(bench: Bench, options: dict[str, Any]) -> None:
    with pytest.raises(errors.UnsupportedFormat, match="compares CSV"):
        bench.delta(None, "s3://b/k", **options)


def test_without_settings_or_with_an_unknown_engine_it_is_wrong_usage() -> None:
    with pytest.raises(errors.UsageError, match="AthenaSettings"):
        airscoop.delta(None, "s3://b/k", engine="athena")
    with pytest.raises(errors.UsageError, match='engine cannot be "hive"; use "local" or "athena"'):
        airscoop.delta(None, "s3://b/k", engine="hive")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.usefixtures("failing")
def test_a_query_that_fails_leaves_no_files(faulty_bench: Bench) -> None:
    with pytest.raises(errors.SqlError, match="failed: Access denied when writing output"):
        faulty_bench.delta(None, faulty_bench.export("v1", OLD))
    assert faulty_bench.states().count("FAILED") == 1
    assert faulty_bench.left() == []


def test_files_that_miss_changes_are_noticed(bench: Bench) -> None:
    delta = bench.delta(None, bench.export("v1", OLD))
    (first, *_) = [name for name in bench.left() if "/changes/" in name]
    bench.store.client.delete_object(Bucket="transfers", Key=bench.store.key(first))
    with pytest.raises(errors.CountMismatch, match="but Athena counted 4"):
        delta.write(bench.store.uri("x.jsonl"), s3=bench.store.settings())
    assert "x.jsonl" not in bench.store.names()


def test_a_query_is_waited_for(faulty_bench: Bench, held: threading.Event) -> None:
    job = delta_job(
        None, faulty_bench.export("v1", OLD), engine="athena", s3=faulty_bench.store.settings(),
        athena=settings_of(faulty_bench),
    )  # fmt: skip
    seen: list[list[str]] = []

    def look(progress: object) -> None:
        if not held.is_set():
            seen.append(faulty_bench.states())
            held.set()

    assert counts(job.run(on_progress=look)) == (0, 4, 4, 0, 0, 0)
    assert seen in ([["RUNNING"]], [["QUEUED"]])


@pytest.mark.usefixtures("held")
def test_another_thread_can_cancel_it(faulty_bench: Bench) -> None:
    job = delta_job(
        None, faulty_bench.export("v1", OLD), engine="athena", s3=faulty_bench.store.settings(),
        athena=settings_of(faulty_bench),
    )  # fmt: skip
    with pytest.raises(errors.Cancelled, match=r"0\.csv\.gz"):
        job.run(on_progress=lambda _: job.cancel())
    assert faulty_bench.states() == ["CANCELLED"]


def changes_by_job(bench: Bench, settings: airscoop.S3Settings | None = None) -> Any:
    """A job that has run, and its result; they use S3 as `settings` say."""
    job = delta_job(
        None, bench.export("v1", OLD), engine="athena", s3=settings or bench.store.settings(),
        athena={"database": bench.database, "results": bench.store.uri("results")},
    )  # fmt: skip
    return job, job.run()


def test_a_cancel_reaches_the_writing_of_its_results(bench: Bench) -> None:
    job, result = changes_by_job(bench)
    place = bench.store.uri("x.jsonl")
    with pytest.raises(errors.Cancelled):
        result.write(place, s3=bench.store.settings(), before_commit=job.cancel)
    with pytest.raises(errors.Cancelled):
        result.write(place, s3=bench.store.settings())
    assert "x.jsonl" not in bench.store.names()
    assert bench.store.uploads() == []


@pytest.mark.parametrize("request_kind", ["list", "get"])
def test_a_cancel_ends_the_waiting_for_the_files_that_athena_wrote(
    request_kind: str, bench: Bench
) -> None:
    released = threading.Event()
    with fault_proxy(bench.store.endpoint) as proxy:
        settings = bench.store.settings(endpoint_url=proxy.url)
        job, result = changes_by_job(bench, settings)

        def hang(handler: Any, request: Any) -> None:
            job.cancel()
            released.wait(60)

        proxy.on(request_kind, hang, times=100)
        with pytest.raises(errors.Cancelled):
            result.write(bench.store.uri("x.jsonl"), s3=bench.store.settings())
        released.set()
    assert "x.jsonl" not in bench.store.names()


def test_names_in_the_catalog_may_hold_quotes(bench: Bench) -> None:
    names = ['the "key"', "it's", 'v"; DROP TABLE t; --']
    columns = dict.fromkeys(names, "string")
    old = bench.catalog("old", columns, [("1", "a", "b"), ("2", "a", "b")])
    new = bench.catalog("new", columns, [("1", "a", "c"), ("3", "a", "b")])
    delta = bench.delta(old, new, key=names[:1], max_delete_ratio=1.0)
    assert counts(delta) == (2, 2, 1, 1, 1, 0)
    assert {tuple(change["row"]) for change in delta} == {tuple(names)}


@pytest.mark.usefixtures("held")
def test_an_interrupt_stops_the_query(faulty_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    export = faulty_bench.export("v1", OLD)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(time, "sleep", interrupt)
        faulty_bench.delta(None, export)
    assert faulty_bench.states() == ["CANCELLED"]


@pytest.mark.usefixtures("held")
def test_a_query_that_someone_stops_is_an_error(
    faulty_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(seconds: float) -> None:
        for query in faulty_bench.queries():
            if query["Status"]["State"] not in OVER:
                faulty_bench.athena.stop_query_execution(QueryExecutionId=query["QueryExecutionId"])

    export = faulty_bench.export("v1", OLD)
    with monkeypatch.context() as patched, pytest.raises(errors.SqlError, match="cancelled"):
        patched.setattr(time, "sleep", stop)
        faulty_bench.delta(None, export)


def test_the_steps_of_an_export_work_with_athena(
    bench: Bench, registry_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(registry_table, client=bench.moto.client("dynamodb"))
    exports = Exports(bench.store, registry, LeaseClock(monkeypatch))
    exports.put("V1", {"1": "a", "2": "b"})
    exports.put("V2", {"1": "A", "3": "c"})
    exports.register()
    scratch = f"athena-{bench.store.prefix}"
    athena = {"database": bench.database, "results": f"s3://{BUCKET}/{scratch}"}
    for version in ("V1", "V2"):
        lock = exports.lock(version)
        exports.compute(lock, engine="athena", athena=athena)
        exports.finish(lock, state="done")
    assert exports.ops("V1") == ["INSERT 1", "INSERT 2"]
    assert exports.ops("V2") == ["DELETE 2", "INSERT 3", "UPDATE 1"]
    left = bench.store.client.list_objects_v2(Bucket=BUCKET, Prefix=scratch)
    assert left["KeyCount"] == 0


def test_a_statement_that_is_too_long_is_refused(bench: Bench) -> None:
    names = ",".join(f"a rather long name of column number {n}" for n in range(700))
    with pytest.raises(errors.UsageError, match="too many columns"):
        bench.delta(None, bench.export("v1", f"{names}\n"), key=[names.split(",")[0]])
    assert bench.statements() == []


def test_the_command_line_says_what_is_missing(store: Store) -> None:
    line = [sys.executable, "-m", "airscoop.cli", "delta", "-", "s3://b/k", "--engine", "athena"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--athena-database" in done.stderr


# --- what fails, and what was left ---


def settings_of(bench: Bench, **fields: Any) -> dict[str, Any]:
    found = {"database": bench.database, "results": bench.store.uri("results")}
    return {**found, "poll_seconds": 0.01, **fields}


def test_a_database_that_is_not_there_is_named(bench: Bench) -> None:
    export = bench.export("v1", OLD)
    athena = settings_of(bench, database="nowhere")
    with pytest.raises(errors.NotFound, match=r"nowhere.*EntityNotFoundException") as caught:
        airscoop.delta(None, export, engine="athena", athena=athena, s3=bench.store.settings())
    assert not caught.value.retryable


def test_a_workgroup_that_is_not_there_is_named(bench: Bench) -> None:
    export = bench.export("v1", OLD)
    athena = settings_of(bench, workgroup="nowhere")
    with pytest.raises(errors.NotFound, match="the Athena workgroup nowhere"):
        airscoop.delta(None, export, engine="athena", athena=athena, s3=bench.store.settings())


def test_a_step_keeps_in_the_registry_what_athena_or_glue_refused(
    bench: Bench, registry_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(registry_table, client=bench.moto.client("dynamodb"))
    exports = Exports(bench.store, registry, LeaseClock(monkeypatch))
    exports.put("V1", {"1": "a"})
    exports.register()
    lock = exports.lock("V1")
    with pytest.raises(errors.NotFound):
        exports.compute(lock, engine="athena", athena=settings_of(bench, database="nowhere"))
    record = registry.get(exports.id("V1"))
    assert (record.state, record.code) == ("running", "NOT_FOUND")
    assert "EntityNotFoundException" in str(record.error)


def test_a_table_that_cannot_be_removed_replaces_neither_the_error_nor_the_result(
    faulty_bench: Bench,
    failing: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = faulty_bench
    export, real = bench.export("v1", OLD), bench.glue.delete_table
    refused: list[str] = []

    def refuse(**arguments: Any) -> None:
        refused.append(arguments["Name"])
        raise OSError("not now")

    monkeypatch.setattr(bench.glue, "delete_table", refuse)
    monkeypatch.setattr(hooks, "glue_client", lambda conn_id: bench.glue)
    with pytest.raises(errors.SqlError, match="Access denied when writing output"):
        bench.delta(None, export)
    failing.times = 0
    assert len(bench.delta(None, export)) == 4
    assert len(refused) == 2
    assert caplog.text.count("stays: OSError: not now") == 2
    for name in refused:
        real(DatabaseName=bench.database, Name=name)


@pytest.mark.usefixtures("held")
def test_a_query_that_cannot_be_stopped_does_not_hide_why_it_was_to_be(
    faulty_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(hook: AthenaHook, query: str) -> None:
        raise OSError("not now")

    monkeypatch.setattr(AthenaHook, "stop_query", refuse)
    job = delta_job(
        None, faulty_bench.export("v1", OLD), engine="athena", s3=faulty_bench.store.settings(),
        athena=settings_of(faulty_bench),
    )  # fmt: skip
    with pytest.raises(errors.Cancelled):
        job.run(on_progress=lambda _: job.cancel())


def test_the_workgroups_place_for_results_is_left_to_it(bench: Bench) -> None:
    name = f"w-{bench.store.prefix}"
    bench.athena.create_work_group(
        Name=name,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": bench.store.uri("elsewhere")},
        },
    )
    delta = airscoop.delta(
        None, bench.export("v1", OLD), engine="athena", s3=bench.store.settings(),
        athena=settings_of(bench, workgroup=name),
    )  # fmt: skip
    assert len(list(delta)) == 4
    assert all("/changes/" in each for each in bench.left())


def test_what_a_killed_run_left_is_removed_by_the_next_one(bench: Bench) -> None:
    made = "import sys; from airscoop.process_mark import process_mark; print(process_mark())"
    ended = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True)
    run = f"airscoop_{'a' * 32}"
    other = f"airscoop_{'b' * 32}"
    for name, mark in ((run, ended.stdout.strip()), (other, process_mark())):
        bench.glue.create_table(
            DatabaseName=bench.database,
            TableInput={"Name": f"{name}_new", "Parameters": {"airscoop.process": mark}},
        )
        bench.store.put(f"results/{name}/changes/x.gz", b"x")
    bench.delta(None, bench.export("v1", OLD)).discard()
    assert bench.tables() == [f"{other}_new"]
    assert bench.left() == [f"results/{other}/changes/x.gz"]
    bench.glue.delete_table(DatabaseName=bench.database, Name=f"{other}_new")
