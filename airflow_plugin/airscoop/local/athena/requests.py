"""What a request must look like, by botocore's model of Athena: fields, kinds and limits."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from airscoop.local.athena.api_errors import ApiError

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "structure": dict, "map": dict, "list": list, "string": str, "boolean": bool,
    "integer": int, "long": int, "double": (int, float), "float": (int, float),
}  # fmt: skip


@functools.cache
def service_model() -> Any:
    """Athena as botocore knows it."""
    return ServiceModel(Loader().load_service_model("athena", "service-2"), "athena")


def checked(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that the model knows; ApiError tells of those that are wrong."""
    shape = service_model().operation_model(operation).input_shape
    wrong = list(_violations(shape, body, ""))
    if wrong:
        some = "error" if len(wrong) == 1 else "errors"
        raise ApiError(f"{len(wrong)} validation {some} detected: {'; '.join(wrong)}")
    return {name: body[name] for name in shape.members if body.get(name) is not None}


def _violations(shape: Any, value: Any, place: str) -> Iterator[str]:
    kind = _KINDS.get(shape.type_name)
    is_flag = isinstance(value, bool) and shape.type_name != "boolean"
    if kind is not None and (not isinstance(value, kind) or is_flag):
        raise ApiError(
            f"{place or 'the request'} must be a {shape.type_name}", code="SerializationException"
        )
    yield from (f"Value at '{place}' failed to satisfy constraint: {rule}" for rule in
                _broken(shape, value))  # fmt: skip
    yield from _INSIDE.get(shape.type_name, _nothing)(shape, value, place)


def _nothing(shape: Any, value: Any, place: str) -> Iterator[str]:
    return iter(())


def _structure(shape: Any, value: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{place}.{_lower(name)}" if place else _lower(name)
        if value.get(name) is not None:
            yield from _violations(member, value[name], inner)
        elif name in shape.required_members:
            yield (f"Value null at '{inner}' failed to satisfy constraint: Member must not be null")


def _list(shape: Any, value: list[Any], place: str) -> Iterator[str]:
    for number, item in enumerate(value, 1):
        yield from _violations(shape.member, item, f"{place}.{number}.member")


def _map(shape: Any, value: Mapping[str, Any], place: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _violations(shape.value, item, f"{place}.{key}.member")


_INSIDE: Mapping[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
}


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """The rules of the model that a value breaks, in the words of AWS."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(value, str | list):
        # The least is counted in characters, and the most in bytes.
        if least is not None and len(value) < least:
            yield f"Member must have length greater than or equal to {least}"
        size = len(value.encode(errors="replace")) if isinstance(value, str) else len(value)
        if most is not None and size > most:
            yield f"Member must have length less than or equal to {most}"
    elif isinstance(value, int | float):
        if least is not None and value < least:
            yield f"Member must have value greater than or equal to {least}"
        if most is not None and value > most:
            yield f"Member must have value less than or equal to {most}"
    if isinstance(value, str):
        yield from _broken_text(shape, value)


def _broken_text(shape: Any, value: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"Member must satisfy enum value set: [{', '.join(sorted(shape.enum))}]"
    pattern = shape.metadata.get("pattern")
    compiled = None if pattern is None else _compiled(pattern)
    if compiled is not None and not compiled.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for one that only Java understands."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
