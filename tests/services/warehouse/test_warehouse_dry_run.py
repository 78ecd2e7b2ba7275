"""Dry runs: what a load would do is counted, and nothing is different afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import Warehouse, errors
from support.standin import StandIn

CHANGES = (
    {"op": "UPDATE", "key": {"id": "2"}, "row": {"id": "2", "note": "zwei"}, "changed": ["note"],
     "id": "0"},
    {"op": "DELETE", "key": {"id": "3"}, "row": {"id": "3", "note": "three"}, "id": "1"},
    {"op": "INSERT", "key": {"id": "4"}, "row": {"id": "4", "note": None}, "id": "2"},
)  # fmt: skip


class Place:
    """A warehouse with the tables SCHEMA.t and SCHEMA.source, and the test's own eye on it."""

    def __init__(self, dsn: str, dialect: Any, schema: str) -> None:
        self.dsn, self.dialect, self.schema = dsn, dialect, schema
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.table = f"{schema}.t"
        for sql in (
            f"CREATE SCHEMA {schema}",
            f"CREATE TABLE {self.table} (id integer, note varchar(20))",
            f"INSERT INTO {self.table} VALUES (1, 'one'), (2, 'two'), (3, 'three')",
        ):
            self.eye.execute(sql.encode())

    def connect(self) -> Warehouse:
        return Warehouse(self.dsn, dialect=self.dialect)

    def rows(self) -> list[Any]:
        return self.eye.execute(f"SELECT * FROM {self.table} ORDER BY id".encode()).fetchall()

    def tables(self) -> list[Any]:
        return self.eye.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema = 'airscoop' ORDER BY 1, 2"
        ).fetchall()


@pytest.fixture(params=["database", "bare_database", "redshift"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """With the schema airscoop and without it."""
    if request.param == "redshift":
        stand_in: StandIn = request.getfixturevalue("standin")
        dsn, dialect = stand_in.dsn, "redshift"
    else:
        dsn, dialect = request.getfixturevalue(request.param)["dsn"], "postgres"
    found = Place(dsn, dialect, f"dry{random.getrandbits(48):x}")
    try:
        yield found
    finally:
        found.eye.execute(f"DROP SCHEMA {found.schema} CASCADE".encode())
        found.eye.close()


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps(change) + "\n" for change in CHANGES))
    return path


def test_changes_that_would_be_applied_are_counted(place: Place, changes: Path) -> None:
    rows, tables = place.rows(), place.tables()
    with place.connect() as warehouse:
        for _ in range(2):
            planned = warehouse.apply_changes(changes, table=place.table, key=["id"], dry_run=True)
            assert (planned.inserted, planned.updated, planned.deleted) == (1, 1, 1)
            assert planned.dry_run and not planned.changed and not planned.already_applied
            assert planned.summary().startswith("dry run, nothing was changed: ")
            assert (place.rows(), place.tables()) == (rows, tables)
        done = warehouse.apply_changes(changes, table=place.table, key=["id"])
        assert done.changed and not done.dry_run
        again = warehouse.apply_changes(changes, table=place.table, key=["id"], dry_run=True)
        assert again.already_applied


def test_rows_that_would_be_inserted_are_counted(place: Place) -> None:
    source = f"{place.schema}.source"
    place.eye.execute(f"CREATE TABLE {source} (id integer, note varchar(20))".encode())
    place.eye.execute(
        f"INSERT INTO {source} VALUES (1, 'new'), (4, 'four'), (4, 'more'), (5, 'five')".encode()
    )
    rows, tables = place.rows(), place.tables()
    options: Any = {"columns": ["id", "note"], "key": ["id"], "order_by": ["note"]}
    with place.connect() as warehouse:
        for mode in ("keep", "replace", "keep"):
            planned = warehouse.insert_distinct(
                source, place.table, mode=mode, dry_run=True, **options
            )
            assert planned.dry_run and not planned.changed
            assert (planned.scanned, planned.inserted, planned.duplicates) == (4, 2, 1)
            assert planned.summary().startswith("dry run, nothing was changed: ")
            assert (place.rows(), place.tables()) == (rows, tables)
        with pytest.raises(errors.CountMismatch):
            warehouse.insert_distinct(
                source, place.table, expected_records=9, dry_run=True, **options
            )
        done = warehouse.insert_distinct(source, place.table, **options)
        assert done.changed and done.inserted == 2
    words = ("--columns", "id,note", "--key", "id", "--dry-run")
    told = command(place, "insert", source, place.table, *words)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("dry run, nothing was changed: ")
    assert json.loads(command(place, "insert", source, place.table, *words, "--json").stdout)[
        "dry_run"
    ]


def test_a_dry_run_of_an_apply_finds_what_the_apply_would_find(place: Place, changes: Path) -> None:
    place.eye.execute(f"DELETE FROM {place.table} WHERE id = 2".encode())
    tables = place.tables()
    with place.connect() as warehouse:
        with pytest.raises(errors.CountMismatch, match="UPDATE changes have a key"):
            warehouse.apply_changes(changes, table=place.table, key=["id"], dry_run=True)
        with pytest.raises(errors.UsageError, match=r"^dry_run has to be True or False"):
            warehouse.apply_changes(changes, table=place.table, key=["id"], dry_run="false")  # type: ignore[arg-type]
    assert place.tables() == tables


def test_nobody_is_asked_before_a_commit_that_does_not_come(place: Place, changes: Path) -> None:
    asked: list[int] = []
    with place.connect() as warehouse:
        warehouse.apply_changes(
            changes,
            table=place.table,
            key=["id"],
            dry_run=True,
            before_commit=lambda: asked.append(1),
        )
    assert asked == []


def test_the_statements_of_a_script_are_shown_and_none_is_run(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(
        f"CREATE TABLE {place.schema}.made (a text); -- made\n"
        f"INSERT INTO {place.schema}.made VALUES ('${{who}}');\nVACUUM;"
    )
    with place.connect() as warehouse:
        planned = warehouse.run_script(script, variables={"who": "it's"}, dry_run=True)
        assert planned.planned == [
            f"CREATE TABLE {place.schema}.made (a text)",
            f"INSERT INTO {place.schema}.made VALUES ('it''s')",
            "VACUUM",
        ]
        assert planned.dry_run and planned.statements == 3
        assert planned.summary().endswith("3 statements, none was run")
        with pytest.raises(errors.UsageError, match="the variable who is not given"):
            warehouse.run_script(script, dry_run=True)
    found = place.eye.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'made'",
        (place.schema,),
    ).fetchall()
    assert found == []


def command(place: Place, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airscoop.cli", *map(str, words), "--dialect", place.dialect],
        env={**os.environ, "AIRSCOOP_WAREHOUSE_DSN": place.dsn},
        capture_output=True,
        text=True,
    )


def test_the_command_says_that_nothing_was_done(
    place: Place, changes: Path, tmp_path: Path
) -> None:
    rows = place.rows()
    done = command(place, "apply", changes, place.table, "--key", "id", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dry run, nothing was changed: ")
    done = command(place, "apply", changes, place.table, "--key", "id", "--dry-run", "--json")
    assert json.loads(done.stdout)["dry_run"] is True
    script = tmp_path / "script.sql"
    script.write_text(f"DROP TABLE {place.table};")
    done = command(place, "script", script, "--dry-run")
    assert done.stdout.splitlines()[:2] == [f"DROP TABLE {place.table}", ";"]
    assert "dry run" in done.stdout.splitlines()[-1]
    assert json.loads(command(place, "script", script, "--dry-run", "--json").stdout)["dry_run"]
    assert place.rows() == rows
