"""Signals, from a command's first moment to its last: each ends it with one line.

What a signal does depends on how far the command is. Before the work it ends the process at once.
In the work it raises, so that what is under way is taken back. While the end is told it waits for
that. Afterwards it can only hasten the end, whose code stays that of the work.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from sys import UnraisableHookArgs
    from types import FrameType
    from typing import NoReturn
else:
    import _signal as signal  # what `signal` is made of: that one takes milliseconds for its enums

TAKEN: dict[int, str] = {
    signal.SIGINT: "SIGINT",
    signal.SIGTERM: "SIGTERM",
    signal.SIGHUP: "SIGHUP",
}
STARTING, WORKING, TELLING, ENDED = range(4)
SECONDS_APART = 1.0  # terminals and supervisors send a signal twice: the second is no new wish
AGAIN_SECONDS = 0.001
NOTHING_BEGUN = "nothing was begun"


class Stopped(BaseException):
    """A signal arrived: what is under way is taken back before the process ends."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _State:
    taken = False
    phase = STARTING
    code = 0  # which the process ends with, from TELLING on
    last = -SECONDS_APART  # when a signal was taken
    number = 0
    committed = False  # what the command was to make is there, and its receipt to be told


_state = _State()


def is_own_process() -> bool:
    """Whether the process was begun as this command, of which nothing but its name is loaded yet.

    By its script or `python -m airscoop`: who imports the package keeps the signals of his process.
    """
    script = sys.argv[0] if sys.argv else ""
    return f"/{script}".endswith(("/airscoop", "/airscoop/__main__.py"))


def take() -> None:
    """The process is this command's own. An ignored signal stays so (nohup, a job behind `&`)."""
    _state.phase = STARTING
    if _state.taken:
        return
    _state.taken = True
    for number in TAKEN:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _arrived)
    sys.unraisablehook = _unraisable
    atexit.register(_leave)  # the first is called last


def begin_work() -> None:
    """From here on there may be something to take back."""
    _state.phase = WORKING
    _state.committed = False


def note_committed() -> None:
    """What was to be made is there, whatever becomes of its receipt."""
    _state.committed = True


def is_committed() -> bool:
    """Whether `note_committed` was called by this command."""
    return _state.committed


def begin_telling(code: int) -> None:
    """The work has ended; how is being told."""
    _state.phase, _state.code = TELLING, code


def end(code: int) -> None:
    """All is told."""
    _state.phase, _state.code = ENDED, code


def line(number: int, what: str) -> str:
    """What is told of a signal."""
    if number == signal.SIGINT:
        return f"interrupted; {what}"
    return f"stopped by {TAKEN[number]}; {what}"


def _arrived(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if now - _state.last < SECONDS_APART:
        return
    first = _state.number == 0
    _state.last, _state.number = now, number
    if _state.phase == STARTING:
        _end_at_once(number)
    if _state.phase == WORKING:
        raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)
    if _state.phase == ENDED or not first:
        os._exit(_state.code)


def _end_at_once(number: int) -> NoReturn:
    """Modules may be half loaded: this needs none but those above."""
    text = line(number, NOTHING_BEGUN)
    try:
        os.write(2, f"airscoop: {text}\n".encode())
        if any(argument in ("--json", "--jso", "--js") for argument in sys.argv[1:]):
            name = TAKEN[number]
            facts = f'"retryable": false, "committed": false, "signal": "{name}"'
            os.write(1, f'{{"error": "CANCELLED", "message": "{text}", {facts}}}\n'.encode())
    except OSError:
        pass
    os._exit(128 + number)


def _unraisable(what: UnraisableHookArgs) -> None:
    """A signal in a finalizer, whose exceptions Python prints and drops, comes again."""
    if _state.phase == ENDED and isinstance(what.exc_value, OSError):
        return  # a signal came while `_leave` had it ignored: it is
    if not isinstance(what.exc_value, Stopped | KeyboardInterrupt):
        sys.__unraisablehook__(what)
        return
    number = _state.number
    _state.last, _state.number = -SECONDS_APART, 0
    signal.signal(signal.SIGALRM, lambda _, frame: _arrived(number, frame))
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)


def _leave() -> None:
    """The interpreter goes: its handlers do, too, and nobody has to look for cycles (2 ms).

    Python 3.11 ends by SIGINT whatever is returned, where a Ctrl-C was taken within an `exec`.
    """
    for number in TAKEN:
        signal.signal(number, signal.SIG_IGN)
    if _state.phase == ENDED and _state.number == signal.SIGINT:
        os._exit(_state.code)  # all streams were flushed before the end was told
    gc.freeze()
