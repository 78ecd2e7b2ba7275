"""What the system refuses, told by the file that it is about."""

from __future__ import annotations

import errno
import os

from airscoop.errors import AirscoopError
from airscoop.transfer.places import displayed, printable

# Every other number is IO.
CODES = {
    errno.ENOENT: "NOT_FOUND",
    errno.EACCES: "ACCESS_DENIED",
    errno.EPERM: "ACCESS_DENIED",
    errno.EEXIST: "EXISTS",
}


def told(error: BaseException) -> str:
    """The error's text; Python's of a file as "FILE: reason", of two as "FILE -> FILE: reason"."""
    if not isinstance(error, OSError) or isinstance(error, AirscoopError):
        return str(error)
    reason = error.strerror or str(error)
    named = (error.filename, error.filename2)
    files = [_shown(name) for name in named if isinstance(name, str | bytes)]
    return f"{' -> '.join(files)}: {reason}" if files else reason


def _shown(name: str | bytes) -> str:
    return printable(displayed(os.fsdecode(name)))


def code_of(error: OSError) -> str:
    """The name that the table of errors has for it."""
    return CODES.get(error.errno or 0, "IO")
