"""Decides what happens to a text of SQL: pass it, change it, carry it out here, or refuse it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airscoop.local.redshift import attributes, ddl, refusals
from airscoop.local.redshift.errors import SqlError
from airscoop.local.redshift.tokens import CannotTokenize, statements, tokenize

# A text without any of these needs no look: it is PostgreSQL's as it stands.
_NOTABLE = re.compile(
    r"external|partition|distkey|sortkey|diststyle|encode|backup|sysdate|identity|"
    r"max|query_group|enable_result_cache|wlm_query|conflict|distinct|returning|filter|"
    r"isolation|serial|json|uuid|bytea|xml|money|index|sequence|trigger|rule|extension|domain|"
    r"foreign|savepoint|release|rollback|_agg|refresh|location|properties|drop|"
    r"_timeout|work_mem|version\s*\(",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pass:
    """For PostgreSQL, in these words."""

    text: str


@dataclass(frozen=True)
class Carry:
    """For the stand-in itself: one external command."""

    command: ddl.Command
    text: str


@dataclass(frozen=True)
class Refuse:
    error: SqlError


Decision = Pass | Carry | Refuse


def in_block(title: str) -> SqlError:
    return SqlError("25001", f"{title} cannot run inside a transaction block")


def in_multiple(title: str) -> SqlError:
    return SqlError("25001", f"{title} cannot run inside a multiple commands statement")


def decide(text: str) -> Decision:
    """What to do with all of `text`; what cannot be read is PostgreSQL's to judge."""
    if not _NOTABLE.search(text):
        return Pass(text)
    try:
        parts = statements(tokenize(text))
    except CannotTokenize:
        return Pass(text)
    changes: list[attributes.Edit] = []
    for part in parts:
        try:
            command = ddl.recognise(part)
        except SqlError as error:
            return Refuse(error)
        if command is not None and len(parts) == 1:
            return Carry(command, text)
        if command is not None and not isinstance(command, ddl.DropTables):
            return Refuse(in_multiple(command.title))
        refused = refusals.refusal(part)
        if refused is not None:
            return Refuse(refused)
        changes += attributes.edits(part)
    return Pass(attributes.apply(text, changes))
