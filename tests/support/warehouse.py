"""airscoop's sessions on a test's database of PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from airscoop import Warehouse, errors
from support.postgres import LOADERS
from support.wire_proxy import Hook, WireProxy

Settings = dict[str, str]
_loaders = itertools.cycle(LOADERS)
OURS = ("dsn", "certificate")  # of the fixture `database`, unknown to libpq


def conninfo(database: Settings, **changes: str) -> Settings:
    """What libpq is given of the fixture `database`."""
    return {name: value for name, value in {**database, **changes}.items() if name not in OURS}


def connect_owner(database: Settings, port: int | None = None, **options: Any) -> Warehouse:
    """A session of the fixture's user, a superuser; by the port of a proxy, which has no TLS."""
    behind = {} if port is None else {"port": str(port), "sslmode": "disable"}
    return Warehouse(conninfo(database, **behind), dialect="postgres", **options)


def connect(database: Settings, port: int | None = None, **options: Any) -> Warehouse:
    """The same of a role that owns nothing, of another one each time."""
    return connect_owner({**database, "user": next(_loaders)}, port, **options)


@contextmanager
def proxied(database: Settings, hook: Hook) -> Iterator[Warehouse]:
    port = int(database["port"])
    with WireProxy(port, hook) as proxy, connect(database, proxy.port) as warehouse:
        yield warehouse


def statement_runs(database: Settings, text: str) -> bool:
    with psycopg.connect(database["dsn"]) as other:
        found = other.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = %s AND state = 'active' "
            "AND query LIKE %s AND pid <> pg_backend_pid()",
            (database["dbname"], f"%{text}%"),
        ).fetchone()
    return found is not None and found[0] > 0


def said(call: Callable[[], object]) -> bool | None:
    """What a call that commits tells of it, too late for a cancel: by coming back, that it did."""
    try:
        call()
    except errors.Cancelled as error:
        assert ("committed already" in str(error)) == (error.committed is True)
        assert ("is unknown" in str(error)) == (error.committed is None)
        return error.committed
    return True
