"""The receipts of the steps that take an export from its registration to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airscoop.receipts import Receipt


@dataclass(frozen=True, kw_only=True, repr=False)
class RegisterReceipt(Receipt):
    """Exports found in S3 and what became of them: found = registered + already_there + refused +
    conflicts.

    exports: the ids (TENANT/TABLE/VERSION) to work on, by table in the order of versions: new ones,
    those that an earlier run has not finished, and those whose error is to be seen: the newest
    version of a table as long as it has failed, any other once. refused: older than the last done
    one, and conflicts: more objects or other content than was registered, each with the reason.
    again: failed ones whose reason may be gone. failed: newest versions that have failed, each with
    the reason; both were registered before. incomplete: those whose marker is not there yet.
    other_objects: how many objects' names are not those of an export's.
    """

    MATTERS = (
        "exports", "found", "registered", "already_there", "refused", "conflicts", "again",
        "failed",
    )  # fmt: skip

    verb: str = "register"
    exports: list[str]
    found: int
    registered: list[str]
    already_there: int
    refused: dict[str, str]
    conflicts: dict[str, str]
    again: list[str]
    failed: dict[str, str]
    incomplete: list[str]
    other_objects: int

    def summary(self) -> str:
        text = (
            f"{self.found:,} exports: {len(self.registered):,} registered, "
            f"{self.already_there:,} already there"
        )
        for count, what in (
            (len(self.refused), "refused"),
            (len(self.conflicts), "in conflict"),
            (len(self.again), "tried again"),
            (len(self.failed), "newest and failed"),
            (len(self.incomplete), "not complete yet"),
        ):
            text += f", {count:,} {what}" if count else ""
        reasons = dict.fromkeys(
            [*self.refused.values(), *self.conflicts.values(), *self.failed.values()]
        )
        return "; ".join([f"{text}, {len(self.exports):,} to work on", *reasons])


@dataclass(frozen=True, kw_only=True, repr=False)
class ChangesReceipt(Receipt):
    """The changes of an export, written to `changes`; previous: the version it was compared with.

    computed: false where an earlier try had written the same file. delta: the comparison's receipt.
    """

    MATTERS = ("export", "previous", "changes", "etag", "count", "computed", "delta")

    verb: str = "compute"
    export: str
    previous: str | None
    changes: str
    etag: str
    count: int
    computed: bool
    delta: dict[str, Any]

    def summary(self) -> str:
        how = "written to" if self.computed else "already in"
        return (
            f"{self.export} against {self.previous or 'nothing'}: {self.count:,} changes {how} "
            f"{self.changes}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class FinishReceipt(Receipt):
    """The end of an export's work; its lock is released."""

    MATTERS = ("export", "previous", "state", "error", "changes", "published")

    verb: str = "finish"
    export: str
    previous: str | None
    state: Literal["done", "failed"]
    error: str | None
    changes: int | None
    published: int

    def summary(self) -> str:
        error = f": {self.error}" if self.error else ""
        return f"{self.export} is {self.state}{error}"


@dataclass(frozen=True, kw_only=True)
class ExportState:
    """An export as the registry has it. published: how many of the changes are. holds_up_others:
    later versions wait for it. given_up: it has failed, and nobody waits for it, by hand.
    """

    export: str
    state: str
    holds_up_others: bool
    changes: int | None
    published: int
    attempts: int
    owner: str | None
    given_up: bool
    code: str | None
    error: str | None
    updated_at: str

    def line(self) -> str:
        """For people."""
        text = f"{self.export}  {self.state}  {self.updated_at}"
        if self.changes is not None:
            text += f"  {self.published:,} of {self.changes:,} changes published"
        if self.holds_up_others:
            text += "  later versions wait for it"
        if self.given_up:
            text += "  given up"
        return text + (f"\n    {self.error}" if self.error else "")


@dataclass(frozen=True, kw_only=True)
class LockState:
    """A lock that is held."""

    dataset: str
    owner: str
    fence: int


@dataclass(frozen=True, kw_only=True, repr=False)
class ExportsReceipt(Receipt):
    """What the registry `table` holds: exports by their tables, in the order of versions; locks."""

    MATTERS = ("table", "exports", "locks")

    verb: str = "exports"
    table: str
    exports: list[ExportState]
    locks: list[LockState]

    def summary(self) -> str:
        lines = [one.line() for one in self.exports]
        lines += [f"{one.dataset}  locked by {one.owner}, fence {one.fence}" for one in self.locks]
        return "\n".join(lines or [f"the table {self.table} has no such exports"])


@dataclass(frozen=True, kw_only=True, repr=False)
class OnCallReceipt(Receipt):
    """What was done about a failed export; error: what it had failed with."""

    MATTERS = ("export", "was", "state", "error")

    export: str
    was: str
    state: str
    error: str | None

    def summary(self) -> str:
        what = {
            "retry": "the next run works on it",
            "give-up": "nobody waits for it; what it has published stays",
        }[self.verb]
        return f"{self.export} was {self.was}, is {self.state}: {what}"


@dataclass(frozen=True, kw_only=True, repr=False)
class UnlockReceipt(Receipt):
    """A lock that was taken away; held_by None: nobody held it."""

    MATTERS = ("dataset", "held_by")

    verb: str = "unlock"
    dataset: str
    held_by: str | None

    def summary(self) -> str:
        if self.held_by is None:
            return f"{self.dataset}: nobody held the lock"
        return f"{self.dataset}: the lock was taken away from {self.held_by}"
