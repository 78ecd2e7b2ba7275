"""Names of sources and destinations: http(s)://, s3://, paths, and "-"."""

from __future__ import annotations

import contextlib
import errno
import os
import re

from airscoop import _native
from airscoop.aws.access_points import is_arn, with_colons
from airscoop.errors import PlaceExists, PlaceNotFound, UsageError

# Compiled when they are used, which takes a millisecond each: plain paths need neither.
SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://"
CONNECTION = r"(?i)(^|\s)password\s*="  # of a connection string that was given as a place
NAMED_SO = r"(?i)secret|token|key|sig|pass|auth|cred|session"  # as text/secret_name.c
# Dates, times and numbers, or a word of at most 7 characters.
DATE_OR_NUMBER = (
    r"\d{4}-?\d\d(-?\d\d)?([T ]\d\d(:?\d\d(:?\d\d(\.\d+)?)?)?)?(Z|[+-]\d\d:?\d\d)?"
    r"|[+-]?\d+(\.\d+)?"
)
BETWEEN_THEM = r"\.\.|[,/;|]"  # 2026/01/01, 2026-01-01,2026-01-05, 2026-01-01..2026-01-05
SHORT_WORD = r"[\w.-]{0,7}"


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
    if not text.startswith("~"):
        return text
    found = os.path.expanduser(text)  # noqa: PTH111
    if found == text and text[1:2] in ("", "/"):
        raise UsageError(
            f"{text}: this user has no home folder for the ~; set HOME, or write the whole path"
        )
    return found


def _text(name: str | os.PathLike[str]) -> str:
    if not isinstance(name, str | os.PathLike):
        raise UsageError(f"a place is a text or a path, not {type(name).__name__}")
    return os.fsdecode(name)


# Names that begin so, without "//", are addresses that someone mistyped: no path begins so.
ADDRESSES = r"(s3|s3a|s3n|https?|ftps?|sftp|gs|gcs|abfss?|wasbs?|hdfs|file):(?!//)(/?)"


def normalized(name: str | os.PathLike[str], argument: str = "a place") -> str:
    """The name as the engine takes it; a UsageError for a scheme that nobody reads, and for an
    address that lacks a slash. White space around a pasted address is dropped, but what is
    behind a key in S3 is the key's. A path's first `~` is the home folder. Where the name cannot be
    shown, the error names the `argument`.
    """
    text = path(_pasted(_text(name)))
    if is_arn(text):
        return with_colons(text)
    _refuse_secrets(text, argument)
    if is_s3(text) or is_http(text):
        return str(native(text))
    if ":" not in text:
        return text
    mistyped = re.match(ADDRESSES, text, re.IGNORECASE)
    if mistyped is not None:
        return _mistyped(text, mistyped.group(1).lower(), mistyped.group(2))
    scheme = re.match(SCHEME, text)
    if scheme is None:
        return text
    kind = scheme.group(1).lower()
    if kind == "file":
        return _path_of_file_uri(text)
    if kind in ("s3a", "s3n"):
        raise UsageError(f"{scheme.group(0)} is another program's name: write s3://")
    raise UsageError(f"{scheme.group(0)} is not supported: use http(s)://, s3://, a path or -")


def _path_of_file_uri(text: str) -> str:
    from urllib.parse import unquote, urlsplit

    uri = urlsplit(text)
    if uri.netloc.lower() not in ("", "localhost"):
        raise UsageError(
            f"{displayed(text)}: a file:// name with a host in it is on another machine: "
            "write file:/// and the path"
        )
    return unquote(uri.path)


def _pasted(text: str) -> str:
    bare = text.strip()
    if is_http(bare):
        return bare
    return text.lstrip() if is_s3(bare) else text


def _refuse_secrets(text: str, argument: str) -> None:
    """What is no web address has no place for a password, and nobody takes it out of messages."""
    shown = displayed(text)
    if is_http(text) or shown == printable(text) or "\0" in text:  # which the engine refuses
        return
    if is_s3(text):
        raise UsageError(
            f"{shown}: an s3:// name holds no user, password or signature; credentials are those "
            "of S3Settings, a profile or the environment, and a signed address begins with https://"
        )
    if re.match(SCHEME, text) is None and not os.path.lexists(encoded(text)):
        raise UsageError(
            f"{argument} ({shown}) is neither an address nor a path: what was given looks as if "
            "there were a password in it; write http(s)://…, or ./… for a path"
        )


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
    """The name for people, as the engine shows it, too: without user info and query, which may hold
    secrets, and with bytes that are no UTF-8 escaped."""
    if re.search(CONNECTION, name) is not None and not is_s3(name) and not is_http(name):
        return "…"
    return _native.displayed(encoded(name))


def printable(name: str) -> str:
    """A name on one line, with its bytes that are no UTF-8 escaped."""
    return re.sub("[\x00-\x1f]", "?", encoded(name).decode(errors="backslashreplace"))


def native(name: str) -> str | bytes:
    """The name as the binding takes it. A local name is bytes, in the encoding of the system's
    names; keys and addresses are UTF-8, and a UsageError is raised of one that is not."""
    if not is_s3(name) and not is_http(name) and _is_escaped(name):
        return encoded(name)
    try:
        return name.encode(errors="surrogateescape").decode()
    except UnicodeError:
        raise UsageError(f"{displayed(name)} is not UTF-8, as keys and addresses are") from None


def path_of(key: str) -> str:
    """The local name of a key: the bytes of its UTF-8, whatever the system's encoding is."""
    return os.fsdecode(key.encode(errors="surrogateescape"))


def key_of(path: str) -> str:
    """The key of a local name; `native` refuses it if its bytes are not UTF-8."""
    return os.fsencode(path).decode(errors="surrogateescape")


def encoded(name: str) -> bytes:
    """The name's bytes, whatever they are: a local one's in the encoding of the system's names."""
    if not is_s3(name) and not is_http(name):
        with contextlib.suppress(UnicodeEncodeError):  # a key of another alphabet, say
            return os.fsencode(name)
    return name.encode(errors="surrogateescape" if _is_escaped(name) else "backslashreplace")


def _is_escaped(name: str) -> bool:
    """Whether every surrogate stands for a byte, as os.fsdecode puts it."""
    return not any(
        "\ud800" <= character < "\udc80" or "\udcff" < character <= "\udfff" for character in name
    )


def _with_slashes(url: str) -> str:
    """Backslashes before the query are slashes: one in front of an "@" ends the host's name."""
    place, mark, query = url.partition("?")
    return place.replace("\\", "/") + mark + query


def secrets_in(name: str) -> list[str]:
    """What `displayed` leaves out and may be a secret, as written and decoded: user info, and
    values of query and fragment, but for dates, numbers and short words of parameters that are
    not named like a secret; and of matrix parameters (;name=value) that are."""
    from urllib.parse import unquote, unquote_plus

    scheme, slashes, rest = _with_slashes(name).partition("//")
    if not slashes:
        return []
    place, _, fragment = rest.partition("#")
    place, _, query = place.partition("?")
    written = []
    for user_info in _user_infos(name, scheme, rest, place.partition("/")[0]):
        written += [user_info, *user_info.split(":", 1)]
    if not is_s3(name):  # a "?", a "#" or a ";" is a part of a key
        for pair in query.split("&") + [one for one in fragment.split("&") if "=" in one]:
            parameter, equals, value = pair.partition("=")
            if not equals:
                parameter, value = "", pair
            if _names_secret(parameter) or not _is_harmless(unquote_plus(value)):
                written.append(value)
        for pair in re.findall(r"(?<=;)[^=;/]*=[^;/]*", place):
            parameter, _, value = pair.partition("=")
            if _names_secret(parameter):
                written.append(value)
    return sorted(
        {text for one in written for text in (one, unquote(one), unquote_plus(one))} - {""}
    )


def _user_infos(name: str, scheme: str, rest: str, host: str) -> list[str]:
    """What may stand before an "@": in front of the host, or where the engine shows none of it."""
    from urllib.parse import unquote

    user_info = host.rpartition("@")[0]
    found = [user_info] if user_info else []
    shown = displayed(name)
    if not user_info and shown.startswith(f"{scheme}//…"):
        found.append(rest.rpartition("@")[0])  # with a / or a ? in the password
    elif shown.endswith("/…"):  # an address in an address
        nested = (rest if "@" in rest else unquote(rest)).rpartition("@")[0]
        found.append(nested.rpartition("//")[2].lstrip("/"))
    return found


def _names_secret(parameter: str) -> bool:
    from urllib.parse import unquote

    return re.search(NAMED_SO, unquote(parameter)) is not None


def _is_harmless(value: str) -> bool:
    return re.fullmatch(SHORT_WORD, value) is not None or all(
        re.fullmatch(DATE_OR_NUMBER, one) for one in re.split(BETWEEN_THEM, value)
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
