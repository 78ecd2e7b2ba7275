"""Messages of PostgreSQL's protocol, version 3: how they are cut from a stream and built."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_3 = 196608
LARGEST_MESSAGE_BYTES = 1 << 30


class ProtocolError(Exception):
    """The peer does not speak the protocol."""


@dataclass(frozen=True)
class Message:
    """One whole message: its type byte and its body without the length."""

    type: bytes
    body: bytes

    def encode(self) -> bytes:
        return self.type + struct.pack("!I", len(self.body) + 4) + self.body


class Splitter:
    """Cuts a stream into messages of the wanted types and runs of all the others' bytes.

    What is not wanted is handed on as it came, without waiting for the end of a message.
    """

    def __init__(self, wanted: bytes) -> None:
        self.wanted = wanted
        self._pending = bytearray()
        self._needed_bytes = 0
        self._passing_bytes = 0

    def feed(self, new: bytes) -> Iterator[Message | bytes]:
        data = new
        if self._pending:
            self._pending += new
            if len(self._pending) < self._needed_bytes:
                return
            data = bytes(self._pending)
        self._needed_bytes = 0
        position = run_start = 0
        while position < len(data):
            if self._passing_bytes:
                step = min(self._passing_bytes, len(data) - position)
                self._passing_bytes -= step
                position += step
                continue
            if len(data) - position < 5:
                break
            (length,) = struct.unpack_from("!I", data, position + 1)
            if not 4 <= length <= LARGEST_MESSAGE_BYTES:
                raise ProtocolError(f"a message says it is {length} bytes long")
            if data[position] not in self.wanted:
                self._passing_bytes = length + 1
                continue
            if len(data) - position < length + 1:
                self._needed_bytes = length + 1
                break
            if position > run_start:
                yield data[run_start:position]
            body = data[position + 5 : position + 1 + length]
            yield Message(data[position : position + 1], body)
            position += length + 1
            run_start = position
        if position > run_start:
            yield data[run_start:position]
        self._pending = bytearray(data[position:])


def cstring(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def read_cstring(body: bytes, start: int = 0) -> tuple[str, int]:
    """The text up to the next NUL and the place after it."""
    end = body.find(b"\0", start)
    if end < 0:
        raise ProtocolError("a text in a message has no end")
    return body[start:end].decode("utf-8", "surrogateescape"), end + 1


def startup(parameters: Mapping[str, str]) -> bytes:
    body = struct.pack("!I", PROTOCOL_3)
    for name, value in parameters.items():
        body += cstring(name) + cstring(value)
    body += b"\0"
    return struct.pack("!I", len(body) + 4) + body


def startup_parameters(body: bytes) -> dict[str, str]:
    """Names and values of a startup message's body (after the protocol number)."""
    parameters = {}
    position = 4
    while position < len(body) and body[position] != 0:
        name, position = read_cstring(body, position)
        value, position = read_cstring(body, position)
        parameters[name] = value
    return parameters


def query(sql: str) -> Message:
    return Message(b"Q", cstring(sql))


def fields(values: Mapping[str, str]) -> bytes:
    """The body of an ErrorResponse or NoticeResponse from its one-letter fields."""
    body = b"".join(name.encode() + cstring(text) for name, text in values.items())
    return body + b"\0"


def read_fields(body: bytes) -> dict[str, str]:
    values = {}
    position = 0
    while position < len(body) and body[position] != 0:
        name = chr(body[position])
        values[name], position = read_cstring(body, position + 1)
    return values


def command_complete(tag: str) -> Message:
    return Message(b"C", cstring(tag))


def ready(status: bytes) -> Message:
    return Message(b"Z", status)


def read_data_row(body: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!H", body)
    position = 2
    row: list[str | None] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, position)
        position += 4
        if length < 0:
            row.append(None)
            continue
        row.append(body[position : position + length].decode("utf-8"))
        position += length
    return row
