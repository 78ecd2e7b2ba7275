"""The line of a command: its verbs, its parser, its run."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from airscoop import __version__
from airscoop.cli import signals, streams
from airscoop.cli.verb_parser import VerbParser

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

VERBOSE = "say on stderr what the engine does, a line per request, phase and retry"

# A shell asks for words by it, see the verb completion.
ASKED_BY_SHELL = "_ARGCOMPLETE"
# The modules of airscoop.cli in the order of the help, each with its verbs.
MODULES = {
    "transfers": ("copy", "cat", "head", "check"),
    "uploads": ("uploads",),
    "deltas": ("delta",),
    "aggregation": ("aggregate",),
    "publishing": ("publish",),
    "exports": ("exports",),
    "warehouse": ("warehouse", "partition", "insert", "apply", "refresh", "script"),
    "local": ("local",),
    "completion": ("completion",),
}


class LineEnd(SystemExit):
    """The line asked for help, or is wrong: all is said."""

    def __init__(self, code: int, message: str, usage: str) -> None:
        super().__init__(code)
        self.message, self.usage = message, usage


class Parser(VerbParser):
    """Prints on streams as they may be."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if file is sys.stderr:
            streams.say(message.rstrip("\n"))
        else:
            streams.put(message, end="")

    def print_usage(self, file: SupportsWrite[str] | None = None) -> None:
        """Not of a wrong line: `LineEnd` has it."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leaves the telling to whoever ran the parser."""
        names = f"{self.prog} -h names all flags\n"
        raise LineEnd(status, (message or "").strip(), self.format_usage() + names)


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """The whole command line; of a verb, what a line needs that begins with it."""
    root = Parser(
        prog="airscoop",
        description="Files from the web and from object storage into S3 and into the warehouse.",
        epilog="airscoop help VERB says more of a verb. Exit codes: 0 done, 1 failed, 2 wrong "
        "usage, 3 bad data, 4 done, but the receipt could not be printed; 141 the reader of the "
        "data has gone; 129, 130, 143 stopped by a signal.",
    )
    root.add_argument("-v", "--verbose", action="store_true", help=VERBOSE)
    root.add_argument("--version", action="version", version=f"airscoop {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    of_the_verb = [module for module, known in MODULES.items() if verb in known]
    for module in of_the_verb or MODULES:
        import_module(f"airscoop.cli.{module}").add_verbs(verbs)
    _complete(verbs)
    return root


def _complete(verbs: argparse._SubParsersAction[Any]) -> None:
    """What every verb has: a description, -v behind it as before it, and itself in the options."""
    helps = {action.dest: action.help or "" for action in verbs._choices_actions}
    for name, verb in verbs.choices.items():
        text = helps[name]
        verb.description = verb.description or f"{text[:1].upper()}{text[1:]}."
        verb.add_argument(
            "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help=VERBOSE
        )
        verb.set_defaults(parser=verb)
        for action in verb._actions:
            if isinstance(action, argparse._SubParsersAction):
                _complete(action)


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


def run(arguments: Sequence[str]) -> int:
    """Runs one command and tells how it ended; returns its exit code."""
    if ASKED_BY_SHELL in os.environ:
        from airscoop.cli import completion

        completion.answer(parser())
    if arguments and arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
    options = argparse.Namespace()
    # Also of a line that is wrong elsewhere.
    as_json = any(argument in ("--json", "--jso", "--js") for argument in arguments)
    try:
        parser(_verb(arguments)).parse_args(arguments, options)
        options.line = arguments
    except LineEnd as end:
        code = int(str(end.code))
        if code != 0:
            ending().tell_usage(end.message, end.usage, as_json=as_json)
        return code
    except streams.Unwritten as error:
        return int(ending().tell(error, options, as_json=False))
    tell = ending().tell  # loaded now: there may be no memory, or a signal, when it is needed
    try:
        signals.begin_work()
        with _traced(options):
            _refuse_closed(options)
            code = int(options.run(options))
            signals.begin_telling(code)  # here, where a signal before it is still told
            return code
    except BaseException as error:
        return int(tell(error, options, as_json=as_json))


def _refuse_closed(options: argparse.Namespace) -> None:
    """Of data for a stdout that was closed some file that Python opened may have the number."""
    if streams.is_closed(streams.STDOUT) and ending().data_on_stdout(options):
        from airscoop.errors import UsageError

        raise UsageError("standard output is closed: the data have nowhere to go")


def ending() -> ModuleType:
    """Help, and what is wrong with a line, are told without the engine."""
    from airscoop.cli import ending

    return ending
