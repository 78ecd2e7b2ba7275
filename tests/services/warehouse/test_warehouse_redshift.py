"""The warehouse on the Redshift stand-in: partitions, and inserts from external tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from airscoop import InsertReceipt, errors
from airscoop.warehouse.session import Partition, Warehouse
from support.standin import USER, Spectrum, StandIn

VIEW = "SELECT location FROM svv_external_partitions WHERE schemaname = $1 ORDER BY 1"


@pytest.fixture
def warehouse(standin: StandIn) -> Iterator[Warehouse]:
    with Warehouse(standin.dsn, label="airscoop:dag/task/run/1") as found:
        yield found


@pytest.fixture
def table(spectrum: Spectrum) -> str:
    """An external table partitioned by day and hour."""
    return spectrum.create("t", "a varchar(20)", "day varchar(20), hour integer")


def partition(day: str, hour: int, location: str | None = None) -> Partition:
    where = location or f"s3://bucket/day={day}/hour={hour}/"
    # Not in the table's order, which does not matter.
    return Partition(values={"hour": str(hour), "day": day}, location=where)


def test_a_new_partition_is_added_and_the_same_again_unchanged(
    warehouse: Warehouse, table: str
) -> None:
    receipt = warehouse.add_partitions(table, [partition("a", 1), partition("a", 2)])
    assert (receipt.added, receipt.moved, receipt.unchanged) == (2, 0, 0)
    receipt = warehouse.add_partitions(table, [partition("a", 2), partition("b", 1)])
    assert [result.status for result in receipt.partitions] == ["unchanged", "added"]
    assert warehouse.partitions(table) == [
        Partition(
            values={"day": day, "hour": str(hour)}, location=f"s3://bucket/day={day}/hour={hour}/"
        )
        for day, hour in (("a", 1), ("a", 2), ("b", 1))
    ]


def test_another_location_moves_a_partition(warehouse: Warehouse, table: str) -> None:
    warehouse.add_partitions(table, [partition("a", 1)])
    receipt = warehouse.add_partitions(table, [partition("a", 1, "s3://bucket/elsewhere/")])
    assert [result.status for result in receipt.partitions] == ["moved"]
    assert [found.location for found in warehouse.partitions(table)] == ["s3://bucket/elsewhere/"]


def test_a_location_that_the_catalog_cuts_is_always_set_again(
    warehouse: Warehouse, table: str, spectrum: Spectrum
) -> None:
    base = "s3://bucket/" + "x" * 116
    warehouse.add_partitions(table, [partition("a", 1, base + "/one/")])
    assert warehouse.execute(VIEW, (spectrum.schema,)) == [(base,)]
    receipt = warehouse.add_partitions(table, [partition("a", 1, base + "/two/")])
    assert receipt.moved == 1
    receipt = warehouse.add_partitions(table, [partition("a", 1, base + "/two/")])
    assert receipt.moved == 1


def test_more_than_a_statement_takes_are_added_in_batches(warehouse: Warehouse, table: str) -> None:
    receipt = warehouse.add_partitions(table, [partition("a", hour) for hour in range(205)])
    assert receipt.added == 205
    assert len(warehouse.partitions(table)) == 205


def test_values_with_quotes_come_back_as_they_were(warehouse: Warehouse, table: str) -> None:
    odd = 'it\'s "so", ü]'
    warehouse.add_partitions(table, [partition(odd, 1, "s3://bucket/odd/")])
    assert warehouse.partitions(table)[0].values == {"day": odd, "hour": "1"}
    again = warehouse.add_partitions(table, [partition(odd, 1, "s3://bucket/odd/")])
    assert again.unchanged == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"day": "a"}, '"hour", which has no value'),
        ({"day": "a", "hour": "1", "minute": "2"}, '"minute" is not a partition column'),
        ({"day": "a", "our": "1"}, '"hour", which has no value'),
        ({}, '"day", which has no value'),
        ({"day": "a\\", "hour": "1"}, "backslash"),
    ],
)
def test_values_that_do_not_fit_the_table_are_named(
    warehouse: Warehouse, table: str, values: dict[str, str], message: str
) -> None:
    with pytest.raises(errors.UsageError, match=message):
        warehouse.add_partitions(table, [Partition(values=values, location="s3://b/k/")])
    assert warehouse.partitions(table) == []


def test_a_partition_given_twice_is_refused(warehouse: Warehouse, table: str) -> None:
    with pytest.raises(errors.UsageError, match="day=a is given twice"):
        warehouse.add_partitions(table, [partition("a", 1), partition("a", 1, "s3://b/other/")])


@pytest.mark.parametrize("location", [None, "", "b/k", "https://b/k", "s3://"])
def test_a_location_that_is_not_in_s3_is_refused(
    warehouse: Warehouse, table: str, location: str | None
) -> None:
    wrong = Partition(values={"day": "a", "hour": "1"}, location=location)
    with pytest.raises(errors.UsageError, match="is not an s3:// address"):
        warehouse.add_partitions(table, [wrong])


def test_a_missing_and_an_unpartitioned_table_are_named(
    warehouse: Warehouse, spectrum: Spectrum
) -> None:
    with pytest.raises(errors.NotFound, match=f"no external table {spectrum.schema}.absent"):
        warehouse.partitions(f"{spectrum.schema}.absent")
    plain = spectrum.create("plain", "a varchar(20)")
    with pytest.raises(errors.UsageError, match="has no partition column"):
        warehouse.add_partitions(plain, [partition("a", 1)])


COLUMNS = ("k", "stamp")
RECORDS: list[dict[str, object]] = [
    {"k": "a", "stamp": 1},
    {"k": "a", "stamp": 2},
    {"k": None, "stamp": 1},
    {"stamp": 3},
]
DISTINCT = 2


class Load:
    """An external partition and an internal table, in one stand-in's own schemas."""

    def __init__(self, stand_in: StandIn, connection: psycopg.Connection[object]) -> None:
        self.stand_in = stand_in
        self.spectrum = spectrum = Spectrum(stand_in, connection)
        self.source = spectrum.create("src", "k varchar(20), stamp integer", "day integer")
        self.schema = spectrum.schema.replace("spectrum", "internal")
        self.target = f"{self.schema}.tgt"
        location = spectrum.write("src/day=1/data.json", *RECORDS)
        spectrum.run(f"ALTER TABLE {self.source} ADD PARTITION (day = 1) LOCATION '{location}'")
        spectrum.run(f"CREATE SCHEMA {self.schema}")
        spectrum.run(f"CREATE TABLE {self.target} (k varchar(20), stamp integer) DISTKEY(k)")

    def run(self, **changes: Any) -> InsertReceipt:
        arguments: dict[str, Any] = {
            "source": self.source,
            "target": self.target,
            "columns": COLUMNS,
            "key": ("k",),
            "order_by": ("stamp",),
            "partition": {"day": "1"},
        }
        label = "airscoop:d/t/r/1"
        with Warehouse(self.stand_in.dsn, label=label, lock_timeout_seconds=60) as warehouse:
            return warehouse.insert_distinct(**{**arguments, **changes})

    def rows(self) -> list[tuple[object, ...]]:
        return self.spectrum.run(f"SELECT k, stamp FROM {self.target} ORDER BY stamp")


@pytest.fixture(params=["standin", "serializable_standin"])
def load(request: pytest.FixtureRequest) -> Iterator[Load]:
    stand_in: StandIn = request.getfixturevalue(request.param)
    with stand_in.connect() as connection:
        found = Load(stand_in, connection)
        yield found
        connection.execute(f"DROP SCHEMA {found.schema} CASCADE".encode())
        connection.execute(f"DROP SCHEMA {found.spectrum.schema} CASCADE".encode())


def test_rows_of_an_external_partition_are_inserted_once(load: Load) -> None:
    receipt = load.run(expected_records=len(RECORDS))
    assert (receipt.scanned, receipt.duplicates, receipt.inserted) == (4, 2, DISTINCT)
    again = load.run(mode="replace")
    assert (again.already_there, again.inserted, again.replaced) == (DISTINCT, 0, 0)
    assert load.rows() == [("a", 2), (None, 3)]


def test_inserts_at_once_leave_an_exact_table(load: Load) -> None:
    receipts: list[InsertReceipt] = []
    threads = [threading.Thread(target=lambda: receipts.append(load.run())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.inserted for receipt in receipts) == [0, 0, 0, DISTINCT]
    assert load.rows() == [("a", 2), (None, 3)]


def test_a_bad_record_in_the_partition_inserts_nothing(load: Load) -> None:
    load.spectrum.write("src/day=1/worse.json", '{"k": ')
    with pytest.raises(errors.AirscoopError, match=r"worse\.json"):
        load.run()
    assert load.rows() == []


def test_a_missing_partition_gives_no_rows_and_is_caught_by_the_count(load: Load) -> None:
    with pytest.raises(errors.CountMismatch, match="should be 4 but is 0"):
        load.run(partition={"day": "2"}, expected_records=4)


def test_rows_of_a_query_come_with_names_and_types(warehouse: Warehouse) -> None:
    with warehouse.query("SELECT $1::integer AS n, 1.50::numeric(9,2) AS m", ["41"]) as rows:
        assert [(column.name, column.type) for column in rows.columns] == [
            ("n", "integer"),
            ("m", "numeric(9,2)"),
        ]
        assert list(rows) == [(41, Decimal("1.50"))]
    with pytest.raises(errors.UsageError, match="one statement is run at a time"):
        warehouse.execute("SELECT 1; SELECT 2")


def test_every_statement_carries_the_label(warehouse: Warehouse) -> None:
    assert warehouse.execute("SHOW query_group") == [("airscoop:dag/task/run/1",)]


def test_a_view_of_someone_elses_names_redshifts_statement(
    warehouse: Warehouse, spectrum: Spectrum, standin: StandIn
) -> None:
    schema, role = (
        spectrum.schema.replace("spectrum", "v"),
        spectrum.schema.replace("spectrum", "r"),
    )
    spectrum.run(f"CREATE SCHEMA {schema}")
    spectrum.run(f"CREATE MATERIALIZED VIEW {schema}.v AS SELECT 1 AS a")
    spectrum.run(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    spectrum.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    other = standin.dsn.replace(f"{USER}:standin-secret", f"{role}:x")
    try:
        with Warehouse(other) as stranger, pytest.raises(errors.AccessDenied) as caught:
            stranger.refresh(f"{schema}.v")
        assert f'ALTER TABLE "{schema}"."v" OWNER TO "{role}"' in str(caught.value)
        assert f'belongs to "{USER}"' in str(caught.value)
        assert warehouse.refresh(f"{schema}.v").verb == "refresh"
    finally:
        spectrum.run(f"DROP SCHEMA {schema} CASCADE")
        spectrum.run(f"DROP ROLE {role}")
