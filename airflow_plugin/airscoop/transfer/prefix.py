"""Copies of whole prefixes and folders, or of several sources, several at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from airscoop import kinds
from airscoop._native import default_memory_limit
from airscoop.aws.access_points import is_arn, located
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.errors import PrefixIncomplete, UsageError
from airscoop.receipts.prefix import PrefixReceipt
from airscoop.signatures import refuse_unknown
from airscoop.transfer import places
from airscoop.transfer.arguments import ObjectCopyOptions
from airscoop.transfer.job import Progress
from airscoop.transfer.naming import is_folder
from airscoop.transfer.options import TransferOptions, place
from airscoop.transfer.prefix_entries import Entry, singles
from airscoop.transfer.prefix_filters import Filter, chooser
from airscoop.transfer.prefix_plan import PrefixPlan
from airscoop.transfer.prefix_run import JOBS, PrefixCopy

MOST_NAMED = 5  # in the words of an error; the receipt names more

Place = str | os.PathLike[str]

KINDS: kinds.Kinds = {
    "jobs": kinds.whole(1, 1000),
    "allow_empty": kinds.FLAG,
    "dry_run": kinds.FLAG,
    "memory_limit": kinds.size(),
    "s3": S3_SETTINGS,
    "source_s3": S3_SETTINGS,
    "destination_s3": S3_SETTINGS,
    "on_progress": kinds.FUNCTION,
}
DEFAULTS = {"jobs": JOBS, "allow_empty": False, "dry_run": False}
# What `copy` takes, and a copy of many cannot.
OF_ONE = {
    "split_bytes": "split_bytes is for one object at a time",
    "split_replace": "split_bytes is for one object at a time",
    "version_id": "version_id is of one object: leave it out",
    "if_match": "if_match is of one object: leave it out",
    "rejects": "the rejects of many objects do not go to one place: leave it out",
}


def copy_prefix(
    source: Place | Sequence[Place],
    destination: Place,
    *,
    jobs: int = JOBS,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    allow_empty: bool = False,
    dry_run: bool = False,
    memory_limit: kinds.Size | None = None,
    s3: S3Settings | None = None,
    source_s3: S3Settings | None = None,
    destination_s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[ObjectCopyOptions],
) -> PrefixReceipt:
    """Copies all objects below a prefix, or files below a folder, each as `airscoop.copy` does.

    One of the two is in S3, or both; names end in "/". `jobs` objects are copied at once, as far as
    `memory_limit` (40 MiB), which they share, allows. What the destination has already, by size
    and checksum, is left alone; nothing is deleted. `options` are those of `airscoop.copy`.

    `include` and `exclude` are patterns ("*.json.gz") for what follows the prefix: what an include
    matches, or all without one, but for what an exclude matches. In their place `filters`, such as
    [("exclude", "*"), ("include", "*.txt")], are taken in their order: the last that matches
    decides; what none matches is copied if the first is an exclude. NotFound is raised when there
    is nothing to copy, unless `allow_empty`.

    A sequence of sources, each one object, file or web address, is copied below the destination,
    each under its own name, whatever is there.

    With `dry_run` all is listed and compared, and nothing is copied: the receipt says what would
    be, what the destination has already, and what would fail.

    An object that fails does not stop the others: in the end PrefixIncomplete names the first 1,000
    that failed and has the receipt, which keeps the receipts of the first 1,000 that were copied.
    """
    is_chosen = chooser(
        () if include is None else include,
        () if exclude is None else exclude,
        () if filters is None else filters,
    )
    _refuse_of_one(options)
    own = kinds.read_all(
        {
            "jobs": jobs,
            "allow_empty": allow_empty,
            "dry_run": dry_run,
            "memory_limit": memory_limit,
            "s3": s3,
            "source_s3": source_s3,
            "destination_s3": destination_s3,
            "on_progress": on_progress,
        },
        KINDS,
        DEFAULTS,
    )
    s3 = own["s3"] or S3Settings()
    alone = isinstance(source, str | os.PathLike)
    sources = _sources(source)
    to = _prefix(destination, "destination")
    _check_folder(sources, to, alone=alone)
    if any(map(is_arn, [*sources, to])):
        options["server_side"] = False  # as a copy of one object
    sources, source_s3 = _located(sources, own["source_s3"] or s3)
    to, destination_s3 = located(to, own["destination_s3"] or s3)
    copy = (PrefixPlan if own["dry_run"] else PrefixCopy)(
        TransferOptions.of(
            source=sources[0],
            destination=to,
            source_s3=source_s3,
            destination_s3=destination_s3,
            **options,
        ),
        sources_in_s3=any(map(places.is_s3, sources)),
        jobs=own["jobs"],
        memory_limit=own["memory_limit"] or default_memory_limit(),
    )
    label = places.displayed(sources[0])
    entries: Iterator[Entry]
    if alone:
        entries = copy.below(sources[0], is_chosen)
    else:
        entries = (one for one in singles(sources, to) if is_chosen(one.name))
        label += f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    receipt = copy.run(label, entries, on_progress)
    if receipt.failed:
        raise incomplete(receipt)
    if receipt.objects == 0 and not own["allow_empty"]:
        any_filter = include or exclude or filters
        raise places.not_found(
            sources[0],
            f"{label}: there is nothing to copy{' that the filters choose' if any_filter else ''}; "
            "allow_empty=True (--allow-empty) accepts that",
        )
    return receipt


def _located(sources: Sequence[str], s3: S3Settings) -> tuple[list[str], S3Settings]:
    """As `located`; one transfer reaches S3 in one way."""
    found = [located(one, s3) for one in sources]
    ways = [
        settings for name, (_, settings) in zip(sources, found, strict=True) if places.is_s3(name)
    ]
    if any(way != ways[0] for way in ways):
        raise UsageError("sources behind different access points are copied one point at a time")
    return [name for name, _ in found], ways[0] if ways else s3


def _sources(given: Place | Sequence[Place]) -> list[str]:
    if isinstance(given, str | os.PathLike):
        return [_prefix(given, "source")]
    if isinstance(given, bytes | bytearray) or not isinstance(given, Sequence):
        kinds.refuse("source", "a place, or a list of places", given)
    return [place(one, "source") for one in given]


def _prefix(name: Place, argument: str) -> str:
    """As the engine takes it; a Path has lost its slash at the end."""
    text = place(name, argument)
    return text if isinstance(name, str) else text + "/"


def _refuse_of_one(options: Any) -> None:
    """Takes out of the options those of `copy` that are for one object, which have to be unset."""
    for name, why in OF_ONE.items():
        if options.pop(name, None) not in (None, False):
            raise UsageError(why)
    refuse_unknown("copy_prefix", options, ObjectCopyOptions.__annotations__)


def _check_folder(sources: Sequence[str], destination: str, *, alone: bool) -> None:
    if not sources:
        raise UsageError("there is no source to copy")
    if alone and not places.is_prefix(sources[0]):
        raise UsageError(f"{places.displayed(sources[0])} names no prefix or folder: it ends in /")
    if not is_folder(destination):
        raise UsageError(
            f"{places.displayed(destination)} has to end in /: names of several go below it"
        )
    if not alone:
        if not places.is_s3(destination) and not Path(destination).is_dir():
            raise places.not_found(destination, f"{places.displayed(destination)} is no folder")
    elif not places.is_s3(sources[0]):
        if not Path(sources[0]).is_dir():
            raise places.not_found(sources[0], f"{places.displayed(sources[0])} is no folder")
        if not places.is_s3(destination):
            raise UsageError("from folder to folder airscoop does not copy: use cp or rsync")


def incomplete(receipt: PrefixReceipt) -> PrefixIncomplete:
    """The error that names some of the objects that were not copied, and has the receipt."""
    error = PrefixIncomplete(
        f"{receipt.source} -> {receipt.destination}: {receipt.failed} of "
        f"{receipt.objects} objects {'would not be' if receipt.dry_run else 'were not'} copied: "
        + "; ".join(f"{one.source}: {one.message}" for one in receipt.failures[:MOST_NAMED])
        + (" …" if receipt.failed > MOST_NAMED else "")
    )
    error.receipt = receipt
    error.retryable = all(failure.retryable for failure in receipt.failures)
    done = receipt.copied + receipt.equal > 0 and not receipt.dry_run
    any_there = done or any(failure.committed is not False for failure in receipt.failures)
    error.committed = None if any_there else False
    return error
