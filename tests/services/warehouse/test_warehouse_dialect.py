"""dialect="auto": which of the two a server is, it says itself, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import Partition, Warehouse, errors
from airscoop.cli import main
from airscoop.hooks.warehouse import WarehouseHook
from airscoop.warehouse.session import Dialect
from support.standin import StandIn
from support.warehouse import Settings, conninfo
from support.wire_proxy import WireProxy

PLACE = Partition(values={"day": "1"}, location="s3://bucket/day/")


def redshift_answers(warehouse: Warehouse) -> bool:
    """Only a session that takes the server for Redshift has a query group, and partitions."""
    try:
        group = warehouse.execute("SHOW query_group")
    except errors.SqlError:
        with pytest.raises(errors.UsageError, match="on Redshift only"):
            warehouse.partitions("s.t")
        return False
    assert group == [("me",)]
    with pytest.raises(errors.NotFound):
        warehouse.partitions("s.t")
    return True


@pytest.mark.parametrize("options", [{}, {"dialect": "auto"}])
def test_postgresql_and_redshift_are_told_apart(
    database: Settings, standin: StandIn, options: dict[str, Any]
) -> None:
    with Warehouse(database["dsn"], label="me", **options) as warehouse:
        assert not redshift_answers(warehouse)
    with Warehouse(standin.dsn, label="me", **options) as warehouse:
        assert redshift_answers(warehouse)


def test_the_first_call_of_a_session_knows_it(database: Settings, standin: StandIn) -> None:
    """Also one that is refused without a statement: several in a text, partitions."""
    text = r"SELECT 'a\'; SELECT 1 --'"  # one statement on Redshift, two on PostgreSQL
    with pytest.raises(errors.UsageError, match="one statement is run at a time"):
        Warehouse(database["dsn"]).execute(text)
    # It goes to the server, whose PostgreSQL reads two.
    assert Warehouse(standin.dsn).execute(text) == [("1",)]
    with pytest.raises(errors.UsageError, match="on Redshift only"):
        Warehouse(database["dsn"]).partitions("s.t")
    with pytest.raises(errors.NotFound):
        Warehouse(standin.dsn).partitions("s.t")
    with pytest.raises(errors.NotFound):
        Warehouse(standin.dsn).add_partitions("s.t", [PLACE])


def test_it_is_asked_once_and_only_where_it_is_not_said(database: Settings) -> None:
    seen: list[str] = []

    def hook(_: int, sql: str) -> str:
        seen.append(sql)
        return sql

    asked: dict[Dialect, int] = {"auto": 1, "postgres": 0}
    for dialect, times in asked.items():
        seen.clear()
        with WireProxy(int(database["port"]), hook) as proxy:
            behind = conninfo(database, port=str(proxy.port), sslmode="disable")
            with Warehouse(behind, dialect=dialect) as warehouse:
                warehouse.execute("SELECT 1")
                warehouse.execute("SELECT 2")
        assert sum("version" in sql for sql in seen) == times


def test_an_unknown_dialect_is_named_with_those_that_are(database: Settings) -> None:
    with pytest.raises(errors.UsageError, match='use "auto", "redshift" or "postgres"'):
        Warehouse(database["dsn"], dialect="mysql")  # type: ignore[arg-type]


def test_postgresql_is_spoken_to_without_tls_where_it_has_none(standin: StandIn) -> None:
    with Warehouse(standin.backend_dsn) as warehouse:
        assert warehouse.execute("SHOW ssl") == [("off",)]


def test_a_host_of_redshifts_is_asked_for_tls_before_the_login(
    standin: StandIn,
) -> None:
    plain = standin.dsn.removesuffix("?sslmode=disable")
    parts = {k: str(v) for k, v in psycopg.conninfo.conninfo_to_dict(plain).items()}
    host = "house.abc.eu-central-1.redshift.amazonaws.com"
    named = {**parts, "host": host, "hostaddr": "127.0.0.1", "password": "wrong"}
    with pytest.raises(errors.TlsError):
        Warehouse(named).execute("SELECT 1")
    with pytest.raises(errors.AccessDenied):
        Warehouse({**named, "sslmode": "disable"}).execute("SELECT 1")


@pytest.mark.parametrize("kind", ["redshift", "postgres"])
def test_the_hook_asks_the_server_whatever_the_connections_type(
    database: Settings, standin: StandIn, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for dsn, is_redshift in ((database["dsn"], False), (standin.dsn, True)):
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
        fields = {
            "conn_type": kind, "host": parts["host"], "port": int(str(parts["port"])),
            "login": parts["user"], "password": parts["password"], "schema": parts["dbname"],
            "extra": {"sslmode": "disable"},
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_W", json.dumps(fields))
        with WarehouseHook("w").get_conn(label="me") as warehouse:
            assert redshift_answers(warehouse) is is_redshift


def test_the_command_asks_the_server(
    database: Settings, standin: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "s.sql"
    script.write_text("SHOW query_group;")
    assert main(["script", str(script), "--dsn", standin.dsn]) == 0
    assert main(["partition", "list", "s.t", "--dsn", database["dsn"]]) != 0
    assert "Redshift only" in capsys.readouterr().err
