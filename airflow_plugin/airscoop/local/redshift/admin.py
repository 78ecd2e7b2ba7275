"""The stand-in's own sessions on PostgreSQL, as its superuser, over the server's Unix socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from airscoop.local.redshift import wire
from airscoop.local.redshift.errors import SqlError

Row = list[str | None]


@dataclass(frozen=True)
class Backend:
    """Where the real PostgreSQL listens; `user` may log in by peer authentication."""

    socket_dir: Path
    port: int
    database: str
    user: str = "postgres"

    @property
    def socket(self) -> str:
        return str(self.socket_dir / f".s.PGSQL.{self.port}")


def literal(value: str | None) -> str:
    """A string for SQL text, whatever it holds."""
    if value is None:
        return "NULL"
    if "\0" in value:
        raise SqlError("22021", "a text holds the character with code 0")
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class AdminSession:
    """One connection; each `run` is one message, so its statements are one transaction."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.key = b""

    async def _message(self) -> wire.Message:
        header = await self._reader.readexactly(5)
        (length,) = struct.unpack_from("!I", header, 1)
        return wire.Message(header[:1], await self._reader.readexactly(length - 4))

    async def start(self, backend: Backend) -> None:
        parameters = {
            "user": backend.user,
            "database": backend.database,
            "application_name": "airscoop stand-in",
            "client_encoding": "UTF8",
            "default_transaction_isolation": "read committed",
        }
        self._writer.write(wire.startup(parameters))
        while True:
            message = await self._message()
            if message.type == b"E":
                raise SqlError.from_response(message.body)
            if message.type == b"R" and message.body[:4] != b"\0\0\0\0":
                raise SqlError("28000", f"PostgreSQL asks {backend.user} for a password")
            if message.type == b"K":
                self.key = message.body
            if message.type == b"Z":
                return

    async def run(self, sql: str) -> list[Row]:
        """The rows of all statements in `sql`."""
        self._writer.write(wire.query(sql).encode())
        rows: list[Row] = []
        failure: SqlError | None = None
        while True:
            message = await self._message()
            if message.type == b"D":
                rows.append(wire.read_data_row(message.body))
            elif message.type == b"E":
                failure = SqlError.from_response(message.body)
            elif message.type == b"Z":
                if failure is not None:
                    raise failure
                return rows

    def close(self) -> None:
        self._writer.write(wire.Message(b"X", b"").encode())
        self._writer.close()


async def cancel(backend: Backend, key: bytes) -> None:
    """Asks PostgreSQL to end what the session with this key data runs; returns when it has."""
    reader, writer = await asyncio.open_unix_connection(backend.socket)
    try:
        writer.write(struct.pack("!II", 8 + len(key), wire.CANCEL_REQUEST) + key)
        await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def connect(backend: Backend) -> AsyncIterator[AdminSession]:
    """A session that also asks PostgreSQL to stop when its task is cancelled."""
    try:
        reader, writer = await asyncio.open_unix_connection(backend.socket)
    except OSError as error:
        raise SqlError("08006", f"PostgreSQL behind the stand-in is away: {error}") from error
    session = AdminSession(reader, writer)
    try:
        await session.start(backend)
        yield session
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise SqlError("08006", "PostgreSQL behind the stand-in closed the session") from error
    except asyncio.CancelledError:
        await cancel(backend, session.key)
        raise
    finally:
        session.close()
