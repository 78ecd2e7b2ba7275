"""What an Airflow connection of type http says of a web source: where it is, and who asks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from airscoop.errors import UsageError
from airscoop.hooks.connections import find_connection, read_extras, truth
from airscoop.transfer import login

log = logging.getLogger(__name__)

# What the HTTP provider takes out of the connection's extra; the rest of it is headers.
_NO_HEADERS = frozenset(
    {"stream", "cert", "proxies", "proxy", "timeout", "verify", "verify_ssl", "allow_redirects"}
    | {"max_redirects", "trust_env", "check_response", "srv_lookup", "auth_type", "auth_kwargs"}
)
# Those that say who asks: without them another one would.
_LOGINS = frozenset({"cert", "auth_type", "auth_kwargs"})


@dataclass(frozen=True, kw_only=True)
class HttpConnection:
    """Where a connection leads, and what is sent there."""

    name: str
    base: str
    ca_file: str | None
    headers: Mapping[str, str] = field(repr=False)
    auth: tuple[str, str] | None = field(repr=False)

    def address(self, source: str) -> str:
        """The source's address: `source` itself, or as a path below the connection's host."""
        if "://" not in source:
            return self.base.rstrip("/") + "/" + source.lstrip("/")
        if _origin(source) != _origin(self.base):
            raise UsageError(
                f"the connection {self.name} is for {_shown(self.base)}, and its login goes to no "
                f"other scheme, host or port: {_shown(source)} is another one"
            )
        return source

    def secrets(self) -> list[str]:
        """What Airflow is to mask."""
        return login.secrets_of(self.headers, self.auth)


def http_connection(http_conn_id: str) -> HttpConnection:
    """Reads a connection as the HTTP provider does: host (or a whole address), schema, port, login,
    password, and the extra's headers."""
    connection = find_connection(http_conn_id, "http")
    host = connection.host or ""
    if not host:
        raise UsageError(f"the connection {http_conn_id} has no host")
    base = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    if connection.port:
        base = f"{base.rstrip('/')}:{connection.port}"
    extra = read_extras(connection)
    _tell(http_conn_id, extra)
    return HttpConnection(
        name=http_conn_id,
        base=base,
        ca_file=_ca_file(http_conn_id, extra.get("verify", extra.get("verify_ssl"))),
        headers=_headers(http_conn_id, extra),
        auth=(connection.login, connection.password or "") if connection.login else None,
    )


def _tell(name: str, extra: Mapping[str, object]) -> None:
    """Says what of it is not used: a transfer has its own waits, redirects and proxies."""
    given = {key.lower() for key, value in extra.items() if value not in (None, "", False, {})}
    logins = sorted(given & _LOGINS)
    if logins:
        raise UsageError(
            f"the connection {name} logs in by {', '.join(logins)}, which airscoop does not; use "
            "login and password, or a header"
        )
    unused = sorted((given & _NO_HEADERS) - {"verify", "verify_ssl"})
    if unused:
        log.warning("the connection %s: these extras are not used: %s", name, ", ".join(unused))


def _ca_file(name: str, verify: object) -> str | None:
    if verify is not None and truth(verify) is False:
        raise UsageError(
            f"the connection {name} sets verify to false; airscoop always checks certificates: set "
            "verify to a CA file instead"
        )
    return verify if isinstance(verify, str) and truth(verify) is None else None


def _headers(name: str, extra: Mapping[str, object]) -> dict[str, str]:
    found = {key: value for key, value in extra.items() if key.lower() not in _NO_HEADERS}
    own = found.pop("headers", None)
    if isinstance(own, Mapping):
        found |= own
    for key, value in found.items():
        if not isinstance(value, str):
            raise UsageError(f"the connection {name}: its extra has no text as the header {key}")
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(scheme)


def _shown(address: str) -> str:
    scheme, host, port = _origin(address)
    return f"{scheme}://{host}:{port}"
