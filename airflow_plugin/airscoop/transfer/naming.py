"""The name that a copy takes from its source, where its destination stands for a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airscoop.errors import UsageError
from airscoop.transfer import places

if TYPE_CHECKING:
    from airscoop.transfer.options import Format

NAME_IT = "write the name of the copy behind the destination's /"


def format_to_read(source: str, format: Format | None, csv: object) -> Format:
    """What a source is read as: "auto" is by its name, and by whether it is said how CSV is."""
    if format not in (None, "auto"):
        return format
    path = source.partition("?")[0].partition("#")[0] if places.is_http(source) else source
    name = path.lower().removesuffix(".gz")
    return "csv" if csv is not None or name.endswith(".csv") else "jsonl"


def is_folder(destination: str) -> bool:
    """Whether names go below it: it ends in /, as nothing else tells a folder from a file."""
    return destination.endswith("/") and not places.is_http(destination)


def destination_for(source: str, destination: str) -> str:
    """Where a copy of one object or file goes: below a folder under its own name."""
    if not is_folder(destination):
        return destination
    name = taken_name(source)
    if places.is_s3(destination):
        return destination + (name if _is_remote(source) else places.key_of(name))
    return destination + (places.path_of(name) if _is_remote(source) else name)


def _is_remote(source: str) -> bool:
    return places.is_s3(source) or places.is_http(source)


def taken_name(source: str) -> str:
    """The last segment of a path, a key, or the path of an address (decoded)."""
    if source == "-":
        raise UsageError(f"standard input has no name: {NAME_IT}")
    if not places.is_http(source):
        return _checked(source.rpartition("/")[2], source)
    from urllib.parse import unquote

    path = source.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
    name = unquote(path.rpartition("/")[2], errors="surrogateescape")
    if any(character < " " or character in "/\\\x7f" for character in name):
        raise _no_name(source)
    return _checked(name, source)


def _checked(name: str, source: str) -> str:
    if name in ("", ".", "..") or "\0" in name:
        raise _no_name(source)
    return name


def _no_name(source: str) -> UsageError:
    return UsageError(f"{places.displayed(source)} has no name that a file can take: {NAME_IT}")
