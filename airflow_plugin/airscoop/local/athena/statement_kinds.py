"""What kind of statement a text is, by its first words: it says where the result goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What stands before the first word.
_IGNORED = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*", re.DOTALL)
_WORD = re.compile(r"\w+")
_AS_QUERY = re.compile(r"\bAS\s*\(*\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_MOST_WORDS = 8
_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE")
_WRITES = ("UPDATE", "DELETE", "MERGE")
_UTILITIES = ("SHOW", "DESCRIBE", "DESC")


@dataclass(frozen=True)
class Kind:
    """`form` goes with the id of a query into the name of its result."""

    statement: str
    substatement: str | None
    form: str

    @property
    def has_header(self) -> bool:
        """Whether the result's first row has the columns' names."""
        return self.substatement == "SELECT"

    @property
    def is_text(self) -> bool:
        """Whether the result is lines of text, not CSV."""
        return self.form.endswith(".txt")

    @property
    def writes_data(self) -> bool:
        """Whether a manifest tells of the objects that it wrote."""
        return self.substatement in ("INSERT", "UNLOAD", "CREATE_TABLE_AS_SELECT")


def kind(statement: str) -> Kind:
    """What Athena calls a statement before it has run it."""
    words = _first_words(statement)
    first = words[0] if words else ""
    if first in _QUERIES:
        return Kind("DML", "SELECT", "{id}.csv")
    if first == "EXPLAIN":
        return Kind("DML", "EXPLAIN", "{id}.txt")
    if first in ("INSERT", "UNLOAD"):
        return Kind("DML", first, "{id}")
    if first in _WRITES:
        return Kind("DML", first, "{id}.csv")
    if (
        first == "CREATE"
        and "TABLE" in words[:3]
        and _AS_QUERY.search(_QUOTED.sub("''", statement))
    ):
        return Kind("DDL", "CREATE_TABLE_AS_SELECT", "tables/{id}")
    return Kind("UTILITY" if first in _UTILITIES else "DDL", None, "{id}.txt")


def _first_words(statement: str) -> list[str]:
    found: list[str] = []
    place = _end(_IGNORED, statement, 0)
    while len(found) < _MOST_WORDS and (word := _WORD.match(statement, place)):
        found.append(word[0].upper())
        place = _end(_IGNORED, statement, word.end())
    return found


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return place if match is None else match.end()
