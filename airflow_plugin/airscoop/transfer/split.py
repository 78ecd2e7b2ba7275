"""Outputs in several files of about one size, cut at line ends, committed only at the end."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import TYPE_CHECKING

from airscoop import _native
from airscoop.aws.settings import S3Settings
from airscoop.errors import AirscoopError, LeftoverFiles, UsageError
from airscoop.receipts.transfer import CopyReceipt, WrittenFile
from airscoop.system_errors import told
from airscoop.transfer import places
from airscoop.transfer.prefix_overlap import same_bucket
from airscoop.transfer.split_files import SplitFiles, mark_of, part_name
from airscoop.transfer.upload import OwnedUpload

if TYPE_CHECKING:
    from airscoop.transfer.options import TransferOptions

LEAST_BYTES = 5 * 2**20  # S3's smallest part
STEP_BYTES = 2**20
MOST_FILES = 100_000
GZIP_HEADER = b"\x1f\x8b\x08"


def merged(
    receipts: list[CopyReceipt],
    destination: str,
    files: list[WrittenFile],
    removed: list[str],
    seconds: float,
) -> CopyReceipt:
    """One receipt of many files."""
    return dataclasses.replace(
        receipts[0],
        seconds=seconds,
        destination=destination,
        source_bytes=sum(one.source_bytes for one in receipts),
        text_bytes=sum(one.text_bytes for one in receipts),
        destination_bytes=sum(one.destination_bytes for one in receipts),
        parts=sum(one.parts for one in receipts),
        retries=sum(one.retries for one in receipts),
        etag=None,
        checksum=None,
        unchanged=False,
        files=files,
        removed=removed,
    )


def refuse_source(options: TransferOptions) -> None:
    """Raises UsageError where a file of the output would replace the source.

    Until all are committed the source is what a failed copy is made from again.
    """
    source, destination = options.source, options.destination or "-"
    s3, other_s3 = options.source_s3, options.destination_s3
    if places.is_http(source) and places.is_s3(destination):
        s3, source = other_s3, _object_of(source, other_s3.resolved())
    if not SplitFiles(destination, s3=None).names(source):
        return
    in_s3 = places.is_s3(source)
    if in_s3 and same_bucket(source, s3.resolved(), destination, other_s3.resolved()) is False:
        return
    raise UsageError(
        f"{places.displayed(options.source)} is where files of {destination} go: name another "
        "destination"
    )


def _object_of(address: str, s3: S3Settings) -> str:
    """The s3:// name of an object's web address; the address itself where it is that of none."""
    found = _native.web_object(places.encoded(address), s3.endpoint_url, s3.region)
    return found.decode(errors="surrogateescape") or address


class SplitUpload:
    """As Upload, but to several files; a file is cut at the first line end after `split_bytes`.

    Each is sent whole, gzip data of its own, before the first is committed. Commits follow each
    other: between the first and the last some of the files are there and others are not. Then the
    files of an earlier run that this one has not written are removed. Files in the way of which
    nothing proves that such a run wrote them end it before it commits; `split_replace` replaces
    them, too.
    """

    receipt: CopyReceipt | None

    def __init__(self, options: TransferOptions) -> None:
        destination, split_bytes = options.destination or "-", int(options.split_bytes or 0)
        if split_bytes < LEAST_BYTES:
            raise UsageError(f"split_bytes {split_bytes} is less than {LEAST_BYTES}")
        if destination == "-" or destination.endswith("/"):
            raise UsageError(f"{destination} is no name that files could be named after")
        if not options.overwrite:
            raise UsageError("overwrite=False and split_bytes do not go together")
        s3 = options.destination_s3
        self._destination = destination
        self._split_bytes = split_bytes
        self._replace = options.split_replace
        self._part_options = dataclasses.replace(
            options,
            held=True,
            split_part=True,
            split_bytes=None,
            split_replace=False,
            destination_s3=s3.resolved() if places.is_s3(destination) else s3,
        )
        self._there = SplitFiles(destination, s3=self._part_options.destination_s3)
        self._refuse_others(first=1)  # every run replaces number 0: that one is for the end
        self._sealed: list[OwnedUpload] = []
        self._current: OwnedUpload | None = self._next()
        self._committed = 0
        self._start = time.monotonic()
        self._lines = 0  # of the current file
        self._all_lines: list[int] = []
        self._pending_line = False
        self._buffer = bytearray()
        self._begun = False
        self.receipt = None

    def _next(self) -> OwnedUpload:
        if len(self._sealed) == MOST_FILES:
            raise UsageError(f"more than {MOST_FILES} files: raise split_bytes")
        name = part_name(self._destination, len(self._sealed))
        object_options = self._part_options.object_options
        if places.is_s3(name):
            metadata = {**object_options.metadata, **mark_of(name)}
            object_options = dataclasses.replace(object_options, metadata=metadata)
        return OwnedUpload(
            dataclasses.replace(self._part_options, destination=name, object_options=object_options)
        )

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Takes all of `data`; waits while the network is behind. Returns the bytes taken."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), STEP_BYTES):
            self._buffer += view[start : start + STEP_BYTES]
            while len(self._buffer) >= STEP_BYTES:
                self._step()
        return len(view)

    def _step(self) -> None:
        """Writes equal steps whatever the writes were, so that equal data is cut equally."""
        if not self._begun and self._buffer.startswith(GZIP_HEADER):
            raise UsageError(
                f"{self._destination}: what is to be cut is gzip data, whose pieces nobody could "
                'read: write the text; with compression="gzip" each file is packed'
            )
        self._begun = True
        current = self._current
        if current is None:
            current = self._current = self._next()
        piece = bytes(self._buffer[:STEP_BYTES])
        full = current.written_bytes() >= self._split_bytes
        if full:
            piece = piece[: piece.find(b"\n") + 1] or piece
        current.write(piece)
        del self._buffer[: len(piece)]
        self._lines += piece.count(b"\n")
        self._pending_line = not piece.endswith(b"\n")
        if full and not self._pending_line:
            self._seal()

    def _seal(self) -> None:
        if self._current is None:
            return
        self._current.seal()
        self._sealed.append(self._current)
        self._all_lines.append(self._lines + self._pending_line)
        self._current, self._lines, self._pending_line = None, 0, False

    def commit(self) -> CopyReceipt:
        """Makes what was written visible, one file after the other."""
        while self._buffer:
            self._step()
        self._seal()
        self._refuse_others(first=0)
        try:
            receipts = [self._commit_one(upload) for upload in self._sealed]
        except AirscoopError as error:
            raise self._told(error) from error
        except BaseException as error:
            vars(error)["committed"] = self._made(error)
            raise
        removed = self._remove_others()
        files = [
            WrittenFile(
                name=one.destination,
                bytes=one.destination_bytes,
                lines=lines,
                etag=one.etag,
                checksum=one.checksum,
            )
            for one, lines in zip(receipts, self._all_lines, strict=True)
        ]
        seconds = time.monotonic() - self._start
        self.receipt = merged(receipts, self._destination, files, removed, seconds)
        return self.receipt

    def _commit_one(self, upload: OwnedUpload) -> CopyReceipt:
        receipt = upload.commit()
        self._committed += 1
        return receipt

    def _told(self, error: AirscoopError) -> AirscoopError:
        """The same error, with what is there already."""
        names = [part_name(self._destination, number) for number in range(self._committed)]
        there = f"{names[0]} to {names[-1]}" if names else "none"
        told = copy.copy(error)
        told.args = (
            f"{error}; of {len(self._sealed)} files these are committed: {there}; run it again",
        )
        told.committed = self._made(error)
        return told

    def _made(self, error: BaseException) -> bool | None:
        """Whether all files are there; None: some of them, or that is not known."""
        last = getattr(error, "committed", False)
        count = self._committed + (last is True)
        return None if last is None or 0 < count < len(self._sealed) else count > 0

    def abort(self) -> None:
        """Takes back what is not committed."""
        for upload in [*self._sealed, *([self._current] if self._current is not None else [])]:
            upload.abort()

    # --- the files that are there ---

    def _refuse_others(self, first: int) -> None:
        if not self._replace:
            self._there.refuse_others(first)

    def _remove_others(self) -> list[str]:
        """Files of an earlier run with more of them: their rows would count twice."""
        removed: list[str] = []
        what = "an older file, if there is one,"
        try:
            for file in self._there.found():
                if file.number is not None and file.number < len(self._sealed):
                    continue
                what = file.name
                if not self._replace and not self._there.is_ours(file):
                    raise UsageError("it came meanwhile, and nothing proves what it is")
                self._there.remove(file)
                removed.append(file.name)
        except (AirscoopError, OSError) as error:
            failure = LeftoverFiles(
                f"{self._destination} is committed in {len(self._sealed)} files, but {what} stands "
                "beside them and could not be removed: its rows count twice, remove it: "
                f"{told(error)}"
            )
            failure.committed = True
            failure.retryable = getattr(error, "retryable", False)  # all is written once more
            raise failure from error
        except BaseException as error:
            vars(error)["committed"] = True
            error.add_note("airscoop: all files are there, and older ones may stand beside them")
            raise
        return removed
