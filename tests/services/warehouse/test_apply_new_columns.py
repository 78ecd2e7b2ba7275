"""Changes of exports whose columns changed: the table has what the newest export has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import airscoop
from airscoop import errors
from airscoop.warehouse.session import Warehouse

VERSIONS = {
    ".csv": [
        "id,v\n1,a\n2,b\n3,c\n",
        "c,id,v\nx,1,a\n,2,b\nz,3,c\n",
        "c,id,v\nX,1,a\n,2,b\nz,3,c\n",
        "id,c\n1,X\n4,n\n3,z\n",
    ],
    ".jsonl": [
        '{"id":1,"v":"a"}\n{"id":2,"v":"b"}\n{"id":3,"v":"c"}\n',
        '{"id":1,"v":"a","c":"x"}\n{"id":2,"v":"b"}\n{"id":3,"v":"c","c":"z"}\n',
        '{"id":1,"v":"a","c":"X"}\n{"id":2,"v":"b"}\n{"id":3,"v":"c","c":"z"}\n',
        '{"id":1,"c":"X"}\n{"id":4,"c":"n"}\n{"id":3,"c":"z"}\n',
    ],
}


class Table:
    """s.t of a database of its own, and the files that come to it."""

    def __init__(self, dsn: str, folder: Path, suffix: str) -> None:
        self.dsn, self.folder, self.suffix = dsn, folder, suffix
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.run("CREATE SCHEMA s")
        self.run("CREATE TABLE s.t (id integer PRIMARY KEY, v text)")

    def run(self, sql: str) -> None:
        self.eye.execute(sql.encode())

    def rows(self) -> list[tuple[Any, ...]]:
        return self.eye.execute(b"SELECT * FROM s.t ORDER BY id").fetchall()

    def export(self, number: int) -> Path | None:
        if number < 0:
            return None
        path = self.folder / f"v{number}{self.suffix}"
        path.write_text(VERSIONS[self.suffix][number])
        return path

    def take(self, number: int, **options: Any) -> None:
        new = self.export(number)
        assert new is not None
        changes = self.folder / f"changes{number}.jsonl"
        airscoop.delta(
            self.export(number - 1),
            new,
            key=["id"],
            version=new.name,
            max_delete_ratio=1,
            **options,
        ).write(changes)
        with Warehouse(self.dsn, dialect="postgres") as warehouse:
            warehouse.apply_changes(changes, table="s.t", key=["id"])


@pytest.fixture(params=VERSIONS)
def table(
    database: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Table]:
    found = Table(database["dsn"], tmp_path, request.param)
    yield found
    found.eye.close()


def test_the_table_follows_columns_that_come_and_go(table: Table) -> None:
    table.take(0)
    table.run("ALTER TABLE s.t ADD COLUMN c text")
    table.take(1, on_schema_change="all")
    assert table.rows() == [(1, "a", "x"), (2, "b", None), (3, "c", "z")]
    table.take(2)
    assert table.rows() == [(1, "a", "X"), (2, "b", None), (3, "c", "z")]
    table.take(3, on_schema_change="all")
    assert table.rows() == [(1, None, "X"), (3, None, "z"), (4, None, "n")]


def test_columns_that_are_dropped_keep_what_they_had_and_may_go(table: Table) -> None:
    table.take(0)
    table.run("ALTER TABLE s.t ADD COLUMN c text")
    table.take(1, on_schema_change="all")
    table.take(2)
    table.run("ALTER TABLE s.t DROP COLUMN v")
    table.take(3, on_schema_change="all", gone_columns="drop")
    assert table.rows() == [(1, "X"), (3, "z"), (4, "n")]


def test_a_new_column_that_the_table_lacks_is_named_and_nothing_is_changed(table: Table) -> None:
    table.take(0)
    with pytest.raises(errors.SchemaChanged, match=r'a column "c", which s\.t lacks .*add it'):
        table.take(1, on_schema_change="all")
    assert table.rows() == [(1, "a"), (2, "b"), (3, "c")]
    table.run("ALTER TABLE s.t ADD COLUMN c text")
    table.take(1, on_schema_change="all")
    assert table.rows() == [(1, "a", "x"), (2, "b", None), (3, "c", "z")]
