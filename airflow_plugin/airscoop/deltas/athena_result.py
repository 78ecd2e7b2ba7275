"""The changes that Athena has written: its files in S3, merged by the changes' ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from airscoop._native import Transfer
from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellation
from airscoop.deltas.merging import merged
from airscoop.deltas.result import BLOCK_BYTES, Delta
from airscoop.error_facts import with_facts
from airscoop.errors import CountMismatch, ProtocolError, UnsupportedFormat
from airscoop.receipts.deltas import DeltaReceipt
from airscoop.transfer.options import TransferOptions

if TYPE_CHECKING:
    from airscoop.transfer.read_places import ReadPlaces
    from airscoop.transfer.upload import OwnedUpload

ID_BYTES, TAIL_BYTES = 32, 2  # a line ends with its id and "}
END_BYTES = len(',"id":"') + ID_BYTES + TAIL_BYTES + len("\n")


class AthenaDelta(Delta):
    """The changes that Athena wrote, in the order of their ids, whatever files they are in."""

    def __init__(
        self,
        receipt: DeltaReceipt,
        *,
        stamp: str,
        folder: str,
        s3: S3Settings,
        read: Sequence[ReadPlaces],
        cancellation: Cancellation,
        temp_dir: str | None = None,
    ) -> None:
        self.receipt = receipt
        self._stamp = stamp
        self._read = read
        self._folder = folder
        self._s3 = s3
        self._cancellation = cancellation
        self._temp_dir = temp_dir

    def blocks(self) -> Iterator[bytes]:
        """The changes as JSON lines, in blocks of about 1 MiB; as many as the receipt counts."""
        count, block = 0, bytearray()
        counted = b',"changes":%d' % len(self) if self._stamp else b""
        for line in self._lines():
            count += 1
            block += line[:-END_BYTES] + counted + line[-END_BYTES:]
            if len(block) >= BLOCK_BYTES:
                yield bytes(block)
                block.clear()
        if count != len(self):
            mismatch = CountMismatch(
                f"{self._folder} has {count:,} changes, but Athena counted {len(self):,}; run the "
                "delta again"
            )
            raise with_facts(mismatch, counted="changes", expected=len(self), found=count)
        if block:
            yield bytes(block)

    def _write_to(self, upload: OwnedUpload) -> None:
        for block in self.blocks():
            upload.write(block)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Not for Athena's results: write them, and read the file."""
        raise UnsupportedFormat("changes by Athena are JSON lines: write them, and read the file")

    def discard(self) -> None:
        """Removes what the run has left below `results`."""
        discard(self._folder, self._s3)

    def _lines(self) -> Iterator[bytes]:
        """Each file is in order; together they are merged, in memory that is bounded."""
        found = [
            each.uri
            for each in storage.list_objects(
                f"{self._folder}changes/",
                s3=self._s3,
                check=self._cancellation.check,
            )
            if each.size
        ]
        sources = [partial(self._file, uri) for uri in found]
        return merged(sources, key=change_id, temp_dir=self._temp_dir)

    def _file(self, uri: str) -> Iterator[bytes]:
        before = b""
        blocks = read(self._cancellation, uri, s3=self._s3)
        for line in lines_of(blocks):
            if change_id(line) <= before:
                raise ProtocolError(f"{uri}: the changes are not in the order of their ids")
            before = change_id(line)
            yield line


def change_id(line: bytes) -> bytes:
    """The id at the end of a line."""
    end = len(line) - 1 - TAIL_BYTES
    return line[end - ID_BYTES : end]


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, each with its newline."""
    rest = b""
    for block in blocks:
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            yield from (line + b"\n" for line in whole.split(b"\n"))
    if rest:
        yield rest + b"\n"


def read(
    cancellation: Cancellation,
    uri: str,
    *,
    s3: S3Settings,
    head_lines: int | None = None,
) -> Iterator[bytes]:
    """What `airscoop.read` yields; a cancel ends it also while it waits."""
    options = TransferOptions(source=uri, source_s3=s3, head_lines=head_lines)
    transfer = Transfer(options.native(), to_memory=True)
    with transfer, cancellation.reaching(transfer):
        while block := transfer.read():
            yield block


def discard(prefix: str, s3: S3Settings) -> None:
    for each in storage.list_objects(prefix, s3=s3):
        storage.delete(each.uri, s3=s3)
