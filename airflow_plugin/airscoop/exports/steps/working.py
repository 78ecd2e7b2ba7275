"""What the steps share: the lock that one works under, and who can cancel it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypedDict

from airscoop import kinds
from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellable, Cancellation
from airscoop.errors import AirscoopError, Cancelled, LockLost, NotFound, UsageError
from airscoop.exports.lease import HANDOVER_SECONDS, SECONDS, Lease
from airscoop.exports.registry import Registry

# It is given what cancels the whole step, once, before the step does anything that takes long.
OnStart = Callable[[Cancellable], object]


class LockDict(TypedDict):
    """An `ExportLock` in JSON types, as XCom has it."""

    export: str
    previous: str | None
    owner: str
    fence: int


KINDS: kinds.Kinds = {
    "export": kinds.TEXT,
    "owner": kinds.TEXT,
    "fence": kinds.whole(),
}
OF_TERMS: kinds.Kinds = dict.fromkeys(("seconds", "handover_seconds"), kinds.number(0, 7 * 86400))


@dataclass(frozen=True, kw_only=True)
class ExportLock:
    """An export that may be worked on: `owner` holds its table's lock, since `fence`."""

    export: str
    previous: str | None
    owner: str
    fence: int

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS, "lock: ")
        if self.previous is not None:
            kinds.TEXT.read(self.previous, "lock: previous")

    @property
    def dataset(self) -> str:
        """TENANT/TABLE."""
        return self.export.rpartition("/")[0]

    def to_dict(self) -> LockDict:
        """JSON types, for XCom."""
        return LockDict(
            export=self.export, previous=self.previous, owner=self.owner, fence=self.fence
        )

    @classmethod
    def of(cls, value: ExportLock | LockDict) -> ExportLock:
        """The lock, or what `to_dict` made of it."""
        if isinstance(value, ExportLock):
            return value
        try:
            return cls(**value)
        except TypeError as error:
            raise UsageError(
                f"lock must be the result of LockExportOperator, not {kinds.shown(value)}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long a lock holds without a sign of life: in a step, and between two of them."""

    seconds: float = SECONDS
    handover_seconds: float = HANDOVER_SECONDS

    def __post_init__(self) -> None:
        kinds.settle(self, OF_TERMS)


def begun(what: str, on_start: OnStart | None) -> Cancellation:
    """What cancels a step, known to whoever may want to."""
    cancellation = Cancellation(what)
    if on_start is not None:
        on_start(cancellation)
    return cancellation


@contextlib.contextmanager
def cancellable(
    registry: Registry, lock: ExportLock, terms: Terms | None, on_start: OnStart | None
) -> Iterator[tuple[Lease, Cancellation]]:
    """`working`, and what cancels it: `on_start`'s receiver, or the loss of the lock."""
    cancellation = Cancellation(lock.export)
    with working(registry, lock, terms, on_lost=lambda: cancellation.cancel()) as lease:
        if on_start is not None:
            on_start(cancellation)
        cancellation.check()
        yield lease, cancellation


@contextlib.contextmanager
def working(
    registry: Registry,
    lock: ExportLock,
    terms: Terms | None = None,
    *,
    on_lost: Callable[[], object] | None = None,
) -> Iterator[Lease]:
    """The lock of an export while one of its steps works; errors are noted in its record."""
    terms = terms or Terms()
    with Lease.attach(
        registry,
        lock.dataset,
        lock.owner,
        lock.fence,
        seconds=terms.seconds,
        handover_seconds=terms.handover_seconds,
        on_lost=on_lost,
    ) as lease:
        try:
            yield lease
        except LockLost as error:
            raise error from None  # what it stopped is no second error
        except Cancelled:
            _raise_loss(lease)
            raise
        except AirscoopError as error:
            _note(registry, lease, lock, f"{type(error).__name__}: {error}", error.code)
            raise
        except Exception as error:
            text = (
                f"{type(error).__name__}, which is no error of airscoop's: its traceback says more"
            )
            _note(registry, lease, lock, text, "INTERNAL")
            raise


def _raise_loss(lease: Lease) -> None:
    """The loss of the lock cancels, too, and is then the one reason."""
    try:
        lease.check()
    except LockLost as error:
        raise error from None


def _note(registry: Registry, lease: Lease, lock: ExportLock, error: str, code: str) -> None:
    with contextlib.suppress(AirscoopError):
        registry.note_error(lease, lock.export, error, code)


def etag_of(uri: str, s3: S3Settings | None, cancellation: Cancellation) -> str | None:
    """Of what stands there; None: nothing."""
    try:
        return storage.head(uri, s3=s3, check=cancellation.check).etag
    except NotFound:
        return None
