"""insert_distinct: what ends up in the table, compared with a plain reference; and its refusals."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from airscoop import InsertReceipt, errors
from airscoop.warehouse.session import LoadContext, Warehouse
from support.waiting import eventually
from support.warehouse import Settings, connect, proxied

Row = tuple[object, ...]
COLUMNS = ("k1", "k2", "stamp", "body")
KEYS, ORDER = ("k1", "k2"), ("stamp",)


@pytest.fixture
def tables(database: Settings) -> Iterator[psycopg.Connection[Row]]:
    """s.source (partitioned by p) and s.target; the connection is the test's own eye on them."""
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA s;"
            "CREATE TABLE s.source (k1 text, k2 integer, stamp integer, body text, p integer);"
            "CREATE TABLE s.target (k1 text, k2 integer, stamp integer, body varchar(20))"
        )
        yield connection


def fill(tables: psycopg.Connection[Row], rows: Sequence[Row], partition: int = 1) -> None:
    tables.cursor().executemany(
        "INSERT INTO s.source VALUES (%s, %s, %s, %s, %s)", [(*row, partition) for row in rows]
    )


def table(tables: psycopg.Connection[Row]) -> list[Row]:
    return sorted(tables.execute("SELECT * FROM s.target").fetchall(), key=rank)


def insert(warehouse: Warehouse, **changes: Any) -> InsertReceipt:
    arguments: dict[str, Any] = {
        "source": "s.source",
        "target": "s.target",
        "columns": COLUMNS,
        "key": KEYS,
        "order_by": ORDER,
        "partition": {"p": "1"},
    }
    return warehouse.insert_distinct(**{**arguments, **changes})


def rank(row: Row) -> tuple[tuple[bool, object], ...]:
    """Ascending, NULL lowest."""
    return tuple((value is not None, value if value is not None else 0) for value in row)


def counts(receipt: InsertReceipt) -> tuple[int, int, int, int, int]:
    return (
        receipt.scanned, receipt.duplicates, receipt.already_there, receipt.inserted,
        receipt.replaced,
    )  # fmt: skip


class Reference:
    """The same job in a few lines of Python."""

    def __init__(self) -> None:
        self.rows: dict[Row, Row] = {}

    def insert(self, batch: Sequence[Row], *, replace: bool) -> tuple[int, int, int, int, int]:
        winners: dict[Row, Row] = {}
        for row in batch:
            key, better = row[:2], winners.get(row[:2])
            if better is None or rank(row[2:]) > rank(better[2:]):
                winners[key] = row
        inserted = replaced = 0
        for key, row in winners.items():
            known = self.rows.get(key)
            if known is None:
                inserted += 1
            elif replace and rank(row[2:3]) > rank(known[2:3]):
                replaced += 1
            else:
                continue
            self.rows[key] = row
        there = len(winners) - inserted - replaced
        return len(batch), len(batch) - len(winners), there, inserted, replaced

    def table(self) -> list[Row]:
        return sorted(self.rows.values(), key=rank)


def random_rows(dice: random.Random, count: int) -> list[Row]:
    """Few keys, so that all of them collide; NULL everywhere."""
    return [
        (
            dice.choice([None, "", "a", "B", "ß"]),
            dice.choice([None, 0, 1]),
            dice.choice([None, 1, 2, 3]),
            dice.choice([None, "", "x", "it's", 'a "b"', "\\n"]),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("body", ["text", "varchar(20)"])  # as the target's: read where it is
@pytest.mark.parametrize("mode", ["keep", "replace"])
@pytest.mark.parametrize("seed", range(12))
def test_any_rows_give_the_table_that_the_reference_gives(
    database: Settings, tables: psycopg.Connection[Row], mode: str, seed: int, body: str
) -> None:
    dice, reference = random.Random(seed), Reference()
    tables.execute(f"ALTER TABLE s.source ALTER body TYPE {body}".encode())
    with connect(database) as warehouse:
        for partition in range(1, 5):
            batch = random_rows(dice, dice.choice([0, 1, 3, 10, 40]))
            fill(tables, batch, partition)
            receipt = insert(warehouse, mode=mode, partition={"p": str(partition)})
            assert counts(receipt) == reference.insert(batch, replace=mode == "replace")
            assert table(tables) == reference.table()
            again = insert(warehouse, mode=mode, partition={"p": str(partition)})
            assert again.inserted == again.replaced == 0
            assert table(tables) == reference.table()


def test_the_order_of_the_rows_does_not_matter(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    batch = random_rows(random.Random(99), 60)
    found = []
    for seed in range(3):
        random.Random(seed).shuffle(batch)
        tables.execute("TRUNCATE s.source, s.target")
        fill(tables, batch)
        with connect(database) as warehouse:
            insert(warehouse, order_by=())
        found.append(table(tables))
    assert found[0] == found[1] == found[2]


def test_rows_without_any_key_share_one(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [(None, None, 1, "old"), (None, None, 2, "new"), (None, None, None, "none")])
    with connect(database) as warehouse:
        assert counts(insert(warehouse)) == (3, 2, 0, 1, 0)
        assert table(tables) == [(None, None, 2, "new")]
        tables.execute("UPDATE s.source SET stamp = 9, body = 'newer' WHERE stamp = 2")
        assert counts(insert(warehouse)) == (3, 2, 1, 0, 0)
        assert counts(insert(warehouse, mode="replace")) == (3, 2, 0, 0, 1)
    assert table(tables) == [(None, None, 9, "newer")]


def test_keep_keeps_and_replace_replaces_only_what_is_older(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [("a", 1, 2, "second"), ("b", 1, 2, "second"), ("c", 1, None, "no stamp")], 1)
    fill(tables, [("a", 1, 3, "third"), ("b", 1, 1, "first"), ("c", 1, 0, "stamp")], 2)
    with connect(database) as warehouse:
        insert(warehouse)
        assert counts(insert(warehouse, partition={"p": "2"})) == (3, 0, 3, 0, 0)
        assert [row[3] for row in table(tables)] == ["second", "second", "no stamp"]
        receipt = insert(warehouse, partition={"p": "2"}, mode="replace")
        assert counts(receipt) == (3, 0, 1, 0, 2)
        # The older date run later changes nothing.
        receipt = insert(warehouse, partition={"p": "1"}, mode="replace")
        assert counts(receipt) == (3, 0, 3, 0, 0)
    assert [row[3] for row in table(tables)] == ["third", "second", "stamp"]


def test_duplicates_in_the_target_are_all_replaced_by_a_greater_row(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    tables.execute("INSERT INTO s.target VALUES ('a', 1, 1, 'x'), ('a', 1, 5, 'y')")
    fill(tables, [("a", 1, 4, "between")], 1)
    fill(tables, [("a", 1, 6, "greater")], 2)
    with connect(database) as warehouse:
        assert counts(insert(warehouse, mode="replace")) == (1, 0, 1, 0, 0)
        receipt = insert(warehouse, mode="replace", partition={"p": "2"})
        assert counts(receipt) == (1, 0, 0, 0, 1)
    assert table(tables) == [("a", 1, 6, "greater")]


def test_order_by_two_columns_compares_them_in_turn(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    versions = list(itertools.product([None, 1, 2], [None, "a", "b"]))
    for old, new in itertools.product(versions, versions):
        tables.execute("TRUNCATE s.source, s.target")
        tables.execute("INSERT INTO s.target VALUES ('a', 1, %s, %s)", old)
        fill(tables, [("a", 1, *new)])
        with connect(database) as warehouse:
            receipt = insert(warehouse, mode="replace", order_by=("stamp", "body"))
        assert receipt.replaced == int(rank(new) > rank(old)), (old, new)


def test_names_that_need_quotes_work(database: Settings, tables: psycopg.Connection[Row]) -> None:
    tables.execute(
        'CREATE SCHEMA "odd.""schema";'
        'CREATE TABLE "odd.""schema"."select" ("Key ""1""" text, "order" integer);'
        'CREATE TABLE "odd.""schema"."airscoop_g" ("Key ""1""" text, "order" integer);'
        'INSERT INTO "odd.""schema"."select" VALUES (\'a\', 1), (\'a\', 2), (NULL, 1)'
    )
    arguments = {
        "source": '"odd.""schema".select',
        "target": '"odd.""schema".airscoop_g',
        "columns": ('Key "1"', "order"),
        "key": ('Key "1"',),
        "order_by": ("order",),
        "partition": None,
        "mode": "replace",
    }
    with connect(database) as warehouse:
        assert counts(insert(warehouse, **arguments)) == (3, 1, 0, 2, 0)
        tables.execute('UPDATE "odd.""schema"."select" SET "order" = 7')
        assert counts(insert(warehouse, **arguments)) == (3, 1, 0, 0, 2)


def test_an_expected_number_of_records_must_be_met(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [("a", 1, 1, "x"), ("a", 1, 1, "x")])
    with connect(database) as warehouse:
        with pytest.raises(errors.CountMismatch, match="should be 3 but is 2") as caught:
            insert(warehouse, expected_records=3)
        error = caught.value
        assert (error.counted, error.expected, error.found) == ("records in the source", 3, 2)
        assert table(tables) == []
        assert loads(tables) == []
        assert insert(warehouse, expected_records=2).inserted == 1
        with pytest.raises(errors.CountMismatch, match="should be 0 but is 2"):
            insert(warehouse, expected_records=0)


def loads(tables: psycopg.Connection[Row]) -> list[Row]:
    return tables.execute(
        "SELECT source_table, target_table, partition, mode, source, etag, s3_key, scanned,"
        " duplicates, already_there, inserted, replaced, dag_id, run_id, task_id, try_number"
        " FROM airscoop.loads ORDER BY loaded_at"
    ).fetchall()


@pytest.mark.parametrize("mode", ["keep", "replace"])
def test_too_few_rows_insert_nothing_and_rows_that_are_there_count(
    database: Settings, tables: psycopg.Connection[Row], mode: str
) -> None:
    """A rerun finds all of its rows there, and is none that lacks some."""
    fill(tables, [("a", 1, 1, "x"), ("b", 1, 1, "y")])
    with connect(database) as warehouse:
        with pytest.raises(errors.TooFewRecords) as caught:
            insert(warehouse, mode=mode, min_records=3)
        assert (caught.value.limit_name, caught.value.limit) == ("min_records", 3)
        assert (caught.value.counted, caught.value.found) == ("records", 2)
        assert caught.value.committed is False
        assert table(tables) == []
        assert loads(tables) == []
        assert insert(warehouse, mode=mode, min_records=2).inserted == 2
        assert insert(warehouse, mode=mode, min_records=2).already_there == 2


def test_each_load_is_logged_with_its_counts(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [("a", 1, 1, "x"), ("a", 1, 2, "x"), ("b", 1, 1, "x")])
    context = LoadContext(
        source="ü" * 5000, etag='"e"', object="s3://b/k", dag_id="d", run_id="r'", task_id="t",
        try_number=2,
    )  # fmt: skip
    with connect(database) as warehouse:
        insert(warehouse, load=context)
    assert loads(tables) == [
        (
            "s.source", "s.target", "p=1", "keep", "ü" * 2048, '"e"', "s3://b/k", 3, 1, 0, 2, 0,
            "d", "r'", "t", 2,
        )
    ]  # fmt: skip


def test_a_session_loads_again_and_again_and_leaves_no_temporary_table(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [("a", 1, 1, "x"), ("a", 1, 2, "x")])
    with connect(database) as warehouse:
        for mode in ("keep", "replace", "keep"):
            insert(warehouse, mode=mode)
        left = warehouse.execute("SELECT relname FROM pg_class WHERE relname LIKE 'airscoop_%'")
    assert left == []


def test_a_text_too_long_for_its_column_is_never_cut(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    fill(tables, [("a", 1, 1, "x" * 21)])
    with connect(database) as warehouse, pytest.raises(errors.SqlError, match="too long"):
        insert(warehouse)
    assert table(tables) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": ()}, "columns is empty"),
        ({"columns": ("k1", "k1", "k2", "stamp")}, 'columns names the column "k1" twice'),
        ({"key": ()}, "key names 0 columns"),
        ({"key": ("k1", "nope")}, '"nope", which is not among the columns'),
        ({"order_by": ("nope",)}, 'order_by names "nope"'),
        ({"mode": "replace", "order_by": ()}, "replace needs order_by"),
        ({"mode": "replace", "order_by": ("k1",)}, "replace needs order_by"),
        ({"mode": "merge"}, "merge"),
        ({"target": "target"}, "schema.table"),
        ({"partition": {"p": "1\\"}}, "backslash"),
    ],
)
def test_wrong_arguments_are_named(
    database: Settings, tables: psycopg.Connection[Row], changes: dict[str, object], message: str
) -> None:
    with connect(database) as warehouse, pytest.raises(errors.UsageError, match=message):
        insert(warehouse, **changes)


def test_a_missing_table_and_column_are_named(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    with connect(database) as warehouse:
        with pytest.raises(errors.NotFound, match=r"from s\.nothing into s\.target.*s\.nothing"):
            insert(warehouse, source="s.nothing")
        with pytest.raises(errors.NotFound, match=r"extra.*add the column"):
            insert(warehouse, columns=(*COLUMNS, "extra"))
        assert insert(warehouse).scanned == 0


def test_rows_that_come_while_a_load_runs_are_the_next_loads(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    """A table is read several times, and each time as it was at first."""
    tables.execute("ALTER TABLE s.source ALTER body TYPE varchar(20)")
    fill(tables, [("a", 1, 1, "x"), ("a", 1, 2, "y"), ("b", 1, 1, "z")])
    more = iter(range(100))

    def hook(number: int, sql: str) -> str:
        if sql.startswith(("CREATE TEMP TABLE", "INSERT INTO")):
            fill(tables, [("a", 1, 5, "late"), (f"late {next(more)}", 1, 5, "late")])
        return sql

    with proxied(database, hook) as warehouse:
        assert counts(insert(warehouse)) == (3, 1, 0, 2, 0)
    assert table(tables) == [("a", 1, 2, "y"), ("b", 1, 1, "z")]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE s.source ALTER k2 TYPE bigint",
        'ALTER TABLE s.source ALTER k1 TYPE text COLLATE "C"',
        "ALTER TABLE s.source ALTER body TYPE varchar(9)",
        "ALTER TABLE s.source RENAME TO base; CREATE VIEW s.source AS SELECT * FROM s.base",
    ],
)
def test_what_is_not_read_where_it_is_gives_the_same(
    database: Settings, tables: psycopg.Connection[Row], change: str
) -> None:
    tables.execute("ALTER TABLE s.source ALTER body TYPE varchar(20)")
    fill(tables, [("a", 1, 1, "x"), ("a", 1, 2, "y"), (None, 1, 1, "z")])
    tables.execute(change.encode())
    seen = list[str]()

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        assert counts(insert(warehouse)) == (3, 1, 0, 2, 0)
        assert counts(insert(warehouse)) == (3, 1, 2, 0, 0)
    assert not [sql for sql in seen if sql.startswith("SET TRANSACTION")]
    assert table(tables) == [(None, 1, 1, "z"), ("a", 1, 2, "y")]


NULLABLE = ("k1", "k2", "k3")
OF_A_BATCH = [  # a load that repeats no key and finds some of its keys
    "BEGIN", "LOCK TABLE", "LOCK TABLE", "SELECT", "CREATE TEMP TABLE", "INSERT INTO", "ANALYZE",
    "SELECT", "CREATE TEMP TABLE", "SELECT", "INSERT INTO", "DROP TABLE", "COMMIT",
]  # fmt: skip
OF_A_TABLE = [  # the same of a table with the target's types
    "BEGIN", "LOCK TABLE", "LOCK TABLE", "SET TRANSACTION", "SELECT", "SELECT", "CREATE TEMP TABLE",
    "SELECT", "INSERT INTO", "DROP TABLE", "COMMIT",
]  # fmt: skip


def scans(tables: psycopg.Connection[Row]) -> Any:
    """How often s.target was read, and probed by an index; sessions tell it when they end."""
    return tables.execute(
        "SELECT seq_scan::integer, COALESCE(idx_scan, 0)::integer FROM pg_stat_user_tables"
        " WHERE relname = 'target'"
    ).fetchall()[0]


def told(sql: str) -> str:
    words = {*OF_A_BATCH, *OF_A_TABLE}
    return next(word for word in sorted(words, key=len, reverse=True) if sql.startswith(word))


@pytest.mark.parametrize(("stamp", "inside"), [("bigint", OF_A_BATCH), ("integer", OF_A_TABLE)])
@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("nulls", "mode", "more"), [(0, "keep", 0), (3, "keep", 1), (0, "replace", 0)]
)
def test_a_load_reads_the_target_once_whatever_is_null(
    database: Settings,
    tables: psycopg.Connection[Row],
    indexed: bool,
    nulls: int,
    mode: str,
    more: int,
    stamp: str,
    inside: list[str],
) -> None:
    """All eight patterns of NULL keys, and none."""
    tables.execute(
        "CREATE TABLE s.wide (k1 integer, k2 integer, k3 integer, stamp integer);"
        "DROP TABLE s.target; CREATE TABLE s.target (LIKE s.wide);"
        f"ALTER TABLE s.wide ALTER stamp TYPE {stamp};"
        "INSERT INTO s.target SELECT n, n, n, 9 FROM generate_series(1, 1000) n;"
        "ANALYZE s.target"
    )
    if indexed:
        tables.execute("CREATE INDEX ON s.target (k1, k2, k3)")
    kinds = itertools.product(*[([1, None] if nulls else [1001])] * 3)
    tables.cursor().executemany(
        "INSERT INTO s.wide VALUES (%s, %s, %s, 1)", [*kinds, (5, 5, 5), (2000, 2000, 2000)]
    )
    before, seen = scans(tables), list[str]()

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        receipt = insert(
            warehouse, source="s.wide", columns=(*NULLABLE, "stamp"), key=NULLABLE,
            partition={}, mode=mode,
        )  # fmt: skip
    expected = 8 if nulls else 2
    assert (receipt.scanned, receipt.already_there) == (10 if nulls else 3, 2 if nulls else 1)
    assert (receipt.inserted, receipt.replaced) == (expected, 0)
    load = seen[len(seen) - 1 - seen[::-1].index("BEGIN") :]  # the lock was made before
    assert len(load) == len(inside) + more
    if not more:
        assert [told(sql) for sql in load] == inside
    assert eventually(lambda: scans(tables) != before)
    assert scans(tables)[0] - before[0] <= 1
    assert indexed or scans(tables)[1] == 0


def test_a_key_of_a_type_without_a_least_value_may_be_null(
    database: Settings, tables: psycopg.Connection[Row]
) -> None:
    tables.execute(
        "CREATE TABLE s.ids (k uuid, ok boolean); CREATE TABLE s.known (LIKE s.ids);"
        "INSERT INTO s.ids VALUES (gen_random_uuid(), true), (NULL, NULL), (NULL, false);"
        "INSERT INTO s.known SELECT * FROM s.ids WHERE ok IS NULL"
    )
    with connect(database) as warehouse:
        for inserted in (2, 0):
            receipt = warehouse.insert_distinct(
                source="s.ids", target="s.known", columns=("k", "ok"), key=("k", "ok")
            )
            assert (receipt.inserted, receipt.already_there) == (inserted, 3 - inserted)
