"""What Airflow's connections have in common: whether they are there, and how extras are read.

An extra is taken out where it is used; what is left over in the end is told, and never dropped
where it says how a login or its encryption is to be.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airscoop.errors import UsageError

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off", "none", "null"})
_SECURITY = re.compile(
    r"ssl|tls|cert|verif|auth|krb|gss|sign|passw|token|secret|encrypt", re.IGNORECASE
)


def find_connection(conn_id: str, kind: str) -> Connection:
    """The connection; UsageError says how to make one of that kind where it does not exist."""
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise UsageError(
            f"the connection {conn_id!r} does not exist; make it in Airflow's pages, by airflow "
            f"connections add {conn_id} --conn-type {kind}, or as the variable "
            f"AIRFLOW_CONN_{conn_id.upper()}"
        ) from None


@contextlib.contextmanager
def extras_errors(conn_id: str | None) -> Iterator[None]:
    """What Python and the provider raise over extras of the wrong kind, as a UsageError that names
    the connection. It goes around what reads extras, and nothing else."""
    try:
        yield
    except (AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        if conn_id is None:
            raise
        raise UsageError(f"the connection {conn_id}: its extras cannot be read: {error}") from error


def truth(value: object) -> bool | None:
    """Whether a text, number or boolean means yes or no; None where it means neither."""
    if value is None or value == "":
        return False
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


class Extras:
    """The extras of a connection, of which each is taken once."""

    def __init__(self, connection: Connection) -> None:
        self._name = connection.conn_id
        self._values = dict(read_extras(connection))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str, default: Any = None) -> Any:
        """The value as it is."""
        return self._values.pop(name, default)

    def text(self, name: str) -> str | None:
        """The value as libpq writes it; None where it is not given, null or empty."""
        value = self.take(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, str | int | float):
            return str(value)
        raise self.wrong(name, "write a text or a number")

    def truth(self, name: str) -> bool | None:
        """Whether it is true; None where it is not given or null. "false" and "0" are false."""
        value = self.take(name)
        if value is None:
            return None
        said = truth(value)
        if said is None:
            raise self.wrong(name, "write true or false")
        return said

    def wrong(self, name: str, advice: str) -> UsageError:
        """The error of a value that cannot be read. The value may be a secret: it is not told."""
        return UsageError(f"the connection {self._name}: its extra {name} cannot be read; {advice}")

    def refuse(self, names: Iterable[str], reason: str) -> None:
        """Raises where one of these is set: to go on without it would be another login."""
        found = [name for name in names if truth(self._values.get(name)) is not False]
        if found:
            raise UsageError(f"the connection {self._name}: {reason}: {', '.join(sorted(found))}")

    def finish(self) -> None:
        """Names those that nobody has taken: in a warning, or as an error."""
        tell_unused(str(self._name), [key for key in self._values if self._values[key] is not None])


def tell_unused(conn_id: str, names: Iterable[str]) -> None:
    """One warning for all settings that are not used; UsageError for one that is about security."""
    names = sorted(names)
    kept = [name for name in names if _SECURITY.search(name)]
    if kept:
        raise UsageError(
            f"the connection {conn_id}: airscoop does not know what it says of security, and does "
            f"not connect without it: {', '.join(kept)}; correct the name, or take it out"
        )
    if names:
        log.warning("the connection %s: these extras are not used: %s", conn_id, ", ".join(names))


def read_extras(connection: Connection) -> Mapping[str, Any]:
    """All of them. Airflow gives none at all where their text cannot be read."""
    try:
        found = json.loads(connection.extra) if connection.extra else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f"the extra of the connection {connection.conn_id} is no JSON object; write "
            '{"name": "value"}'
        )
    return connection.extra_dejson  # which masks them
