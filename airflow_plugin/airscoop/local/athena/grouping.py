"""Which expressions may stand beside GROUP BY, and the error for the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from airscoop.local.athena.aggregates import AGGREGATES
from airscoop.local.athena.context import Context, inspect_expression
from airscoop.local.athena.failures import at
from airscoop.local.athena.scopes import Scope


def is_aggregate(node: Any) -> bool:
    if isinstance(node, exp.Filter):
        return is_aggregate(node.this)
    if isinstance(node, exp.GroupConcat):
        return True
    return isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES


def has_aggregate(node: Any) -> bool:
    """Whether an expression aggregates, not over a window and not in a query of its own."""
    if node is None or isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Window):
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        return any(map(has_aggregate, inner.iter_expressions()))
    return is_aggregate(node) or any(map(has_aggregate, node.iter_expressions()))


def check_grouped(
    nodes: Sequence[Any], groups: Sequence[str], scope: Scope, context: Context
) -> None:
    """Raises EXPRESSION_NOT_AGGREGATE for a column that is neither grouped by nor aggregated.

    groups: what GROUP BY names, compiled.
    """
    keys = {part for each in groups for part in (each, *_parts(each))}
    for node in nodes:
        _check(node, keys, scope, context)


def _parts(group: str) -> list[str]:
    """The columns within GROUPING SETS, ROLLUP and CUBE."""
    return re.findall(r'\w+\.(?:"(?:[^"]|"")*"|\w+)', group)


def _check(node: Any, keys: set[str], scope: Scope, context: Context) -> None:
    if isinstance(node, exp.Query | exp.Lambda | exp.Subquery):
        return
    if isinstance(node, exp.Window):
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        for each in inner.iter_expressions():
            _check(each, keys, scope, context)
        return
    if is_aggregate(node):
        return
    if isinstance(node, exp.Expression) and _compiles_to_key(node, keys, scope, context):
        return
    if isinstance(node, exp.Column):
        if _is_own(node, scope):
            name = node.sql("trino")
            words = f"'{name}' must be an aggregate expression or appear in GROUP BY clause"
            raise at(node, "EXPRESSION_NOT_AGGREGATE", words)
        return
    for each in node.iter_expressions():
        _check(each, keys, scope, context)


def _compiles_to_key(node: Any, keys: set[str], scope: Scope, context: Context) -> bool:
    if not isinstance(node, exp.Condition) or isinstance(node, exp.Star):
        return False
    return inspect_expression(node, scope, context).sql in keys


def _is_own(node: exp.Column, scope: Scope) -> bool:
    path = tuple(part.name.lower() for part in node.parts)
    return scope.resolve_own(path, node) is not None
