"""The name that a copy takes from its source, where its destination stands for a folder."""

from __future__ import annotations

import os

from airscoop.errors import UsageError
from airscoop.transfer import places

NAME_IT = "write the name of the copy behind the destination's /"


def folder_of(destination: str) -> str | None:
    """The destination with its / at the end, if names go below it: it ends in / or is a bucket, or
    a local folder that is there. Else None."""
    if destination == "-" or places.is_http(destination):
        return None
    if destination.endswith("/"):
        return destination
    if places.is_s3(destination):
        return None if "/" in destination[5:] else f"{destination}/"
    return f"{destination}/" if os.path.isdir(destination) else None  # noqa: PTH112


def destination_for(source: str, destination: str) -> str:
    """Where a copy of one object or file goes: below a folder under its own name."""
    folder = folder_of(destination)
    return destination if folder is None else folder + taken_name(source)


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
