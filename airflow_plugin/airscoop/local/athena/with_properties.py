"""WITH (name = value, …) of UNLOAD and CREATE TABLE AS."""

from __future__ import annotations

from dataclasses import dataclass, field

from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.hive_words import Words


@dataclass
class Properties:
    """What was given, and what has been asked for; what nobody asks for is refused."""

    values: dict[str, str | list[str]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str) -> str:
        self._asked.add(name)
        value = self.values.get(name, default)
        if isinstance(value, list):
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} must be a text")
        return value

    def need(self, name: str) -> str:
        if name not in self.values:
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} is missing")
        return self.text(name, "")

    def names(self, name: str) -> list[str]:
        self._asked.add(name)
        value = self.values.get(name, [])
        if isinstance(value, str):
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} must be an ARRAY of texts")
        return value

    def end(self) -> None:
        for name in self.values:
            if name not in self._asked:
                raise Unknown(f"the property {name}")


def properties_of(words: Words) -> Properties:
    found: dict[str, str | list[str]] = {}
    words.expect("(")
    while True:
        name = words.name()
        words.expect("=")
        found[name] = _value(words)
        if words.accept(")"):
            return Properties(found)
        words.expect(",")


def _value(words: Words) -> str | list[str]:
    if words.accept("ARRAY", "["):
        items = [words.string()]
        while words.accept(","):
            items.append(words.string())
        words.expect("]")
        return items
    if words.peek()[:1] in ("'", '"'):
        return words.string()
    return words.next().text


def cut_query(statement: str) -> tuple[str, Words]:
    """`UNLOAD (query) rest`: the query and the words of the rest."""
    words = Words(statement)
    words.expect("UNLOAD")
    if words.peek() != "(":
        raise words.error()
    start = words.next().place + 1
    depth = 1
    while depth:
        word = words.next()
        depth += (word.text == "(") - (word.text == ")")
    return statement[start : word.place], words
