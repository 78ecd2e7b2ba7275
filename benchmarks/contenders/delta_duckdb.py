"""The delta of two CSV exports by DuckDB: a full join of all columns as text, written as JSON."""

from __future__ import annotations

import sys

import duckdb

COLUMNS = ("name", "email", "amount", "state", "since", "number", "tag")


def main(old: str, new: str, out: str) -> None:
    differs = " or ".join(f"o.{c} is distinct from n.{c}" for c in COLUMNS)
    row = ", ".join(f"{c}: if(n.PK is null, o.{c}, n.{c})" for c in ("PK", *COLUMNS))
    op = "case when o.PK is null then 'INSERT' when n.PK is null then 'DELETE' else 'UPDATE' end"
    duckdb.sql(
        f"copy (select {op} as op, {{PK: coalesce(n.PK, o.PK)}} as key, {{{row}}} as row "  # noqa: S608
        f"from read_csv('{old}', all_varchar = true) o "
        f"full join read_csv('{new}', all_varchar = true) n on o.PK = n.PK "
        f"where o.PK is null or n.PK is null or {differs}) to '{out}' (format json)"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
