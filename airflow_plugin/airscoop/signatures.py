"""Options that several functions take alike: declared once, and shown in the signature of each.

The declaration is a TypedDict with the types, which type checkers read, and a dict of defaults.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def showing(types: type, defaults: Mapping[str, object]) -> Callable[[Function], Function]:
    """Has help() and inspect show the options one by one, in place of a function's `**options`."""

    def show(function: Function) -> Function:
        signature = inspect.signature(function)
        shown = signature.replace(parameters=list(_shown(signature, types, defaults)))
        function.__signature__ = shown  # type: ignore[attr-defined]
        return function

    return show


def _shown(
    signature: inspect.Signature, types: type, defaults: Mapping[str, object]
) -> Iterator[inspect.Parameter]:
    own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    yield from (each for each in own if each.kind is not each.KEYWORD_ONLY)
    for name, default in defaults.items():
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=types.__annotations__[name].__forward_arg__,
        )
    yield from (each for each in own if each.kind is each.KEYWORD_ONLY)


def refuse_unknown(function: str, options: Mapping[str, object], known: Container[str]) -> None:
    """Raises the TypeError that Python raises for an argument that a function does not have."""
    for name in options:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


def show_inherited(function: Callable[..., Any], inherited: Callable[..., Any]) -> None:
    """Has help() and inspect show the arguments that a method hands on to an inherited one."""
    signature = inspect.signature(function)
    *own, rest = signature.parameters.values()
    names = {each.name for each in own}
    more = [
        each
        for each in inspect.signature(inherited).parameters.values()
        if each.kind is each.KEYWORD_ONLY and each.name not in names
    ]
    shown = signature.replace(parameters=[*own, *more, rest])
    function.__signature__ = shown  # type: ignore[attr-defined]
