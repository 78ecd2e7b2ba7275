"""The receipt of a task in Airflow's `context["task_state_store"]`: there after a failure, too.

XCom has a receipt after success alone. This one is written when the work begins, while it is on its
way, and at its end, whatever that is; the tries of a task write over each other's. What became of a
task that was killed with `kill -9` is in it as far as it was told: its state is "running".
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException, TaskDeferred

from airscoop import __version__
from airscoop.error_facts import facts_of
from airscoop.errors import AirscoopError, Cancelled
from airscoop.operators.error_xcom import cause_of, error_dict
from airscoop.operators.safe_texts import safe, without_secrets
from airscoop.operators.stored_receipt import State, StoredReceipt, cut
from airscoop.receipts import FORMAT_VERSION, Receipt, in_utc, new_id

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

RECEIPT_KEY = "airscoop_receipt"
RETENTION = timedelta(days=365)
SECONDS_BETWEEN_WRITES = 10.0
SHARE = 20  # a store that takes a second is asked once in so many: the work goes on meanwhile
SHOWN_REJECTS = 20

Made = TypeVar("Made", bound=Receipt)
RECORD = ("source", "line", "byte_offset", "reason", "snippet")  # of the one that ended it
NOT_ENDED = (AirflowRescheduleException, TaskDeferred)


@dataclass(kw_only=True)
class SoFar:
    """What is known of a verb. receipt: what it returned, or what it would by now. counts,
    diagnostics: where there is no receipt. rejected: the first rejected records as a reject file
    has them. left_behind: what it has made that is no result."""

    receipt: Receipt | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    left_behind: Mapping[str, Any] = field(default_factory=dict)


class TaskReceipt:
    """The receipt of one run of a task. What fails about it is logged once, and fails nothing."""

    def __init__(self, context: Context, *, verb: str, so_far: Callable[[], SoFar] = SoFar) -> None:
        self._store: Any = context.get("task_state_store")  # None before Airflow 3.3
        self._try_number = getattr(context.get("ti"), "try_number", None)
        self._verb = verb
        self._so_far = so_far
        self._id = new_id()
        self._started_at, self._start = in_utc(datetime.now(UTC)), time.monotonic()
        self._due = 0.0
        self._warned = False

    @contextlib.contextmanager
    def kept(self, killed: Callable[[], bool] = bool) -> Iterator[None]:
        """Writes that the work begins, and with what it ended if it raises. killed: whether the
        task is being stopped."""
        self.progress()
        try:
            yield
        except NOT_ENDED:
            raise
        except AirflowSkipException as skipped:
            self._write("skipped", SoFar(diagnostics={"reason": str(skipped)}))
            raise
        except BaseException as error:
            self._failed(error, killed=killed())
            raise

    def progress(self) -> None:
        """Writes how far the work is, where the last write is long enough ago."""
        if self._store is not None and time.monotonic() >= self._due:
            self._write("running", self._known())

    def done(self, receipt: Made) -> Made:
        """Writes what the verb returned; gives it with the id of this run."""
        receipt = dataclasses.replace(receipt, id=self._id)
        if self._store is not None:
            known = SoFar(receipt=receipt, rejected=self._known().rejected)
            self._write("done", known)
        return receipt

    def done_with(self, result: Mapping[str, Any]) -> None:
        """Writes what a verb gave that returns no receipt."""
        self._write("done", SoFar(diagnostics=result))

    def _failed(self, error: BaseException, *, killed: bool) -> None:
        cause = cause_of(error)
        stopped = killed or isinstance(cause, Cancelled | KeyboardInterrupt)
        facts = facts_of(cause)
        known = self._known() if self._store is not None else SoFar()
        if isinstance(cause, AirscoopError) and cause.reason is not None:
            known.rejected = [*known.rejected, {name: facts.pop(name, None) for name in RECORD}]
        known.diagnostics = {**known.diagnostics, **facts}
        self._write("cancelled" if stopped else "failed", known, error)

    def _known(self) -> SoFar:
        try:
            return self._so_far()
        except Exception as failed:
            self._warn("how far the task has come is not known", failed)
            return SoFar()

    def _write(self, state: State, known: SoFar, error: BaseException | None = None) -> None:
        if self._store is None:
            return
        begun = time.monotonic()
        try:
            receipt = cut(self._document(state, known, error))
            # Safe texts may be longer, and what is cut need not be looked through.
            self._store.set(RECEIPT_KEY, cut(without_any_secret(receipt)), retention=RETENTION)
        except ImportError:  # of the supervisor, which a call outside of a task runner lacks
            log.debug("%s is not written: no task runner", RECEIPT_KEY)
        except Exception as failed:
            self._warn(f"{RECEIPT_KEY} cannot be written to the task state store", failed)
        now = time.monotonic()
        self._due = now + max(SECONDS_BETWEEN_WRITES, SHARE * (now - begun))

    def _document(self, state: State, known: SoFar, error: BaseException | None) -> StoredReceipt:
        counts, others = ({}, {}) if known.receipt is None else split_counts(known.receipt)
        return {
            "id": self._id,
            "verb": self._verb,
            "state": state,
            "started_at": self._started_at,
            "finished_at": None if state == "running" else in_utc(datetime.now(UTC)),
            "seconds": round(time.monotonic() - self._start, 3),
            "counts": {**counts, **known.counts},
            "error": None if error is None else error_dict(error),
            "airscoop_version": __version__,
            "format_version": FORMAT_VERSION,
            "try_number": self._try_number,
            "rejected": shown(known.rejected),
            "left_behind": dict(known.left_behind),
            "diagnostics": {**others, **known.diagnostics},
            "cut": None,
        }

    def _warn(self, what: str, failed: Exception) -> None:
        if not self._warned:
            self._warned = True
            log.warning("%s: %s", what, without_secrets(f"{type(failed).__name__}: {failed}"))


def split_counts(receipt: Receipt) -> tuple[dict[str, int], dict[str, Any]]:
    """Of the fields that matter those that are counts; and what else is no part of the envelope."""
    plain = receipt.to_dict()
    matter = {name: plain[name] for name in receipt.MATTERS}
    counts = {
        name: value
        for name, value in matter.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    others = {name: value for name, value in matter.items() if name not in counts}
    return counts, {**others, **plain["diagnostics"]}


def without_any_secret(receipt: StoredReceipt) -> StoredReceipt:
    """The receipt with safe texts; those of the first ten are."""
    return {
        **receipt,
        "rejected": safe(receipt["rejected"]),
        "left_behind": safe(receipt["left_behind"]),
        "diagnostics": safe(receipt["diagnostics"]),
    }


def shown(rejected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first ones, and the last one: it has ended the work."""
    return rejected if len(rejected) <= SHOWN_REJECTS else [*rejected[:SHOWN_REJECTS], rejected[-1]]
