"""What the commands print: receipts on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airscoop.receipts import Receipt
    from airscoop.transfer.copy import Progress

SECONDS_BETWEEN_LINES = 10.0


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json, the same for every verb."""
    parser.add_argument(
        "--json", action="store_true", help="print the receipt, and nothing else, as JSON on stdout"
    )


def show(receipt: Receipt, *, as_json: bool, data_on_stdout: bool = False) -> None:
    """Prints a receipt; beside data on stdout it goes to stderr."""
    text = receipt.summary()
    if as_json:
        import json

        text = json.dumps(receipt.to_dict())
    print(text, file=sys.stderr if data_on_stdout else sys.stdout)


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
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Shows how far a transfer is."""
        if self._bar is not None:
            self._bar.total = progress.total_bytes
            self._bar.n = progress.source_bytes
            if progress.objects is not None:
                count = f"{progress.objects:,} of {progress.total_objects:,} objects"
                self._bar.set_postfix_str(count, refresh=False)
            elif progress.records:
                self._bar.set_postfix_str(f"{progress.records:,} records", refresh=False)
            self._bar.refresh()
        elif not self._quiet and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            total = f" of {progress.total_bytes:,}" if progress.total_bytes else ""
            records = f", {progress.records:,} records" if progress.records else ""
            if progress.objects is not None:
                records += f", {progress.objects:,} of {progress.total_objects:,} objects"
            print(
                f"airscoop: {self._label}: {progress.source_bytes:,}{total} bytes{records}",
                file=sys.stderr,
                flush=True,
            )
