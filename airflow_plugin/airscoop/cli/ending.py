"""How a command ends: its exit code, and the line that says what became of the work."""

from __future__ import annotations

import argparse
import contextlib
import errno
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from airscoop.cli import signals, streams
from airscoop.cli.output import ReceiptUnprinted
from airscoop.error_facts import committed_of, facts_of
from airscoop.errors import AirscoopError, DataError, LocalStackFailed, UsageError

FAILED, WRONG_USAGE, BAD_DATA, RECEIPT_UNPRINTED = 1, 2, 3, 4
READER_GONE = 128 + signal.SIGPIPE
STOPPED = "what was under way was taken back; what was committed before stays"
STOPPED_COMMITTED = "what it was to make was committed already"
STOPPED_IN_COMMIT = (
    "that was in the commit, or between two: what it was to make may be there, all of it or in part"
)
STOPPED_RESUMABLE = "the same command goes on from here, if it can; else nothing is left behind"


def tell(error: BaseException, options: argparse.Namespace, *, as_json: bool) -> int:
    """Says what ended a command; returns its exit code."""
    code, line, facts = _told(error, options)
    signals.begin_telling(code)
    speak = _own_words(error, options)
    receipt = getattr(error, "receipt", None)  # of a prefix, some of whose objects are there
    if receipt is not None and not as_json:
        with contextlib.suppress(streams.Unwritten):
            streams.put(speak(receipt.summary()))
    if line is not None:
        streams.say(f"airscoop: {speak(line)}")
    if as_json and not isinstance(error, ReceiptUnprinted | streams.Unwritten):
        facts["message"] = speak(facts["message"])
        _print_json(facts, beside_data=data_on_stdout(options))
    return code


def _own_words(error: BaseException, options: argparse.Namespace) -> Callable[[str], str]:
    """Puts a message into the command's own words, where there is memory to look them up."""
    if not hasattr(options, "line") or isinstance(error, MemoryError):
        return str
    from airscoop.cli.wording import flags_of, spoken

    return partial(spoken, flags=flags_of(options.parser), words=options.line)


def data_on_stdout(options: argparse.Namespace) -> bool:
    """Whether it is what the command wrote to stdout, rather than a receipt."""
    if getattr(options, "verb", None) in ("cat", "head"):
        return True
    return "-" in (getattr(options, "destination", None), getattr(options, "out", None))


_SIGNALS = (signals.Stopped, KeyboardInterrupt)


def _told(
    error: BaseException, options: argparse.Namespace
) -> tuple[int, str | None, dict[str, Any]]:
    """The exit code, the line for people, the facts for programs."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, _SIGNALS):
        error = error.__cause__  # Python 3.11 wraps what comes while a class is made
    if isinstance(error, AirscoopError):
        return _failed(error, options)
    if isinstance(error, signals.Stopped):
        return _stopped(error.number, error, options)
    if isinstance(error, KeyboardInterrupt):
        return _stopped(signal.SIGINT, error, options)
    if isinstance(error, ReceiptUnprinted):
        line = f"done, but the receipt could not be printed: {error}"
        return RECEIPT_UNPRINTED, line, {}
    if isinstance(error, streams.Unwritten):
        if error.reader_gone:
            return READER_GONE, None, {}
        return FAILED, f"the output could not be written: {error}", {}
    return _unexpected(error)


def _failed(
    error: AirscoopError, options: argparse.Namespace
) -> tuple[int, str | None, dict[str, Any]]:
    named = "local" if isinstance(error, LocalStackFailed) else type(error).__name__
    line: str | None = f"{named}: {error}"
    code = exit_code(type(error))
    if error.os_errno == errno.EPIPE and data_on_stdout(options):
        code, line = READER_GONE, None
    receipt = getattr(error, "receipt", None)
    facts = {} if receipt is None else receipt.to_dict()
    return code, line, facts | _facts(error.code, str(error), error)


def exit_code(kind: type[BaseException]) -> int:
    """What a command exits with that ends in an error of this class."""
    if issubclass(kind, UsageError):
        return WRONG_USAGE
    return BAD_DATA if issubclass(kind, DataError) else FAILED


def _stopped(
    number: int, error: BaseException, options: argparse.Namespace
) -> tuple[int, str, dict[str, Any]]:
    committed = _committed(error)
    what = STOPPED
    if committed is not False:
        what = STOPPED_COMMITTED if committed else STOPPED_IN_COMMIT
    elif hasattr(options, "stopped"):
        what = str(options.stopped)
    elif getattr(options, "resume", False) or getattr(options, "resume_file", None):
        what = STOPPED_RESUMABLE
    statements = getattr(error, "statements_committed", None)
    if statements is not None:
        what += f"; {statements} of the script's statements are committed"
    line = signals.line(number, what)
    facts = _facts("CANCELLED", line, error) | {"signal": signal.Signals(number).name}
    return 128 + number, line, facts


def _unexpected(error: BaseException) -> tuple[int, str, dict[str, Any]]:
    """What Python raised, and nobody foresaw at its place."""
    code, name, text = FAILED, "INTERNAL", " ".join(str(error).split())
    if isinstance(error, MemoryError) or "failed to map segment" in text:
        name, text = "NO_MEMORY", f"there is no memory left{_limit('AS', 'v')}"
    elif isinstance(error, RuntimeError) and "can't start new thread" in text:
        name, text = "IO", f"the system gives no further thread{_limit('NPROC', 'u')}"
    elif isinstance(error, UnicodeError):
        code, name = WRONG_USAGE, "USAGE"
        text = f"a name or value has characters that cannot be sent: {text}"
    elif isinstance(error, OSError):
        from airscoop.system_errors import code_of, told

        name, text = code_of(error), told(error)
    else:
        text = f"{type(error).__name__}: {text} ({_place(error)}); a defect: please report it"
    if _committed(error):
        text += f"; {STOPPED_COMMITTED}"
    return code, text, _facts(name, text, error)


def _limit(name: str, option: str) -> str:
    import resource

    limit = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
    return "" if limit == resource.RLIM_INFINITY else f": the limit is {limit} (ulimit -{option})"


def _place(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None:
        return "nowhere"
    return f"{at.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {at.tb_lineno}"


def _committed(error: BaseException) -> bool | None:
    """What is known of the commit, by the command or by the error."""
    return True if signals.is_committed() else committed_of(error)


def tell_usage(message: str, usage: str, *, as_json: bool) -> None:
    """What is wrong with a line; for people with the verb's usage."""
    if as_json:
        streams.say(message)
        _print_json(_facts("USAGE", message, Exception()), beside_data=False)
    else:
        streams.say(f"{usage}{message}")


def _facts(code: str, message: str, error: BaseException) -> dict[str, Any]:
    return {
        "error": code,
        "message": message,
        "retryable": getattr(error, "retryable", False),
        **facts_of(error),
        "committed": _committed(error),
    }


def _print_json(facts: dict[str, Any], *, beside_data: bool) -> None:
    import json

    text = json.dumps(facts)
    if beside_data:
        streams.say(text)
        return
    try:
        streams.put(text)
    except streams.Unwritten as unwritten:
        streams.say(f"airscoop: the error could not be printed as JSON: {unwritten}")
