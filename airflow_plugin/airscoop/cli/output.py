"""What the commands print: receipts on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from airscoop.cli import signals, streams

if TYPE_CHECKING:
    from airscoop.receipts import Receipt
    from airscoop.transfer.job import Progress

SECONDS_BETWEEN_LINES = 10.0


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json, the same for every verb."""
    parser.add_argument(
        "--json", action="store_true", help="print the receipt, and nothing else, as JSON on stdout"
    )


class ReceiptUnprinted(Exception):
    """What was to be made is there, but its receipt, which was asked for, could not be printed."""


def show(receipt: Receipt, *, as_json: bool, data_on_stdout: bool = False) -> None:
    """Prints the receipt of what is done; beside data on stdout it goes to stderr."""
    signals.note_committed()
    text = _text(receipt, as_json=as_json)
    if not data_on_stdout:
        show_done(text, as_json=as_json)
    elif not streams.say(text) and as_json:
        raise ReceiptUnprinted("standard error does not take it")


def show_done(text: str, *, as_json: bool) -> None:
    """Prints what was done, for programs as JSON: they go on by it, people by the exit code."""
    try:
        streams.put(text)
    except streams.Unwritten as error:
        if as_json or not error.unread:
            raise ReceiptUnprinted(str(error)) from error


def show_found(receipt: Receipt, *, as_json: bool) -> None:
    """Prints what a verb was to find out, which is all that it does."""
    streams.put(_text(receipt, as_json=as_json))


def _text(receipt: Receipt, *, as_json: bool) -> str:
    return receipt.to_json() if as_json else receipt.summary()


class ProgressShown:
    """A bar on a terminal; elsewhere a line now and then. Use in a `with` block."""

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        self._label = label
        self._quiet = quiet
        self._bar: Any = None
        self._last_line = time.monotonic()

    def __enter__(self) -> ProgressShown:
        if not self._quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._label, unit="B", unit_scale=True, file=sys.stderr, leave=False
            )
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            try:
                self._bar.close()
                sys.stderr.flush()  # tqdm says nothing of a terminal that has gone
            except OSError:
                streams.abandon(sys.stderr)

    def __call__(self, progress: Progress) -> None:
        """Shows how far a transfer is."""
        if self._bar is not None:
            try:
                self._move_bar(progress)
            except OSError:  # the terminal has gone; the transfer goes on
                self._bar.disable = self._quiet = True
                self._bar = None
                streams.abandon(sys.stderr)
        elif not self._quiet and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._say_line(progress)

    def _move_bar(self, progress: Progress) -> None:
        self._bar.total = progress.total_bytes
        self._bar.n = progress.source_bytes
        if progress.objects is not None:
            count = f"{progress.objects:,} of {progress.total_objects:,} objects"
            self._bar.set_postfix_str(count, refresh=False)
        elif progress.records:
            self._bar.set_postfix_str(f"{progress.records:,} records", refresh=False)
        self._bar.refresh()

    def _say_line(self, progress: Progress) -> None:
        total = f" of {progress.total_bytes:,}" if progress.total_bytes else ""
        records = f", {progress.records:,} records" if progress.records else ""
        if progress.objects is not None:
            records += f", {progress.objects:,} of {progress.total_objects:,} objects"
        streams.say(f"airscoop: {self._label}: {progress.source_bytes:,}{total} bytes{records}")
