"""Full exports in S3: s3://BUCKET/TENANT/TABLE/VERSION/FILE, and the order of versions."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop.aws import storage
from airscoop.aws.storage import bucket_and_key
from airscoop.errors import ExportConflict, UsageError
from airscoop.transfer import places

if TYPE_CHECKING:
    from airscoop.aws.settings import S3Settings

MOST_OBJECTS = 1000  # of one version: their names are one item of the registry
MOST_NAME_BYTES = 250_000  # of all of them; an item has 400 KB
MOST_VERSION_BYTES = 400
MOST_ORDER_BYTES = 1000  # a sort key has 1,024
MOST_NAMES = 3  # in a prefix: tenant, table and version
END_OF_VERSION, NUMBER = "\x01", "\x02"  # below all characters that a version may have


@dataclass(frozen=True, kw_only=True)
class ExportObject:
    """One object of an export; `etag` keeps its quotes."""

    uri: str
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Export:
    """One version of one table, and the objects that it is made of, in the order of their names.

    Runs of digits in names compare as numbers, as in versions: part-2 comes before part-10.
    """

    bucket: str
    tenant: str
    table: str
    version: str
    objects: tuple[ExportObject, ...]

    @property
    def id(self) -> str:
        """TENANT/TABLE/VERSION."""
        return f"{self.tenant}/{self.table}/{self.version}"

    @property
    def dataset(self) -> str:
        """TENANT/TABLE, what one lock is for."""
        return f"{self.tenant}/{self.table}"

    @property
    def order(self) -> str:
        """Where it stands among the versions of its table."""
        return version_order(self.version)

    @property
    def uris(self) -> list[str]:
        """The names of its objects."""
        return [each.uri for each in self.objects]

    @property
    def prefix(self) -> str:
        """The s3:// prefix below which all its objects are."""
        return f"s3://{self.bucket}/{self.id}/"

    @property
    def fingerprint(self) -> str:
        """Equal exactly when names, sizes and ETags of all objects are, in whatever order."""
        in_order = sorted(self.objects, key=lambda each: each.uri)
        lines = (f"{each.uri}\n{each.size}\n{each.etag}\n" for each in in_order)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Place:
    """What an object's name says: whose it is, and whether it holds rows."""

    bucket: str
    tenant: str
    table: str
    version: str
    file: str

    @property
    def id(self) -> str:
        """TENANT/TABLE/VERSION."""
        return f"{self.tenant}/{self.table}/{self.version}"

    @property
    def is_data(self) -> bool:
        """False of a marker for a folder, and of names that begin with _ or . (Spark's, Hive's)."""
        parts = self.file.split("/")
        return parts[-1] != "" and not any(part.startswith(("_", ".")) for part in parts)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What stands below a prefix, by versions.

    exports: in the order of their table's versions. incomplete: ids of versions whose marker is not
    there yet. conflicts: versions that are no export, each with the reason. other_objects: how many
    objects' names are not TENANT/TABLE/VERSION/FILE.
    """

    exports: list[Export]
    incomplete: list[str]
    conflicts: list[tuple[Export, str]]
    other_objects: int


def version_order(version: str) -> str:
    """A text by which versions sort, in Python as by the bytes of its UTF-8.

    Runs of digits, of whatever script, compare as numbers of any length, the rest as text. Versions
    that are equal so ("1", "01") have the order of their texts, so no two versions are the same.
    """
    parts = re.split(r"(\d+)", version)
    for i in range(1, len(parts), 2):
        digits = "".join(str(unicodedata.decimal(one)) for one in parts[i]).lstrip("0")
        parts[i] = f"{NUMBER}{len(digits):04}{digits}"
    return "".join([*parts, END_OF_VERSION, version])


def is_version(name: str) -> bool:
    """Whether the registry can hold a version of this name."""
    return (
        len(name.encode()) <= MOST_VERSION_BYTES
        and len(version_order(name).encode()) <= MOST_ORDER_BYTES
        and all(ord(each) >= 32 for each in name)
    )


def parse(uri: str) -> Place | None:
    """What the name of an object says; None when it is not one of an export's."""
    bucket, key = bucket_and_key(uri)
    parts = key.split("/", 3)
    if len(parts) < 4 or "" in parts[:3] or not bucket:
        return None
    tenant, table, version, file = parts
    return Place(bucket=bucket, tenant=tenant, table=table, version=version, file=file)


def place_of(uri: str) -> Place:
    """What the name of an export's object, or of its version's prefix, says; else UsageError."""
    place = parse(uri)
    if place is None:
        raise UsageError(f"{uri} is not s3://BUCKET/TENANT/TABLE/VERSION/FILE")
    return place


def list_exports(
    prefix: str,
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> Listing:
    """The exports below `prefix`: a bucket, a tenant, a table or a version, with its last slash.

    Without `complete_marker` one object is a version, and a second one a conflict. With it
    ("_SUCCESS", say) a version is an export of all its objects, once one of that name stands there.
    `check`, here and below, is called again and again; what it raises ends the reading.
    """
    _check_prefix(prefix)
    found = storage.list_objects(prefix, s3=s3, check=check)
    objects = (ExportObject(uri=one.uri, size=one.size, etag=one.etag) for one in found)
    return group(objects, complete_marker=complete_marker)


def _check_prefix(prefix: str) -> None:
    """UsageError unless it ends with a whole name: what is below `acme/v1/pa` is no whole version,
    and `acme` is the beginning of `acme2`, too.
    """
    bucket, key = bucket_and_key(prefix)
    names = key.split("/")
    if not bucket or (key and (names[-1] or "" in names[:-1] or len(names) > MOST_NAMES + 1)):
        raise UsageError(
            f"{prefix} is not s3://BUCKET/, s3://BUCKET/TENANT/, s3://BUCKET/TENANT/TABLE/ or "
            "s3://BUCKET/TENANT/TABLE/VERSION/: give whole names, and the slash at the end"
        )


def find_export(
    uri: str,
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> Export | None:
    """The export that an object belongs to, as it stands in S3 now; None: its marker is missing.

    NotFound when there is no object, ExportConflict when there are too many.
    """
    place = place_of(uri)
    prefix = f"s3://{place.bucket}/{place.id}/"
    listing = list_exports(prefix, complete_marker=complete_marker, s3=s3, check=check)
    for _, message in listing.conflicts:
        raise ExportConflict(message)
    if listing.incomplete:
        return None
    if not listing.exports:
        raise places.not_found(prefix, f"{prefix}: there is no object of an export")
    return listing.exports[0]


def check_unchanged(
    export: Export,
    *,
    alone: bool = True,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> None:
    """Raises ExportConflict unless S3 still holds the objects of the export, and, if they must be
    `alone`, no other ones.

    Objects without a byte that were not registered, such as markers, do not count.
    """
    known = {one.uri: one for one in export.objects}
    for info in storage.list_objects(export.prefix, s3=s3, check=check):
        one = ExportObject(uri=info.uri, size=info.size, etag=info.etag)
        if one.uri in known:
            if known.pop(one.uri) != one:
                raise ExportConflict(f"{one.uri} has changed since {export.id} was registered")
        elif alone and one.size > 0 and place_of(one.uri).is_data:
            raise ExportConflict(
                f"{one.uri} stands beside {export.uris[0]}, with which {export.id} was registered: "
                "remove it, or export it under a version of its own"
            )
    for uri in known:
        raise ExportConflict(f"{uri}, with which {export.id} was registered, is not there any more")


def group(objects: Iterable[ExportObject], *, complete_marker: str | None = None) -> Listing:
    """Puts objects together to exports."""
    versions: dict[tuple[str, str, str, str], list[ExportObject]] = {}
    marked: set[tuple[str, str, str, str]] = set()
    others = 0
    for one in objects:
        place = parse(one.uri)
        if place is None:
            others += not (one.size == 0 and one.uri.endswith("/"))
            continue
        version = (place.bucket, place.tenant, place.table, place.version)
        if place.file == complete_marker:
            marked.add(version)
            versions.setdefault(version, [])
        elif place.is_data:
            versions.setdefault(version, []).append(one)
    found, incomplete, conflicts = [], [], []
    for version, members in versions.items():
        export = _export(version, members)
        conflict = _conflict(export, complete_marker)
        if complete_marker is not None and version not in marked:
            incomplete.append(export.id)
        elif conflict is not None:
            conflicts.append((export, conflict))
        else:
            found.append(export)
    return Listing(
        exports=sorted(found, key=lambda export: (export.dataset, export.order, export.bucket)),
        incomplete=sorted(incomplete),
        conflicts=conflicts,
        other_objects=others,
    )


def _export(version: tuple[str, str, str, str], members: list[ExportObject]) -> Export:
    return Export(
        bucket=version[0],
        tenant=version[1],
        table=version[2],
        version=version[3],
        objects=tuple(sorted(members, key=lambda each: version_order(place_of(each.uri).file))),
    )


def _conflict(export: Export, complete_marker: str | None) -> str | None:
    """Why these objects cannot be an export."""
    if not is_version(export.version):
        return (
            f"{export.prefix}: a version's name has at most {MOST_VERSION_BYTES} bytes, not dozens "
            "of numbers, and no control characters"
        )
    if not export.objects:
        return f"{export.prefix}: there is {complete_marker}, but no object with rows"
    if complete_marker is None and len(export.objects) > 1:
        first, second = export.uris[:2]
        return (
            f"{export.id} has two objects, {first} and {second}: one object is a version; remove "
            'one, or say complete_marker="_SUCCESS" if versions have several and a marker'
        )
    if len(export.objects) > MOST_OBJECTS:
        return f"{export.prefix}: {len(export.objects)} objects, at most {MOST_OBJECTS} can be one"
    if sum(len(uri.encode()) for uri in export.uris) > MOST_NAME_BYTES:
        return f"{export.prefix}: the names of its objects have more than {MOST_NAME_BYTES} bytes"
    return None


def to_dict(export: Export) -> dict[str, Any]:
    """JSON types, for the registry."""
    objects = [{"uri": one.uri, "size": one.size, "etag": one.etag} for one in export.objects]
    return {
        "bucket": export.bucket,
        "tenant": export.tenant,
        "table": export.table,
        "version": export.version,
        "objects": objects,
    }


def from_dict(value: dict[str, Any]) -> Export:
    """What `to_dict` made."""
    objects = tuple(ExportObject(**one) for one in value["objects"])
    names = {name: value[name] for name in ("bucket", "tenant", "table", "version")}
    return Export(objects=objects, **names)
