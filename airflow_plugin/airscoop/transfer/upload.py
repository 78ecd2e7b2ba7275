"""An upload that is written to, in pieces, and committed or taken back."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from airscoop import kinds
from airscoop._native import Transfer
from airscoop.aws.settings import S3Settings
from airscoop.signatures import refuse_unknown
from airscoop.transfer.arguments import DestinationOptions
from airscoop.transfer.options import Format, TransferOptions, place
from airscoop.transfer.outcome import note_commit, receipt_of

if TYPE_CHECKING:
    from airscoop._native import Changes
    from airscoop.receipts.transfer import CopyReceipt


_Answer = TypeVar("_Answer")


class Upload:
    """A destination that is written to: committed by a `with` block that ends well, else aborted.

    Leaving the block by an exception, `abort()`, or dropping the last reference, which warns, takes
    everything back. `receipt` is set after `commit()`.
    """

    receipt: CopyReceipt | None

    def __init__(
        self,
        destination: str | os.PathLike[str],
        *,
        format: Format = "auto",
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> None:
        refuse_unknown("Upload", options, DestinationOptions.__annotations__)
        self._begin(
            TransferOptions.of(
                source="",
                destination=place(destination, "destination"),
                format=format,
                s3=s3,
                **options,
            )
        )

    def _begin(self, options: TransferOptions) -> None:
        self._options = options
        native = options.native()
        native["source"] = None
        self._transfer = Transfer(native)
        self._start = time.monotonic()
        self._aborted = False
        self._failed = False
        self.receipt = None

    def _told(self, step: Callable[..., _Answer], *given: Any) -> _Answer:
        """A step of the transfer. Of what it raises its caller knows, without a warning."""
        try:
            return step(*given)
        except BaseException:
            self._failed = True
            raise

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Takes all of `data`; waits while the network is behind. Returns the bytes taken."""
        if not isinstance(data, bytes | bytearray | memoryview):
            data = _buffer(data)
        return self._told(self._transfer.write, data)

    def written_bytes(self) -> int:
        """Bytes of the destination that have been made so far, compressed ones where it is gzip."""
        return self._transfer.facts()["destination_bytes"]

    def commit(self) -> CopyReceipt:
        """Makes what was written visible."""
        try:
            facts = self._told(self._transfer.commit)
            seconds = time.monotonic() - self._start
            self.receipt = receipt_of("upload", self._options, facts, seconds)
            return self.receipt
        except BaseException as error:
            note_commit(error, self._transfer)
            raise

    def cancel(self) -> None:
        """Makes the call that waits, or else the next one, end in Cancelled. Any thread."""
        self._transfer.cancel()

    def abort(self) -> None:
        """Takes everything back; after a commit it does nothing."""
        self._aborted = True
        self._transfer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self.receipt is None and not self._aborted:
            self.commit()
        else:
            self.abort()

    def __del__(self) -> None:
        # The transfer is taken back when it is dropped with this.
        if not getattr(self, "_aborted", True) and not self._failed and self.receipt is None:
            warnings.warn(
                f"{self._options.destination}: dropped without commit(): nothing was written",
                RuntimeWarning,
                stacklevel=2,
            )


def _buffer(data: object) -> memoryview:
    """Of an array, say."""
    try:
        return memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        kinds.refuse("data", "bytes", data)


class OwnedUpload(Upload):
    """One of airscoop's own: of a file object, an output in several files, a delta. What it belongs
    to warns of its own drop."""

    def __init__(self, options: TransferOptions) -> None:
        self._begin(options)

    def write_changes(self, changes: Changes) -> int:
        """Takes a delta's changes as JSON lines, made on two threads. Returns their bytes."""
        return self._told(self._transfer.write_changes, changes)

    def seal(self) -> None:
        """Of a held upload: sends everything and gives its memory back; `commit` comes next."""
        self._told(self._transfer.seal)

    def __del__(self) -> None:
        """Says nothing."""
