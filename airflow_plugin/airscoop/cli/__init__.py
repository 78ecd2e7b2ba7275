"""The command `airscoop`.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data, 130 interrupted (Ctrl-C), 143 terminated.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from airscoop import __version__
from airscoop.cli import local, transfers, warehouse

if TYPE_CHECKING:
    from airscoop.errors import AirscoopError

FAILED, WRONG_USAGE, BAD_DATA, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143
BAD_DATA_CODES = frozenset(
    {
        "BAD_RECORD",
        "TOO_MANY_REJECTED",
        "CORRUPT",
        "TRUNCATED",
        "TRAILING_GARBAGE",
        "INFLATION",
        "UNSUPPORTED",
        "COUNT_MISMATCH",
    }
)


class Terminated(BaseException):
    """SIGTERM arrived: what is under way is taken back before the process ends."""


def _terminate(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="airscoop",
        description="Files from the web and from object storage into S3 and into the warehouse.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data, 130 or 143 interrupted.",
    )
    root.add_argument("--version", action="version", version=f"airscoop {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    transfers.add_verbs(verbs)
    warehouse.add_verbs(verbs)
    local.add_verbs(verbs)
    return root


def exit_code(error: AirscoopError) -> int:
    """Tells wrong usage, bad data and failure apart."""
    if error.code == "USAGE":
        return WRONG_USAGE
    return BAD_DATA if error.code in BAD_DATA_CODES else FAILED


def _report(error: AirscoopError, *, as_json: bool) -> None:
    print(f"airscoop: {type(error).__name__}: {error}", file=sys.stderr)
    if as_json:
        facts = {
            "error": error.code,
            "message": str(error),
            "retryable": error.retryable,
            "http_status": error.http_status,
            "sqlstate": error.sqlstate,
            "request_id": error.request_id,
        }
        print(json.dumps(facts), file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = parser().parse_args(arguments)
    from airscoop.errors import AirscoopError

    signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except AirscoopError as error:
        if error.os_errno is not None and isinstance(error.__cause__, BrokenPipeError):
            return FAILED
        _report(error, as_json=getattr(options, "json", False))
        return exit_code(error)
    except KeyboardInterrupt:
        print("airscoop: interrupted; nothing was committed", file=sys.stderr)
        return INTERRUPTED
    except Terminated:
        print("airscoop: terminated; nothing was committed", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        # The reader of our output has gone: not worth a message, and Python must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code
