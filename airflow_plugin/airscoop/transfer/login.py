"""What is sent with the request for a web source: headers, a login, a body. It may be secret."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from airscoop import __version__
from airscoop.errors import UsageError
from airscoop.transfer import places

Auth = tuple[str, str] | str
Body = str | bytes | Mapping[str, Any] | Sequence[Any]

_HOW = 'auth is ("user", "password"), "Bearer TOKEN" or "netrc"'


def native(
    *,
    source: str,
    headers: Mapping[str, str] | None,
    auth: Auth | None,
    body: Body | None,
    idempotent: bool,
) -> dict[str, Any]:
    """The binding's options."""
    given = _checked(headers)
    names = {name.lower() for name, _ in given}
    if auth is not None:
        if "authorization" in names:
            raise UsageError("auth and a header Authorization are two logins: give one")
        given.append(("Authorization", _authorization(auth, source)))
    if isinstance(body, Mapping | list | tuple) and "content-type" not in names:
        given.append(("Content-Type", "application/json"))
    options: dict[str, Any] = {"idempotent": idempotent, "user_agent": f"airscoop/{__version__}"}
    if given:
        options["headers"] = "".join(f"{name}: {value}\n" for name, value in given)
    if body is not None:
        options["body"] = _text_of(body)
    elif idempotent:
        raise UsageError("idempotent is said of a body that is POSTed: without one it is a GET")
    return options


def _checked(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        raise UsageError(f'headers are a mapping: {{"Accept": "text/csv"}}, not {_kind(headers)}')
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise UsageError(f"headers have texts as names and values, not {_kind(value)}")
        if ":" in name or "\n" in name or not name:
            raise UsageError("a header's name has a colon or a line break in it, or is empty")
        if "\n" in value or "\r" in value or "\0" in value:
            raise UsageError(f"the header {name} has a line break in its value")
    return list(headers.items())


def _authorization(auth: Auth, source: str) -> str:
    if isinstance(auth, str) and auth == "netrc":
        auth = _of_netrc(source, None)
    if isinstance(auth, tuple | list) and len(auth) == 2 and all(isinstance(a, str) for a in auth):
        return _basic(*auth)
    if isinstance(auth, str) and auth.lower().startswith("bearer ") and auth[7:].strip():
        token = auth[7:].strip()
        if not token.isprintable() or " " in token:
            raise UsageError("the token has white space or a control character in it")
        return f"Bearer {token}"
    raise UsageError(f"{_HOW}, nothing else")


def _basic(user: str, password: str) -> str:
    import base64

    if ":" in user:
        raise UsageError("a user's name for a login cannot have a colon in it")
    try:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    except UnicodeEncodeError:
        raise UsageError("the user or the password of auth is not UTF-8") from None


def netrc(source: str, file: str | None = None) -> Auth:
    """The login that a netrc file has for the source's host; of None: $NETRC or ~/.netrc."""
    return _of_netrc(source, file)


def _of_netrc(source: str, file: str | None) -> tuple[str, str]:
    import netrc as reader
    from urllib.parse import urlsplit

    host = urlsplit(source).hostname or ""
    path = file or os.environ.get("NETRC") or places.path("~/.netrc")
    try:
        entry = reader.netrc(path).authenticators(host)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}: no login is read from it") from error
    except reader.NetrcParseError as error:
        raise UsageError(f"{path}: line {error.lineno or '?'} is no line of a netrc file") from None
    if entry is None:
        raise UsageError(
            f"{path} has no login for {host}: add a line machine {host} login … password …"
        )
    return entry[0], entry[2] or ""


def _text_of(body: Body) -> str:
    if isinstance(body, Mapping | list | tuple):
        import json

        try:
            return json.dumps(body)
        except (TypeError, ValueError):
            raise UsageError("the body cannot be written as JSON: give it as a text") from None
    if isinstance(body, bytes):
        try:
            body = body.decode()
        except UnicodeDecodeError:
            raise UsageError("the body has to be UTF-8") from None
    if not isinstance(body, str):
        raise UsageError(f"body is a text, bytes, or what becomes JSON, not {_kind(body)}")
    if "\0" in body:
        raise UsageError("the body has a NUL in it")
    return body


def _kind(value: object) -> str:
    return type(value).__name__


def secrets_of(headers: object, auth: object) -> list[str]:
    """What of them must not be shown: each value, and its words."""
    values = [*headers.values()] if isinstance(headers, Mapping) else []
    values += [auth] if isinstance(auth, str) and auth != "netrc" else []
    values += [*auth] if isinstance(auth, tuple | list) else []
    texts = [value for value in values if isinstance(value, str)]
    return sorted({word for text in texts for word in (text, *text.split(" ")) if len(word) > 3})
