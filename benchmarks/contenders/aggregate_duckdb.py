"""Three groupings by DuckDB, in one process: aggregate_duckdb.py GLOB OUT"""

import sys

import duckdb

GROUPINGS = (
    ("country", "CountryCode"),
    ("domain", "GroupID, Domain"),
    ("useragent", "UserAgent"),
)

source, out = sys.argv[1:]
duckdb.execute(
    f"CREATE TABLE hits AS SELECT * FROM read_json('{source}', "  # noqa: S608
    "format='unstructured', columns={GroupID: 'INTEGER', CountryCode: 'VARCHAR', "
    "UserAgent: 'VARCHAR', Domain: 'VARCHAR'})"
)
for name, columns in GROUPINGS:
    duckdb.execute(
        f"COPY (SELECT {columns}, count(*) AS hitcount FROM hits GROUP BY {columns}) "  # noqa: S608
        f"TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION snappy)"
    )
