"""The changes between two exports: iterated, written, taken as Arrow, again and again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, Unpack

from airscoop import kinds
from airscoop.cancelling import Cancellation
from airscoop.deltas.stamp import line_without_changes
from airscoop.errors import UnsupportedFormat
from airscoop.receipts.deltas import DeltaReceipt
from airscoop.signatures import refuse_unknown

if TYPE_CHECKING:
    from airscoop._native import Changes
    from airscoop.aws.settings import S3Settings
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.transfer.arguments import DestinationOptions
    from airscoop.transfer.read_places import ReadPlaces
    from airscoop.transfer.upload import OwnedUpload

BLOCK_BYTES = 1 << 20


class Change(TypedDict):
    """One change. `row` has the new values, of a DELETE the old ones; `changed` is an UPDATE's,
    `format` a CSV export's, whose values are texts; dataset, version and previous are there if
    they were given, and `changes` then, how many the version has."""

    op: Literal["INSERT", "UPDATE", "DELETE"]
    key: dict[str, Any]
    row: dict[str, Any]
    changed: NotRequired[list[str]]
    format: NotRequired[Literal["csv"]]
    dataset: NotRequired[str]
    version: NotRequired[str]
    previous: NotRequired[str | None]
    changes: NotRequired[int]
    id: str


def _change(line: bytes, number: int) -> Change:
    """What Python cannot hold as a dict it may still write: that is an error, not a crash."""
    import json

    try:
        change: Change = json.loads(line)
    except (RecursionError, ValueError) as error:
        why = "its nesting" if isinstance(error, RecursionError) else str(error)
        raise UnsupportedFormat(
            f"change {number:,} is more than Python's json reads ({why}): write the changes, and "
            "read the file by another program"
        ) from None
    return change


class Delta:
    """The changes between two exports, to iterate, to write, to take as Arrow, again and again.

    They are in memory or in an unnamed temporary file, and gone with the object. `receipt` counts.
    """

    receipt: DeltaReceipt

    def __init__(
        self,
        changes: Changes,
        receipt: DeltaReceipt,
        *,
        stamp: str = "",
        read: Sequence[ReadPlaces] = (),
        cancellation: Cancellation | None = None,
    ) -> None:
        self._changes = changes
        self.receipt = receipt
        self._stamp = stamp
        self._read = read
        self._cancellation = cancellation or Cancellation("the delta")

    def blocks(self) -> Iterator[bytes]:
        """The changes as JSON lines, in blocks of about 1 MiB."""
        reader = self._changes.reader()
        while block := reader.read(BLOCK_BYTES):
            yield block

    def __iter__(self) -> Iterator[Change]:
        number = 0
        for block in self.blocks():
            for line in block.splitlines():
                number += 1
                yield _change(line, number)

    def __len__(self) -> int:
        return self.receipt.inserted + self.receipt.updated + self.receipt.deleted

    def __bool__(self) -> bool:
        """True, also without changes: a Delta is a result."""
        return True

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For pyarrow, polars, DuckDB: op, key {…}, row {…}, changed […], id; values as text."""
        return self._changes.__arrow_c_stream__(requested_schema)

    def write(
        self,
        destination: str | os.PathLike[str],
        *,
        s3: S3Settings | None = None,
        before_commit: Callable[[], object] | None = None,
        **options: Unpack[DestinationOptions],
    ) -> CopyReceipt:
        """Writes the changes as JSON lines, compressed when the name ends in .gz.

        The destination (s3://, a path or "-") appears whole or not at all. `before_commit` is
        called when all is sent and nothing is visible yet; what it raises takes everything back.
        A file without changes has one line that says which version it is of, if that was given.
        The `cancel` of the job that made this result makes the writing end in Cancelled, too.
        UsageError where the destination is one of the exports, which the file would replace.
        """
        from airscoop.transfer.arguments import DestinationOptions
        from airscoop.transfer.options import TransferOptions, place
        from airscoop.transfer.upload import OwnedUpload

        if before_commit is not None:
            kinds.FUNCTION.read(before_commit, "before_commit")
        refuse_unknown("write", options, DestinationOptions.__annotations__)
        settings = TransferOptions.of(
            source="",
            destination=place(destination, "destination"),
            s3=s3,
            held=before_commit is not None,
            **options,
        )
        for read in self._read:
            read.refuse(destination, s3)
        with (
            OwnedUpload(settings) as upload,
            self._cancellation.reaching(upload),
        ):
            if self._stamp and len(self) == 0:
                upload.write(line_without_changes(self._stamp))
            self._write_to(upload)
            if before_commit is not None:
                upload.seal()
                before_commit()
            written = upload.commit()
        return dataclasses.replace(
            written, format="jsonl", records_in=len(self), records_out=len(self)
        )

    def _write_to(self, upload: OwnedUpload) -> None:
        upload.write_changes(self._changes)

    def discard(self) -> None:
        """Removes what is kept outside of this process: Athena's results."""
