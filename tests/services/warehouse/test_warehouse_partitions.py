"""A partition is where add_partitions says, however it is spelled and whoever else adds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airscoop import errors
from airscoop.warehouse.session import Partition, Warehouse
from support.standin import Spectrum, StandIn
from support.wire_proxy import WireProxy

OLD, NEW = "s3://bucket/old/", "s3://bucket/new/"


@pytest.fixture
def warehouse(standin: StandIn) -> Iterator[Warehouse]:
    with Warehouse(standin.dsn) as found:
        yield found


def place(value: str, location: str) -> Partition:
    return Partition(values={"p": value}, location=location)


# How a type's value may be spelled, and the spelling that the catalog keeps.
SPELLINGS = {
    "date": ("20270105", "2027/1/5", "2027-01-05 00:00:00", "2027-01-05"),
    "timestamp": ("20270105 07:00", "2027-01-05T07:00:00.000", "2027-01-05 07:00:00"),
    "integer": ("007", "+7", " 7", "7"),
    "bigint": ("-0042", "-42"),
    "boolean": ("T", "yes", "1", "true"),
    "decimal(10,2)": ("1.5", "+01.500", "1.50"),
    "char(4)": ("ab ", "ab  ", "ab"),
    "double precision": ("0.10", "1e-1", "0.1"),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_value_is_one_partition_however_it_is_spelled(
    warehouse: Warehouse, spectrum: Spectrum, kind: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", f"p {kind}")
    *others, kept = SPELLINGS[kind]
    for first, second in [(others[0], kept), (kept, others[0]), *zip(others, others, strict=True)]:
        assert warehouse.add_partitions(table, [place(first, OLD)]).unchanged == 0
        receipt = warehouse.add_partitions(table, [place(second, NEW)])
        assert (receipt.added, receipt.moved) == (0, 1)
        assert warehouse.add_partitions(table, [place(kept, NEW)]).unchanged == 1
        assert warehouse.partitions(table) == [place(kept, NEW)]


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_partition_given_twice_in_two_spellings_is_refused(
    warehouse: Warehouse, spectrum: Spectrum, kind: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", f"p {kind}")
    wanted = [place(SPELLINGS[kind][0], OLD), place(SPELLINGS[kind][-1], NEW)]
    with pytest.raises(errors.UsageError, match="given twice"):
        warehouse.add_partitions(table, wanted)
    assert warehouse.partitions(table) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("varchar(3)", "abcd"),
        ("varchar(3)", "aü2"),
        ("char(2)", "abc"),
        ("date", "05.01.2027"),
        ("date", "2027-02-30"),
        ("integer", "7.5"),
        ("smallint", "40000"),
        ("decimal(4,2)", "123"),
        ("boolean", "maybe"),
        ("timestamp", "2027-01-05 25:00"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(
    warehouse: Warehouse, spectrum: Spectrum, kind: str, value: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", f"p {kind}")
    with pytest.raises(errors.UsageError, match=f"the value '{value}' of the partition column"):
        warehouse.add_partitions(table, [place(value, OLD)])
    assert warehouse.partitions(table) == []


def test_a_slash_at_the_end_is_no_other_place(warehouse: Warehouse, spectrum: Spectrum) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")
    warehouse.add_partitions(table, [place("1", NEW)])
    receipt = warehouse.add_partitions(table, [place("1", NEW.rstrip("/"))])
    assert (receipt.moved, receipt.unchanged) == (0, 1)


@contextmanager
def meanwhile(
    standin: StandIn, word: str, act: Callable[[Warehouse], object], seen: list[str] | None = None
) -> Iterator[Warehouse]:
    """A session; before its first statement that holds `word` another one acts."""
    statements: list[str] = [] if seen is None else seen

    def hook(number: int, sql: str) -> str:
        if word in sql and not any(word in earlier for earlier in statements):
            with Warehouse(standin.dsn) as other:
                act(other)
        statements.append(sql)
        return sql

    with WireProxy(standin.port, hook) as proxy:
        through = standin.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with Warehouse(through) as warehouse:
            yield warehouse
    assert any(word in sql for sql in statements)


@pytest.mark.parametrize("tail", ["", "x" * 120 + "/"])
def test_what_another_session_adds_in_between_is_moved(
    standin: StandIn, spectrum: Spectrum, tail: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")
    new = f"s3://bucket/{tail}new/"
    seen: list[str] = []

    def add(other: Warehouse) -> None:
        other.add_partitions(table, [place("1", new.replace("new", "old"))])

    with meanwhile(standin, " ADD IF NOT EXISTS", add, seen=seen) as warehouse:
        receipt = warehouse.add_partitions(table, [place("1", new), place("2", OLD)])
        found = {item.values["p"]: item.location for item in warehouse.partitions(table)}
    assert receipt.unchanged == 0 and receipt.moved == (0 if tail else 1)
    assert found == {"1": new[:128], "2": OLD}
    # The catalog's view cuts a long one, so that only a SET is certain.
    assert f"SET LOCATION '{new}'" in [sql for sql in seen if sql.startswith("ALTER")][-1]


def test_what_another_session_adds_at_the_same_place_is_as_good(
    standin: StandIn, spectrum: Spectrum
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")

    def add(other: Warehouse) -> None:
        other.add_partitions(table, [place("1", NEW)])

    with meanwhile(standin, " ADD IF NOT EXISTS", add) as warehouse:
        assert warehouse.add_partitions(table, [place("1", NEW)]).added == 1


def test_what_another_session_drops_in_between_is_an_error(
    standin: StandIn, spectrum: Spectrum
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")
    reads = iter([False, True])

    def hook(number: int, sql: str) -> str:
        if "FROM svv_external_partitions" in sql and next(reads):
            with Warehouse(standin.dsn) as other:
                other.execute(f"ALTER TABLE {table} DROP PARTITION (p = 1)")
        return sql

    with WireProxy(standin.port, hook) as proxy:
        through = standin.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with Warehouse(through) as warehouse, pytest.raises(errors.ProtocolError, match="p=1"):
            warehouse.add_partitions(table, [place("1", NEW)])


def test_two_sessions_that_move_a_partition_at_once_are_told(
    standin: StandIn, spectrum: Spectrum
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")

    def hook(number: int, sql: str) -> str:
        if "FROM svv_external_partitions" in sql:
            with Warehouse(standin.dsn) as other:
                other.execute(f"ALTER TABLE {table} PARTITION (p = 1) SET LOCATION '{OLD}'")
        return sql

    with Warehouse(standin.dsn) as warehouse:
        warehouse.add_partitions(table, [place("1", OLD)])
    with WireProxy(standin.port, hook) as proxy:
        through = standin.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with Warehouse(through) as warehouse, pytest.raises(errors.ProtocolError) as caught:
            warehouse.add_partitions(table, [place("1", NEW)])
    assert OLD in str(caught.value) and caught.value.retryable


class Load:
    """An external table by day and hour, whose one partition has two rows, and a target."""

    def __init__(self, spectrum: Spectrum) -> None:
        self.spectrum = spectrum
        self.source = spectrum.create("src", "k varchar(20)", "day date, hour integer")
        self.location = spectrum.write("src/one/data.json", {"k": "a"}, {"k": "b"})
        spectrum.run(
            f"ALTER TABLE {self.source} ADD PARTITION (day = '2027-01-05', hour = 7)"
            f" LOCATION '{self.location}'"
        )
        self.schema = spectrum.schema.replace("spectrum", "internal")
        spectrum.run(f"CREATE SCHEMA {self.schema}")
        spectrum.run(f"CREATE TABLE {self.schema}.tgt (k varchar(20))")

    def insert(self, warehouse: Warehouse, objects: list[str], **partition: str) -> int:
        return warehouse.insert_distinct(
            source=self.source, target=f"{self.schema}.tgt", columns=["k"], key=["k"],
            partition=partition, objects=objects, expected_records=2,
        ).inserted  # fmt: skip


@pytest.fixture
def load(spectrum: Spectrum) -> Iterator[Load]:
    found = Load(spectrum)
    yield found
    spectrum.run(f"DROP SCHEMA {found.schema} CASCADE")


def test_an_insert_reads_what_was_written_where_the_catalog_has_the_partition(
    warehouse: Warehouse, load: Load
) -> None:
    written = f"{load.location}/data.json"
    assert load.insert(warehouse, [written, written], day="20270105", hour="07") == 2
    assert load.insert(warehouse, [written], day="2027-01-05") == 0


@pytest.mark.parametrize("partition", [{"day": "20270105", "hour": "07"}, {"day": "2027-01-05"}])
def test_an_insert_of_what_was_written_elsewhere_inserts_nothing(
    warehouse: Warehouse, load: Load, partition: dict[str, str]
) -> None:
    elsewhere = ["s3://bucket/new/data.json", f"{load.location}2/data.json"]
    for objects in ([f"{load.location}/data.json", elsewhere[0]], [elsewhere[1]]):
        with pytest.raises(errors.PartitionConflict) as caught:
            load.insert(warehouse, objects, **partition)
        assert load.location in str(caught.value) and objects[-1] in str(caught.value)
    assert warehouse.execute(f"SELECT COUNT(*) FROM {load.schema}.tgt") == [("0",)]


def test_an_insert_from_a_partition_that_the_catalog_has_not_says_so(
    warehouse: Warehouse, load: Load
) -> None:
    with pytest.raises(errors.PartitionConflict, match="has no partition with these values"):
        load.insert(warehouse, [f"{load.location}/data.json"], day="2027-01-06", hour="7")


def test_a_table_that_is_not_external_has_no_place_to_compare(
    warehouse: Warehouse, load: Load
) -> None:
    load.spectrum.run(f"CREATE TABLE {load.schema}.plain AS SELECT k, 1 AS day FROM {load.source}")
    receipt = warehouse.insert_distinct(
        source=f"{load.schema}.plain", target=f"{load.schema}.tgt", columns=["k"],
        key=["k"], partition={"day": "1"}, objects=["s3://bucket/new/data.json"],
    )  # fmt: skip
    assert receipt.inserted == 2
