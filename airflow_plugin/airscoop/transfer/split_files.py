"""The files of a split output that are there already, and which of them a run of ours has written.

A file carries the proof itself, so that it is there as soon as the file is, and gone when another
replaces it: metadata in S3, an extended attribute in a folder. It names the file's place: a copy
elsewhere proves nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airscoop._native import is_split_file
from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.errors import NotFound
from airscoop.transfer import places

METADATA = "airscoop-split"
MOST_NAMED = 5


def part_name(destination: str, number: int) -> str:
    """x.json.gz -> x-00000.json.gz"""
    folder, stem, suffix = _pieces(destination)
    return f"{folder}{stem}-{number:05}{suffix}"


def mark_of(uri: str) -> dict[str, str]:
    """The metadata that a file of a split output in S3 is given."""
    return {METADATA: hashlib.sha256(uri[5:].encode()).hexdigest()}


def _pieces(destination: str) -> tuple[str, str, str]:
    folder, slash, name = destination.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}{slash}", stem, f"{dot}{suffix}"


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file whose rows a reader of the output would find; `number` is None of the unsplit name."""

    name: str
    number: int | None
    etag: str | None = None


class SplitFiles:
    """What stands under the names that a split output may have."""

    def __init__(self, destination: str, *, s3: S3Settings | None) -> None:
        in_s3 = places.is_s3(destination)
        self._destination = f"s3://{destination[5:]}" if in_s3 else destination
        self._folder, self._stem, self._suffix = _pieces(self._destination)
        self._pattern = re.compile(
            re.escape(f"{self._stem}-") + r"(\d{5})" + re.escape(self._suffix)
        )
        self._s3 = s3
        self._proven: dict[str, str | None] = {}  # ETags of objects that were asked for

    def found(self) -> list[FoundFile]:
        """The unsplit name first, then from the highest number down: whoever removes in this order
        and is interrupted leaves no gap below."""
        files = self._objects() if places.is_s3(self._destination) else self._paths()
        return sorted(
            files,
            key=lambda file: (file.number is None, file.number or 0),
            reverse=True,
        )

    def is_ours(self, file: FoundFile) -> bool:
        """Whether a run with this destination has written the file, and nobody since."""
        if file.number is None:
            return False
        if not places.is_s3(file.name):
            return is_split_file(file.name)
        return self._is_marked(file)

    def remove(self, file: FoundFile) -> None:
        """Removes the file; one that is gone is no fault."""
        if not places.is_s3(file.name):
            Path(file.name).unlink(missing_ok=True)
            return
        storage.delete(file.name, s3=self._s3)

    def refuse_others(self, first: int) -> None:
        """Raises PlaceExists where a file stands that no run of ours has written.

        Of numbers below `first` nothing is asked.
        """
        others = [
            file.name
            for file in reversed(self.found())
            if (file.number is None or file.number >= first) and not self.is_ours(file)
        ]
        if not others:
            return
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        raise places.exists(
            others[0],
            f"{', '.join(others[:MOST_NAMED])}{more}: there already, beside or in the way of the "
            f"files of {self._destination}, and not proven to be of an earlier split copy to it; "
            "its rows would count twice. Nothing was written. Move it away or remove it, or have "
            "it replaced: split_replace=True (--split-replace)",
        )

    def names(self, place: str) -> bool:
        """Whether a file of the output may be written there, in S3 if the buckets are one."""
        if place == "-" or places.is_http(place):
            return False
        if places.is_s3(place) != places.is_s3(self._destination):
            return False
        if places.is_s3(place):
            folder, _, name = place[5:].partition("/")[2].rpartition("/")
            return folder == self._folder[5:].partition("/")[2].rstrip("/") and self._fits(name)
        path = Path(place).resolve()
        return path.parent == Path(self._folder or ".").resolve() and self._fits(path.name)

    def _fits(self, name: str) -> bool:
        return self._pattern.fullmatch(name) is not None

    def _paths(self) -> Iterator[FoundFile]:
        folder = Path(self._folder or ".")
        if not folder.is_dir():
            return
        for path in folder.iterdir():
            match = self._pattern.fullmatch(path.name)
            if (match or path.name == self._stem + self._suffix) and path.is_file():
                number = int(match[1]) if match else None
                yield FoundFile(name=f"{self._folder}{path.name}", number=number)

    def _objects(self) -> Iterator[FoundFile]:
        skipped = len(self._folder[5:].partition("/")[2])
        for info in self._listed(f"{self._folder}{self._stem}-"):
            if match := self._pattern.fullmatch(info.key[skipped:]):
                yield FoundFile(name=info.uri, number=int(match[1]), etag=info.etag)
        # Keys that begin with the whole name follow it.
        unsplit = next(self._listed(self._destination), None)
        if unsplit is not None and unsplit.uri == self._destination:
            yield FoundFile(name=unsplit.uri, number=None)

    def _listed(self, prefix: str) -> Iterator[storage.ObjectInfo]:
        return storage.list_objects(prefix, s3=self._s3)

    def _is_marked(self, file: FoundFile) -> bool:
        if self._proven.get(file.name) == file.etag:
            return True
        try:
            info = storage.head(file.name, s3=self._s3)
        except NotFound:  # gone since it was listed: nothing of anyone's is in the way
            return True
        if info.split_mark != mark_of(file.name)[METADATA]:
            return False
        self._proven[file.name] = info.etag
        return True
