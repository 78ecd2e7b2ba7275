"""From a seed to records in files, and what a plain model counts in them."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

Form = Literal["jsonl", "json-values", "json-array", "csv"]
FORMS: tuple[Form, ...] = ("jsonl", "json-values", "json-array", "csv")

GREATEST = "9223372036854775807"  # few of them are a sum beyond its type
TEXTS = [
    "",
    "a",
    "A",
    "ä",
    "日本",
    "\U0001f600",
    'q"uote',
    "back\\slash",
    "line\nend",
    "tab\t",
    "x,y",
]
LITERALS = [
    "null", "true", "false", "0", "-0", "1", "1.0", "1e0", "-7", "2147483647", "2147483648",
    "-2147483648", GREATEST, "9223372036854775808", "1.5", "1.50", "1e400", "[1]",
    "[1.0]", '{"b":2,"a":1}', '{"a":1.0, "b":2}', '"text"', '""',
]  # fmt: skip

GROUP_BY = {
    "by_text": ["text:string:t"],
    "by_number": ["number:int:n", "text"],
    "by_big": ["number:bigint"],
    "by_double": ["number:double", "flag:boolean"],
    "by_any": ["any:json"],
}
MEASURES = {
    "records": "count",
    "values": "count:number:double",
    "sum": "sum:small:bigint",
    "least": "min:small:int",
    "most": "max:small:double",
}
FIELDS = ("text", "number", "flag", "any", "small")
BAD_LINES = ("{", "[1", '{"text": "a"', "nonsense", '{"text":"a","text":"a"}')

Null = None
MISSING, OTHER = object(), object()


@dataclass(frozen=True)
class Plan:
    """What a seed is: the files, and the options."""

    seed: int
    form: Form
    records: int
    files: int
    long_keys: bool
    packed: tuple[bool, ...]
    bad: int
    options: dict[str, Any]

    @classmethod
    def of(cls, seed: int) -> Plan:
        """The plan of a seed."""
        chance = random.Random(seed)
        form = FORMS[seed % len(FORMS)]
        long_keys = seed % 10 == 7
        files = chance.randint(1, 5)
        options: dict[str, Any] = {
            "on_missing": chance.choice(["error", "null"]),
            "on_other_type": chance.choice(["error", "null"]),
            "max_rejected": 1_000_000,
            "memory_limit": "16M",
        }
        if chance.random() < 0.3:
            options["top"] = chance.randint(1, 6)
            options["group_by"] = {
                "by_text": GROUP_BY["by_text"],
                "by_number": GROUP_BY["by_number"],
            }
        return cls(
            seed=seed,
            form=form,
            records=30_000 if long_keys else chance.choice([0, 1, 50, 3000]),
            files=files,
            long_keys=long_keys,
            packed=tuple(chance.random() < 0.5 for _ in range(files)),
            bad=chance.choice([0, 3]) if form == "jsonl" else 0,
            options=options,
        )

    @property
    def group_by(self) -> dict[str, list[str]]:
        """The groupings of the run."""
        found: dict[str, list[str]] = self.options.get("group_by", GROUP_BY)
        return found

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """Of each record the JSON text of each field that it has."""
        chance = random.Random(self.seed + 1)
        return [self._row(chance) for _ in range(self.records)]

    def _row(self, chance: random.Random) -> dict[str, str]:
        odd = chance.random() < 0.1
        text = chance.choice(TEXTS)
        if self.long_keys:
            text = f"{chance.randrange(20_000):06}" * 30
        row = {
            "text": json.dumps(text, ensure_ascii=chance.random() < 0.5),
            "number": str(chance.randrange(20)),
            "flag": chance.choice(["true", "false"]),
            "any": chance.choice(LITERALS),
            "small": str(chance.randrange(-1000, 1000)),
        }
        if self.form == "csv":
            row["any"] = row["text"]
        if odd:
            row[chance.choice(FIELDS)] = chance.choice(LITERALS)
        if row["small"] == GREATEST and self.seed % 9:
            row["small"] = "5.0"
        if chance.random() < 0.05:
            del row[chance.choice(FIELDS)]
        return row

    @cached_property
    def texts(self) -> list[bytes]:
        """The files, inflated."""
        chance = random.Random(self.seed + 2)
        share = -(-len(self.rows) // self.files) or 1
        parts = [self.rows[i * share : (i + 1) * share] for i in range(self.files)]
        return [self._text(part, chance) for part in parts]

    def contents(self) -> list[bytes]:
        """The files."""
        return [
            gzip.compress(text, 1, mtime=0) if packed else text
            for text, packed in zip(self.texts, self.packed, strict=True)
        ]

    def _text(self, rows: list[dict[str, str]], chance: random.Random) -> bytes:
        if self.form == "csv":
            lines = [",".join(FIELDS)] + [
                ",".join(map(self._csv, self._cells(row))) for row in rows
            ]
            return ("\r\n".join(lines) + "\r\n").encode()
        objects = [self._object(row, chance, lines=self.form == "jsonl") for row in rows]
        if self.form == "json-array":
            return ("[" + ",\n".join(objects) + "]").encode()
        if self.form == "json-values":
            return chance.choice(["\n", ",\n", "", " ,", "\n\n"]).join(objects).encode()
        for _ in range(self.bad if rows else 0):
            objects.insert(chance.randint(0, len(objects)), chance.choice(BAD_LINES[3:]))
        return "".join(one + "\n" for one in objects).encode()

    def _cells(self, row: dict[str, str]) -> list[str | None]:
        return [csv_text(row.get(field)) for field in FIELDS]

    @staticmethod
    def _csv(cell: str | None) -> str:
        return "" if cell is None else '"' + cell.replace('"', '""') + '"'

    @staticmethod
    def _object(row: dict[str, str], chance: random.Random, *, lines: bool) -> str:
        names = list(row)
        chance.shuffle(names)
        space = " " if lines or chance.random() < 0.5 else "\n    "
        return "{" + f",{space}".join(f'"{name}":{space}{row[name]}' for name in names) + "}"

    def bad_lines(self) -> int:
        """Records that no reader takes."""
        share = -(-len(self.rows) // self.files) or 1
        return self.bad * -(-len(self.rows) // share)


def csv_text(literal: str | None) -> str | None:
    """What a cell of CSV has: a string's own text, other values' JSON text."""
    if literal is None or literal == "null":
        return None
    return json.loads(literal) if literal.startswith('"') else literal


def canonical(value: Any) -> str:
    """The text of a value that all equal ones have."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal):
        if value == Decimal("1e400"):
            return "1e400"
        return "0" if value == 0 else format(value.normalize(), "f")
    return json.dumps(value, ensure_ascii=False)


def parse(literal: str) -> Any:
    """A value, numbers by their digits."""
    return json.loads(literal, parse_int=Decimal, parse_float=Decimal)


def number_of(value: Decimal, kind: str) -> Any:
    """A number as its type has it."""
    if kind == "double":
        return OTHER if float(value) in (float("inf"), float("-inf")) else float(value)
    most = 2**31 if kind == "int" else 2**63
    whole = value == value.to_integral_value()
    return int(value) if whole and -most <= value < most else OTHER


def typed(literal: str | None, kind: str, form: Form) -> Any:
    """The value, MISSING or OTHER."""
    if form == "csv":
        return typed_text(csv_text(literal), kind)
    if literal is None or literal == "null":
        return MISSING
    value = parse(literal)
    if kind == "json":
        return canonical(value)
    if kind == "string":
        return value if isinstance(value, str) else OTHER
    if kind == "boolean":
        return value if isinstance(value, bool) else OTHER
    return number_of(value, kind) if isinstance(value, Decimal) else OTHER


def typed_text(text: str | None, kind: str) -> Any:
    """The same of CSV."""
    if text is None:
        return MISSING
    if kind in ("string", "json"):
        return text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, OTHER)
    try:
        value = parse(text)
    except ValueError:
        return OTHER
    return number_of(value, kind) if isinstance(value, Decimal) else OTHER


def order(value: Any) -> tuple[int, Any]:
    """NULL first, texts by their bytes."""
    if value is None:
        return (0, 0)
    return (1, value.encode() if isinstance(value, str) else value)


@dataclass
class Model:
    """What a dict counts."""

    counted: int
    rejected: int
    missing: int
    other_type: int
    groups: dict[str, list[dict[str, Any]]]

    def overflows(self) -> bool:
        """Whether a sum is beyond 64 bits."""
        sums = [row["sum"] or 0 for rows in self.groups.values() for row in rows]
        return any(not -(2**63) <= one < 2**63 for one in sums)


def count(plan: Plan) -> Model:
    """Counts a plan's records."""
    columns = {name: [spec(text) for text in texts] for name, texts in plan.group_by.items()}
    of_measures = [spec(text.partition(":")[2]) for text in list(MEASURES.values())[1:]]
    needed = list(dict.fromkeys([c[:2] for cs in columns.values() for c in cs] + [
        c[:2] for c in of_measures
    ]))  # fmt: skip
    model = Model(0, plan.bad_lines(), 0, 0, {})
    tables: dict[str, dict[Any, list[dict[tuple[str, str], Any]]]] = {name: {} for name in columns}
    for row in plan.rows:
        values = {one: typed(row.get(one[0]), one[1], plan.form) for one in needed}
        missing = sum(value is MISSING for value in values.values())
        other = sum(value is OTHER for value in values.values())
        if (missing and plan.options["on_missing"] == "error") or (
            other and plan.options["on_other_type"] == "error"
        ):
            model.rejected += 1
            continue
        model.counted += 1
        model.missing += missing
        model.other_type += other
        clean = {k: None if v is MISSING or v is OTHER else v for k, v in values.items()}
        for name, of in columns.items():
            key = tuple(clean[column[:2]] for column in of)
            tables[name].setdefault(key, []).append(clean)
    for name, of in columns.items():
        model.groups[name] = ranked(tables[name], [c[2] for c in of], plan.options.get("top"))
    return model


def spec(text: str) -> tuple[str, str, str]:
    """Field, type and name."""
    field, kind, name = (*text.split(":"), "", "")[:3]
    return field, kind or "string", name or field


def measured(records: list[dict[tuple[str, str], Any]]) -> dict[str, Any]:
    """The measures of a group."""
    numbers = [r["number", "double"] for r in records if r["number", "double"] is not None]
    big = [r["small", "bigint"] for r in records if r["small", "bigint"] is not None]
    narrow = [r["small", "int"] for r in records if r["small", "int"] is not None]
    real = [r["small", "double"] for r in records if r["small", "double"] is not None]
    return {
        "records": len(records),
        "values": len(numbers),
        "sum": sum(big) if big else None,
        "least": min(narrow) if narrow else None,
        "most": max(real) if real else None,
    }


def ranked(
    table: dict[Any, list[dict[tuple[str, str], Any]]], names: list[str], top: int | None
) -> list[dict[str, Any]]:
    """The rows of a result."""
    keys = sorted(table, key=lambda key: [order(value) for value in key])
    rest: list[dict[tuple[str, str], Any]] = []
    if top is not None and len(keys) > top:
        first = set(sorted(keys, key=lambda key: -len(table[key]))[:top])  # a stable sort
        rest = [record for key in keys if key not in first for record in table[key]]
        keys = [key for key in keys if key in first]
    rows = [dict(zip(names, key, strict=True)) | measured(table[key]) for key in keys]
    if rest:
        text = names.index("t") if "t" in names else names.index("text")
        row = {name: "(other)" if i == text else None for i, name in enumerate(names)}
        rows.append(row | measured(rest))
    return rows
