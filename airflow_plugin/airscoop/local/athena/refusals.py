"""What Athena knows and the local Athena refuses by name, each with its reason.

A list for people: the code refuses whatever it does not know, in this list or not.
"""

from __future__ import annotations

REFUSALS: dict[str, str] = {
    "WITH RECURSIVE": "the depth at which Athena stops is a setting of its own",
    "TABLESAMPLE": "which rows are chosen is Athena's",
    "NATURAL JOIN": "Athena refuses it, too",
    "MATCH_RECOGNIZE": "DuckDB has nothing like it",
    "JSON_VALUE, JSON_QUERY, JSON_TABLE, JSON_EXISTS": (
        "their paths have modes that are not written here"
    ),
    "EXPLAIN": "the plan would be DuckDB's",
    "information_schema": "use SHOW, DESCRIBE or the Glue API",
    "FOR TIMESTAMP AS OF, FOR VERSION AS OF": "there are no Iceberg tables here",
    "DELETE, UPDATE, MERGE, OPTIMIZE, VACUUM": "there are no Iceberg tables here",
    "tables of Iceberg, Delta Lake or Hudi": "only Hive's tables are read",
    "ORC, Avro, Ion, CloudTrail and grok": "their SerDes are not written",
    "a regular expression's \\p, \\h, \\R, \\G, \\Q, &&, nested classes": (
        "Java's and Python's patterns differ there"
    ),
    "a regular expression's \\w, \\d, \\b or (?i) on a text beyond ASCII": (
        "whether a letter beyond ASCII counts is Athena's to say"
    ),
    "a comparison or an order of rows and maps": "NULL within them counts in another way",
    "the order of arrays": "NULL within them counts in another way",
    "char compared with varchar": "which of them is padded depends on the version: write a CAST",
    "timestamps of more than six digits": "DuckDB's have six",
    "time, time with time zone, uuid, ipaddress, HyperLogLog, qdigest, geometry": (
        "their types are not written"
    ),
    "checksum, approx_set, murmur3, xxhash64": "their hashes are Trino's own",
    "array_sort with a comparator": "DuckDB sorts by no lambda",
    "buckets: CLUSTERED BY, bucketed_by": "the hash of Hive's buckets is not written",
    "UNLOAD and CREATE TABLE AS in ORC or Avro": "only TEXTFILE, JSON and PARQUET are written",
    "text compressed as anything but gzip (and read: bzip2)": "one codec is enough here",
    "nested types in delimited text": "their delimiters are not written",
    "federated queries, data sources that are no Glue catalogue": "there is one catalogue here",
    "user-defined functions: USING EXTERNAL FUNCTION": "they are Lambdas",
    "SHOW PARTITIONS of a projected table": "Athena shows what the catalogue has, which is nothing",
    "DESCRIBE EXTENDED, DESCRIBE FORMATTED": "their text is Hive's own",
}
