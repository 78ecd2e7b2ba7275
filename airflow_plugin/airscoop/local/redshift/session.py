"""One client and its own session on the PostgreSQL behind."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct
from collections import deque
from typing import TYPE_CHECKING

from airscoop.local.redshift import ddl, statements, wire
from airscoop.local.redshift.conflicts import Isolation, translated
from airscoop.local.redshift.errors import SqlError, notice
from airscoop.local.redshift.extended import LocalUnit
from airscoop.local.redshift.statements import Carry, Pass, Refuse

if TYPE_CHECKING:
    from airscoop.local.redshift.server import StandIn

READ_BYTES = 256 * 1024
# Longer texts are read by a thread, so that other sessions do not wait.
LONG_TEXT = 64 * 1024
IDLE = b"I"
_FROM_CLIENT = b"QPBDECHSF"
_FROM_BACKEND = b"ZEG"
_AT_START = b"ZEKTDC"
_REFUSAL = re.compile(r"airscoop refusal ([0-9a-f]{32})")
_PROGRAM = 'program "exec /usr/bin/python3'


class Session:
    """Passes everything on, but for what `statements.decide` says and some errors' words."""

    def __init__(
        self,
        stand_in: StandIn,
        user: str,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        backend: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._stand_in = stand_in
        self._user = user
        self._client_reader, self._client = client
        self._backend_reader, self._backend = backend
        self._isolation = Isolation("")
        self._asked = self._started = False
        self._local = LocalUnit(self)
        self._refusals: dict[str, SqlError] = {}
        self._outstanding: deque[bytes] = deque()
        self._settled = asyncio.Event()
        self._carrying: asyncio.Task[list[str]] | None = None
        self._cancelled = False
        self.status = IDLE
        self.key = b""

    @property
    def backend_pid(self) -> int:
        return int(struct.unpack("!I", self.key[:4])[0]) if self.key else 0

    async def run(self) -> None:
        """Ends when either side closes."""
        pumps = [
            asyncio.create_task(self._pump_client()),
            asyncio.create_task(self._pump_backend()),
        ]
        try:
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in ended:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._stand_in.forget(self)

    def cancel(self) -> None:
        """Notes a CancelRequest and stops what the stand-in itself carries out."""
        self._cancelled = True
        if self._carrying is not None:
            self._carrying.cancel()

    # From the client.

    async def _pump_client(self) -> None:
        splitter = wire.Splitter(_FROM_CLIENT)
        while data := await self._client_reader.read(READ_BYTES):
            for item in splitter.feed(data):
                if isinstance(item, bytes):
                    self._backend.write(item)
                else:
                    await self._from_client(item)
            await self._backend.drain()
            await self._client.drain()

    async def _from_client(self, message: wire.Message) -> None:
        if message.type == b"Q":
            await self._query(message)
        elif message.type == b"F":
            self.forward(message)
        else:
            await self._local.take(message)

    def forward(self, message: wire.Message) -> None:
        """To PostgreSQL; remembers what it answers with ReadyForQuery."""
        if message.type in b"QSF":
            self._outstanding.append(message.type)
            self._settled.clear()
        self._backend.write(message.encode())

    def reply(self, *messages: wire.Message) -> None:
        self._client.write(b"".join(message.encode() for message in messages))

    def poison(self, error: SqlError) -> str:
        """A statement that fails in its turn; its error is then replaced by `error`.

        So PostgreSQL itself ends the transaction and skips to Sync, as after any error.
        """
        nonce = secrets.token_hex(16)
        self._refusals[nonce] = error
        return f"SELECT 'airscoop refusal {nonce}'::integer"

    async def decide(self, text: str) -> statements.Decision:
        """As statements.decide, and the catalogue asked where only it knows."""
        self._isolation.heard(text)
        if len(text) > LONG_TEXT:
            decision = await asyncio.to_thread(statements.decide, text)
        else:
            decision = statements.decide(text)
        if not isinstance(decision, Carry) or not isinstance(decision.command, ddl.DropTables):
            return decision
        try:
            external = await self._stand_in.catalog.any_external(decision.command.names)
        except SqlError as error:
            return Refuse(error)
        return decision if external else Pass(text)

    async def idle_outside_transaction(self) -> bool:
        """Waits for all answers that are due; whether no transaction is open then."""
        await self._backend.drain()
        await self._settled.wait()
        return self.status == IDLE

    async def _query(self, message: wire.Message) -> None:
        text, _ = wire.read_cstring(message.body)
        decision = await self.decide(text)
        if isinstance(decision, Carry) and not await self.idle_outside_transaction():
            decision = Refuse(statements.in_block(decision.command.title))
        if isinstance(decision, Refuse):
            self.forward(wire.query(self.poison(decision.error)))
        elif isinstance(decision, Pass):
            self.forward(message if decision.text == text else wire.query(decision.text))
        else:
            await self.carry(decision.command)
            self.reply(wire.ready(self.status))

    async def carry(self, command: ddl.Command) -> bool:
        """Carries out an external command and tells the client; whether it went well."""
        self._cancelled = False
        self._carrying = asyncio.create_task(self._stand_in.catalog.execute(command, self._user))
        try:
            await asyncio.wait([self._carrying])
            notices = self._carrying.result()
        except asyncio.CancelledError:
            if not self._cancelled:
                self._carrying.cancel()
                raise
            self.reply(_cancelled().response())
            return False
        except SqlError as error:
            self.reply(error.response())
            return False
        finally:
            self._carrying = None
        self.reply(*map(notice, notices), wire.command_complete(command.tag))
        return True

    # From PostgreSQL.

    async def _pump_backend(self) -> None:
        splitter = wire.Splitter(_AT_START)
        while data := await self._backend_reader.read(READ_BYTES):
            for item in splitter.feed(data):
                if isinstance(item, bytes):
                    self._client.write(item)
                elif self._started:
                    self._from_backend(item)
                elif self._starting(item):
                    splitter.wanted = _FROM_BACKEND
            await self._client.drain()

    def _starting(self, message: wire.Message) -> bool:
        """Asks for the level that the session starts with, before its client may speak.

        Gives True with the last message of the start.
        """
        if message.type == b"Z" and not self._asked:
            self._asked = True
            self._backend.write(wire.query("SHOW default_transaction_isolation").encode())
        elif message.type == b"Z":
            self._started = True
            self._settled.set()
            self._client.write(message.encode())
        elif message.type == b"D" and self._asked:
            self._isolation = Isolation(wire.read_data_row(message.body)[0] or "")
        elif message.type == b"K":
            self.key = message.body
            self._stand_in.remember(self)
            self._client.write(message.encode())
        elif message.type == b"E":
            self._client.write(message.encode())
        return self._started

    def _from_backend(self, message: wire.Message) -> None:
        if message.type == b"E":
            message = self._error(message)
        elif message.type == b"G" and self._outstanding and self._outstanding[0] == b"S":
            # PostgreSQL ignores a Sync that came before the data of a COPY.
            self._outstanding.popleft()
        elif message.type == b"Z":
            self._ready(message.body)
        self._client.write(message.encode())

    def _ready(self, status: bytes) -> None:
        self.status = status
        self._cancelled = False
        self._stand_in.take_failure(self.backend_pid)
        if status == IDLE:
            self._isolation.idle()
        if self._outstanding:
            self._outstanding.popleft()
        if not self._outstanding:
            self._refusals.clear()
            self._settled.set()

    def _error(self, message: wire.Message) -> wire.Message:
        """The message, or what the stand-in says in its place."""
        values = wire.read_fields(message.body)
        text = values.get("M", "")
        match values.get("C"):
            case "22P02" if found := _REFUSAL.search(text):
                refused = self._refusals.pop(found[1], None)
                return refused.response() if refused else message
            case "38000" if text.startswith(_PROGRAM):
                failure = self._stand_in.take_failure(self.backend_pid)
                detail = values.get("D", "")
                return read_error(failure, cancelled=self._cancelled, detail=detail).response()
            case "40001":
                return translated(values, self._isolation.level, self.backend_pid).response()
        return message


def read_error(failure: SqlError | None, *, cancelled: bool, detail: str) -> SqlError:
    """Why file_fdw's program failed; PostgreSQL knows its exit status only, in `detail`.

    A cancel and a timeout end the program, too, and PostgreSQL may notice that first.
    """
    if failure is not None:
        return failure
    if cancelled:
        return _cancelled()
    if "signal 2" in detail:
        return SqlError("57014", "canceling statement due to statement timeout")
    return SqlError("58030", "the rows of an external table ended early")


def _cancelled() -> SqlError:
    return SqlError("57014", "canceling statement due to user request")


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
