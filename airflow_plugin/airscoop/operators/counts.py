"""How many records a load must find, by the receipts of the tasks that wrote them.

A guard that cannot work is an error, which says what is missing: it is turned off by name only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airscoop import kinds
from airscoop.errors import UsageError
from airscoop.operators.receipts import receipts_in

Counted = Callable[[Mapping[str, object]], "int | None"]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The two arguments of an operator that say how many records it must find: `receipt`, and the
    one that takes a number, "receipt" for what that counted, or None for no check.

    number: the name of the latter. writer: whose output the receipts are. count: of one receipt;
    None where it is no such receipt.
    """

    number: str
    writer: str
    count: Counted

    def receipts_of(self, given: object) -> list[Mapping[str, object]]:
        """The receipts: one, or those of a sequence; none where nothing is given."""
        return [self._receipt(name, one) for name, one in receipts_in(given)]

    def _receipt(self, name: str, given: object) -> Mapping[str, object]:
        if isinstance(given, Mapping) and self.count(given) is not None:
            return given
        raise UsageError(
            f"{name} must be what {self.writer} returned, "
            f"not {type(given).__name__}; pass that task's output"
        )

    def expected(self, number: object, receipt: object) -> int | None:
        """What `number` says, or else the receipts' sum; None for no check."""
        found = self.receipts_of(receipt)
        if number is None:
            return None
        said: int | str = EXPECTED.read(number, self.number)
        if isinstance(said, int):
            return said
        if receipt is None:
            raise UsageError(
                "nothing says how many records to expect: receipt is None "
                "(not given, or its task was skipped). Pass receipt, the output of "
                f"{self.writer}, or {self.number}: a number, or None for no check"
            )
        return sum(self._counted(one) for one in found)

    def _counted(self, receipt: Mapping[str, object]) -> int:
        if receipt.get("format") == "raw":
            raise UsageError(
                f"{receipt.get('destination', 'receipt')} was written in the "
                "format raw, so its records were not counted. Give the task that wrote it the "
                f"argument format (for example 'jsonl'), or this one {self.number}: a number, or "
                "None for no check"
            )
        count = self.count(receipt)
        assert count is not None
        return count


def _expected(value: Any, name: str) -> int | str:
    if value == "receipt":
        return "receipt"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise UsageError(
        f"{name} is {kinds.shown(value)}; give a number, 'receipt' for what the receipt counted, "
        "or None for no check"
    )


EXPECTED = kinds.Kind(_expected, kinds.parse_number)  # how many records a load must find


def number_in(receipt: Mapping[str, object], *names: str) -> int | None:
    """The sum of these fields; None where one is no count."""
    found = [receipt.get(name) for name in names]
    if any(not isinstance(value, int) or isinstance(value, bool) or value < 0 for value in found):
        return None
    return sum(value for value in found if isinstance(value, int))
