"""Three groupings of JSON lines by Polars, in one process: aggregate_polars.py GLOB OUT"""

import sys

import polars

GROUPINGS = {
    "country": ["CountryCode"],
    "domain": ["GroupID", "Domain"],
    "useragent": ["UserAgent"],
}

source, out = sys.argv[1:]
hits = polars.scan_ndjson(source)
counts = [
    hits.group_by(columns).agg(polars.len().alias("hitcount")) for columns in GROUPINGS.values()
]
for name, counted in zip(GROUPINGS, polars.collect_all(counts), strict=True):
    counted.write_parquet(f"{out}/{name}.parquet", compression="snappy")
