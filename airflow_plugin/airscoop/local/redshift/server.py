"""The stand-in's server: who is connected, how a connection starts, and what reads failed."""

from __future__ import annotations

import asyncio
import logging
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from airscoop.local.redshift import session as sessions
from airscoop.local.redshift import wire
from airscoop.local.redshift.admin import Backend
from airscoop.local.redshift.catalog import Catalog
from airscoop.local.redshift.errors import SqlError
from airscoop.local.redshift.reads import ReadServer
from airscoop.local.redshift.session import Session
from airscoop.local.redshift.tokens import tokenize

HOST = "127.0.0.1"
MOST_STARTUP_BYTES = 10_000

log = logging.getLogger(__name__)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Options:
    """`postgres_uid` is the user PostgreSQL runs as, `socket` where its programs ask for rows."""

    port: int
    backend: Backend
    socket: Path
    postgres_uid: int
    isolation: str = "snapshot"


class StandIn:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._sessions: dict[bytes, Session] = {}
        self._failures: dict[int, SqlError] = {}
        self._lock = threading.Lock()
        self._reads = ReadServer(options.socket, options.postgres_uid, self._read_failed)
        self.catalog = Catalog(options.backend, options.socket)

    async def serve(self) -> None:
        """Prepares the database, then serves until cancelled."""
        # Loads the tokenizer before the first statement waits for it.
        tokenize("")
        await self.catalog.prepare(self._options.isolation)
        server = await asyncio.start_server(self._connected, HOST, self._options.port)
        async with server, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reads.serve(self.catalog))
            log.info("serving on %s:%d", HOST, self._options.port)
            tasks.create_task(server.serve_forever())

    def remember(self, session: Session) -> None:
        self._sessions[session.key] = session

    def forget(self, session: Session) -> None:
        self._sessions.pop(session.key, None)

    def _read_failed(self, backend_pid: int, error: SqlError) -> None:
        """From any thread."""
        with self._lock:
            self._failures[backend_pid] = error

    def take_failure(self, backend_pid: int) -> SqlError | None:
        with self._lock:
            return self._failures.pop(backend_pid, None)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._start((reader, writer))
        except (OSError, asyncio.IncompleteReadError, wire.ProtocolError) as error:
            log.debug("a connection ended: %s", error)
        except SqlError as error:
            writer.write(error.response("FATAL").encode())
        except Exception:
            log.exception("a session failed")
            own = SqlError("XX000", "an error of the stand-in itself; its log has the details")
            writer.write(own.response("FATAL").encode())
        finally:
            await sessions.close(writer)

    async def _start(self, client: Streams) -> None:
        reader, writer = client
        while True:
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            if not 8 <= length <= MOST_STARTUP_BYTES:
                raise wire.ProtocolError(f"a startup message of {length} bytes")
            body = await reader.readexactly(length - 4)
            (code,) = struct.unpack_from("!I", body)
            if code in (wire.SSL_REQUEST, wire.GSSENC_REQUEST):
                writer.write(b"N")
                await writer.drain()
                continue
            if code == wire.CANCEL_REQUEST:
                await self._cancel(body)
                return
            if code >> 16 != wire.PROTOCOL_3 >> 16:
                raise SqlError("08P01", f"unsupported frontend protocol {code >> 16}")
            await self._session(client, struct.pack("!I", length) + body)
            return

    async def _backend(self) -> Streams:
        try:
            return await asyncio.open_connection(HOST, self._options.backend.port)
        except OSError as error:
            raise SqlError("08006", f"PostgreSQL behind the stand-in is away: {error}") from error

    async def _session(self, client: Streams, startup: bytes) -> None:
        parameters = wire.startup_parameters(startup[4:])
        user = parameters.get("user", "")
        database = parameters.get("database", user)
        if database != self._options.backend.database:
            raise SqlError("3D000", f'database "{database}" does not exist')
        backend = await self._backend()
        try:
            backend[1].write(startup)
            await Session(self, user, client, backend).run()
        finally:
            await sessions.close(backend[1])

    async def _cancel(self, body: bytes) -> None:
        """Marks the session the key belongs to, then passes the request on."""
        session = self._sessions.get(body[4:])
        if session is None:
            return
        session.cancel()
        reader, writer = await self._backend()
        writer.write(struct.pack("!I", len(body) + 4) + body)
        await reader.read()
        await sessions.close(writer)
