"""SQL text as words: sqlglot's tokenizer, made to read what PostgreSQL reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import ClassVar

WORD = re.compile(r"[^\W\d][\w$]*")


class Kind(Enum):
    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Token:
    """`upper` is the word in capitals, `value` what a name or a string stands for."""

    kind: Kind
    text: str
    value: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind is Kind.WORD else self.text

    def is_name(self) -> bool:
        return self.kind in (Kind.WORD, Kind.QUOTED)


class CannotTokenize(Exception):
    """The text is not SQL to sqlglot's tokenizer."""


@cache
def _tokenizer() -> Callable[[str], Sequence[object]]:
    """PostgreSQL's quoting rules, because PostgreSQL reads the text in the end.

    Redshift's own tokenizer takes a backslash in '…' as an escape, PostgreSQL does not.
    """
    from sqlglot.dialects.postgres import Postgres
    from sqlglot.tokenizer_core import TokenType

    class Tokenizer(Postgres.Tokenizer):
        # Without this the rest of DO, EXPLAIN or SHOW would become one string, up to a semicolon.
        COMMANDS: ClassVar[set[TokenType]] = set()

    return lambda text: Tokenizer(dialect="postgres").tokenize(text)


def _kind(name: str) -> Kind | None:
    if name == "IDENTIFIER":
        return Kind.QUOTED
    if name.endswith("STRING"):
        return Kind.STRING
    return None


def tokenize(text: str) -> list[Token]:
    """All tokens of `text`, comments left out; keywords of two words become two tokens."""
    from sqlglot.errors import SqlglotError

    try:
        found = _tokenizer()(text)
    except SqlglotError as error:
        raise CannotTokenize(str(error)) from error
    tokens: list[Token] = []
    for item in found:
        kind = _kind(item.token_type.name)  # type: ignore[attr-defined]
        start, end = item.start, item.end + 1  # type: ignore[attr-defined]
        source = text[start:end]
        if kind is not None:
            tokens.append(Token(kind, source, item.text, start, end))  # type: ignore[attr-defined]
            continue
        words = list(WORD.finditer(source))
        if words and words[0].start() == 0:
            tokens.extend(
                Token(Kind.WORD, m[0], m[0].lower(), start + m.start(), start + m.end())
                for m in words
            )
        else:
            tokens.append(Token(Kind.OTHER, source, source, start, end))
    return tokens


def statements(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cuts at semicolons; empty statements are left out."""
    result: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is Kind.OTHER and token.text == ";":
            result.append([])
        else:
            result[-1].append(token)
    return [statement for statement in result if statement]


def keywords(tokens: Sequence[Token]) -> list[str]:
    """Words in capitals and symbols; names in quotes and strings as empty texts."""
    return [token.upper if token.kind in (Kind.WORD, Kind.OTHER) else "" for token in tokens]
