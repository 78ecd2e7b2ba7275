"""The standard streams as they may be: closed, full, without a reader, in ASCII."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

STDIN, STDOUT, STDERR = range(3)
# A closed one is held by /dev/null, opened the wrong way: data from or for it stay an error.
MODES = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)

_closed: set[int] = set()


class Unwritten(Exception):
    """Standard output does not take what is printed. unread: nobody waits for it."""

    def __init__(self, reason: str, *, closed: bool = False, reader_gone: bool = False) -> None:
        super().__init__(reason)
        self.reader_gone = reader_gone
        self.unread = closed or reader_gone


def hold() -> None:
    """Of a stream that is closed (`2>&-`) the next file would get the number, and the messages."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, MODES[number]), True)
            _closed.add(number)
        else:
            if stream is None:  # it was closed when Python began, and some file has its number
                _closed.add(number)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for printed in (sys.stdout, sys.stderr):
        if hasattr(printed, "reconfigure"):  # names are of all characters, a locale may have few
            printed.reconfigure(errors="backslashreplace")


def is_closed(number: int) -> bool:
    """Whether the descriptor was closed when the command began."""
    return number in _closed


def say(text: str, *, end: str = "\n") -> bool:
    """A message on stderr, for whoever reads it: that nobody can is no failure of the command."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        abandon(sys.stderr)
        return False
    except BaseException:  # a signal, while the stream does not take more: nor would it at the end
        abandon(sys.stderr)
        raise
    return STDERR not in _closed


def put(text: str, *, end: str = "\n") -> None:
    """Prints on stdout at once; raises Unwritten."""
    if STDOUT in _closed:
        raise Unwritten("standard output is closed", closed=True)
    try:
        print(text, end=end, flush=True)
    except (OSError, ValueError) as error:
        abandon(sys.stdout)
        gone = isinstance(error, OSError) and error.errno == errno.EPIPE
        reason = getattr(error, "strerror", None) or str(error)
        raise Unwritten(reason, reader_gone=gone) from error
    except BaseException:  # as in `say`
        abandon(sys.stdout)
        raise


def abandon(stream: TextIO) -> None:
    """What the stream still holds goes nowhere, so that Python does not fail to write it again."""
    try:
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        return
    os.dup2(nowhere, number)
    os.close(nowhere)
