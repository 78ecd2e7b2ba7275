"""Statements that are no SELECT: databases, tables, views, UNLOAD, CREATE TABLE AS, INSERT."""

from __future__ import annotations

import base64
import gzip
import json
import threading

import pytest

from airscoop.local.athena.failures import QueryFailed
from airscoop.local.athena.known import KNOWN_FUNCTIONS
from airscoop.local.athena.refusals import REFUSALS
from support.athena_engine import Athena
from support.s3 import BUCKET

OPENX = "SERDE 'org.openx.data.jsonserde.JsonSerDe'"


def _people(athena: Athena) -> None:
    athena.store.put("t/a.json", b'{"id":1,"name":"x"}\n{"id":2,"name":"y"}\n{"id":3}\n')
    athena.table("t", "id int, name string", OPENX)


def _get(athena: Athena, address: str) -> bytes:
    key = address.removeprefix(f"s3://{BUCKET}/")
    body: bytes = athena.store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


# --- databases, tables, views --------------------------------------------------------------------


def test_databases_come_and_go(athena: Athena) -> None:
    name = f"{athena.database}_more"
    athena.run(f"CREATE DATABASE {name}")
    athena.run(f"CREATE SCHEMA IF NOT EXISTS {name}")
    assert "already exists" in athena.failure(f"CREATE DATABASE {name}")
    assert (name,) in athena.rows("SHOW DATABASES")
    assert athena.rows(f"SHOW DATABASES LIKE '{name}*'") == [(name,)]
    athena.run(f"CREATE EXTERNAL TABLE {name}.t (a int) LOCATION '{{place}}t/'")
    assert "is not empty" in athena.failure(f"DROP DATABASE {name}")
    athena.run(f"DROP DATABASE {name} CASCADE")
    athena.run(f"DROP DATABASE IF EXISTS {name}")
    assert "Database does not exist" in athena.failure(f"DROP DATABASE {name}")


def test_an_external_table_is_in_glue_as_athena_leaves_it(athena: Athena) -> None:
    athena.run(
        """CREATE EXTERNAL TABLE IF NOT EXISTS `{db}`.`t` (
          `id` INT COMMENT 'a number', -- a comment
          s struct<a:int,b:array<string>>, d decimal(10,2), `date` date
        ) COMMENT 'a table'
        PARTITIONED BY (dt string, `hour` int)
        ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
        WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
        STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION '{place}t/' TBLPROPERTIES ('classification' = 'json')"""
    )
    found = athena.glue.get_table(DatabaseName=athena.database, Name="t")["Table"]
    storage = found["StorageDescriptor"]
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["Parameters"]["classification"] == "json"
    assert [(c["Name"], c["Type"]) for c in storage["Columns"]] == [
        ("id", "int"), ("s", "struct<a:int,b:array<string>>"), ("d", "decimal(10,2)"),
        ("date", "date"),
    ]  # fmt: skip
    assert storage["Columns"][0]["Comment"] == "a number"
    assert [(c["Name"], c["Type"]) for c in found["PartitionKeys"]] == [
        ("dt", "string"), ("hour", "int"),
    ]  # fmt: skip
    assert storage["SerdeInfo"]["Parameters"] == {"ignore.malformed.json": "true"}
    assert "already exists" in athena.failure(
        "CREATE EXTERNAL TABLE t (a int) LOCATION '{place}t/'"
    )


def test_shows_tell_of_tables(athena: Athena) -> None:
    athena.table("t", "id int, name string", OPENX, keys="dt string")
    athena.run("CREATE VIEW v AS SELECT id FROM t")
    assert athena.rows("SHOW TABLES") == [("t",), ("v",)]
    assert athena.rows("SHOW TABLES IN {db} 'v*'") == [("v",)]
    assert athena.rows("SHOW VIEWS") == [("v",)]
    assert [row[0].strip() for row in athena.rows("SHOW COLUMNS IN t") if row[0]] == [
        "id", "name", "dt",
    ]  # fmt: skip
    first = athena.rows("DESCRIBE t")[0]
    assert first == ("id                  \tint                 \t                    ",)
    text = "\n".join(row[0] or "" for row in athena.rows("SHOW CREATE TABLE t"))
    athena.run("DROP TABLE t")
    athena.run(text)
    assert athena.rows("SHOW TABLES") == [("t",), ("v",)]


def test_drops_tell_tables_from_views(athena: Athena) -> None:
    athena.table("t", "id int", OPENX)
    athena.run("CREATE VIEW v AS SELECT id FROM t")
    assert "Cannot drop" in athena.failure("DROP TABLE v")
    assert "Cannot drop" in athena.failure("DROP VIEW t")
    athena.run("DROP VIEW v")
    athena.run("DROP VIEW IF EXISTS v")
    athena.run("DROP TABLE t")
    assert "Table not found" in athena.failure("DROP TABLE t")


def test_a_view_is_stored_as_athena_stores_one(athena: Athena) -> None:
    _people(athena)
    athena.run("CREATE VIEW v AS SELECT id, name AS Label FROM t WHERE id > 1")
    raw = athena.glue.get_table(DatabaseName=athena.database, Name="v")["Table"]
    text = raw["ViewOriginalText"]
    facts = json.loads(base64.b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */")))
    assert raw["TableType"] == "VIRTUAL_VIEW"
    assert facts["originalSql"] == "SELECT id, name AS Label FROM t WHERE id > 1"
    assert facts["columns"] == [
        {"name": "id", "type": "integer"}, {"name": "label", "type": "varchar"},
    ]  # fmt: skip


def test_a_view_keeps_the_database_of_its_making(athena: Athena) -> None:
    _people(athena)
    other = f"{athena.database}_o"
    athena.run(f"CREATE DATABASE {other}")
    athena.run(f"CREATE VIEW {other}.v AS SELECT * FROM t")
    athena.run("CREATE VIEW w AS SELECT count(*) n FROM {db}_o.v")
    assert athena.rows("SELECT * FROM w") == [("3",)]
    assert "already exists" in athena.failure("CREATE VIEW w AS SELECT 1 a")
    athena.run("CREATE OR REPLACE VIEW w AS SELECT 1 a")
    assert athena.rows("SELECT a FROM w") == [("1",)]


def test_a_view_needs_names_and_no_circle(athena: Athena) -> None:
    assert athena.failure("CREATE VIEW v AS SELECT 1").startswith("MISSING_COLUMN_NAME: ")
    athena.run("CREATE VIEW v AS SELECT 1 a")
    athena.run("CREATE VIEW w AS SELECT a FROM v")
    athena.run("CREATE OR REPLACE VIEW v AS SELECT a FROM w")
    assert athena.failure("SELECT * FROM v").startswith("VIEW_IS_RECURSIVE: ")


# --- unload --------------------------------------------------------------------------------------


def test_unload_writes_several_files_each_in_order(athena: Athena) -> None:
    answer = athena.run(
        "UNLOAD (SELECT n FROM UNNEST(sequence(1, 50)) t(n) ORDER BY n) TO '{place}u/' "
        "WITH (format = 'TEXTFILE', compression = 'GZIP')"
    )
    assert answer.written is not None
    assert (answer.statement_type, answer.substatement_type) == ("DML", "UNLOAD")
    assert answer.update_count == 50
    files = [gzip.decompress(_get(athena, each)).decode().split() for each in answer.written]
    assert len(files) > 1
    assert all(file == sorted(file, key=int) for file in files)
    assert sorted(int(n) for file in files for n in file) == list(range(1, 51))


def test_unload_writes_json_and_parquet_that_tables_read(athena: Athena) -> None:
    query = "SELECT 1 AS a, 'x\"y' AS b, array[1, 2] AS c, cast(null AS varchar) AS d"
    for form in ("JSON", "PARQUET"):
        athena.run(f"UNLOAD ({query}) TO '{{place}}{form}/' WITH (format = '{form}')")
    columns = "(a int, b string, c array<int>, d string)"
    athena.run(f"CREATE EXTERNAL TABLE j {columns} ROW FORMAT {OPENX} LOCATION '{{place}}JSON/'")
    athena.run(f"CREATE EXTERNAL TABLE p {columns} STORED AS PARQUET LOCATION '{{place}}PARQUET/'")
    for table in ("j", "p"):
        assert athena.rows(f"SELECT * FROM {table}") == [("1", 'x"y', "[1, 2]", None)]


def test_unload_needs_an_empty_place_a_format_and_one_that_is_known(athena: Athena) -> None:
    athena.store.put("u/_x", b"x")
    for statement, words in (
        ("UNLOAD (SELECT 1 a) TO '{place}u/' WITH (format = 'JSON')", "HIVE_PATH_ALREADY_EXISTS"),
        ("UNLOAD (SELECT 1 a) TO '{place}w/'", "format is missing"),
        ("UNLOAD (SELECT 1 a) TO '{place}w/' WITH (format = 'ORC')", "the format ORC"),
        ("UNLOAD (SELECT 1 a) TO '{place}w/' WITH (format = 'JSON', x = 'y')", "the property x"),
    ):
        assert words in athena.failure(statement)
    assert athena.store.names() == ["u/_x"]


def test_unload_makes_folders_of_partitions(athena: Athena) -> None:
    answer = athena.run(
        "UNLOAD (SELECT 1 AS a, 'x/y' AS k) TO '{place}u/' "
        "WITH (format = 'TEXTFILE', compression = 'NONE', field_delimiter = ',', "
        "partitioned_by = ARRAY['k'])"
    )
    (address,) = answer.written or ()
    assert "/u/k=x%2Fy/" in address
    assert _get(athena, address) == b"1\n"


# --- create table as, insert ---------------------------------------------------------------------


def test_create_table_as_makes_a_table_of_partitions(athena: Athena) -> None:
    _people(athena)
    answer = athena.run(
        "CREATE TABLE p WITH (format = 'PARQUET', partitioned_by = ARRAY['k'], "
        "external_location = '{place}p/') AS SELECT id, name, id % 2 AS k FROM t"
    )
    assert answer.update_count == 3
    assert athena.rows("SHOW PARTITIONS p") == [("k=0",), ("k=1",)]
    assert athena.rows("SELECT * FROM p ORDER BY id") == [
        ("1", "x", "1"), ("2", "y", "0"), ("3", None, "1"),
    ]  # fmt: skip
    columns = athena.glue.get_table(DatabaseName=athena.database, Name="p")["Table"][
        "StorageDescriptor"
    ]["Columns"]
    assert [(each["Name"], each["Type"]) for each in columns] == [("id", "int"), ("name", "string")]


@pytest.mark.parametrize("form", ["TEXTFILE", "JSON", "PARQUET"])
def test_create_table_as_and_insert_give_back_what_they_took(athena: Athena, form: str) -> None:
    athena.run(
        f"CREATE TABLE p WITH (format = '{form}') AS SELECT 1 AS a, 'x' AS b, 1.5e0 AS c, "
        "date '2020-01-02' AS d, true AS e, cast(null AS varchar) AS f, 1.50 AS g, "
        "timestamp '2020-01-02 03:04:05.678' AS h"
    )
    row = ("1", "x", "1.5", "2020-01-02", "true", None, "1.50", "2020-01-02 03:04:05.678")
    assert athena.rows("SELECT * FROM p") == [row]
    answer = athena.run("INSERT INTO p (a, b) VALUES (2, 'y')")
    assert (answer.update_count, answer.substatement_type) == (1, "INSERT")
    assert athena.rows("SELECT * FROM p ORDER BY a") == [row, ("2", "y", *[None] * 6)]


def test_insert_adds_partitions_under_new_names(athena: Athena) -> None:
    athena.run("CREATE TABLE p WITH (partitioned_by = ARRAY['k']) AS SELECT 1 a, 'x' k")
    first = athena.run("INSERT INTO p SELECT 2, 'y'").written
    second = athena.run("INSERT INTO p SELECT 2, 'y'").written
    assert set(first or ()).isdisjoint(second or ())
    assert athena.rows("SELECT * FROM p ORDER BY a") == [("1", "x"), ("2", "y"), ("2", "y")]
    assert athena.rows("SHOW PARTITIONS p") == [("k=x",), ("k=y",)]


def test_what_insert_and_create_table_as_refuse(athena: Athena) -> None:
    _people(athena)
    athena.run("CREATE TABLE p AS SELECT 1 a")
    many = "SELECT n AS a, n AS k FROM UNNEST(sequence(1, 101)) t(n)"
    for statement, words in {
        "INSERT INTO t SELECT 1, 'x'": "HIVE_UNSUPPORTED_FORMAT",
        "INSERT INTO p SELECT 'x'": "Insert query has mismatched column types: "
        "Table: [integer], Query: [varchar(1)]",
        "INSERT INTO nothere SELECT 1": "TABLE_NOT_FOUND",
        "CREATE TABLE p AS SELECT 1 a": "TABLE_ALREADY_EXISTS",
        "CREATE TABLE q AS SELECT 1": "MISSING_COLUMN_NAME",
        "CREATE TABLE q AS SELECT 1 a, 2 a": "DUPLICATE_COLUMN_NAME",
        f"CREATE TABLE q WITH (partitioned_by = ARRAY['k']) AS {many}": (
            "HIVE_TOO_MANY_OPEN_PARTITIONS"
        ),
        "CREATE TABLE q WITH (partitioned_by = ARRAY['a']) AS SELECT 1 a, 2 b": (
            "Partition keys must be the last columns"
        ),
        "CREATE TABLE q WITH (bucketed_by = ARRAY['a'], bucket_count = 3) AS SELECT 1 a": (
            "bucketed_by"
        ),
        "CREATE TABLE q WITH (external_location = '{place}t/') AS SELECT 1 a": (
            "HIVE_PATH_ALREADY_EXISTS"
        ),
    }.items():
        assert words in athena.failure(statement)
    assert athena.rows("SHOW TABLES") == [("p",), ("t",)]


# --- parameters, prepared statements, cancelling -------------------------------------------------


def test_parameters_stand_for_question_marks_in_order(athena: Athena) -> None:
    assert athena.rows("SELECT ?, '?', ? + 1 LIMIT ?", ["'a?'", "2", "1"]) == [("a?", "?", "3")]
    assert athena.failure("SELECT ?").endswith("expected 1 but found 0")
    assert athena.failure("SELECT 1", ["1"]).endswith("expected 0 but found 1")
    assert athena.failure("SELECT ?", ["1; DROP TABLE t"]).startswith("SYNTAX_ERROR")


def test_a_prepared_statement_runs_with_what_it_is_given(athena: Athena) -> None:
    _people(athena)
    athena.run("PREPARE p FROM SELECT name FROM t WHERE id = ? AND name <> ?")
    assert athena.rows("EXECUTE p USING 1 + 1, 'a,b'") == [("y",)]
    athena.run("DEALLOCATE PREPARE p")
    assert athena.failure("EXECUTE p") == "NOT_FOUND: Prepared statement not found: p"


def test_a_cancelled_query_ends(athena: Athena) -> None:
    _people(athena)
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(QueryFailed, match="cancel"):
        list(athena.run("SELECT * FROM t", cancelled=cancelled).rows)
    cancelled = threading.Event()
    timer = threading.Timer(1.0, cancelled.set)
    timer.start()
    numbers = "UNNEST(sequence(1, 9999))"
    with pytest.raises(QueryFailed, match="cancel"):
        list(
            athena.run(
                f"SELECT count(*) FROM {numbers} a(x), {numbers} b(y), {numbers} c(z) "
                "WHERE x + y + z < 0",
                cancelled=cancelled,
            ).rows
        )
    timer.join()


def test_the_lists_for_people_hold(athena: Athena) -> None:
    assert {"date_parse", "array_agg", "row_number", "try_cast", "transform"} <= {*KNOWN_FUNCTIONS}
    assert all(reason for reason in REFUSALS.values())
