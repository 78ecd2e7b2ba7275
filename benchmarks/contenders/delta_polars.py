"""The delta of two CSV exports by Polars: a streaming full join of all columns as text."""

from __future__ import annotations

import sys

import polars as pl

COLUMNS = ("name", "email", "amount", "state", "since", "number", "tag")


def main(old: str, new: str, out: str) -> None:
    before, now = (pl.scan_csv(path, infer_schema=False) for path in (old, new))
    joined = before.join(now, on="PK", how="full", suffix="_new")
    changed = pl.any_horizontal(
        pl.col("PK").is_null(),
        pl.col("PK_new").is_null(),
        *[pl.col(c).ne_missing(pl.col(f"{c}_new")) for c in COLUMNS],
    )
    joined.filter(changed).sink_ndjson(out, engine="streaming")


if __name__ == "__main__":
    main(*sys.argv[1:])
