"""The text of a query as a tree of sqlglot's, without what sqlglot would change on the way.

Functions stay under their own names, and what no Athena reads (`::`, EXCLUDE, QUALIFY) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError

from airscoop.local.athena.failures import QueryFailed, Unknown, at

_SPECIAL = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "TRIM", "LISTAGG", "SUBSTRING")
_WORD = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\?|[^\W\d]\w*|\S""", re.DOTALL
)


@cache
def dialect() -> Any:
    """Trino's dialect of sqlglot, with every function left as it is written."""
    base: Any = Trino.Parser
    parsers = base.FUNCTION_PARSERS

    class Athena(Trino):
        INDEX_OFFSET = 0  # a subscript as it is written

        class Parser(base):  # type: ignore[misc]
            FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012
            FUNCTION_PARSERS = {name: parsers[name] for name in _SPECIAL}  # noqa: RUF012

    return Athena


def words(text: str) -> list[str]:
    """The words, strings and signs of a statement, comments left out."""
    found = (match[0] for match in _WORD.finditer(text))
    return [word for word in found if not word.startswith(("--", "/*"))]


def _line_and_column(text: str, place: int) -> str:
    before = text[:place]
    return f"line {before.count(chr(10)) + 1}:{place - (before.rfind(chr(10)) + 1) + 1}: "


# What sqlglot reads, and Trino's parser stops at: the group is where.
_NOT_ATHENAS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"(::)",
        r"(?<![:=])(:)(?!:)",
        r"(==)",
        r"(<=>)",
        r"(&&)",
        r"\b(qualify)\b",
        r"\b(i?like)\s+(?:any|all)\b",
        r"\b(ilike)\b",
        r"\b(isnull|notnull)\b",
        r"\blimit\s+(?:\d+|all|\?)\s+(offset)\b",
        r"\blimit\s+\d+\s*(,)",
        r"\bcross\s+join\s+[\w.\"]+\s+(?:as\s+)?(?:\w+\s+)?(on)\b",
        r"(,)\s*(?:(?:from|where|group|order)\b|\))",
    )
)
# Newer versions of Trino read these; which does Athena?
_UNSURE = (
    (re.compile(r"\b0[xob][0-9a-f]+\b", re.I), "a number such as 0x1F"),
    (re.compile(r"\b\d+_\d"), "a number such as 1_000"),
)
_AFTER_JOIN = re.compile(r'\bjoin[\s("\[]*(?:(?:select|values|distinct|unnest)\b[\s("\[]*)*$', re.I)
_NO_TYPES = re.compile(r"\bas\s+(float|string|text|number|datetime|binary|numeric)\s*\)", re.I)


def mismatched(text: str, place: int, word: str) -> QueryFailed:
    """Trino's parser stops at a word."""
    return QueryFailed(f"SYNTAX_ERROR: {_line_and_column(text, place)}mismatched input '{word}'")


def _without_strings(text: str) -> str:
    """Strings, quoted names and comments blanked, at their length."""
    pattern = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
    return pattern.sub(lambda match: "x" * len(match[0]), text)


def _refuse_what_only_sqlglot_reads(text: str) -> None:
    bare = _without_strings(text)
    for pattern in _NOT_ATHENAS:
        if found := pattern.search(bare):
            raise mismatched(text, found.start(1), found[1])
    for pattern, title in _UNSURE:
        if pattern.search(bare):
            raise Unknown(title)
    if found := _NO_TYPES.search(bare):
        where = _line_and_column(text, found.start(1))
        raise QueryFailed(f"TYPE_NOT_FOUND: {where}Unknown type: {found[1].lower()}")
    if found := re.search(r"[`]", bare):
        raise QueryFailed(
            f"SYNTAX_ERROR: {_line_and_column(text, found.start())}backquoted identifiers are not "
            "supported; use double quotes to quote identifiers"
        )


def _check_tree(tree: Any, text: str) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Join):
            _check_join(node, text)
        if isinstance(node, exp.Star) and (node.args.get("except_") or node.args.get("replace")):
            raise at(node, "SYNTAX_ERROR", "mismatched input 'EXCEPT'")
        if isinstance(node, exp.Select) and not node.expressions:
            raise at(node, "SYNTAX_ERROR", "mismatched input 'FROM'")
        if isinstance(node, exp.Command):
            raise Unknown(f"the statement {node.name.upper()}")


def _check_join(node: Any, text: str) -> None:
    """`a JOIN b` without ON: sqlglot takes it for `a, b`."""
    if (
        set(node.args)
        & {"on", "using", "kind", "side", "method"}
        & {name for name, value in node.args.items() if value}
    ):
        return
    starts = [each.meta["start"] for each in node.this.walk() if "start" in each.meta]
    if starts and _AFTER_JOIN.search(text[: min(starts)]):
        raise at(node, "SYNTAX_ERROR", "mismatched input. Expecting: 'ON', 'USING'")


def parse(text: str) -> Any:
    """The one query in `text`."""
    _refuse_what_only_sqlglot_reads(text)
    try:
        tree = sqlglot.parse_one(text, read=dialect())
    except SqlglotError as error:
        raise _syntax_error(error, text) from error
    _check_tree(tree, text)
    return tree


def _syntax_error(error: Any, text: str) -> QueryFailed:
    facts = (getattr(error, "errors", None) or [{}])[0]
    line, column, word = facts.get("line"), facts.get("col"), facts.get("highlight")
    if line is None:
        return QueryFailed(f"SYNTAX_ERROR: {str(error).splitlines()[0]}")
    shown = f"mismatched input '{word}'" if word else "mismatched input '<EOF>'"
    start = max(1, column - len(word or "") + 1) if column else 1
    return QueryFailed(
        f"SYNTAX_ERROR: line {line}:{start}: {shown}. {facts.get('description', '')}".rstrip(". ")
    )


def bind(text: str, parameters: Sequence[str]) -> str:
    """A statement with its parameters, which are SQL, in the places of its question marks."""
    pieces: list[str] = []
    end = used = 0
    for match in _WORD.finditer(text):
        if match[0] != "?":
            continue
        if used < len(parameters):
            pieces += [text[end : match.start()], _parameter(parameters[used])]
            end = match.end()
        used += 1
    if used != len(parameters):
        raise QueryFailed(
            f"INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected {used} "
            f"but found {len(parameters)}"
        )
    return "".join([*pieces, text[end:]])


def _parameter(text: str) -> str:
    query = parse(f"SELECT {text}")
    if not isinstance(query, exp.Select) or len(query.expressions) != 1 or query.args.get("from_"):
        raise QueryFailed(f"SYNTAX_ERROR: the parameter {text} is no expression")
    return text if isinstance(query.expressions[0], exp.Literal) else f"({text})"
