"""Conditions on partition columns, carried to the tables they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import Context, compile_expression, inspect_expression, quoted
from airscoop.local.athena.scopes import Field, Origin, Scope


def push(condition: Any, own: Scope, scope: Scope, context: Context) -> None:
    """Gives each table the parts of a condition that its partition columns alone decide.

    own: the fields whose rows the condition may remove.
    """
    removable = {each.origin for each in own.fields if each.origin is not None and each.pushable}
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        origins = inspect_expression(part, scope, context).origins
        if not origins or not origins <= removable:
            continue
        scans = {origin.scan for origin in origins}
        scan = next(iter(scans))
        keys = {name for name, _ in scan.table.keys}
        columns = frozenset(origin.column for origin in origins)
        if len(scans) > 1 or not columns <= keys:
            continue
        direct = Scope([_direct(each) for each in scope.fields], None, scope.ctes)
        scan.conditions.append((compile_expression(part, direct, context).sql, columns))
        if len(origins) == 1:
            _keep_given(part, next(iter(origins)), scope, context)


def _direct(field: Field) -> Field:
    """A field under its table's own name."""
    if field.origin is None:
        return field
    return replace(field, sql=f"{field.origin.scan.alias}.{quoted(field.origin.column)}")


def _keep_given(part: Any, origin: Origin, scope: Scope, context: Context) -> None:
    """`column = 'x'` and `column IN ('x', 'y')` name the values of an injected column."""
    if isinstance(part, exp.Paren):
        _keep_given(part.this, origin, scope, context)
        return
    sides: list[Any] = []
    if isinstance(part, exp.EQ):
        sides = [part.left, part.right]
    elif isinstance(part, exp.In) and part.expressions and isinstance(part.this, exp.Column):
        sides = list(part.expressions)
    values = [
        found.literal
        for found in (compile_expression(each, scope, context) for each in sides)
        if found.literal is not None
    ]
    if values:
        before = origin.scan.given.get(origin.column)
        kept = values if before is None else [each for each in before if each in values]
        origin.scan.given[origin.column] = kept
