"""The one place where the stand-in touches storage, always through airscoop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airscoop.local.redshift.errors import SqlError


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
    if parts.scheme != "s3" or not parts.netloc:
        raise SqlError("22023", f"location {location!r} is not of the form s3://bucket/prefix/")
    from airscoop import storage

    prefix = parts.path.lstrip("/")
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    for item in storage.list_objects(f"s3://{parts.netloc}/{prefix}"):
        if item.size and not item.key.endswith("/") and not _hidden(item.key[len(prefix) :]):
            yield f"s3://{parts.netloc}/{item.key}"


def chunks(name: str) -> Iterator[bytes]:
    """The object's bytes, inflated when it is gzip."""
    if not name.startswith("s3://"):
        import gzip

        with open(name, "rb") as raw:
            opener = gzip.open if raw.peek(2)[:2] == b"\x1f\x8b" else open  # type: ignore[attr-defined]
        with opener(name, "rb") as stream:
            while data := stream.read(65536):
                yield data
        return
    import airscoop

    yield from airscoop.read(name, format="raw")
