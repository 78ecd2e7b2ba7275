"""The command `airscoop`: what is done before anything else is loaded, and after all is said."""

from __future__ import annotations

import sys

from airscoop.cli import signals

if signals.is_own_process():  # a signal may come while the rest is loaded
    signals.take()

from importlib import import_module

from airscoop.cli import streams

TYPE_CHECKING = False  # `typing` would take longer to load than all that is here
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; without arguments it is this process's own."""
    if arguments is not None:
        streams.hold()
        return _run(arguments)
    signals.take()
    streams.hold()
    code = _run(sys.argv[1:])
    signals.end(code)
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        return int(import_module("airscoop.cli.command").run(arguments))
    except Exception as error:  # the package itself cannot be loaded, or memory is at its end
        streams.say(f"airscoop: {type(error).__name__}: {error}")
        return 1
