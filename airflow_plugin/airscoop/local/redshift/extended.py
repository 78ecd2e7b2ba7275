"""The extended protocol's messages: which are PostgreSQL's, and which the stand-in answers.

External DDL that was prepared is answered here, from Parse to Sync. It is alone in its unit (what
stands between two Syncs): mixed with others it would be in one implicit transaction with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airscoop.local.redshift import statements, wire
from airscoop.local.redshift.errors import SqlError
from airscoop.local.redshift.statements import Carry, Pass, Refuse

if TYPE_CHECKING:
    from airscoop.local.redshift.session import Session

_PARSE_COMPLETE = wire.Message(b"1", b"")
_BIND_COMPLETE = wire.Message(b"2", b"")
_CLOSE_COMPLETE = wire.Message(b"3", b"")
_NO_DATA = wire.Message(b"n", b"")
_NO_PARAMETERS = wire.Message(b"t", b"\0\0")


class LocalUnit:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._prepared: dict[str, Carry] = {}
        self._portals: dict[str, Carry] = {}
        self._answering = False
        self._forwarded = False
        self._discarding = False

    async def take(self, message: wire.Message) -> None:
        """One of Parse, Bind, Describe, Execute, Close, Flush, Sync."""
        if message.type == b"S":
            self._sync(message)
        elif self._discarding:
            return
        elif message.type == b"P":
            await self._parse(message)
        elif message.type == b"B":
            await self._bind(message)
        elif message.type == b"D":
            self._describe(message)
        elif message.type == b"E":
            await self._execute(message)
        elif message.type == b"C":
            self._close(message)
        elif not self._answering:
            self._session.forward(message)

    def _sync(self, message: wire.Message) -> None:
        if self._answering:
            self._session.reply(wire.ready(self._session.status))
        else:
            self._session.forward(message)
        self._portals.clear()
        self._answering = self._forwarded = self._discarding = False

    def _forward(self, message: wire.Message) -> None:
        if self._answering:
            self._fail(SqlError("0A000", "external DDL must be the only statement before Sync"))
            return
        self._forwarded = True
        self._session.forward(message)

    def _fail(self, error: SqlError) -> None:
        self._session.reply(error.response())
        self._discarding = True

    def _refuse(self, error: SqlError) -> None:
        """PostgreSQL fails at this Parse and discards to Sync by itself."""
        sql = self._session.poison(error)
        self._forward(wire.Message(b"P", wire.cstring("") + wire.cstring(sql) + b"\0\0"))

    async def _may_answer(self, carry: Carry) -> bool:
        """Whether the stand-in may answer now; refuses the statement if not."""
        if self._answering:
            return True
        if self._forwarded or not await self._session.idle_outside_transaction():
            self._refuse(statements.in_block(carry.command.title))
            return False
        self._answering = True
        return True

    async def _parse(self, message: wire.Message) -> None:
        name, position = wire.read_cstring(message.body)
        text, position = wire.read_cstring(message.body, position)
        decision = await self._session.decide(text)
        self._prepared.pop(name, None)
        if isinstance(decision, Pass):
            body = wire.cstring(name) + wire.cstring(decision.text) + message.body[position:]
            self._forward(message if decision.text == text else wire.Message(b"P", body))
        elif isinstance(decision, Refuse):
            self._refuse(decision.error)
        elif await self._may_answer(decision):
            self._prepared[name] = decision
            self._session.reply(_PARSE_COMPLETE)

    async def _bind(self, message: wire.Message) -> None:
        portal, position = wire.read_cstring(message.body)
        name, _ = wire.read_cstring(message.body, position)
        self._portals.pop(portal, None)
        carry = self._prepared.get(name)
        if carry is None:
            self._forward(message)
        elif await self._may_answer(carry):
            self._portals[portal] = carry
            self._session.reply(_BIND_COMPLETE)

    def _local(self, message: wire.Message) -> bool:
        """Whether a Describe or Close names something that is answered here."""
        name, _ = wire.read_cstring(message.body, 1)
        return name in (self._prepared if message.body[:1] == b"S" else self._portals)

    def _describe(self, message: wire.Message) -> None:
        if not self._local(message):
            self._forward(message)
        elif message.body[:1] == b"S":
            self._answering = True
            self._session.reply(_NO_PARAMETERS, _NO_DATA)
        else:
            self._session.reply(_NO_DATA)

    async def _execute(self, message: wire.Message) -> None:
        portal, _ = wire.read_cstring(message.body)
        carry = self._portals.pop(portal, None)
        if carry is None:
            self._forward(message)
        elif not await self._session.carry(carry.command):
            self._discarding = True

    def _close(self, message: wire.Message) -> None:
        if not self._local(message):
            self._forward(message)
            return
        name, _ = wire.read_cstring(message.body, 1)
        (self._prepared if message.body[:1] == b"S" else self._portals).pop(name)
        if self._forwarded:
            # PostgreSQL answers the Close of what it does not know, in its turn.
            self._forward(message)
            return
        self._answering = True
        self._session.reply(_CLOSE_COMPLETE)
