"""JSON: a value of type json is its text, written compactly."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import Context, compile_expression, handles
from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.functions import FUNCTIONS, simple
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.texts import of_double

simple("json_parse", "varchar -> json: a_json_parse({0})")
simple("json_format", "json -> varchar: {0}")
simple("json_extract", "json, varchar -> json: a_json_extract({0}, {1})",
       "varchar, varchar -> json: a_json_extract({0}, {1})")  # fmt: skip
simple("json_extract_scalar", "json, varchar -> varchar: a_json_extract_scalar({0}, {1})",
       "varchar, varchar -> varchar: a_json_extract_scalar({0}, {1})")  # fmt: skip
simple("json_array_length", "json -> bigint: a_json_array_length({0})",
       "varchar -> bigint: a_json_array_length({0})")  # fmt: skip
simple("json_array_get", "json, bigint -> json: a_json_array_get({0}, {1})",
       "varchar, bigint -> json: a_json_array_get({0}, {1})")  # fmt: skip
simple("json_size", "json, varchar -> bigint: a_json_size({0}, {1})",
       "varchar, varchar -> bigint: a_json_size({0}, {1})")  # fmt: skip
simple("is_json_scalar", "json -> boolean: a_is_json_scalar({0})",
       "varchar -> boolean: a_is_json_scalar({0})")  # fmt: skip


@handles(exp.ParseJSON)
def _literal(node: exp.ParseJSON, scope: Scope, context: Context) -> Typed:
    """JSON '…'."""
    return FUNCTIONS["json_parse"]([compile_expression(node.this, scope, context)], node)


class Number(float):
    """A number with a fraction or an exponent, whose text is kept."""

    text: str

    def __new__(cls, text: str) -> Number:
        self = super().__new__(cls, text)
        self.text = text
        return self


def _refuse(text: str) -> Any:
    raise ValueError(text)


def read(text: str) -> Any:
    """A JSON text's value; ValueError where it is none."""
    return json.loads(text, parse_float=Number, parse_constant=_refuse)


def write(value: Any) -> str:
    """Compact JSON; a number keeps its digits."""
    if isinstance(value, Number):
        return _number(value.text)
    if isinstance(value, list):
        return f"[{','.join(map(write, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{write(k)}:{write(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> str:
    """As Jackson writes a double."""
    return of_double(float(text))


@python("VARCHAR", "VARCHAR")
def json_parse(text: str) -> str:
    try:
        return write(_sorted(read(text)))
    except (ValueError, RecursionError) as error:
        raise failed(
            "INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'"
        ) from error


def _sorted(value: Any) -> Any:
    """json_parse puts the keys of objects in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


_STEP = re.compile(r"""\.(?:"([^"]*)"|([\w-]+))|\[(?:(\d+)|"([^"]*)"|'([^']*)')\]""")


@cache
def _steps(path: str) -> tuple[str | int, ...]:
    """$.a[0]["b"]; wildcards, .. and filters are refused."""
    rest = path[1:] if path.startswith("$") else f".{path}" if path else "?"
    steps: list[str | int] = []
    end = 0
    while end < len(rest):
        match = _STEP.match(rest, end)
        if match is None:
            if re.search(r"\*|\.\.|\?|@", rest):
                raise ValueError(Unknown(f"the JSON path {path}").message)
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{path}'")
        end = match.end()
        names = [match[group] for group in (1, 2, 4, 5) if match[group] is not None]
        steps.append(names[0] if names else int(match[3]))
    return tuple(steps)


_MISSING = object()


def _at(text: str, path: str) -> Any:
    steps = _steps(path)
    try:
        value = read(text)
    except (ValueError, RecursionError):
        return _MISSING
    for step in steps:
        if isinstance(value, dict):
            value = value.get(str(step), _MISSING)
        elif isinstance(value, list) and str(step).isdigit():
            place = int(step)
            value = value[place] if place < len(value) else _MISSING
        else:
            return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


@python("VARCHAR;VARCHAR", "VARCHAR")
def json_extract(text: str, path: str) -> str | None:
    value = _at(text, path)
    return None if value is _MISSING else write(value)


@python("VARCHAR;VARCHAR", "VARCHAR")
def json_extract_scalar(text: str, path: str) -> str | None:
    value = _at(text, path)
    if value is _MISSING or value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Number) else str(value)


@python("VARCHAR", "BIGINT")
def json_array_length(text: str) -> int | None:
    value = _at(text, "$")
    return len(value) if isinstance(value, list) else None


@python("VARCHAR;BIGINT", "VARCHAR")
def json_array_get(text: str, index: int) -> str | None:
    value = _at(text, "$")
    if not isinstance(value, list) or not -len(value) <= index < len(value):
        return None
    return write(value[index])


@python("VARCHAR;VARCHAR", "BIGINT")
def json_size(text: str, path: str) -> int | None:
    value = _at(text, path)
    if value is _MISSING:
        return None
    return len(value) if isinstance(value, dict | list) else 0


@python("VARCHAR", "BOOLEAN")
def is_json_scalar(text: str) -> bool:
    value = _at(text, "$")
    if value is _MISSING:
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON value: {text}")
    return not isinstance(value, dict | list)


@python("VARCHAR", "VARCHAR")
def json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@python("DOUBLE", "VARCHAR")
def json_double(value: float) -> str:
    return of_double(value) if math.isfinite(value) else json.dumps(of_double(value))


# --- casts from JSON -----------------------------------------------------------------------------


def _cannot(text: str, title: str) -> ValueError:
    return failed("INVALID_CAST_ARGUMENT", f"Cannot cast to {title}.\n{text}")


@python("VARCHAR;VARCHAR", "VARCHAR")
def json_scalar(text: str, title: str) -> str | None:
    """A scalar as a text that a CAST reads; NULL for null."""
    value = read(text)
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise _cannot(text, title)
    if isinstance(value, bool):
        if title in ("varchar", "boolean"):
            return "true" if value else "false"
        return "1" if value else "0"
    if isinstance(value, Number):
        return of_double(value)
    return str(value)


@python("VARCHAR;VARCHAR", "VARCHAR[]")
def json_items(text: str, title: str) -> list[str] | None:
    value = read(text)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _cannot(text, title)
    return [write(each) for each in value]


@python("VARCHAR;VARCHAR", "MAP(VARCHAR, VARCHAR)")
def json_members(text: str, title: str) -> dict[str, str] | None:
    value = read(text)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _cannot(text, title)
    return {key: write(each) for key, each in value.items()}


@python("VARCHAR;INTEGER;VARCHAR;VARCHAR", "VARCHAR")
def json_field(text: str, place: int, name: str, title: str) -> str | None:
    value = read(text)
    if isinstance(value, list):
        return write(value[place]) if place < len(value) else None
    if isinstance(value, dict):
        found = {key.lower(): each for key, each in value.items()}
        return write(found[name]) if name in found else None
    if value is None:
        return None
    raise _cannot(text, title)


@python("VARCHAR", "BOOLEAN")
def json_is_null(text: str) -> bool:
    return text == "null"
