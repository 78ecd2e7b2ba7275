"""A place in a statement's tokens, with the steps the recognisers are written in."""

from __future__ import annotations

from collections.abc import Sequence

from airscoop.local.redshift.errors import SqlError, syntax_error_near
from airscoop.local.redshift.tokens import Kind, Token


class Cursor:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def peek(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def at_end(self) -> bool:
        return self._position >= len(self._tokens)

    def _matches(self, words: Sequence[str]) -> bool:
        found = self._tokens[self._position : self._position + len(words)]
        return len(found) == len(words) and all(
            token.upper == word and token.kind in (Kind.WORD, Kind.OTHER)
            for token, word in zip(found, words, strict=True)
        )

    def accept(self, *words: str) -> bool:
        """Steps over `words` (in capitals, or symbols) when they come next."""
        if not self._matches(words):
            return False
        self._position += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.error()

    def error(self) -> SqlError:
        token = self.peek()
        if token is None:
            return SqlError("42601", "syntax error at end of input")
        return syntax_error_near(token.text)

    def name(self) -> str:
        """A name, folded to lower case: Redshift folds names even in quotes."""
        token = self.peek()
        if token is None or not token.is_name():
            raise self.error()
        self._position += 1
        return token.value.lower()

    def string(self) -> str:
        token = self.peek()
        if token is None or token.kind is not Kind.STRING:
            raise self.error()
        self._position += 1
        return token.value

    def literal(self) -> str:
        """A string or a number, as text."""
        token = self.peek()
        if token is None:
            raise self.error()
        if token.kind is Kind.STRING:
            return self.string()
        sign = "-" if self.accept("-") else ""
        token = self.peek()
        if token is None or token.kind is not Kind.OTHER or not token.text[0].isdigit():
            raise self.error()
        self._position += 1
        return sign + token.text

    def word(self) -> str:
        token = self.peek()
        if token is None or token.kind is not Kind.WORD:
            raise self.error()
        self._position += 1
        return token.upper

    def end(self) -> None:
        if not self.at_end():
            raise self.error()
