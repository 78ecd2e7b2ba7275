"""The objects that are counted, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from airscoop import kinds
from airscoop.aggregation.options import Source
from airscoop.aws.settings import S3Settings
from airscoop.errors import UsageError
from airscoop.transfer import places
from airscoop.transfer.options import place
from airscoop.transfer.prefix_entries import Entry, files, objects


def sources_of(given: Source) -> tuple[str, ...]:
    """The sources, each as the engine takes it; a prefix or folder ends in "/"."""
    if isinstance(given, str | os.PathLike):
        return (_source(given),)
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray):
        kinds.refuse("sources", "a place, or a list of places", given)
    if not given:
        raise UsageError("there is no source to count")
    return tuple(_source(one) for one in given)


def _source(given: str | os.PathLike[str]) -> str:
    """A Path to a folder has lost its slash."""
    name = place(given, "source")
    is_folder = not isinstance(given, str) and Path(given).is_dir()
    return name + "/" if is_folder and not name.endswith("/") else name


def entries(
    sources: Sequence[str], is_chosen: Callable[[str], bool], s3: S3Settings
) -> Iterator[Entry]:
    """All objects and files to count, in the order of the sources, below each in that of their
    keys; a UsageError for one that is none."""
    for source in sources:
        if not places.is_prefix(source):
            yield Entry(name=source.rpartition("/")[2], uri=source, size=None)
            continue
        for entry in _below(source, is_chosen, s3):
            if entry.refused is not None:
                raise UsageError(f"{places.displayed(source)}: {entry.refused}")
            yield entry


def _below(source: str, is_chosen: Callable[[str], bool], s3: S3Settings) -> Iterator[Entry]:
    if places.is_s3(source):
        return objects(
            source,
            to_files=False,
            s3=s3,
            overlap=None,
            is_chosen=is_chosen,
            skip_marker=lambda: None,
        )
    if not Path(source).is_dir():
        raise places.not_found(source, f"{places.displayed(source)} is no folder")
    return iter(sorted(files(source, is_chosen), key=lambda entry: entry.name))
