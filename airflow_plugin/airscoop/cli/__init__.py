"""The command `airscoop`.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data, 128 and the signal's number when stopped by
one: 129 (hang-up), 130 (Ctrl-C), 143 (terminated).
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import errno
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from airscoop import __version__
from airscoop.cli.verb_parser import VerbParser

if TYPE_CHECKING:
    from airscoop.errors import AirscoopError

VERBOSE = "say on stderr what the engine does, a line per request, phase and retry"
FAILED, WRONG_USAGE, BAD_DATA = 1, 2, 3
STOPPED = "what was under way was taken back; what was committed before stays"
STOPPED_COMMITTED = "what it was to make was committed already"
STOPPED_IN_COMMIT = (
    "that was in the commit, or between two: what it was to make may be there, all of it or in part"
)
STOPPED_RESUMABLE = "the same command goes on from here, if it can; else nothing is left behind"
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
        "DUPLICATE_KEY",
        "SCHEMA_CHANGED",
        "SUSPECT_EXPORT",
    }
)


# The modules of airscoop.cli in the order of the help, each with its verbs.
MODULES = {
    "transfers": ("copy", "cat", "head", "check"),
    "uploads": ("uploads",),
    "deltas": ("delta",),
    "publishing": ("publish",),
    "warehouse": ("partition", "insert", "apply", "refresh", "script"),
    "local": ("local",),
}


class Stopped(BaseException):
    """A signal arrived: what is under way is taken back before the process ends."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _take_signals() -> None:
    """Signals that would end the process end the work first; an ignored one stays so (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """The whole command line; of a verb, what a line needs that begins with it."""
    root: argparse.ArgumentParser = VerbParser(
        prog="airscoop",
        description="Files from the web and from object storage into S3 and into the warehouse.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data; 129, 130, 143 stopped by "
        "a signal.",
    )
    root.add_argument("-v", "--verbose", action="store_true", help=VERBOSE)
    root.add_argument("--version", action="version", version=f"airscoop {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    of_the_verb = [module for module, known in MODULES.items() if verb in known]
    for module in of_the_verb or MODULES:
        import_module(f"airscoop.cli.{module}").add_verbs(verbs)
    _add_verbose(verbs)
    return root


def _add_verbose(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Behind a verb as before it."""
    for verb in verbs.choices.values():
        verb.add_argument(
            "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help=VERBOSE
        )
        for action in verb._actions:
            if isinstance(action, argparse._SubParsersAction):
                _add_verbose(action)


def _verb(arguments: Sequence[str]) -> str | None:
    return next((word for word in arguments if word not in ("-v", "--verbose")), None)


@contextlib.contextmanager
def _traced(options: argparse.Namespace) -> Iterator[None]:
    """With -v the engine says on stderr what it does, in place of the progress."""
    if not options.verbose:
        yield
        return
    from airscoop._native import trace_to_descriptor

    options.quiet = True
    with contextlib.suppress(OSError):  # a stand-in for it, as in a test, has no descriptor
        trace_to_descriptor(sys.stderr.fileno())
    try:
        yield
    finally:
        trace_to_descriptor(-1)


def exit_code(error: AirscoopError) -> int:
    """Tells wrong usage, bad data and failure apart."""
    if error.code == "INCOMPLETE":
        return FAILED
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
            "committed": error.committed,
            "http_status": error.http_status,
            "sqlstate": error.sqlstate,
            "request_id": error.request_id,
        }
        import json

        print(json.dumps(facts), file=sys.stderr)


def _stopped(options: argparse.Namespace, error: BaseException) -> str:
    committed = getattr(error, "committed", False)
    if committed is not False:
        return STOPPED_COMMITTED if committed else STOPPED_IN_COMMIT
    if hasattr(options, "stopped"):
        return str(options.stopped)
    resumable = getattr(options, "resume", False) or getattr(options, "resume_file", None)
    return STOPPED_RESUMABLE if resumable else STOPPED


def _leave_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _have_streams() -> None:
    """Of a stream that is closed (2>&-) the next file would get the number, and the messages."""
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:  # data from or for it stay an error: it is open the wrong way
            os.open(os.devnull, mode)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    if arguments is None:
        # The process ends with the command: at its end nobody has to look for cycles (2 ms).
        atexit.register(gc.freeze)
        arguments = sys.argv[1:]
    _have_streams()
    options = parser(_verb(arguments)).parse_args(arguments)
    from airscoop.errors import AirscoopError

    _take_signals()
    try:
        with _traced(options):
            code: int = options.run(options)
        sys.stdout.flush()
    except AirscoopError as error:
        if error.os_errno == errno.EPIPE:
            return FAILED
        _report(error, as_json=getattr(options, "json", False))
        return exit_code(error)
    except KeyboardInterrupt as stopped:
        print(f"airscoop: interrupted; {_stopped(options, stopped)}", file=sys.stderr)
        return 128 + signal.SIGINT
    except Stopped as stopped:
        name = signal.Signals(stopped.number).name
        print(f"airscoop: stopped by {name}; {_stopped(options, stopped)}", file=sys.stderr)
        return 128 + stopped.number
    except BrokenPipeError:
        # The reader of our output has gone: not worth a message, and Python must not flush again.
        _leave_stdout()
        return FAILED
    except OSError as error:
        _leave_stdout()
        print(f"airscoop: the output could not be written: {error}", file=sys.stderr)
        return FAILED
    return code
