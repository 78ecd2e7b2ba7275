"""Facts of an error, as attributes: set where Python raises it, and gathered where it is told."""

from __future__ import annotations

from typing import Any, TypeVar

from airscoop.errors import AirscoopError

Error = TypeVar("Error", bound=AirscoopError)

# Facts that every error tells, be it as null; then those that only some errors have.
ALWAYS = ("http_status", "sqlstate", "request_id")
GIVEN = [
    name
    for name, default in vars(AirscoopError).items()
    if default is None and name not in (*ALWAYS, "os_errno")
]


def with_facts(error: Error, **facts: object) -> Error:
    """The error with attributes that its class knows, as the engine sets them."""
    for name, value in facts.items():
        if not hasattr(error, name):
            raise AttributeError(f"{name} is no fact of an error")
        setattr(error, name, value)
    return error


def facts_of(error: BaseException) -> dict[str, Any]:
    """What an error tells besides its code, message and whether to try again."""
    facts: dict[str, Any] = {"committed": committed_of(error)}
    facts |= {name: getattr(error, name, None) for name in ALWAYS}
    given = {name: getattr(error, name, None) for name in GIVEN}
    return facts | {name: value for name, value in given.items() if value is not None}


def committed_of(error: BaseException) -> bool | None:
    """What the error, or the one that it came upon, says of the commit."""
    at: BaseException | None = error
    while at is not None:
        if hasattr(at, "committed"):
            committed: bool | None = at.committed
            return committed
        at = at.__context__
    return False
