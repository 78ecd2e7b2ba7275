"""The session: connecting, executing, its errors, cancelling, timing out, losing the connection."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import errors
from airscoop.warehouse.session import Warehouse
from support.other_user import needs_root, run_as_other
from support.standin import StandIn
from support.waiting import eventually
from support.warehouse import Settings, connect_owner, conninfo, statement_runs
from support.wire_proxy import WireProxy


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_rows_come_as_text_and_null_as_none(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        rows = warehouse.execute("SELECT 1, 'Grüße', NULL, true UNION ALL SELECT 2, '', 'x', false")
    assert rows == [("1", "Grüße", None, "t"), ("2", "", "x", "f")]


def test_parameters_are_bound_and_never_part_of_the_statement(database: Settings) -> None:
    nasty = "'; DROP TABLE t; -- \\"
    with connect_owner(database) as warehouse:
        warehouse.execute("CREATE TABLE t (a text, b integer)")
        warehouse.execute("INSERT INTO t VALUES ($1, $2)", (nasty, "7"))
        warehouse.execute("INSERT INTO t VALUES ($1, $2)", (None, None))
        assert warehouse.execute("SELECT a, b FROM t") == [(nasty, "7"), (None, None)]


def test_a_uri_a_string_and_a_mapping_connect_alike(database: Settings) -> None:
    text = " ".join(f"{name}='{value}'" for name, value in conninfo(database).items())
    for given in (database["dsn"], text, conninfo(database)):
        with Warehouse(given, dialect="postgres") as warehouse:
            assert warehouse.execute("SELECT current_database()") == [(database["dbname"],)]


def test_settings_of_the_session_are_the_callers(database: Settings) -> None:
    own = {"application_name": "reports", "options": "-c search_path=pg_catalog,x"}
    settings = {**conninfo(database), **own}
    with Warehouse(settings, dialect="postgres", label="not this") as warehouse:
        assert warehouse.execute("SHOW application_name") == [("reports",)]
        assert warehouse.execute("SHOW search_path") == [("pg_catalog,x",)]


def test_a_name_may_begin_with_the_database_of_the_connection(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        warehouse.execute("CREATE MATERIALIZED VIEW v AS SELECT 1 AS a")
        warehouse.execute("CREATE TABLE t (a integer)")
        warehouse.refresh(f"{database['dbname']}.public.v")
        options: Any = {"columns": ["a"], "key": ["a"]}
        target = f"{database['dbname']}.public.t"
        done = warehouse.insert_distinct(source="public.v", target=target, **options)
        assert done.inserted == 1
        other = "is in another database than the connection"
        for name in ("other.public.v", f"{database['dbname']}x.public.v"):
            with pytest.raises(errors.UsageError, match=other):
                warehouse.refresh(name)
        with pytest.raises(errors.UsageError, match=other):
            warehouse.insert_distinct(source="other.public.v", target=target, **options)
        with pytest.raises(errors.UsageError, match=other):
            warehouse.insert_distinct(source="public.v", target="other.public.t", **options)
        with pytest.raises(errors.UsageError, match=other):
            warehouse.apply_changes("/dev/null", table="other.public.t", key="a")


@needs_root
def test_tls_needs_no_home_that_may_be_entered(database: Settings) -> None:
    program = (
        "import os, airscoop;"
        "session = airscoop.Warehouse(os.environ['SETTINGS'], dialect='postgres');"
        "print(session.execute('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))"
    )
    settings = {**conninfo(database), "sslmode": "require"}
    text = " ".join(f"{name}='{value}'" for name, value in settings.items())
    done = run_as_other(program, env={"HOME": "/root", "SETTINGS": text})
    assert (done.stdout, done.stderr) == ("[('t',)]\n", "")


def test_the_label_is_the_application_name(database: Settings) -> None:
    with connect_owner(database, label="airscoop:dag/task/run's\\/1") as warehouse:
        name = warehouse.execute("SELECT current_setting('application_name')")
    assert name == [("airscoop:dag/task/run_s_/1",)]


def test_options_of_the_environment_stay_out(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=1234kB")
    with connect_owner(database) as warehouse:
        assert warehouse.execute("SHOW work_mem") != [("1234kB",)]


def test_text_is_utf8_whatever_the_environment_says(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with connect_owner(database) as warehouse:
        assert warehouse.execute("SHOW client_encoding") == [("UTF8",)]


def test_a_wrong_password_names_user_and_host_without_the_password(database: Settings) -> None:
    wrong = "hunter2-not-it"
    with pytest.raises(errors.AccessDenied) as caught:
        Warehouse(conninfo(database, password=wrong), dialect="postgres").execute("SELECT 1")
    text = f"{caught.value}{caught.value!r}"
    assert database["user"] in text and "127.0.0.1" in text and database["port"] in text
    assert wrong not in text
    assert caught.value.sqlstate == "28P01" and not caught.value.retryable


def test_a_missing_password_says_so(database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    with_none = {k: v for k, v in conninfo(database).items() if k != "password"}
    with pytest.raises(errors.AccessDenied, match="give the connection a password"):
        Warehouse(with_none, dialect="postgres").execute("SELECT 1")


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:s3cret%zz@127.0.0.1/x",
        "postgresql://u:s3c@ret@127.0.0.1/x",
        "postgresql://u:s3cret/w@127.0.0.1/x",
        "host=127.0.0.1 password=s3cret 'x",
    ],
)
def test_a_string_that_cannot_be_read_is_not_repeated(given: str) -> None:
    with pytest.raises(errors.UsageError) as caught, Warehouse(given):
        pass
    assert "s3c" not in str(caught.value) and "ret" not in str(caught.value).replace("retry", "")


@pytest.fixture
def no_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_ca")
def test_a_certificate_from_an_unknown_authority_is_refused(database: Settings) -> None:
    wanted = conninfo(database, sslmode="verify-full")
    with pytest.raises(errors.TlsError, match="sslrootcert"):
        Warehouse(wanted, dialect="postgres").execute("SELECT 1")


@pytest.mark.usefixtures("no_ca")
def test_a_certificate_is_checked_against_the_ca_file(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = database["certificate"]
    secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    wanted = conninfo(database, sslmode="verify-full")
    with Warehouse({**wanted, "sslrootcert": authority}, dialect="postgres") as warehouse:
        assert warehouse.execute(secured) == [("t",)]
    monkeypatch.setenv("SSL_CERT_FILE", authority)
    with Warehouse(wanted, dialect="postgres") as warehouse:
        assert warehouse.execute(secured) == [("t",)]


@pytest.mark.usefixtures("no_ca")
def test_a_lesser_sslmode_checks_nothing(database: Settings) -> None:
    with Warehouse(conninfo(database, sslmode="require"), dialect="postgres") as warehouse:
        assert warehouse.execute("SELECT 1") == [("1",)]


def without_sslmode(standin: StandIn) -> str:
    return standin.dsn.removesuffix("?sslmode=disable")


@pytest.mark.usefixtures("no_ca")
def test_redshift_is_not_spoken_to_without_tls_unless_told(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = without_sslmode(standin)
    assert "sslmode" not in plain
    parts = {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(plain).items()}
    for given in (plain, parts, {**parts, "sslmode": ""}):
        for dialect in ("auto", "redshift"):
            with pytest.raises(errors.TlsError, match="sslmode"):
                Warehouse(given, dialect=dialect).execute("SELECT 1")
    for mode in ("disable", "allow", "prefer"):
        with Warehouse(f"{plain}?sslmode={mode}") as warehouse:
            assert warehouse.execute("SELECT 1") == [("1",)]
        with Warehouse({**parts, "sslmode": mode}) as warehouse:
            assert warehouse.execute("SELECT 1") == [("1",)]
    monkeypatch.setenv("PGSSLMODE", "disable")
    with Warehouse(plain) as warehouse:
        assert warehouse.execute("SELECT 1") == [("1",)]


@pytest.mark.usefixtures("no_ca")
def test_postgresql_keeps_libpqs_own_sslmode(standin: StandIn) -> None:
    with Warehouse(without_sslmode(standin), dialect="postgres") as warehouse:
        assert warehouse.execute("SELECT 1") == [("1",)]


@pytest.mark.usefixtures("no_ca")
def test_a_service_of_redshift_needs_an_sslmode_beside_it(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(without_sslmode(standin))
    lines = "".join(f"{name}={value}\n" for name, value in parts.items())
    (tmp_path / "services").write_text(f"[house]\n{lines}sslmode=verify-full\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with pytest.raises(errors.UsageError, match="service house; name its sslmode"):
        Warehouse({"service": "house"}, dialect="redshift").execute("SELECT 1")
    with Warehouse({"service": "house", "sslmode": "disable"}) as warehouse:
        assert warehouse.execute("SELECT 1") == [("1",)]
    with pytest.raises(errors.TlsError):
        Warehouse({"service": "house"}).execute("SELECT 1")


def test_a_missing_database_is_not_found(database: Settings) -> None:
    with pytest.raises(errors.NotFound, match="nowhere"):
        Warehouse(conninfo(database, dbname="nowhere"), dialect="postgres").execute("SELECT 1")


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(errors.UsageError, match="nosuch"), Warehouse({"nosuch": "1"}):
        pass


def test_a_closed_port_is_a_failed_connection(database: Settings) -> None:
    closed = Warehouse(conninfo(database, port="1"), dialect="postgres")
    with pytest.raises(errors.ConnectionFailed, match=r"127\.0\.0\.1:1") as caught:
        closed.execute("SELECT 1")
    assert caught.value.retryable


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_a_server_that_never_answers_ends_in_a_timeout(
    database: Settings, silent_port: int
) -> None:
    silent = conninfo(database, port=str(silent_port), connect_timeout="1")
    with pytest.raises(errors.TimedOut, match="did not answer within 1 s") as caught:
        Warehouse(silent, dialect="postgres").execute("SELECT 1")
    assert caught.value.retryable


def test_connecting_can_be_cancelled(database: Settings, silent_port: int) -> None:
    warehouse = Warehouse(conninfo(database, port=str(silent_port)), dialect="postgres")
    timer = threading.Timer(0.2, warehouse.cancel)
    timer.start()
    with pytest.raises(errors.Cancelled):
        warehouse.execute("SELECT 1")
    timer.join()


def test_a_cancel_ends_even_when_the_server_has_gone_silent(database: Settings) -> None:
    over = threading.Event()

    def hook(number: int, sql: str) -> str:
        if sql == "SELECT 1":
            warehouse.cancel()
            over.wait()
        return sql

    with WireProxy(int(database["port"]), hook) as proxy:
        behind = conninfo(database, port=str(proxy.port), sslmode="disable")
        warehouse = Warehouse(behind, dialect="postgres")
        try:
            with pytest.raises(errors.Cancelled):
                warehouse.execute("SELECT 1")
        finally:
            over.set()


def test_a_missing_table_and_column_are_named(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        warehouse.execute("CREATE TABLE here (a integer)")
        with pytest.raises(errors.NotFound, match=r"nope\.nothing.*create the"):
            warehouse.execute("SELECT * FROM nope.nothing")
        with pytest.raises(errors.NotFound, match=r"absent.*add the column") as caught:
            warehouse.execute("SELECT absent FROM here")
        assert caught.value.sqlstate == "42703"
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_a_denied_table_names_the_remedy(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        warehouse.execute("CREATE TABLE secret (a integer)")
        warehouse.execute("CREATE ROLE nobody_here")
        try:
            warehouse.execute("SET ROLE nobody_here")
            with pytest.raises(errors.AccessDenied, match=r"secret.*GRANT"):
                warehouse.execute("SELECT * FROM secret")
        finally:
            warehouse.execute("RESET ROLE")
            warehouse.execute("DROP ROLE nobody_here")


def test_a_statement_timeout_is_told_from_a_cancel(database: Settings) -> None:
    with connect_owner(database, statement_timeout_seconds=1) as warehouse:
        with pytest.raises(errors.TimedOut) as caught:
            warehouse.execute("SELECT pg_sleep(600)")
        assert caught.value.sqlstate == "57014"
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_copy_through_the_session_is_refused(database: Settings) -> None:
    with (
        connect_owner(database) as warehouse,
        pytest.raises(errors.UnsupportedFormat, match="COPY"),
    ):
        warehouse.execute("COPY pg_class TO STDOUT")


def test_cancel_from_another_thread_ends_the_statement_on_the_server(database: Settings) -> None:
    with connect_owner(database) as warehouse:

        def cancel() -> None:
            assert eventually(lambda: statement_runs(database, "pg_sleep(600)"))
            warehouse.cancel()

        with meanwhile(cancel), pytest.raises(errors.Cancelled) as caught:
            warehouse.execute("SELECT pg_sleep(600)")
        assert caught.value.retryable
        assert not statement_runs(database, "pg_sleep(600)")
        with pytest.raises(errors.Cancelled):
            warehouse.execute("SELECT 1")


ALONE = """
import json, signal, sys
from airscoop.warehouse.session import Warehouse
class Interrupted(Exception): pass
def stop(number, frame): raise Interrupted
signal.signal(signal.SIGALRM, stop)
warehouse = Warehouse(json.loads(sys.argv[1]), dialect="postgres")
warehouse.execute("SELECT 0")
signal.setitimer(signal.ITIMER_REAL, 1)
try:
    warehouse.execute(sys.argv[2])
except Interrupted:
    print("interrupted", flush=True)
print(warehouse.execute("SELECT 1"))
"""
NO_THREADS = "int pthread_create(void *a, void *b, void *c, void *d) { return 11; } /* EAGAIN */"


def run_alone(
    settings: dict[str, str], statement: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """A session that a signal interrupts in a statement, where the system gives no threads."""
    (folder / "shim.c").write_text(NO_THREADS)
    shim = folder / "shim.so"
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", shim, folder / "shim.c"], check=True)
    return subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(settings), statement],
        env=os.environ | {"LD_PRELOAD": str(shim)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_without_threads_a_statement_is_cancelled_on_the_server(
    database: Settings, tmp_path: Path
) -> None:
    done = run_alone(conninfo(database), "SELECT pg_sleep(601)", tmp_path)
    assert done.stdout.splitlines() == ["interrupted", "[('1',)]"], done.stderr
    assert not statement_runs(database, "pg_sleep(601)")


def test_without_threads_a_cancel_ends_even_when_the_server_has_gone_silent(
    database: Settings, tmp_path: Path
) -> None:
    over = threading.Event()

    def hook(number: int, sql: str) -> str:
        if sql != "SELECT 0":
            over.wait()
        return sql

    with WireProxy(int(database["port"]), hook) as proxy:
        behind = conninfo(database, port=str(proxy.port), sslmode="disable")
        try:
            done = run_alone(behind, "SELECT 2", tmp_path)
        finally:
            over.set()
    assert done.stdout == "interrupted\n"
    assert "ConnectionFailed" in done.stderr


def test_cancel_before_the_first_statement_is_heard(database: Settings) -> None:
    warehouse = connect_owner(database)
    warehouse.cancel()
    with pytest.raises(errors.Cancelled):
        warehouse.execute("SELECT 1")


def test_what_a_signal_handler_raises_cancels_the_statement(database: Settings) -> None:
    class Interrupted(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise Interrupted

    def interrupt() -> None:
        assert eventually(lambda: statement_runs(database, "pg_sleep(600)"))
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with connect_owner(database) as warehouse:
            with meanwhile(interrupt), pytest.raises(Interrupted):
                warehouse.execute("SELECT pg_sleep(600)")
            assert not statement_runs(database, "pg_sleep(600)")
            assert warehouse.execute("SELECT 1") == [("1",)]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_second_thread_is_refused_while_one_waits(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        caught: list[BaseException] = []

        def second() -> None:
            assert eventually(lambda: statement_runs(database, "pg_sleep(600)"))
            try:
                warehouse.execute("SELECT 1")
            except errors.UsageError as error:
                caught.append(error)
            warehouse.cancel()

        with meanwhile(second), pytest.raises(errors.Cancelled):
            warehouse.execute("SELECT pg_sleep(600)")
        assert len(caught) == 1


def test_a_killed_backend_is_a_failed_connection(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        (pid,) = warehouse.execute("SELECT pg_backend_pid()")[0]

        def kill() -> None:
            assert eventually(lambda: statement_runs(database, "pg_sleep(600)"))
            with psycopg.connect(database["dsn"]) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))

        with meanwhile(kill), pytest.raises(errors.ConnectionFailed) as caught:
            warehouse.execute("SELECT pg_sleep(600)")
        assert caught.value.retryable
        with pytest.raises(errors.ConnectionFailed):
            warehouse.execute("SELECT 1")


def test_a_cancel_by_someone_else_is_told_from_a_timeout(database: Settings) -> None:
    def cancel() -> None:
        assert eventually(lambda: statement_runs(database, "pg_sleep(600)"))
        with psycopg.connect(database["dsn"]) as other:
            other.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
            )

    with connect_owner(database) as warehouse:
        with meanwhile(cancel), pytest.raises(errors.Cancelled, match="cancelled at the server"):
            warehouse.execute("SELECT pg_sleep(600)")
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_postgresql_taken_for_redshift_is_recognised(database: Settings) -> None:
    with pytest.raises(errors.UsageError, match="is not Redshift; use the dialect postgres"):
        Warehouse(conninfo(database), dialect="redshift").execute("SELECT 1")


def test_a_forked_child_neither_uses_nor_closes_the_session(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        warehouse.execute("SELECT 1")
        child = os.fork()
        if child == 0:
            try:
                warehouse.execute("SELECT 1")
            except errors.UsageError:
                warehouse.close()
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert warehouse.execute("SELECT 2") == [("2",)]


def test_a_closed_session_says_so(database: Settings) -> None:
    warehouse = connect_owner(database)
    with warehouse:
        pass
    with pytest.raises(errors.UsageError, match="closed"):
        warehouse.execute("SELECT 1")


@pytest.mark.parametrize("name", ["lock_timeout_seconds", "statement_timeout_seconds"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e12])
def test_a_limit_that_is_none_is_refused(name: str, seconds: float) -> None:
    limit: dict[str, Any] = {name: seconds}
    with pytest.raises(errors.UsageError, match=name):
        Warehouse("", **limit)


def test_the_password_is_not_in_the_representation(database: Settings) -> None:
    assert database["password"] not in repr(connect_owner(database))
