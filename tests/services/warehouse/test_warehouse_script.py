"""run_script and refresh on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from airscoop import errors
from airscoop.warehouse.session import Warehouse
from support.standin import StandIn
from support.waiting import eventually
from support.warehouse import Settings, connect_owner
from support.wire_proxy import WireProxy


def script(folder: Path, text: str) -> Path:
    path = folder / "script.sql"
    path.write_text(text)
    return path


def test_each_statement_runs_on_its_own(database: Settings, tmp_path: Path) -> None:
    # VACUUM is refused in a transaction, and also in a message of several statements.
    path = script(tmp_path, "CREATE TABLE t (a text);\nVACUUM t;\nINSERT INTO t VALUES ('${v}');\n")
    with connect_owner(database) as warehouse:
        receipt = warehouse.run_script(path, variables={"v": "it's; --"})
        assert (receipt.statements, receipt.file) == (3, str(path))
        assert warehouse.execute("SELECT a FROM t") == [("it's; --",)]


def test_an_error_names_file_and_line_and_keeps_what_ran(
    database: Settings, tmp_path: Path
) -> None:
    path = script(tmp_path, "CREATE TABLE t (a text);\n\nSELECT\n  nothing FROM t;\nSELECT 1")
    with connect_owner(database) as warehouse:
        with pytest.raises(errors.NotFound) as caught:
            warehouse.run_script(path)
        assert str(caught.value).startswith(f"{path}:3: ")
        assert caught.value.sqlstate == "42703"
        assert warehouse.execute("SELECT COUNT(*) FROM t") == [("0",)]


def test_a_wrong_variable_is_found_before_anything_runs(database: Settings, tmp_path: Path) -> None:
    path = script(tmp_path, "CREATE TABLE t (a text);\nSELECT '${role}'")
    with connect_owner(database) as warehouse:
        with pytest.raises(errors.UsageError, match=r"script\.sql:2: .*role"):
            warehouse.run_script(path)
        with pytest.raises(errors.UsageError, match="does not use the variable bucket"):
            warehouse.run_script(path, variables={"role": "r", "bucket": "b"})
        assert warehouse.execute("SELECT to_regclass('t')") == [(None,)]


def test_postgresql_reads_a_backslash_as_it_is_set(database: Settings, tmp_path: Path) -> None:
    plain = script(tmp_path, "SELECT 'a\\'; SELECT E'it\\'s; done'\n '\\';'; SELECT $$\\';$$")
    with connect_owner(database) as warehouse:
        assert warehouse.run_script(plain).statements == 3
        warehouse.execute("SET standard_conforming_strings = off")
        escaped = script(tmp_path, "CREATE TABLE t AS SELECT 'it\\'s; done' AS a")
        assert warehouse.run_script(escaped).statements == 1
        assert warehouse.execute("SELECT a FROM t") == [("it's; done",)]


def test_a_script_cannot_change_how_it_is_split(database: Settings, tmp_path: Path) -> None:
    path = script(
        tmp_path, "SELECT 1;\nSET standard_conforming_strings = off;\nSELECT 'it\\'; SELECT ' 1';"
    )
    unchanged = "SET standard_conforming_strings = on;\nSELECT 'a\\';"
    changed = pytest.raises(errors.UsageError, match=r"script\.sql:2: .*standard_conforming")
    with connect_owner(database) as warehouse, changed:
        warehouse.run_script(path)
    with connect_owner(database) as warehouse:
        assert warehouse.run_script(script(tmp_path, unchanged)).statements == 2


def test_on_redshift_a_backslash_is_an_escape_in_every_text(
    standin: StandIn, tmp_path: Path
) -> None:
    path = script(tmp_path, "SELECT 1;\nSELECT 'it\\'s; done';\nSELECT 2")
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        # PostgreSQL, behind the stand-in, reads such a text only with an E before it.
        return sql.replace("'it", "E'it")

    with WireProxy(standin.port, hook) as proxy:
        through = standin.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with Warehouse(through) as warehouse:
            assert warehouse.run_script(path).statements == 3
    assert seen[-3:] == ["SELECT 1", "SELECT 'it\\'s; done'", "SELECT 2"]


@pytest.mark.parametrize(
    ("text", "told", "committed"),
    [
        ("CREATE TABLE t (a int); SELECT 1; SELECT x", "2 of its 3 statements are committed", 2),
        ("SELECT x; SELECT 1", "none of its 2 statements is committed", 0),
        ("SELECT x", "", 0),
        ("SELECT 1; BEGIN; SELECT 2; SELECT x; COMMIT", "1 of its 5 statements are committed", 1),
        ("BEGIN; SELECT 1; COMMIT; SELECT x", "3 of its 4 statements are committed", 3),
        ("BEGIN; SELECT 1; ROLLBACK; SELECT x", "none of its 4 statements is committed", 0),
        ("BEGIN; SELECT 1", "none of its 2 statements is committed", 0),
    ],
)
def test_a_script_that_fails_says_how_many_statements_are_committed(
    database: Settings, tmp_path: Path, text: str, told: str, committed: int
) -> None:
    path = script(tmp_path, text)
    with connect_owner(database) as warehouse, pytest.raises(errors.AirscoopError) as caught:
        warehouse.run_script(path)
    assert str(caught.value).endswith(told)
    assert told != "" or "statement" not in str(caught.value)
    assert caught.value.statements_committed == committed


def test_a_script_that_is_interrupted_knows_how_many_statements_are_committed(
    database: Settings, tmp_path: Path
) -> None:
    path = script(tmp_path, "CREATE TABLE t (a int); SELECT 1; SELECT pg_sleep(60)")
    process = subprocess.Popen(
        [sys.executable, "-m", "airscoop", "script", path, "--dialect", "postgres", "--json"],
        env={**os.environ, "AIRSCOOP_WAREHOUSE_DSN": database["dsn"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sleeping = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
    with connect_owner(database) as warehouse:
        assert eventually(lambda: warehouse.execute(sleeping) != [])
    process.send_signal(signal.SIGINT)
    said, problems = process.communicate()
    assert process.returncode == 130
    assert "2 of the script's statements are committed" in problems
    assert json.loads(said)["statements_committed"] == 2


def test_a_missing_file_is_named(database: Settings, tmp_path: Path) -> None:
    with connect_owner(database) as warehouse, pytest.raises(errors.NotFound, match=r"absent\.sql"):
        warehouse.run_script(tmp_path / "absent.sql")


@pytest.fixture
def other_role(database: Settings) -> Iterator[Settings]:
    """Settings of a user who owns nothing but may read s.v; the view has one row, the table two."""
    role = f"reader_{database['dbname']}"
    with psycopg.connect(database["dsn"], autocommit=True) as admin:
        admin.execute(
            "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS a;"
            "CREATE MATERIALIZED VIEW s.v AS SELECT a FROM s.t; INSERT INTO s.t VALUES (2);"
            f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA s TO {role}".encode()
        )
        yield {**database, "user": role, "password": "x"}
        admin.execute(
            f"ALTER MATERIALIZED VIEW s.v OWNER TO CURRENT_USER;"
            f"DROP OWNED BY {role}; DROP ROLE {role}".encode()
        )


def test_refresh_brings_the_view_up_to_date(database: Settings, other_role: Settings) -> None:
    with connect_owner(database) as warehouse:
        assert warehouse.execute("SELECT COUNT(*) FROM s.v") == [("1",)]
        assert warehouse.refresh("s.v").view == "s.v"
        assert warehouse.execute("SELECT COUNT(*) FROM s.v") == [("2",)]


def test_a_view_of_someone_elses_names_the_statement_that_mends_it(
    database: Settings, other_role: Settings
) -> None:
    role = other_role["user"]
    mend = f'ALTER MATERIALIZED VIEW "s"."v" OWNER TO "{role}"'
    with connect_owner(other_role) as warehouse:
        with pytest.raises(errors.AccessDenied) as caught:
            warehouse.refresh("s.v")
        text = str(caught.value)
        assert f'"{database["user"]}"' in text and f'"{role}"' in text and mend in text
        assert caught.value.sqlstate == "42501"
        with psycopg.connect(database["dsn"], autocommit=True) as admin:
            admin.execute(f"GRANT CREATE ON SCHEMA s TO {role}; {mend}".encode())
            admin.execute(f"GRANT SELECT ON s.t TO {role}".encode())
        warehouse.refresh("s.v")


def test_a_missing_view_is_named(database: Settings) -> None:
    with connect_owner(database) as warehouse, pytest.raises(errors.NotFound, match=r"s\.absent"):
        warehouse.refresh("s.absent")


def test_partitions_are_refused_on_postgresql(database: Settings) -> None:
    with (
        connect_owner(database) as warehouse,
        pytest.raises(errors.UsageError, match="Redshift only"),
    ):
        warehouse.partitions("s.t")
