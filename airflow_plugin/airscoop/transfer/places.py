"""Names of sources and destinations: http(s)://, s3://, paths, and "-"."""

from __future__ import annotations

import errno
import os
import re

from airscoop.aws.access_points import is_arn, with_colons
from airscoop.errors import PlaceExists, PlaceNotFound, UsageError

# Compiled when they are used, which takes a millisecond each: plain paths need neither.
SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://"


def is_s3(name: str) -> bool:
    """Whether the name is an object or a prefix in S3."""
    return name.lower().startswith("s3://")


def is_http(name: str) -> bool:
    """Whether the name is a web address."""
    return name.lower().startswith(("http://", "https://"))


def is_prefix(name: str) -> bool:
    """Whether a source stands for all that is below it: it ends in "/", or is a bucket."""
    if name == "-" or is_http(name):
        return False
    return name.endswith("/") or (is_s3(name) and "/" not in name[5:])


def path(name: str | os.PathLike[str]) -> str:
    """The path of a file; its first `~` is the home folder."""
    text = _text(name)
    return os.path.expanduser(text) if text.startswith("~") else text  # noqa: PTH111


def _text(name: str | os.PathLike[str]) -> str:
    if not isinstance(name, str | os.PathLike):
        raise UsageError(f"a place is a text or a path, not {type(name).__name__}: {name!r:.100}")
    return os.fsdecode(name)


# Names that begin so, without "//", are addresses that someone mistyped: no path begins so.
ADDRESSES = r"(s3|s3a|s3n|https?|ftps?|sftp|gs|gcs|abfss?|wasbs?|hdfs|file):(?!//)(/?)"


def normalized(name: str | os.PathLike[str]) -> str:
    """The name as the engine takes it; a UsageError for a scheme that nobody reads, and for an
    address that lacks a slash. White space around a pasted address is dropped, but what is
    behind a key in S3 is the key's. A path's first `~` is the home folder.
    """
    text = path(_pasted(_text(name)))
    if is_arn(text):
        return with_colons(text)
    if ":" not in text or is_s3(text) or is_http(text):
        return text
    mistyped = re.match(ADDRESSES, text, re.IGNORECASE)
    if mistyped is not None:
        return _mistyped(text, mistyped.group(1).lower(), mistyped.group(2))
    scheme = re.match(SCHEME, text)
    if scheme is None:
        return text
    kind = scheme.group(1).lower()
    if kind == "file":
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(text).path)
    if kind in ("s3a", "s3n"):
        raise UsageError(f"{scheme.group(0)} is another program's name: write s3://")
    raise UsageError(f"{scheme.group(0)} is not supported: use http(s)://, s3://, a path or -")


def _pasted(text: str) -> str:
    bare = text.strip()
    if is_http(bare):
        return bare
    return text.lstrip() if is_s3(bare) else text


def _mistyped(text: str, kind: str, slash: str) -> str:
    if kind == "file" and slash:
        return normalized("file://" + text[len("file:") :])
    wanted = (
        f"write {kind}://" if kind in ("s3", "http", "https") else f"{kind}:// is not supported"
    )
    raise UsageError(
        f'{kind}:{slash} begins no address: {wanted}, or "./{kind}:{slash}…" for a path'
    )


def displayed(name: str) -> str:
    """The name without user info and query, which may hold secrets."""
    if not is_http(name):
        return name
    from urllib.parse import urlsplit, urlunsplit

    name = _with_slashes(name)
    try:
        parts = urlsplit(name)
    except ValueError:  # of a broken IPv6 address, say: the name goes into the error about it
        return _cut(name)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _with_slashes(url: str) -> str:
    """Backslashes before the query are slashes: one in front of an "@" ends the host's name."""
    place, mark, query = url.partition("?")
    return place.replace("\\", "/") + mark + query


def _cut(url: str) -> str:
    scheme, _, rest = url.partition("://")
    place = re.split("[?#]", rest, maxsplit=1)[0]
    authority, slash, path = place.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def secrets_in(name: str) -> list[str]:
    """What `displayed` leaves out: user info and values of the query, as written and decoded."""
    if not is_http(name):
        return []
    from urllib.parse import unquote, unquote_plus

    place, _, query = _with_slashes(name).partition("#")[0].partition("?")
    user_info = place.partition("://")[2].partition("/")[0].rpartition("@")[0]
    values = [pair.partition("=")[2] or pair for pair in query.split("&")]
    written = [user_info, *user_info.split(":", 1), *values]
    return sorted(
        {text for one in written for text in (one, unquote(one), unquote_plus(one))} - {""}
    )


def not_found(name: str, message: str) -> PlaceNotFound:
    """The error that the engine raises of a place that is not there, for what Python looks for."""
    error = PlaceNotFound(message)
    error.errno, error.strerror = errno.ENOENT, os.strerror(errno.ENOENT)
    error.filename = displayed(name)
    return error


def exists(name: str, message: str) -> PlaceExists:
    """The same of a place that is there already, and is to be kept."""
    error = PlaceExists(message)
    error.errno, error.strerror = errno.EEXIST, os.strerror(errno.EEXIST)
    error.filename = displayed(name)
    return error
