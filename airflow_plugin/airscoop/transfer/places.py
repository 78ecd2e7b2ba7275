"""Names of sources and destinations: http(s)://, s3://, paths, and "-"."""

from __future__ import annotations

import errno
import os
import re

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


def normalized(name: str | os.PathLike[str]) -> str:
    """The name as the engine takes it; a UsageError for a scheme that nobody reads."""
    text = os.fspath(name)
    if "://" not in text or is_s3(text) or is_http(text):
        return text
    scheme = re.match(SCHEME, text)
    if scheme is None:
        return text
    if scheme.group(1).lower() == "file":
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(text).path)
    raise UsageError(f"{scheme.group(0)} is not supported: use http(s)://, s3://, a path or -")


def displayed(name: str) -> str:
    """The name without user info and query, which may hold secrets."""
    if not is_http(name):
        return name
    from urllib.parse import urlsplit, urlunsplit

    try:
        parts = urlsplit(name)
    except ValueError:  # of a broken IPv6 address, say: the name goes into the error about it
        return _cut(name)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


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

    place, _, query = name.partition("#")[0].partition("?")
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
