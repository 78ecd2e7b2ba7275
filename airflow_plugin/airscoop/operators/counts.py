"""How many records a load must find, by the receipts of the tasks that wrote them.

A guard that cannot work is an error, which says what is missing: it is turned off by name only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from airscoop.errors import UsageError

Counted = Callable[[Mapping[str, object]], "int | None"]


class DownloadDict(TypedDict, total=False):
    """What is read of the receipt of a StreamToS3Operator."""

    source: str
    source_etag: str | None
    destination: str
    format: str
    records_out: int


class ChangesDict(TypedDict, total=False):
    """And of that of `airscoop.delta` (three counts) or of a SnapshotDeltaOperator (one)."""

    inserted: int
    updated: int
    deleted: int
    count: int


class InsertDict(TypedDict, total=False):
    """And of that of an InsertDistinctOperator."""

    inserted: int
    replaced: int


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The two arguments of an operator that say how many records it must find.

    receipts: the argument's name that takes receipts, which is also the other one's default.
    number: the name of the argument that takes a number, or None for no check.
    writer: whose output the receipts are. count: of one receipt; None where it is no such receipt.
    """

    receipts: str
    number: str
    writer: str
    count: Counted

    def receipts_of(self, given: object) -> list[Mapping[str, object]]:
        """The receipts: one, or those of a mapped task; none where nothing is given."""
        if given is None:
            return []
        if isinstance(given, Sequence) and not isinstance(given, str | bytes):
            return [self._receipt(item, f"[{place}]") for place, item in enumerate(given)]
        return [self._receipt(given, "")]

    def _receipt(self, given: object, place: str) -> Mapping[str, object]:
        if isinstance(given, Mapping) and self.count(given) is not None:
            return given
        raise UsageError(
            f"{self.receipts}{place} must be the receipt of {self.writer}, "
            f"not {type(given).__name__}; pass that task's output"
        )

    def expected(self, number: object, receipts: object) -> int | None:
        """What `number` says, or else the receipts' sum; None for no check."""
        found = self.receipts_of(receipts)
        if number is None:
            return None
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return number
        if number != self.receipts:
            raise UsageError(
                f"{self.number} is {number!r}; give a number, "
                f"{self.receipts!r} for what {self.receipts} counted, or None for no check"
            )
        if receipts is None:
            raise UsageError(
                f"nothing says how many records to expect: {self.receipts} is None "
                f"(not given, or its task was skipped). Pass {self.receipts}, the output of "
                f"{self.writer}, or {self.number}: a number, or None for no check"
            )
        return sum(self._counted(receipt) for receipt in found)

    def _counted(self, receipt: Mapping[str, object]) -> int:
        if receipt.get("format") == "raw":
            raise UsageError(
                f"{receipt.get('destination', self.receipts)} was written in the "
                "format raw, so its records were not counted. Give the task that wrote it the "
                f"argument format (for example 'jsonl'), or this one {self.number}: a number, or "
                "None for no check"
            )
        count = self.count(receipt)
        assert count is not None
        return count


def number_in(receipt: Mapping[str, object], *names: str) -> int | None:
    """The sum of these fields; None where one is no count."""
    found = [receipt.get(name) for name in names]
    if any(not isinstance(value, int) or isinstance(value, bool) or value < 0 for value in found):
        return None
    return sum(value for value in found if isinstance(value, int))
