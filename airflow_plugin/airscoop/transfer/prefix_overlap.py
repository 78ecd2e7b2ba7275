"""A prefix that is copied into what is around it, or perhaps into itself.

A listing is read page by page while copies are made: it must not find them, and no copy may replace
an object that is still to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airscoop import _native
from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import bucket_and_key
from airscoop.errors import UsageError
from airscoop.transfer.rejects import REJECTS, rejects_for

if TYPE_CHECKING:
    from airscoop.aws.storage import ObjectInfo

REJECTS_FOLDER = f"{REJECTS}/"


def same_bucket(one: str, s3: S3Settings, other: str, other_s3: S3Settings) -> bool | None:
    """Whether two s3:// names are of one bucket; None where nothing tells. Resolved settings."""
    return _native.same_bucket(
        bucket_and_key(one)[0],
        s3.endpoint_url,
        s3.region,
        bucket_and_key(other)[0],
        other_s3.endpoint_url,
        other_s3.region,
    )


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Objects whose name begins with `nested` have their copies among the sources, or are copies.

    Of two objects, x and nested + x, one is copied to where the other stands. `written`: how names
    begin that copies and their reject files may have.
    """

    nested: str
    written: tuple[str, ...]

    def apart(
        self,
        listed: Callable[[str], Iterator[ObjectInfo]],
        name_of: Callable[[ObjectInfo], str],
        is_copied: Callable[[ObjectInfo], bool],
    ) -> Iterator[ObjectInfo]:
        """What `listed("")` gives, without what the copy adds; those that may be hit come last.

        They are kept in memory. Raises UsageError where one would be copied over another.
        """
        kept = [info for start in self.written for info in listed(start)]
        moved = {
            name_of(info).removeprefix(self.nested)
            for info in kept
            if is_copied(info) and name_of(info).startswith(self.nested)
        }
        if moved:
            self._refuse_two(listed, lambda info: is_copied(info) and name_of(info) in moved)
        yield from (info for info in listed("") if not name_of(info).startswith(self.written))
        yield from kept

    def _refuse_two(
        self,
        listed: Callable[[str], Iterator[ObjectInfo]],
        is_hit: Callable[[ObjectInfo], bool],
    ) -> None:
        hit = next((info for info in listed("") if is_hit(info)), None)
        if hit is not None:
            raise UsageError(
                f"{hit.uri} and the object of the same name below {self.nested} are both to be "
                "copied, one to where the other stands: exclude one of them. Nothing was copied"
            )


def overlap_of(
    source: str,
    source_s3: S3Settings,
    destination: str,
    destination_s3: S3Settings,
    *,
    rejects: bool,
) -> Overlap | None:
    """How two prefixes in S3 lie in each other; settings are resolved.

    UsageError where all would be copied again, or where reject files would be.
    """
    same = same_bucket(source, source_s3, destination, destination_s3)
    if same is False:
        return None
    below, to = (_prefix(bucket_and_key(place)[1]) for place in (source, destination))
    if same and to.startswith(below):
        raise UsageError(f"{destination} lies within {source}: copies would be copied again")
    kept = bucket_and_key(rejects_for(f"{destination}x"))[1]
    reject_folder = kept.rpartition(REJECTS_FOLDER)[0] + REJECTS_FOLDER
    if rejects and below.startswith(reject_folder):
        raise UsageError(f"{source} is where the rejected records of {destination} go")
    if to == below:  # in another storage, or each onto itself
        return None
    if to.startswith(below):
        nested = to.removeprefix(below)
        written = {nested, reject_folder.removeprefix(below) if rejects else nested}
        return Overlap(nested=nested, written=tuple(sorted(written)))
    if below.startswith(to):
        nested = below.removeprefix(to)
        return Overlap(nested=nested, written=(nested,))
    return None


def _prefix(key: str) -> str:
    return key if key.endswith("/") or not key else f"{key}/"
