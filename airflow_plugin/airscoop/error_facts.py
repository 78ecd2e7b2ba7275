"""Facts of an error that Python raises, as attributes."""

from __future__ import annotations

from typing import TypeVar

from airscoop.errors import AirscoopError

Error = TypeVar("Error", bound=AirscoopError)


def with_facts(error: Error, **facts: object) -> Error:
    """The error with attributes that its class knows, as the engine sets them."""
    for name, value in facts.items():
        if not hasattr(error, name):
            raise AttributeError(f"{name} is no fact of an error")
        setattr(error, name, value)
    return error
