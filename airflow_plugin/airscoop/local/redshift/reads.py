"""The Unix socket where file_fdw's programs ask for rows.

Each read has a thread of its own: it blocks on storage and on its consumer, never the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from airscoop.local.redshift import external, program
from airscoop.local.redshift.catalog import Catalog, Reading
from airscoop.local.redshift.errors import SqlError

LONGEST_PATH = 107
MOST_HELLO_BYTES = 200
HELLO_SECONDS = 10

log = logging.getLogger(__name__)
Failed = Callable[[int, SqlError], None]


def _peer_uid(peer: socket.socket) -> int:
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


class ReadServer:
    """Answers a token with the rows of its partition; only `uid` and the caller may ask.

    `failed` is told, from any thread, which PostgreSQL session's read failed, and why, before the
    program learns that there is nothing more.
    """

    def __init__(self, path: Path, uid: int, failed: Failed) -> None:
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise OSError(f"the path of the socket {path} is longer than {LONGEST_PATH} bytes")
        self.path = path
        self._uids = {uid, os.getuid()}
        self._uid = uid
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, catalog: Catalog) -> None:
        """Listens until cancelled."""
        program.install(self.path)
        self.path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.path))
            self.path.chmod(0o600)
            if os.getuid() == 0:
                os.chown(self.path, self._uid, -1)
            listener.listen(64)
            listener.setblocking(False)
            loop = asyncio.get_running_loop()
            while True:
                peer, _ = await loop.sock_accept(listener)
                task = asyncio.create_task(self._answer(peer, catalog))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _hello(self, peer: socket.socket) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        line = b""
        while not line.endswith(b"\n") and len(line) < MOST_HELLO_BYTES:
            data = await loop.sock_recv(peer, MOST_HELLO_BYTES)
            if not data:
                break
            line += data
        token, _, backend_pid = line.decode("ascii", "replace").strip().partition(" ")
        return token, int(backend_pid)

    async def _answer(self, peer: socket.socket, catalog: Catalog) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(peer)
            peer.setblocking(False)
            if _peer_uid(peer) not in self._uids:
                return
            try:
                token, backend_pid = await asyncio.wait_for(self._hello(peer), HELLO_SECONDS)
            except (TimeoutError, ValueError, OSError):
                return
            try:
                reading = await catalog.reading(token)
            except SqlError as error:
                self._failed(backend_pid, error)
                return
            stack.pop_all()
        peer.setblocking(True)
        name = f"read {reading.table.name}"
        arguments = (peer, reading, backend_pid)
        threading.Thread(target=self._send, args=arguments, name=name, daemon=True).start()

    def _send(self, peer: socket.socket, reading: Reading, backend_pid: int) -> None:
        """Streams the rows; ends without the closing empty chunk when the read failed."""
        chunks = external.read(reading)
        with peer, contextlib.closing(chunks):
            try:
                for chunk in chunks:
                    peer.sendall(struct.pack(program.CHUNK_HEADER, len(chunk)) + chunk)
                peer.sendall(struct.pack(program.CHUNK_HEADER, 0))
            except SqlError as error:
                log.warning("reading %s failed: %s", reading.table.name, error.message)
                self._failed(backend_pid, error)
            except OSError:
                log.info("the reader of %s went away", reading.table.name)
            except Exception:
                log.exception("reading %s failed", reading.table.name)
                reason = "an error of the stand-in itself; its log has the details"
                self._failed(backend_pid, external.scan_error(reason))
