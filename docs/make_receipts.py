"""The schema of receipts, made from their classes: as JSON Schema, and as a page."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from airscoop import receipts
from airscoop.operators.stored_receipt import MOST_BYTES, StoredReceipt
from airscoop.operators.task_receipt import RECEIPT_KEY, RETENTION, SECONDS_BETWEEN_WRITES
from airscoop.receipts import ENVELOPE, FORMAT_VERSION, Receipt
from airscoop.transfer import leftover_uploads

JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def receipt_classes() -> list[type[Receipt]]:
    """Those that verbs return, by name."""
    modules = [
        importlib.import_module(f"{receipts.__name__}.{found.name}")
        for found in pkgutil.iter_modules(receipts.__path__)
    ]
    found = {
        value
        for module in (*modules, leftover_uploads)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Receipt) and value is not Receipt
    }
    return sorted(found, key=lambda kind: kind.__name__)


def receipt_schema() -> str:
    """The JSON Schema of what `to_dict` gives, and of what the task state store has."""
    definitions = {kind.__name__: _of_receipt(kind) for kind in receipt_classes()}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"airscoop's receipts, format {FORMAT_VERSION}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*definitions, "StoredReceipt")],
        "$defs": {**definitions, "StoredReceipt": _of(StoredReceipt)},
    }
    return json.dumps(schema, indent=1) + "\n"


def _of_receipt(kind: type[Receipt]) -> dict[str, Any]:
    hints = _hints(kind)
    top = {name: _of(hints[name]) for name in ("id", "verb", *kind.MATTERS)}
    nested = [name for name in hints if name not in (*kind.MATTERS, *ENVELOPE)]
    envelope: dict[str, Any] = {
        "started_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": "string", "format": "date-time"},
        "seconds": {"type": "number"},
        "airscoop_version": {"type": "string"},
        "format_version": {"const": FORMAT_VERSION},
    }
    diagnostics = _object({name: _of(hints[name]) for name in nested})
    return _object({**top, **envelope, "diagnostics": diagnostics})


def _hints(kind: type[Receipt]) -> dict[str, Any]:
    """The types of the fields, in their order."""
    types_of = get_type_hints(kind)
    return {field.name: types_of[field.name] for field in dataclasses.fields(kind)}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any) -> dict[str, Any]:
    """The schema of a value of this type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if hint in JSON_TYPES:
        return {"type": JSON_TYPES[hint]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(each) for each in arguments]}
    if origin is list:
        return {"type": "array", "items": _of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1]) or True}
    if is_typeddict(hint):
        return _object({name: _of(each) for name, each in get_type_hints(hint).items()})
    if issubclass(hint, Receipt):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if dataclasses.is_dataclass(hint):
        return _object({name: _of(each) for name, each in get_type_hints(hint).items()})
    raise TypeError(f"{hint!r} is no type of a receipt")


def receipts_page(intro: str) -> str:
    """docs/reference/receipts.md."""
    return "\n\n".join(["# Receipts", intro, *_text()]) + "\n"


def _text() -> Iterator[str]:
    yield FORM
    yield "## In XCom, in Python and with `--json`"
    yield OF_VERBS
    for kind in receipt_classes():
        nested = [name for name in _hints(kind) if name not in (*kind.MATTERS, *ENVELOPE)]
        yield f"### {kind.__name__}"
        yield f"At the top: {_names(kind.MATTERS)}."
        if nested:
            yield f"In `diagnostics`: {_names(nested)}."
    yield "## In the task state store"
    yield OF_TASKS
    rows = [
        f"| `{name}` | {_shown(each)} |" for name, each in get_type_hints(StoredReceipt).items()
    ]
    yield "\n".join(["| field | type |", "|---|---|", *rows])


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(hint: Any) -> str:
    if is_typeddict(hint):
        inner = get_type_hints(hint).items()
        return "an object of " + ", ".join(f"`{name}` ({_shown(each)})" for name, each in inner)
    if get_origin(hint) is Literal:
        return " or ".join(f'"{each}"' for each in get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_shown(each) for each in get_args(hint))
    if hint in JSON_TYPES:
        return JSON_TYPES[hint]
    return "an array" if get_origin(hint) is list else "an object"


FORM = f"""\
Every verb returns a receipt. [receipt.schema.json](receipt.schema.json) is the JSON Schema of all
of them. The version of the format is {FORMAT_VERSION}. It goes up when a field goes away, moves or
means something else. A new field leaves it as it is."""

OF_VERBS = """\
`receipt.to_dict()` gives JSON types. XCom has them, and `--json` prints them. `receipt.to_json()`
gives the same as one line. In Python every field is an attribute of the receipt, the nested ones
too. The order is:

1. at most ten fields that matter: `id`, `verb`, and up to eight of the verb
2. `started_at` and `finished_at` (ISO 8601, UTC), `seconds` (wall time), `airscoop_version`,
   `format_version`
3. `diagnostics`, an object of all the other fields

`id` is 32 random hexadecimal digits, of one run of a verb. Two receipts are equal if they differ
only in `id` and `finished_at`."""

OF_TASKS = f"""\
Each operator writes a receipt to `context["task_state_store"]` (Airflow 3.3 and later) under the
key `{RECEIPT_KEY}`: when the work begins, at most once in {SECONDS_BETWEEN_WRITES:g} seconds while
it is on its way, and when it ends, well or not. The tries of a task write over each other's.
Airflow keeps it for {RETENTION.days} days.
[operators.md](../how-to/operators.md#the-receipt-of-a-task-that-failed) says how to read it.

It is at most {MOST_BYTES // 1024} KiB of JSON. What is larger is cut: first the last ones of
`rejected`, then the largest of `diagnostics`, then the largest of `left_behind`. `cut` says how
many rejected records are gone, and the names of the others. The first ten fields are always
whole."""
