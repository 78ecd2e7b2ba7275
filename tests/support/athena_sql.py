"""Athena's SQL for DuckDB."""

from __future__ import annotations

import sqlglot


def on_duckdb(statement: str) -> str:
    """Athena's SQL in DuckDB's dialect, whose sha256 takes text and gives hex digits."""
    tree = sqlglot.parse_one(statement, read="athena")

    def plain(node: sqlglot.exp.Expression) -> sqlglot.exp.Expression:
        if isinstance(node, sqlglot.exp.Hex | sqlglot.exp.LowerHex):
            text = node.find(sqlglot.exp.Encode)
            assert text is not None
            return sqlglot.exp.Anonymous(this="sha256", expressions=[text.this])
        if isinstance(node, sqlglot.exp.JSONFormat):
            # In DuckDB a CAST to JSON reads a text as JSON.
            value = node.this.this if isinstance(node.this, sqlglot.exp.Cast) else node.this
            as_json = sqlglot.exp.Anonymous(this="to_json", expressions=[value])
            return sqlglot.exp.cast(as_json, "text")
        return node

    return tree.transform(plain).sql(dialect="duckdb")
