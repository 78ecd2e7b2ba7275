"""What is grouped by, and what is measured, as callers write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

from airscoop import kinds
from airscoop.errors import UsageError
from airscoop.given import text

ValueType = Literal["string", "int", "bigint", "double", "boolean", "json"]
MeasureKind = Literal["count", "sum", "min", "max"]

TYPES: tuple[ValueType, ...] = get_args(ValueType)  # as the engine has them
MEASURES: tuple[MeasureKind, ...] = get_args(MeasureKind)  # as the engine has them

WRITE_GROUP = (
    'write group_by={"country": ["CountryCode"], "domain": ["GroupID:int:groupid", "Domain"]}'
)
WRITE_MEASURE = 'write measures={"hits": "count", "bytes": "sum:Bytes:bigint"}'


@dataclass(frozen=True)
class Column:
    """A field of the records, its type, and its name in the result."""

    field: str
    type: ValueType
    name: str

    @classmethod
    def of(cls, given: object, what: str) -> Self:
        """From FIELD, FIELD:TYPE or FIELD:TYPE:NAME; a field that holds a colon comes as the list
        [field, type, name]. The type is a string, the name the field's, where they are not
        given."""
        if isinstance(given, str):
            parts = given.split(":")
        elif isinstance(given, Sequence) and not isinstance(given, bytes | bytearray):
            parts = [text(each, what) for each in given]
        else:
            kinds.refuse(what, "FIELD:TYPE:NAME, or those three as a list", given)
        if not 1 <= len(parts) <= 3 or not parts[0]:
            raise UsageError(f"{what} has to be FIELD, FIELD:TYPE or FIELD:TYPE:NAME")
        kind = parts[1] if len(parts) > 1 and parts[1] else "string"
        if kind not in TYPES:
            raise UsageError(
                f"{what}: there is no type {kinds.shown(kind)}; use one of {', '.join(TYPES)}"
            )
        name = parts[2] if len(parts) > 2 and parts[2] else parts[0]
        return cls(text(parts[0], what), kind, text(name, what))

    def native(self) -> tuple[str, int, str]:
        """As the binding takes it."""
        return self.field, TYPES.index(self.type), self.name


@dataclass(frozen=True)
class Measure:
    """What is told of each group; `column` None: the number of its records."""

    kind: MeasureKind
    name: str
    column: Column | None

    @classmethod
    def of(cls, name: str, given: object) -> Self:
        """From count, or KIND:FIELD:TYPE, whose type is bigint where it is not given."""
        what = f"measures: {name}"
        if not isinstance(given, str):
            kinds.refuse(what, '"count", or KIND:FIELD:TYPE as in "sum:Bytes:bigint"', given)
        kind, _, rest = given.partition(":")
        if kind not in MEASURES:
            raise UsageError(
                f"{what}: there is no measure {kinds.shown(kind)}; use one of {', '.join(MEASURES)}"
            )
        if not rest:
            if kind != "count":
                raise UsageError(f'{what}: write of which field, as in "{kind}:Bytes:bigint"')
            return cls(kind, name, None)
        field, _, of_type = rest.partition(":")
        return cls(kind, name, Column.of([field, of_type or "bigint", name], what))

    def native(self) -> tuple[int, tuple[str | None, int, str]]:
        """As the binding takes it."""
        column = (None, TYPES.index("bigint"), self.name)
        return MEASURES.index(self.kind), column if self.column is None else self.column.native()


def groupings_of(given: object) -> dict[str, tuple[Column, ...]]:
    """The columns of each grouping, by its name."""
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"group_by is a mapping of names to lists of fields: {WRITE_GROUP}")
    found: dict[str, tuple[Column, ...]] = {}
    for name, fields in given.items():
        key = text(name, "a name in group_by")
        if not key or "/" in key or key in (".", ".."):
            raise UsageError(f"group_by: {kinds.shown(key)} is no name of a file")
        if isinstance(fields, str | bytes | Mapping) or not isinstance(fields, Sequence):
            raise UsageError(f"group_by: {key} is a list of fields: {WRITE_GROUP}")
        found[key] = tuple(Column.of(field, f"group_by: {key}") for field in fields)
    return found


def measures_of(given: object) -> tuple[Measure, ...]:
    """The measures, in their order."""
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"measures is a mapping of names to measures: {WRITE_MEASURE}")
    return tuple(
        Measure.of(text(name, "a name in measures"), measure) for name, measure in given.items()
    )
