"""regexp_*: Java's patterns by Python's re, as far as both mean the same. The rest is refused."""

from __future__ import annotations

import re
from functools import cache

from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.functions import simple
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python

simple("regexp_like", "varchar, varchar -> boolean: a_regexp_like({0}, {1})")
simple("regexp_extract", "varchar, varchar -> varchar: a_regexp_extract({0}, {1}, 0)",
       "varchar, varchar, bigint -> varchar: a_regexp_extract({0}, {1}, {2})")  # fmt: skip
simple("regexp_extract_all", "varchar, varchar -> string[]: a_regexp_all({0}, {1}, 0)",
       "varchar, varchar, bigint -> string[]: a_regexp_all({0}, {1}, {2})")  # fmt: skip
simple("regexp_replace", "varchar, varchar -> varchar: a_regexp_replace({0}, {1}, '')",
       "varchar, varchar, varchar -> varchar: a_regexp_replace({0}, {1}, {2})")  # fmt: skip
simple("regexp_split", "varchar, varchar -> string[]: a_regexp_split({0}, {1})")
simple("regexp_count", "varchar, varchar -> bigint: a_regexp_count({0}, {1})")
simple("regexp_position", "varchar, varchar -> integer: a_regexp_position({0}, {1})")

_REFUSED = re.compile(r"\\(?:[pPhHvVRXGzQEkNuc]|x\{)|\[[^\]]*(?:\[|&&)|\(\?[udxs-]|\(\?i[a-z]")
_ASKS_FOR_LETTERS = re.compile(r"\\[wWdDsSbB]|\(\?i")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    bare = text.replace("\\\\", "")
    if found := _REFUSED.search(bare):
        error = Unknown(f"{found[0]} in the regular expression {text}")
        raise ValueError(error.message)
    ours = re.sub(r"\(\?<([A-Za-z]\w*)>", r"(?P<\1>", text)
    ours = re.sub(r"(?<!\\)\\Z", r"(?=\\n?\\Z)", ours)
    try:
        return re.compile(ours, re.ASCII if "(?i)" not in text else 0)
    except re.error as error:
        raise failed("INVALID_FUNCTION_ARGUMENT", str(error)) from error


def _found(text: str, pattern: str) -> re.Pattern[str]:
    """The pattern, unless it asks what a letter is of a text beyond ASCII."""
    if not text.isascii() and _ASKS_FOR_LETTERS.search(pattern):
        error = Unknown(f"the regular expression {pattern} on a text beyond ASCII")
        raise ValueError(error.message)
    return _pattern(pattern)


def _group(compiled: re.Pattern[str], number: int) -> int:
    if number < 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    if number > compiled.groups:
        words = f"Pattern has {compiled.groups} groups. Cannot access group {number}"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return number


@python("VARCHAR;VARCHAR", "BOOLEAN")
def regexp_like(text: str, pattern: str) -> bool:
    return _found(text, pattern).search(text) is not None


@python("VARCHAR;VARCHAR;BIGINT", "VARCHAR")
def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    compiled = _found(text, pattern)
    number = _group(compiled, group)
    found = compiled.search(text)
    return found[number] if found else None


@python("VARCHAR;VARCHAR;BIGINT", "VARCHAR[]")
def regexp_all(text: str, pattern: str, group: int) -> list[str | None]:
    compiled = _found(text, pattern)
    number = _group(compiled, group)
    return [found[number] for found in compiled.finditer(text)]


@cache
def _replacement(text: str, compiled: re.Pattern[str]) -> tuple[str | int, ...]:
    """Java's: $1, ${name}, and a backslash before a sign that means itself."""
    parts: list[str | int] = []
    for match in re.finditer(r"\\(.)|\$(\d+)|\$\{([A-Za-z]\w*)\}|([^\\$]+)|(.)", text, re.DOTALL):
        if match[1] is not None:
            parts.append(match[1])
        elif match[2] is not None:
            parts.append(_numbered(match[2], compiled))
        elif match[3] is not None:
            if match[3] not in compiled.groupindex:
                words = f"Illegal replacement sequence: unknown group {{{match[3]}}}"
                raise failed("INVALID_FUNCTION_ARGUMENT", words)
            parts.append(compiled.groupindex[match[3]])
        elif match[4] is not None:
            parts.append(match[4])
        else:
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: {text}")
    return tuple(parts)


def _numbered(digits: str, compiled: re.Pattern[str]) -> int:
    """The longest number that a group has; the other digits are text."""
    for size in range(len(digits), 0, -1):
        if int(digits[:size]) <= compiled.groups:
            if digits[size:]:
                raise ValueError(Unknown(f"${digits} in a replacement").message)
            return int(digits[:size])
    words = f"Illegal replacement sequence: unknown group {digits}"
    raise failed("INVALID_FUNCTION_ARGUMENT", words)


@python("VARCHAR;VARCHAR;VARCHAR", "VARCHAR")
def regexp_replace(text: str, pattern: str, by: str) -> str:
    compiled = _found(text, pattern)
    parts = _replacement(by, compiled)

    def put(match: re.Match[str]) -> str:
        return "".join(each if isinstance(each, str) else match[each] or "" for each in parts)

    return compiled.sub(put, text)


@python("VARCHAR;VARCHAR", "VARCHAR[]")
def regexp_split(text: str, pattern: str) -> list[str]:
    pieces, end = [], 0
    for match in _found(text, pattern).finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
    return [*pieces, text[end:]]


@python("VARCHAR;VARCHAR", "BIGINT")
def regexp_count(text: str, pattern: str) -> int:
    return sum(1 for _ in _found(text, pattern).finditer(text))


@python("VARCHAR;VARCHAR", "INTEGER")
def regexp_position(text: str, pattern: str) -> int:
    found = _found(text, pattern).search(text)
    return found.start() + 1 if found else -1
