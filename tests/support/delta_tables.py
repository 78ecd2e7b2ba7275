"""Any two tables, and exports of them as some program writes them."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import airscoop

Row = tuple[Any, ...]  # texts and None; of JSON lines any value


Table = dict[Any, Row]  # by texts; of JSON lines by numbers, too


texts = st.text(
    alphabet=st.sampled_from([*'ab,"\n\r 1é😀\\\x01\t'])
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=6,
)


values = st.none() | texts


keys = st.one_of(
    st.integers(0, 60).map(str), st.integers(0, 40).map(lambda n: f"k{n:03}"), texts.filter(bool)
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, Table, Table]:
    """The number of columns beside the key, and two tables that have much in common."""
    width = draw(st.integers(1, 3))
    rows = st.tuples(*[values] * width)
    old = draw(st.dictionaries(keys, rows, max_size=30))
    new = {key: row for key, row in old.items() if draw(st.integers(0, 9)) > 1}
    for key in list(new):
        if draw(st.integers(0, 9)) < 2:
            new[key] = draw(rows)
    return width, old, new | draw(st.dictionaries(keys, rows, max_size=5))


def quoted(value: str | None, *, always: bool) -> str:
    if value is None:
        return ""
    if always or value == "" or any(c in value for c in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def as_dialect(
    width: int, rows: list[tuple[Any, Row]], dialect: airscoop.CsvDialect, rng: random.Random
) -> bytes:
    """The rows as a dialect has them, which can say all of them: with an escape or with quotes."""
    delimiter, quote = dialect.delimiter or ",", dialect.quote or '"'
    null = (dialect.null_values or [""])[0]

    def written(value: str | None) -> str:
        if value is None:
            return null
        special = {delimiter, quote, "\n", "\r", dialect.escape, dialect.comment}
        if dialect.escape is not None and value and rng.random() < 0.3 and value != null:
            return "".join(dialect.escape + c if c in special else c for c in value)
        if dialect.escape is not None:
            value = value.replace(dialect.escape, 2 * dialect.escape)
        doubled = 2 * quote if dialect.escape is None or rng.random() < 0.5 else None
        return quote + value.replace(quote, doubled or f"{dialect.escape}{quote}") + quote

    ends = rng.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])
    shown: list[Row] = [("PK", *(f"c{n}" for n in range(width)))] if dialect.header else []
    shown += [(key, *values) for key, values in rows]
    lines = ["".join(rng.choice('a",;\t') for _ in range(9)) for _ in range(dialect.skip_rows)]
    for row in shown:
        if dialect.comment is not None and rng.random() < 0.2:
            lines.append(f'{dialect.comment} a "comment')
        lines.append(delimiter.join(map(written, row)))
    text = "".join(line + rng.choice(ends) for line in lines)
    return text.encode((dialect.encoding or "utf-8").replace("latin-1", "iso8859-1"))


def as_csv(width: int, rows: list[tuple[Any, Row]], rng: random.Random) -> bytes:
    """The rows as some export writes them; its columns in an order of its own."""
    names = ["PK", *(f"c{n}" for n in range(width))]
    order = list(range(width + 1))
    if rng.random() < 0.5:
        rng.shuffle(order)
    ends = rng.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])
    lines = [",".join(names[i] for i in order)]
    for key, row in rows:
        line = (key, *row)
        lines.append(",".join(quoted(line[i], always=rng.random() < 0.2) for i in order))
    text = "".join(line + rng.choice(ends) for line in lines[:-1])
    text += lines[-1] + (rng.choice(ends) if rng.random() < 0.8 else "")
    text = rng.choice(["", "", *ends]) + text
    return (("\ufeff" if rng.random() < 0.2 else "") + text).encode()


def as_json(width: int, rows: list[tuple[Any, Row]], rng: random.Random) -> bytes:
    lines = []
    for index, (key, row) in enumerate(rows):
        members = [("PK", key), *((f"c{n}", row[n]) for n in range(width))]
        rng.shuffle(members)
        absent = {n for n, v in members if v is None and index > 0 and rng.random() < 0.5}
        shown = {name: value for name, value in members if name not in absent}
        lines.append(json.dumps(shown, ensure_ascii=rng.random() < 0.5))
    return "".join(f"{line}\n" for line in lines).encode()


def export(
    folder: Path, name: str, width: int, table: Table, rng: random.Random, *, json_lines: bool
) -> Path:
    rows = list(table.items())
    order = rng.randrange(3)
    if order == 0:
        rng.shuffle(rows)
    else:
        rows.sort(key=lambda item: (len(item[0]) if order == 1 else 0, item[0].encode()))
    data = (as_json if json_lines else as_csv)(width, rows, rng)
    path = folder / f"{name}{'.jsonl' if json_lines else '.csv'}"
    if rng.random() < 0.5:
        path = path.with_name(path.name + ".gz")
        cut = rng.randrange(len(data) + 1)
        data = gzip.compress(data[:cut], 1, mtime=0) + gzip.compress(data[cut:], 9, mtime=0)
    path.write_bytes(data)
    return path
