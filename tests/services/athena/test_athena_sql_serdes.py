"""How the files of tables are read: openx JSON, Hive's JSON, OpenCSV, delimited text, Parquet."""

from __future__ import annotations

import bz2
import gzip
import io

import pyarrow
import pyarrow.parquet
import pytest

from support.athena_engine import Athena

OPENX = "SERDE 'org.openx.data.jsonserde.JsonSerDe'"
HCATALOG = "SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'"
OPEN_CSV = "SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"

# --- openx ---------------------------------------------------------------------------------------

READ = {
    "keys are read in any case": (b'{"ID":1,"Name":"x"}', "id int, name string", "", [("1", "x")]),
    "a key that is not there is NULL": (b'{"id":1}', "id int, name string", "", [("1", None)]),
    "a blank line is a row of NULL": (
        b'{"id":1}\n\n{"id":2}\n', "id int", "", [("1",), (None,), ("2",)],
    ),
    "a nested value in a text column is its JSON": (
        b'{"a":{"x":[1,"y"],"z":null}}', "a string", "", [('{"x":[1,"y"],"z":null}',)],
    ),
    "a number in a text column is its text": (b'{"a":5}', "a string", "", [("5",)]),
    "a truth in a text column is its text": (b'{"a":true}', "a string", "", [("true",)]),
    "a scalar becomes an array of one": (b'{"a":"x"}', "a array<string>", "", [("[x]",)]),
    "a text of digits is a number": (b'{"a":"12"}', "a int", "", [("12",)]),
    "mapping gives a column another key": (
        b'{"_ts":1}', "ts int", "'mapping.ts' = '_ts'", [("1",)],
    ),
    "dots in keys become underscores": (
        b'{"a.b":1}', "a_b int", "'dots.in.keys' = 'true'", [("1",)],
    ),
    "without case.insensitive a key is as it stands": (
        b'{"A":1,"a":2}', "a int", "'case.insensitive' = 'false'", [("2",)],
    ),
    "case.insensitive false with a mapping": (
        b'{"Key":1,"key":2}', "a int",
        "'case.insensitive' = 'false', 'mapping.a' = 'Key'", [("1",)],
    ),
    "a malformed line may be ignored: its row is NULL": (
        b'{"a":1}\nnope\n{"a":3}', "a int", "'ignore.malformed.json' = 'true'",
        [("1",), (None,), ("3",)],
    ),
    "an array line maps by position": (b'[1,"x"]', "a int, b string", "", [("1", "x")]),
    "structs and maps nest": (
        b'{"s":{"K":{"m":{"p":1}}}}', "s struct<k:struct<m:map<string,int>>>", "",
        [("{k={m={p=1}}}",)],
    ),
    "carriage returns end lines too": (b'{"a":1}\r\n{"a":2}\r\n', "a int", "", [("1",), ("2",)]),
    "a timestamp and a date": (
        b'{"t":"2020-01-02 03:04:05.678","d":"2020-01-02"}', "t timestamp, d date", "",
        [("2020-01-02 03:04:05.678", "2020-01-02")],
    ),
    "a decimal has its scale": (b'{"a":1.5}', "a decimal(5,2)", "", [("1.50",)]),
}  # fmt: skip


@pytest.mark.parametrize("rule", READ)
def test_openx_reads(athena: Athena, rule: str) -> None:
    data, columns, properties, expected = READ[rule]
    athena.store.put("t/a.json", data)
    athena.table("t", columns, OPENX, properties=properties)
    assert athena.rows("SELECT * FROM t") == expected


BAD = {
    "a duplicate key": (b'{"a":1,"a":2}', "HIVE_CURSOR_ERROR", 'Duplicate key "a"'),
    "keys that differ in their case alone": (b'{"a":1,"A":2}', "HIVE_CURSOR_ERROR", "Duplicate"),
    "a record over two lines": (b'{"a":\n1}', "HIVE_CURSOR_ERROR", "not a valid JSON Object"),
    "a text in a column of numbers": (b'{"a":"x"}', "HIVE_BAD_DATA", 'For input string: "x"'),
    "a fraction in a column of integers": (b'{"a":1.5}', "HIVE_BAD_DATA", "1.5"),
    "a number that is too wide": (b'{"a":3000000000}', "HIVE_BAD_DATA", "3000000000"),
    "an object in a column of numbers": (b'{"a":{}}', "HIVE_BAD_DATA", "{}"),
    "NaN": (b'{"a":NaN}', "HIVE_CURSOR_ERROR", "not a valid JSON Object"),
}


@pytest.mark.parametrize("rule", BAD)
def test_openx_fails_on(athena: Athena, rule: str) -> None:
    data, code, words = BAD[rule]
    athena.store.put("t/a.json", data)
    athena.table("t", "a int", OPENX)
    message = athena.failure("SELECT * FROM t")
    assert message.startswith(f"{code}: ")
    assert words in message


def test_a_type_error_in_a_column_that_no_query_reads_is_none(athena: Athena) -> None:
    athena.store.put("t/a.json", b'{"a":"x","b":1}')
    athena.table("t", "a int, b int", OPENX)
    assert athena.rows("SELECT b FROM t") == [("1",)]


def test_hives_json_takes_no_text_for_a_number_and_no_blank_line(athena: Athena) -> None:
    athena.store.put("t/a.json", b'{"A":1}\n')
    athena.store.put("u/a.json", b'{"a":"1"}\n')
    athena.store.put("v/a.json", b'{"a":1}\n\n')
    for name in ("t", "u", "v"):
        athena.table(name, "a int", HCATALOG)
    assert athena.rows("SELECT a FROM t") == [("1",)]
    assert athena.failure("SELECT a FROM u").startswith("HIVE_BAD_DATA: ")
    assert athena.failure("SELECT a FROM v").startswith("HIVE_CURSOR_ERROR: ")


# --- OpenCSV -------------------------------------------------------------------------------------

CSV = {
    "quotes and doubled quotes": (b'"a","b ""q"" c"', [("a", 'b "q" c')]),
    "a backslash escapes a quote": (b'"a\\"b",c', [('a"b', "c")]),
    "a missing value is NULL, an empty one is not": (b"x,\ny", [("x", ""), ("y", None)]),
    "a separator within quotes": (b'"a,b",c', [("a,b", "c")]),
    "a newline within quotes cuts the row": (b'x,"a\nb"', [("x", None), (None, None)]),
    "a value too many is left out": (b"a,b,c", [("a", "b")]),
    "spaces stay": (b" a , b ", [(" a ", " b ")]),
}


@pytest.mark.parametrize("rule", CSV)
def test_open_csv_reads(athena: Athena, rule: str) -> None:
    data, expected = CSV[rule]
    athena.store.put("t/a.csv", data)
    athena.table("t", "a string, b string", OPEN_CSV)
    assert athena.rows("SELECT * FROM t") == expected


def test_open_csv_has_its_signs_and_header_lines_by_properties(athena: Athena) -> None:
    athena.store.put("t/a.csv", b"h1;h2\n'x;y';'z|'w'\n")
    athena.store.put("t/b.csv", b"h1;h2\n1;2\n")
    athena.table(
        "t", "a string, b string", OPEN_CSV,
        properties="'separatorChar' = ';', 'quoteChar' = '''', 'escapeChar' = '|'",
        table_properties="'skip.header.line.count' = '1'",
    )  # fmt: skip
    assert athena.rows("SELECT * FROM t ORDER BY a") == [("1", "2"), ("x;y", "z'w")]


def test_typed_columns_of_open_csv_have_its_rules(athena: Athena) -> None:
    athena.store.put("t/a.csv", b'"1","1.5","true","14276","1579059880000"\n')
    athena.table("t", "a int, b double, c boolean, d date, e timestamp", OPEN_CSV)
    assert athena.rows("SELECT * FROM t") == [
        ("1", "1.5", "true", "2009-02-01", "2020-01-15 03:44:40.000")
    ]
    athena.store.put("t/b.csv", b'"",,,,\n')
    assert athena.failure("SELECT a FROM t").startswith("HIVE_BAD_DATA: ")


# --- delimited text ------------------------------------------------------------------------------


def test_delimited_text_has_backslash_n_and_bad_values_as_null(athena: Athena) -> None:
    athena.store.put("t/a.txt", b"1|x|2020-01-02\n\\N|\\N|nope\nbad||\n")
    athena.table("t", "a int, b string, c date", "DELIMITED FIELDS TERMINATED BY '|'")
    assert athena.rows("SELECT * FROM t") == [
        ("1", "x", "2020-01-02"), (None, None, None), (None, "", None),
    ]  # fmt: skip


def test_delimited_text_is_separated_by_control_a_if_nothing_is_said(athena: Athena) -> None:
    athena.store.put("t/a.txt", b"1\x01x\n")
    athena.run("CREATE EXTERNAL TABLE t (a int, b string) STORED AS TEXTFILE LOCATION '{place}t'")
    assert athena.rows("SELECT * FROM t") == [("1", "x")]


# --- Parquet -------------------------------------------------------------------------------------


def _parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _parquet_table(athena: Athena, columns: str) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t ({columns}) STORED AS PARQUET LOCATION '{{place}}t/'")


def test_parquet_columns_are_found_by_name(athena: Athena) -> None:
    nested = pyarrow.array([{"K": 1, "l": ["x"]}, None])
    athena.store.put("t/a", _parquet(B=["x", None], a=[1, 2], s=nested))
    _parquet_table(athena, "a bigint, b string, s struct<k:bigint,l:array<string>>, gone int")
    assert athena.rows("SELECT * FROM t ORDER BY a") == [
        ("1", "x", "{k=1, l=[x]}", None), ("2", None, None, None),
    ]  # fmt: skip


def test_parquet_of_another_type_than_the_tables_fails(athena: Athena) -> None:
    athena.store.put("t/a", _parquet(a=["x"]))
    _parquet_table(athena, "a int")
    message = athena.failure("SELECT a FROM t")
    assert message.startswith("HIVE_BAD_DATA: Malformed Parquet file. Field a's type STRING")
    assert athena.rows("SELECT count(*) FROM t") == [("1",)]


def test_a_parquet_query_scans_its_columns_alone(athena: Athena) -> None:
    big = [f"{number * 7919:0200d}" for number in range(500)]
    athena.store.put("t/a", _parquet(a=list(range(500)), b=big))
    _parquet_table(athena, "a bigint, b string")
    few = athena.run("SELECT sum(a) FROM t")
    all_ = athena.run("SELECT * FROM t")
    assert list(few.rows) == [("124750",)]
    assert len(list(all_.rows)) == 500
    assert 0 < few.scanned_bytes < all_.scanned_bytes


def test_what_is_no_parquet_fails(athena: Athena) -> None:
    athena.store.put("t/a", b"no parquet at all")
    _parquet_table(athena, "a int")
    assert athena.failure("SELECT a FROM t").startswith("HIVE_CANNOT_OPEN_SPLIT: ")


# --- objects -------------------------------------------------------------------------------------


def test_hidden_objects_are_not_read_and_compressed_ones_are(athena: Athena) -> None:
    line = b'{"a":%d}\n'
    athena.store.put("t/plain.json", line % 1)
    athena.store.put("t/x.json.gz", gzip.compress(line % 2) + gzip.compress(line % 3))
    athena.store.put("t/x.json.bz2", bz2.compress(line % 4))
    athena.store.put("t/below/deeper.json", line % 5)
    for hidden in ("t/_SUCCESS", "t/.part", "t/_tmp/x.json", "t/.staging/x.json"):
        athena.store.put(hidden, b"garbage")
    athena.table("t", "a int", OPENX)
    answer = athena.run("SELECT a FROM t ORDER BY a")
    assert list(answer.rows) == [("1",), ("2",), ("3",), ("4",), ("5",)]
    names = ("t/plain.json", "t/x.json.gz", "t/x.json.bz2", "t/below/deeper.json")
    assert answer.scanned_bytes == sum(athena.store.head(name)["ContentLength"] for name in names)


def test_a_gzip_object_that_ends_early_fails(athena: Athena) -> None:
    athena.store.put("t/x.gz", gzip.compress(b'{"a":1}\n' * 100)[:-12])
    athena.table("t", "a int", OPENX)
    assert athena.failure("SELECT a FROM t").startswith("HIVE_CURSOR_ERROR: ")


@pytest.mark.parametrize("ending", ["zst", "lz4", "snappy"])
def test_another_compression_is_refused_by_its_name(athena: Athena, ending: str) -> None:
    athena.store.put(f"t/x.json.{ending}", b"x")
    athena.table("t", "a int", OPENX)
    assert f"objects compressed as {athena.store.uri(f't/x.json.{ending}')}" in athena.failure(
        "SELECT a FROM t"
    )


@pytest.mark.parametrize(
    "serde",
    ["org.apache.hadoop.hive.ql.io.orc.OrcSerde", "com.amazonaws.glue.serde.GrokSerDe"],
)
def test_another_serde_is_refused_by_its_name(athena: Athena, serde: str) -> None:
    athena.store.put("t/x", b"x")
    athena.table("t", "a int", f"SERDE '{serde}'")
    assert f"the SerDe {serde}" in athena.failure("SELECT a FROM t")


def test_the_path_is_a_hidden_column(athena: Athena) -> None:
    uri = athena.store.put("t/a.json", b'{"a":1}\n')
    athena.table("t", "a int", OPENX)
    assert athena.rows('SELECT *, "$path" FROM t') == [("1", uri)]
