"""One item of ORDER BY, in queries, aggregations and windows."""

from __future__ import annotations

from sqlglot import exp

from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.scopes import Typed


def order_sql(value: Typed, node: exp.Ordered) -> str:
    """One item of ORDER BY; NULL comes last unless the statement says otherwise."""
    if value.type.name in ("map", "json", "row") or (
        value.type.name == "array" and value.type.item.items
    ):
        raise Unknown(f"ORDER BY a value of type {value.type}")
    sql = f"struct_extract({value.sql}, 'at')" if value.type.name == "timestamptz" else value.sql
    way = "DESC" if node.args.get("desc") else "ASC"
    nulls = "FIRST" if node.args.get("nulls_first") else "LAST"
    return f"{sql} {way} NULLS {nulls}"
