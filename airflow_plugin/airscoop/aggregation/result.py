"""The groups that were counted: as Arrow, as rows, written as Parquet or JSON lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, Unpack

from airscoop import kinds
from airscoop.cancelling import Cancellation
from airscoop.errors import UsageError
from airscoop.receipts.aggregation import AggregationReceipt, CountedGrouping
from airscoop.signatures import refuse_unknown
from airscoop.transfer.read_places import ReadPlaces

if TYPE_CHECKING:
    from airscoop._native import Aggregated
    from airscoop.aws.settings import S3Settings
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.transfer.arguments import DestinationOptions
    from airscoop.transfer.upload import OwnedUpload

GroupFormat = Literal["parquet", "jsonl"]
FORMAT = kinds.choice(GroupFormat)
BLOCK_BYTES = 1 << 20


class Groups:
    """The groups of one grouping, to iterate as dicts, to take as Arrow, to write, again and
    again; in the order of their columns, texts by their bytes, NULL first."""

    def __init__(
        self,
        result: Aggregated,
        number: int,
        counted: CountedGrouping,
        *,
        read: ReadPlaces,
        cancellation: Cancellation,
    ) -> None:
        self._result = result
        self._number = number
        self._read = read
        self._cancellation = cancellation
        self.name = counted.name
        self.counted = counted

    def blocks(self) -> Iterator[bytes]:
        """The groups as JSON lines, in blocks of about 1 MiB."""
        reader = self._result.reader(self._number)
        while block := reader.read(BLOCK_BYTES):
            self._cancellation.check()
            yield block

    def __iter__(self) -> Iterator[dict[str, Any]]:
        import json

        for block in self.blocks():
            for line in block.splitlines():
                yield json.loads(line)

    def __len__(self) -> int:
        return self.counted.groups

    def __bool__(self) -> bool:
        """True, also without groups."""
        return True

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For pyarrow, polars, DuckDB: the columns by their declared types, then the measures."""
        return self._result.arrow(self._number)

    def write(
        self,
        destination: str | os.PathLike[str],
        *,
        format: GroupFormat | None = None,
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> CopyReceipt:
        """Writes the groups as Parquet (snappy), which needs pyarrow, or as JSON lines.

        The format is that of the name (.parquet, .jsonl, .jsonl.gz), unless it is given. The
        destination (s3:// or a path) appears whole or not at all.
        """
        with ExitStack() as stack:
            upload = self.begin(stack, destination, format=format, s3=s3, **options)
            return upload.commit()

    def begin(
        self,
        stack: ExitStack,
        destination: str | os.PathLike[str],
        *,
        format: GroupFormat | None = None,
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> OwnedUpload:
        """The same, but for the commit: the upload is sealed, and taken back when the stack is left
        before its commit."""
        from airscoop.transfer.arguments import DestinationOptions
        from airscoop.transfer.options import TransferOptions, place
        from airscoop.transfer.upload import OwnedUpload

        refuse_unknown("write", options, DestinationOptions.__annotations__)
        name = place(destination, "destination")
        written = format_of(name) if format is None else FORMAT.read(format, "format")
        self._read.refuse(destination, s3)
        settings = TransferOptions.of(source="", destination=name, s3=s3, held=True, **options)
        upload = stack.enter_context(OwnedUpload(settings))
        with self._cancellation.reaching(upload):
            if written == "parquet":
                from airscoop.aggregation.parquet import write_parquet

                write_parquet(self, upload, self._cancellation.check)
            else:
                for block in self.blocks():
                    upload.write(block)
            upload.seal()
        return upload


class Aggregation(Mapping[str, Groups]):
    """The groups of each grouping, by its name. `receipt` counts.

    They are in memory or in an unnamed temporary file, and gone with the object.
    """

    receipt: AggregationReceipt

    def __init__(
        self,
        result: Aggregated,
        receipt: AggregationReceipt,
        *,
        rejects: bytes,
        read: ReadPlaces,
        cancellation: Cancellation,
    ) -> None:
        self.receipt = receipt
        self._rejects = rejects
        self._groups = {
            counted.name: Groups(result, number, counted, read=read, cancellation=cancellation)
            for number, counted in enumerate(receipt.groupings)
        }
        self._cancellation = cancellation

    def __getitem__(self, name: str) -> Groups:
        return self._groups[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def rejects(self) -> bytes:
        """The rejected records as JSON lines: where each was, what is wrong with it, how it
        begins."""
        return self._rejects

    def write_rejects(
        self, destination: str | os.PathLike[str], *, s3: S3Settings | None = None
    ) -> CopyReceipt:
        """Writes them."""
        from airscoop.transfer.upload import Upload

        with Upload(destination, s3=s3) as upload:
            upload.write(self._rejects)
            return upload.commit()

    def write(
        self,
        prefix: str | os.PathLike[str],
        *,
        format: GroupFormat = "parquet",
        s3: S3Settings | None = None,
        before_commit: Callable[[], object] | None = None,
        **options: Unpack[DestinationOptions],
    ) -> dict[str, CopyReceipt]:
        """Writes each grouping below a prefix or folder, as NAME.parquet or NAME.jsonl.

        All of them are sent before the first one appears; each appears whole or not at all. What
        `before_commit` raises takes all of them back.
        """
        from airscoop.transfer.options import place

        folder = place(prefix, "prefix")
        if folder == "-":
            raise UsageError("a result is written below a prefix in S3 or a folder")
        if before_commit is not None:
            kinds.FUNCTION.read(before_commit, "before_commit")
        FORMAT.read(format, "format")
        folder = folder if folder.endswith("/") else folder + "/"
        with ExitStack() as stack:
            uploads = {
                name: groups.begin(
                    stack, f"{folder}{name}.{format}", format=format, s3=s3, **options
                )
                for name, groups in self._groups.items()
            }
            if before_commit is not None:
                before_commit()
            return {name: upload.commit() for name, upload in uploads.items()}


def format_of(name: str) -> GroupFormat:
    """By the name of a destination."""
    if name.lower().endswith(".parquet"):
        return "parquet"
    if name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    raise UsageError(
        f'{name} ends neither in .parquet nor in .jsonl: give format="parquet" or format="jsonl"'
    )
