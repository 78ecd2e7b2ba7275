"""The words of Hive's DDL, read one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airscoop.local.athena.failures import NUMBERS, SYNTAX_ERROR, QueryFailed

_WORD = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`"
    r"|[A-Za-z0-9_$.\-+]*[A-Za-z0-9_$]|\S",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[0-7]{3}|.)", re.DOTALL)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}


@dataclass(frozen=True)
class Word:
    text: str
    place: int

    @property
    def upper(self) -> str:
        return self.text.upper()


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) == 5:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    return _SIGNS.get(code, code)


class Words:
    """A statement's words and the place of the next one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = [
            Word(match[0], match.start())
            for match in _WORD.finditer(text)
            if not match[0].startswith(("--", "/*"))
        ]
        self.place = 0

    def at_end(self) -> bool:
        return self.place >= len(self.words)

    def peek(self, ahead: int = 0) -> str:
        place = self.place + ahead
        return self.words[place].upper if place < len(self.words) else ""

    def error(self) -> QueryFailed:
        if self.at_end():
            place, word = len(self.text), "<EOF>"
        else:
            place, word = self.words[self.place].place, self.words[self.place].text
        before = self.text[:place]
        line, column = before.count("\n") + 1, place - before.rfind("\n")
        return QueryFailed(
            f"line {line}:{column}: mismatched input '{word}'", error_type=NUMBERS[SYNTAX_ERROR]
        )

    def next(self) -> Word:
        if self.at_end():
            raise self.error()
        self.place += 1
        return self.words[self.place - 1]

    def accept(self, *expected: str) -> bool:
        """Takes these words if they come next."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(expected)):
            self.place += len(expected)
            return True
        return False

    def expect(self, *expected: str) -> None:
        for word in expected:
            if not self.accept(word):
                raise self.error()

    def end(self) -> None:
        if not self.at_end():
            raise self.error()

    def string(self) -> str:
        """A string in either quotes, without its escapes."""
        word = self.peek()
        if word[:1] not in ("'", '"') or len(word) < 2:
            raise self.error()
        text = self.next().text
        quote = text[0]
        return _ESCAPE.sub(_unescaped, text[1:-1].replace(quote * 2, quote))

    def name(self) -> str:
        """One name, in backquotes or not, in lower case."""
        word = self.peek()
        if word.startswith("`"):
            return self.next().text[1:-1].replace("``", "`").lower()
        if word.startswith('"') and len(word) > 2:
            return self.next().text[1:-1].lower()
        if not re.fullmatch(r"[A-Z0-9_$]+", word):
            raise self.error()
        return self.next().text.lower()

    def table(self) -> tuple[str | None, str]:
        """`db.t`, `t` or `catalog.db.t`: database and name."""
        parts = [self._dotted()]
        while self.accept("."):
            parts.append(self._dotted())
        names = [name for part in parts for name in part]
        if not 1 <= len(names) <= 3:
            raise self.error()
        return (names[-2] if len(names) > 1 else None), names[-1]

    def _dotted(self) -> list[str]:
        word = self.peek()
        if word[:1] in ("`", '"'):
            return self.name().split(".")  # SHOW CREATE TABLE gives `db.t`
        if not re.fullmatch(r"[A-Z0-9_$]+(\.[A-Z0-9_$]+)*", word):
            raise self.error()
        return self.next().text.lower().split(".")

    def properties(self) -> dict[str, str]:
        """('a' = 'b', …)."""
        found = {}
        self.expect("(")
        while True:
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if self.accept(")"):
                return found
            self.expect(",")

    def rest(self) -> str:
        """The text from here on, as it is written."""
        if self.at_end():
            raise self.error()
        text = self.text[self.words[self.place].place :]
        self.place = len(self.words)
        return text
