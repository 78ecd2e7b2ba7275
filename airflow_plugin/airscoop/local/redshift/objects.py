"""The one place where the stand-in touches storage, always through airscoop."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import list_objects
from airscoop.local.redshift.errors import SqlError
from airscoop.transfer.copy import read


@cache
def _settings() -> S3Settings:
    """Found once: the stand-in is given its keys and its endpoint when it is started."""
    return S3Settings().resolved()


def _hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


def _local_files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size and not _hidden(str(path.relative_to(folder))):
            yield str(path)


def objects(location: str) -> Iterator[str]:
    """Names of what a table at `location` reads, in key order: no empty and no hidden objects.

    `location` is s3://bucket/prefix or file:///folder; names are what `chunks` takes.
    """
    parts = urlsplit(location)
    if parts.scheme == "file":
        yield from _local_files(Path(unquote(parts.path)))
        return
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not bucket:
        raise SqlError("22023", f"location {location!r} is not of the form s3://bucket/prefix/")
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    for item in list_objects(f"s3://{bucket}/{prefix}", s3=_settings()):
        if item.size and not _hidden(item.key.removeprefix(prefix)):
            yield item.uri


def chunks(name: str) -> Iterator[bytes]:
    """The object's bytes, inflated when it is gzip."""
    settings = _settings() if name.startswith("s3://") else None
    yield from read(name, format="raw", s3=settings)
