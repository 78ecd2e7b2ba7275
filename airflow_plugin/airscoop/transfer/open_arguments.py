"""What `open` is given, checked before anything is opened; a refusal says what to write instead."""

from __future__ import annotations

import io
import os
from typing import Any, NoReturn

from airscoop.aws.settings import S3Settings
from airscoop.errors import UsageError
from airscoop.kinds import shown
from airscoop.transfer.options import place


def refuse(why: str) -> NoReturn:
    raise UsageError(why)


_MODES = 'airscoop.open knows the modes "r", "rb", "w" and "wb"'
_OTHER_MODES = {
    "a": "an object cannot be appended to: write it anew, or another object beside it",
    "x": 'use "w" with overwrite=False, which keeps what is there',
    "+": "open it once for reading and once for writing",
    "U": 'leave "U" out: newline=None reads every kind of newline',
}
_OPTIONS = {
    "r": (
        "s3",
        "allow_unknown_length",
        "allow_plain",
        "on_trailing_garbage",
        "version_id",
        "timeout",
        "retry_seconds",
        "restarts",
        "headers",
        "auth",
        "body",
        "idempotent",
        "closefd",
    ),
    "w": (
        "s3",
        "compression_level",
        "memory_limit",
        "overwrite",
        "split_bytes",
        "split_replace",
        "object_options",
        "closefd",
    ),
}
_OTHER_OPTIONS = {
    "buffering": "airscoop.open always buffers",
    "compression_kwargs": "use compression_level=",
    "opener": "open the file yourself, and give its descriptor",
    "transport_params": "use s3=airscoop.S3Settings(...)",
    "source_s3": "use s3=",
    "destination_s3": "use s3=",
    "ca_file": "use s3=airscoop.S3Settings(ca_file=...)",
    "format": "use airscoop.read or airscoop.Upload, which check records",
}
_COMPRESSIONS = {"r": ("auto", "keep", "none"), "w": ("auto", "keep", "gzip", "none")}
_OTHER_COMPRESSIONS = {
    "infer_from_extension": 'use "auto"',
    "disable": 'use "keep"',
    ".gz": 'use "gzip" to write; "auto" recognises gzip data when it reads',
    "gzip": 'use "auto", which recognises gzip data by its content',
}


def check_mode(mode: str) -> None:
    if not isinstance(mode, str):
        refuse(f"mode {shown(mode)}: {_MODES}")
    for letter, advice in _OTHER_MODES.items():
        if letter in mode:
            refuse(f"mode {mode!r}: {advice}")
    if "".join(sorted(mode.replace("t", "", 1))) not in ("r", "br", "w", "bw") or (
        "t" in mode and "b" in mode
    ):
        refuse(f"mode {mode!r}: {_MODES}")


def check_options(direction: str, compression: str, options: dict[str, Any]) -> None:
    if not isinstance(compression, str) or compression not in _COMPRESSIONS[direction]:
        known = " or ".join(f'"{name}"' for name in _COMPRESSIONS[direction])
        advice = f"use {known}"
        if isinstance(compression, str):
            advice = _OTHER_COMPRESSIONS.get(compression, advice)
        refuse(f"compression {shown(compression)}: {advice}")
    for name in options:
        if name in _OPTIONS[direction]:
            continue
        advice = _OTHER_OPTIONS.get(name, f"there are {', '.join(_OPTIONS[direction])}")
        for other, verb in (("r", "reading"), ("w", "writing")):
            if name in _OPTIONS[other]:
                advice = f"it is for {verb}"
        refuse(f"option {name}: {advice}")
    if not isinstance(options.get("s3"), S3Settings | None):
        refuse("option s3: it is an airscoop.S3Settings")


def check_place(uri: str | os.PathLike[str] | int, *, closes: bool) -> str:
    """The name; of a descriptor, which has to be open, the one of standard input and output."""
    if isinstance(uri, int) and not isinstance(uri, bool):
        if not 0 <= uri < 2**31:
            refuse(f"{shown(uri)} is no descriptor of a file")
        try:
            os.fstat(uri)
        except OSError as error:
            error.filename = f"descriptor {uri}"
            raise
        return "-"
    if not isinstance(uri, str | os.PathLike):
        refuse(f"airscoop.open takes a path, a URI or a descriptor, not {type(uri).__name__}")
    if not closes:
        refuse("closefd=False is for a descriptor; a file that is opened by its name is closed")
    name = place(uri, "uri")
    if name == "-":
        refuse('"-" is no name of a file: use sys.stdin.buffer or sys.stdout.buffer')
    return name


def check_text(encoding: str | None, errors: str | None, newline: str | None) -> None:
    """Has io check the options before anything is opened."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding, errors, newline)
    except (LookupError, TypeError, ValueError) as error:
        refuse(str(error))
