"""Athena's types: as Trino writes them, as Hive writes them, and what DuckDB has for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airscoop.local.athena.failures import Unknown

MOST = 2147483647  # the length of a varchar without one


@dataclass(frozen=True)
class Type:
    """`numbers`: of varchar(n), decimal(p, s), timestamp(p); `items`: of array, map and row."""

    name: str
    numbers: tuple[int, ...] = ()
    items: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        if self.name == "row":
            parts = [
                f'"{name}" {item}' if name and not re.fullmatch(r"[a-z_][a-z0-9_]*", name)
                else f"{name} {item}" if name
                else str(item)
                for name, item in zip(self.fields, self.items, strict=True)
            ]  # fmt: skip
            return f"row({', '.join(parts)})"
        if self.items:
            return f"{self.name}({', '.join(map(str, self.items))})"
        if self.name == "timestamptz":
            return f"timestamp({self.numbers[0]}) with time zone"
        if self.numbers:
            separator = "," if self.name == "decimal" else ""
            return f"{self.name}({separator.join(map(str, self.numbers))})"
        return self.name

    @property
    def item(self) -> Type:
        """An array's element, or a map's value."""
        return self.items[-1]

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def is_number(self) -> bool:
        return self.is_integer or self.name in ("decimal", "real", "double")

    @property
    def is_exact(self) -> bool:
        return self.is_integer or self.name == "decimal"

    @property
    def is_text(self) -> bool:
        return self.name in ("varchar", "char")

    @property
    def is_time(self) -> bool:
        return self.name in ("date", "timestamp", "timestamptz")


INTEGERS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_ORDER = list(INTEGERS)
BOUNDS = {
    "tinyint": (-(2**7), 2**7 - 1),
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}

BOOLEAN, INTEGER, BIGINT = Type("boolean"), Type("integer"), Type("bigint")
TINYINT, SMALLINT = Type("tinyint"), Type("smallint")
DOUBLE, REAL, DATE = Type("double"), Type("real"), Type("date")
VARCHAR, VARBINARY, JSON = Type("varchar"), Type("varbinary"), Type("json")
TIMESTAMP, TIMESTAMPTZ = Type("timestamp", (3,)), Type("timestamptz", (3,))
UNKNOWN = Type("unknown")  # NULL's
DAYS, MONTHS = Type("interval day to second"), Type("interval year to month")


def array(item: Type) -> Type:
    return Type("array", items=(item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", items=(key, value))


def row(*members: tuple[str | None, Type]) -> Type:
    return Type("row", items=tuple(t for _, t in members), fields=tuple(n for n, _ in members))


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", (precision, scale))


def varchar(length: int) -> Type:
    return Type("varchar", (length,)) if length < MOST else VARCHAR


def length(text: Type) -> int:
    return text.numbers[0] if text.numbers else MOST


_DUCK = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "json": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "STRUCT(at TIMESTAMP, zone VARCHAR)",
    "unknown": "INTEGER",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
}


def duck(kind: Type) -> str:
    """The type that holds such values in DuckDB; a row's fields are f0, f1, …"""
    match kind.name:
        case "decimal":
            return f"DECIMAL({kind.numbers[0]},{kind.numbers[1]})"
        case "array":
            return f"{duck(kind.item)}[]"
        case "map":
            return f"MAP({duck(kind.items[0])}, {duck(kind.items[1])})"
        case "row":
            members = (f"f{number} {duck(item)}" for number, item in enumerate(kind.items))
            return f"STRUCT({', '.join(members)})"
    return _DUCK[kind.name]


def precision_and_scale(kind: Type) -> tuple[int, int]:
    """As ColumnInfo has them."""
    if kind.name == "decimal":
        return kind.numbers[0], kind.numbers[1]
    if kind.is_text:
        return length(kind), 0
    if kind.name in INTEGERS:
        return INTEGERS[kind.name], 0
    simple = {"double": 17, "real": 17, "timestamp": 3, "timestamptz": 3, "varbinary": 1073741824}
    return simple.get(kind.name, 0), 0


def column_info_name(kind: Type) -> str:
    """ColumnInfo.Type."""
    names = {"real": "float", "timestamptz": "timestamp with time zone"}
    return names.get(kind.name, kind.name)


def as_decimal(kind: Type) -> Type:
    return kind if kind.name == "decimal" else decimal(INTEGERS[kind.name], 0)


def _common_decimal(left: Type, right: Type) -> Type:
    (lp, ls), (rp, rs) = left.numbers, right.numbers
    scale = max(ls, rs)
    return decimal(min(38, max(lp - ls, rp - rs) + scale), scale)


def _common_number(left: Type, right: Type) -> Type:
    for name in ("double", "real"):
        if name in (left.name, right.name):
            return Type(name)
    if left.is_integer and right.is_integer:
        return max(left, right, key=lambda kind: _ORDER.index(kind.name))
    return _common_decimal(as_decimal(left), as_decimal(right))


def common(left: Type, right: Type) -> Type | None:
    """The type that both become where one is asked for, or None."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    if left.is_number and right.is_number:
        return _common_number(left, right)
    if left.is_text and right.is_text:
        widest = max(length(left), length(right))
        return Type("char", (widest,)) if left.name == right.name == "char" else varchar(widest)
    if left.is_time and right.is_time:
        wider = max(
            left, right, key=lambda kind: ["date", "timestamp", "timestamptz"].index(kind.name)
        )
        most = max([*left.numbers, *right.numbers])
        return Type(wider.name, (most,))
    if left.name == right.name and left.items and len(left.items) == len(right.items):
        return _common_items(left, right)
    return None


def _common_items(left: Type, right: Type) -> Type | None:
    items = [common(a, b) for a, b in zip(left.items, right.items, strict=True)]
    if None in items:
        return None
    names = tuple(a if a == b else None for a, b in zip(left.fields, right.fields, strict=True))
    return Type(left.name, items=tuple(i for i in items if i), fields=names)


# --- reading types -------------------------------------------------------------------------------

_HIVE = {
    "int": "integer",
    "float": "real",
    "string": "varchar",
    "binary": "varbinary",
    "timestamp": "timestamp",
}
_PLAIN = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "double", "varchar", "date", "real",
    "varbinary", "json",
}  # fmt: skip
_WORD = re.compile(r'\s*("(?:[^"]|"")*"|`[^`]*`|[^\s<>(),:`"]+|[<>(),:])')


class _Reader:
    """One type's text, word by word."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = _WORD.findall(text)
        self.place = 0

    def peek(self) -> str:
        return self.words[self.place] if self.place < len(self.words) else ""

    def take(self, expected: str | None = None) -> str:
        word = self.peek()
        if not word or (expected is not None and word != expected):
            raise Unknown(f"the type {self.text}")
        self.place += 1
        return word

    def numbers(self) -> tuple[int, ...]:
        if self.peek() != "(":
            return ()
        self.take("(")
        found = [self._number()]
        while self.peek() == ",":
            self.take(",")
            found.append(self._number())
        self.take(")")
        return tuple(found)

    def _number(self) -> int:
        word = self.take()
        if not word.isdigit():
            raise Unknown(f"the type {self.text}")
        return int(word)

    def hive(self) -> Type:
        name = self.take().lower()
        if name == "array":
            self.take("<")
            kind = array(self.hive())
        elif name == "map":
            self.take("<")
            key = self.hive()
            self.take(",")
            kind = map_of(key, self.hive())
        elif name == "struct":
            self.take("<")
            members = [self._member()]
            while self.peek() == ",":
                self.take(",")
                members.append(self._member())
            kind = row(*members)
        else:
            return _simple(name, self.numbers(), self.text)
        self.take(">")
        return kind

    def _member(self) -> tuple[str, Type]:
        name = self.take().strip("`").lower()
        self.take(":")
        return name, self.hive()


def _simple(name: str, numbers: tuple[int, ...], text: str) -> Type:
    name = _HIVE.get(name, name)
    if name == "decimal":
        precision, scale = (*numbers, *(10, 0)[len(numbers) :])
        return decimal(precision, scale)
    if name == "char" and len(numbers) == 1:
        return Type("char", numbers)
    if name == "varchar" and len(numbers) == 1:
        return varchar(numbers[0])
    if name == "timestamp" and not numbers:
        return TIMESTAMP
    if name in _PLAIN and not numbers:
        return Type(name)
    raise Unknown(f"the type {text}")


def from_hive(text: str) -> Type:
    """A column's type in the catalogue, such as `array<struct<a:int>>`."""
    reader = _Reader(text)
    kind = reader.hive()
    if reader.peek():
        raise Unknown(f"the type {text}")
    return kind


def to_hive(kind: Type) -> str:
    """What CREATE TABLE AS puts in the catalogue."""
    back = {"integer": "int", "real": "float", "varbinary": "binary"}
    match kind.name:
        case "array":
            return f"array<{to_hive(kind.item)}>"
        case "map":
            return f"map<{to_hive(kind.items[0])},{to_hive(kind.items[1])}>"
        case "row":
            members = [
                f"{name or f'field{number}'}:{to_hive(item)}"
                for number, (name, item) in enumerate(zip(kind.fields, kind.items, strict=True))
            ]
            return f"struct<{','.join(members)}>"
        case "varchar":
            return f"varchar({kind.numbers[0]})" if kind.numbers else "string"
        case "timestamp":
            return "timestamp"
        case "decimal" | "char":
            return f"{kind.name}({','.join(map(str, kind.numbers))})"
        case "json" | "timestamptz" | "unknown" | "interval day to second":
            raise Unknown(f"a table's column of type {kind}")
    return back.get(kind.name, kind.name)
