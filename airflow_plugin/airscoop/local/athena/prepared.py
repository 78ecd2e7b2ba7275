"""PREPARE, EXECUTE … USING and DEALLOCATE PREPARE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airscoop.local.athena.answers import Answer
from airscoop.local.athena.failures import QueryFailed
from airscoop.local.athena.hive_words import Words

if TYPE_CHECKING:
    from airscoop.local.athena.running import Session


def prepare(session: Session, words: Words) -> Answer:
    name = words.name()
    words.expect("FROM")
    session.prepared[name] = words.rest()
    return Answer("UTILITY", "PREPARE")


def _statement(session: Session, name: str) -> str:
    if name not in session.prepared:
        raise QueryFailed(f"NOT_FOUND: Prepared statement not found: {name}")
    return session.prepared[name]


def executed(session: Session, words: Words) -> tuple[str, list[str]]:
    """The statement that EXECUTE names, and the SQL of its parameters."""
    text = _statement(session, words.name())
    values = _arguments(words) if words.accept("USING") else []
    words.end()
    return text, values


def _arguments(words: Words) -> list[str]:
    """The expressions between commas."""
    text = words.text
    found: list[str] = []
    start, depth = words.words[words.place].place if not words.at_end() else len(text), 0
    while not words.at_end():
        word = words.next()
        depth += (word.text in "([") - (word.text in ")]")
        if word.text == "," and depth == 0:
            found.append(text[start : word.place])
            start = word.place + 1
    return [*found, text[start:]]


def deallocate(session: Session, words: Words) -> Answer:
    name = words.name()
    words.end()
    _statement(session, name)
    del session.prepared[name]
    return Answer("UTILITY", "DEALLOCATE")
