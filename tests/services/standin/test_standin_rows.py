"""How JSON lines become the rows of an external table on the Redshift stand-in."""

from __future__ import annotations

import gzip
import json
import os
import signal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from airscoop.local.redshift.errors import SqlError
from airscoop.local.redshift.session import read_error
from support.properties import examples
from support.standin import Spectrum, StandIn
from support.waiting import eventually


def read(spectrum: Spectrum, columns: str, *lines: Any, properties: str = "") -> list[Any]:
    """The rows of a table with these columns over an object with these lines."""
    spectrum.write("t/1.json", *lines)
    table = spectrum.create("t", columns, properties=properties)
    return spectrum.run(f"SELECT * FROM {table}")


def failure(spectrum: Spectrum, columns: str, *lines: Any, properties: str = "") -> str:
    with pytest.raises(psycopg.errors.InternalError_) as caught:
        read(spectrum, columns, *lines, properties=properties)
    return str(caught.value.diag.message_primary)


def test_keys_match_whatever_their_case(spectrum: Spectrum) -> None:
    lines = [{"reviewerID": "a"}, {"REVIEWERID": "b"}, {"reviewerid": "c"}]
    rows = read(spectrum, '"ReviewerId" varchar(9)', *lines)
    assert rows == [("a",), ("b",), ("c",)]


def test_missing_and_null_are_null_and_others_are_left_out(spectrum: Spectrum) -> None:
    columns = "a varchar(9), b integer"
    rows = read(spectrum, columns, {"a": None}, {"other": 1}, {"a": "", "b": 2})
    assert rows == [(None, None), (None, None), ("", 2)]


@examples(25, *HealthCheck)
@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_any_text_comes_through_as_it_was(spectrum: Spectrum, texts: list[str]) -> None:
    spectrum.write("any/1.json", *({"a": text} for text in texts))
    spectrum.run(f"DROP TABLE IF EXISTS {spectrum.schema}.anytext")
    spectrum.create("anytext", "a varchar(max)")
    spectrum.run(f"ALTER TABLE {spectrum.schema}.anytext SET LOCATION '{spectrum.location('any')}'")
    rows = spectrum.run(f"SELECT a FROM {spectrum.schema}.anytext")
    assert [row[0] for row in rows] == texts


@pytest.mark.parametrize(
    "text",
    ["\\N", "\\.", "a\n\\.\nb", "\\", "\t", "\r\n", '"', "''", ",", "é😀", "\x01", "\u2028", " x "],
)  # fmt: skip
def test_text_that_looks_like_the_format_is_text(spectrum: Spectrum, text: str) -> None:
    assert read(spectrum, "a varchar(99), b varchar(9)", {"a": text, "b": "end"}) == [(text, "end")]


def test_nested_values_are_their_json_text(spectrum: Spectrum) -> None:
    line = '{"a": {"x": [1, 2.50, 1e400, true, null, "\\u00e9\\""]}, "b": 1.10, "c": true}'
    rows = read(spectrum, "a varchar(99), b varchar(9), c varchar(9)", line)
    assert rows == [('{"x":[1,2.50,1e400,true,null,"é\\""]}', "1.10", "true")]


def test_every_type_is_read(spectrum: Spectrum) -> None:
    columns = (
        "a smallint, b integer, c bigint, d decimal(10,2), e real, f double precision, "
        "g boolean, h char(3), i date, j timestamp"
    )
    line = {
        "a": -5, "b": 2**31 - 1, "c": "9007199254740993", "d": 12.34, "e": 0.5, "f": 1e-7,
        "g": False, "h": "x", "i": "2020-02-29", "j": "2020-02-29 01:02:03.5",
    }  # fmt: skip
    (row,) = read(spectrum, columns, line)
    texts = [str(value) for value in row]
    assert texts == [
        "-5", "2147483647", "9007199254740993", "12.34", "0.5", "1e-07", "False", "x  ",
        "2020-02-29", "2020-02-29 01:02:03.500000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ('{"a": "x"', "not JSON"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('["x"]', "not a JSON object"),
        (b'{"a": "\xff"}', "not JSON: 'utf-8'"),
        ('{"a": "\\u0000"}', "column a: holds the character with code 0"),
        ('{"a": "\\ud800"}', "column a: 'utf-8'"),
        ('{"n": 1.5}', "column n: '1.5' is not of type integer"),
        ('{"n": 2147483648}', "column n: '2147483648' is not of type integer"),
        ('{"n": "many"}', "column n: 'many' is not of type integer"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_fails_the_query_with_object_and_line(
    spectrum: Spectrum, line: str | bytes, reason: str
) -> None:
    message = failure(spectrum, "a varchar(9), n integer", {"a": "fine"}, line)
    assert message.startswith(f"Spectrum Scan Error: {spectrum.folder}/t/1.json, line 2: {reason}")


def test_the_session_goes_on_after_a_failed_read(spectrum: Spectrum) -> None:
    failure(spectrum, "a varchar(9)", "bad")
    assert spectrum.run("SELECT 1") == [(1,)]


def test_a_record_longer_than_redshifts_limit_fails(spectrum: Spectrum) -> None:
    message = failure(spectrum, "a varchar(9)", {"other": "x" * (4 * 1024 * 1024)})
    assert "longer than 4194304 bytes" in message


def test_malformed_lines_are_null_rows_only_where_the_table_says_so(spectrum: Spectrum) -> None:
    spectrum.write("t/1.json", "bad", {"a": "x"})
    spectrum.run(
        f"CREATE EXTERNAL TABLE {spectrum.schema}.t (a varchar(9)) ROW FORMAT SERDE "
        "'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES "
        f"('ignore.malformed.json'='true') STORED AS TEXTFILE LOCATION '{spectrum.location('t')}'"
    )
    assert spectrum.run(f"SELECT * FROM {spectrum.schema}.t") == [(None,), ("x",)]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("", [(None,), ("ok",)]),
        ("'surplus_bytes_handling'='SET_TO_NULL'", [(None,), ("ok",)]),
        ("'surplus_char_handling'='TRUNCATE'", [("éé",), ("ok",)]),
        ("'surplus_char_handling'='DROP_ROW'", [("ok",)]),
        ("'data_cleansing_enabled'='false'", [("éé",), ("ok",)]),
    ],
)
def test_a_text_wider_in_bytes_than_its_column_follows_the_tables_properties(
    spectrum: Spectrum, properties: str, expected: list[Any]
) -> None:
    lines = ({"a": "ééé"}, {"a": "ok"})
    assert read(spectrum, "a varchar(5)", *lines, properties=properties) == expected


def test_surplus_fail_counts_bytes_and_fails_the_query(spectrum: Spectrum) -> None:
    rule = "'surplus_bytes_handling'='FAIL'"
    message = failure(spectrum, "a varchar(5)", {"a": "ok"}, {"a": "ééé"}, properties=rule)
    assert message.endswith("t/1.json, line 2: column a: 6 bytes, but the column holds 5")


def test_hidden_and_empty_objects_are_not_read_and_gzip_is_recognised(spectrum: Spectrum) -> None:
    for name in ("t/_SUCCESS", "t/.part", "t/_rejects/1.json", "t/.tmp/1.json"):
        spectrum.write(name, "not json")
    spectrum.write("t/empty.json")
    spectrum.write("t/deep/2.json", {"a": "plain"})
    path = spectrum.folder / "t" / "1.json.gz"
    path.write_bytes(gzip.compress(b'{"a": "first"}\n') + gzip.compress(b'{"a": "second"}'))
    table = spectrum.create("t", "a varchar(9)")
    rows = spectrum.run(f"SELECT a FROM {table}")
    assert rows == [("first",), ("second",), ("plain",)]


def test_a_cut_object_fails_the_query_by_name(spectrum: Spectrum) -> None:
    path = spectrum.folder / "t" / "1.json.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(b'{"a": "first"}\n' * 1000)[:-9])
    table = spectrum.create("t", "a varchar(9)")
    with pytest.raises(psycopg.errors.InternalError_, match=r"1\.json\.gz: .*gzip"):
        spectrum.run(f"SELECT count(*) FROM {table}")


def test_a_table_is_read_twice_in_one_query(spectrum: Spectrum) -> None:
    spectrum.write("t/1.json", *({"a": str(number)} for number in range(2000)))
    table = spectrum.create("t", "a varchar(9)")
    rows = spectrum.run(f"SELECT count(*) FROM {table} x JOIN {table} y ON x.a = y.a")
    assert rows == [(2000,)]


def big(spectrum: Spectrum, mebibytes: int) -> str:
    """A table over that much JSON; its name."""
    block = b"".join(
        json.dumps({"a": f"{number:07}", "b": "x" * 1000}).encode() + b"\n"
        for number in range(1024)
    )
    path = spectrum.folder / "t" / "1.json"
    path.parent.mkdir()
    with path.open("wb") as stream:
        for _ in range(mebibytes):
            stream.write(block)
    return spectrum.create("t", "a varchar(9), b varchar(1000)")


def test_reading_does_not_grow_with_the_object(spectrum: Spectrum, standin: StandIn) -> None:
    table = big(spectrum, 100)
    spectrum.run(f"SELECT a FROM {table} LIMIT 1")
    before = standin.peak_kib()
    assert spectrum.run(f"SELECT count(*), count(DISTINCT a) FROM {table}") == [(102400, 1024)]
    assert standin.peak_kib() - before < 20 * 1024


def test_a_line_without_end_is_not_kept_whole(spectrum: Spectrum, standin: StandIn) -> None:
    failure(spectrum, "a varchar(9)", "short")
    before = standin.peak_kib()
    path = spectrum.folder / "t" / "1.json"
    path.write_bytes(b"x" * (100 << 20))
    with pytest.raises(psycopg.errors.InternalError_, match="longer than 4194304 bytes"):
        spectrum.run(f"SELECT * FROM {spectrum.schema}.t")
    assert standin.peak_kib() - before < 30 * 1024


def test_a_reader_that_has_enough_ends_the_reading(spectrum: Spectrum, standin: StandIn) -> None:
    table = big(spectrum, 20)
    assert spectrum.run(f"SELECT a FROM {table} LIMIT 1") == [("0000000",)]
    assert eventually(lambda: standin.readings() == 0)


def test_a_client_that_goes_away_ends_the_reading(spectrum: Spectrum, standin: StandIn) -> None:
    table = big(spectrum, 20)
    session = standin.connect()
    session.pgconn.send_query(f"SELECT * FROM {table} x, generate_series(1, 1000)".encode())
    assert eventually(lambda: standin.readings() > 0)
    session.close()
    assert eventually(lambda: standin.readings() == 0)


def test_a_cancelled_reading_is_a_cancelled_statement(spectrum: Spectrum, standin: StandIn) -> None:
    table = big(spectrum, 50)
    pg = spectrum.connection.pgconn
    pg.send_query(f"SELECT count(*) FROM {table} x, generate_series(1, 1000)".encode())
    assert eventually(lambda: standin.readings() > 0)
    pg.get_cancel().cancel()
    result = pg.get_result()
    assert result is not None
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
    assert b"canceling statement due to user request" in result.error_message
    while pg.get_result():
        pass
    assert spectrum.run("SELECT 1") == [(1,)]
    assert eventually(lambda: standin.readings() == 0)


def test_a_statement_timeout_during_a_reading_is_one(spectrum: Spectrum) -> None:
    table = big(spectrum, 50)
    spectrum.run("SET statement_timeout = 100")
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        spectrum.run(f"SELECT count(*) FROM {table} x, generate_series(1, 1000)")
    spectrum.run("RESET statement_timeout")


def test_a_statement_timeout_while_no_rows_come_is_one(spare_standin: StandIn) -> None:
    with spare_standin.connect() as session, psycopg.connect(spare_standin.backend_dsn) as eye:
        eye.autocommit = True
        table = big(Spectrum(spare_standin, session), 50)
        session.execute("SET statement_timeout = 1000")
        session.pgconn.send_query(f"SELECT count(*) FROM {table}".encode())
        assert eventually(lambda: spare_standin.readings() > 0)
        os.kill(spare_standin.pid, signal.SIGSTOP)
        try:
            running = f"SELECT 1 FROM pg_stat_activity WHERE pid = {session.info.backend_pid} "
            still = f"{running} AND state = 'active'".encode()
            assert eventually(lambda: not eye.execute(still).fetchall())
        finally:
            os.kill(spare_standin.pid, signal.SIGCONT)
        result = session.pgconn.get_result()
        assert result is not None
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
        assert session.pgconn.get_result() is None


@pytest.mark.parametrize(
    ("failure", "cancelled", "detail", "state"),
    [
        (SqlError("XX000", "why"), True, "child process exited with exit code 1", "XX000"),
        (None, True, "child process was terminated by signal 2: Interrupt", "57014"),
        (None, False, "child process was terminated by signal 2: Interrupt", "57014"),
        (None, False, "child process exited with exit code 1", "58030"),
    ],
)
def test_a_failed_program_is_explained_by_what_is_known(
    failure: SqlError | None, cancelled: bool, detail: str, state: str
) -> None:
    assert read_error(failure, cancelled=cancelled, detail=detail).sqlstate == state


def test_a_read_that_the_stand_in_left_fails_the_query(spare_standin: StandIn) -> None:
    with spare_standin.connect() as session:
        table = big(Spectrum(spare_standin, session), 50)
    # Past the stand-in, because its own sessions end with it.
    direct = psycopg.connect(spare_standin.backend_dsn)
    direct.pgconn.send_query(f"SELECT count(*) FROM {table}".encode())
    assert eventually(lambda: spare_standin.readings() > 0)
    os.kill(spare_standin.pid, signal.SIGKILL)
    result = direct.pgconn.get_result()
    assert result is not None
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"38000"
    direct.close()


def test_objects_in_s3_are_read_and_refusals_say_why(stack: dict[str, Any]) -> None:
    import boto3

    s3 = boto3.client(
        "s3",
        endpoint_url=stack["s3"]["endpoint"],
        region_name=stack["s3"]["region"],
        aws_access_key_id=stack["s3"]["access_key_id"],
        aws_secret_access_key=stack["s3"]["secret_access_key"],
    )
    bucket = stack["s3"]["bucket"]
    bodies = {
        "r/d=1/a.json.gz": gzip.compress(b'{"a": "in S3"}\n'),
        "r/d=1/_hidden": b"no",
        "r/d=11/a.json": b'{"a": "of another partition"}',
    }
    for key, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    with psycopg.connect(stack["warehouse"]["dsn"], autocommit=True) as session:

        def run(sql: str) -> list[Any]:
            cursor = session.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

        run("CREATE EXTERNAL SCHEMA rows_s3 FROM DATA CATALOG DATABASE 'd' IAM_ROLE default")
        run(
            "CREATE EXTERNAL TABLE rows_s3.r (a varchar(99)) PARTITIONED BY (d integer) ROW FORMAT "
            "SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE "
            f"LOCATION 's3://{bucket}/r/'"
        )
        run(
            f"ALTER TABLE rows_s3.r ADD PARTITION (d=1) LOCATION 's3://{bucket}/r/d=1' "
            f"PARTITION (d=2) LOCATION 's3://{bucket}/r/nothing-here' "
            "PARTITION (d=3) LOCATION 's3://no-such-bucket/r' "
            "PARTITION (d=4) LOCATION 'gopher://x'"
        )
        assert run("SELECT * FROM rows_s3.r WHERE d = 1") == [("in S3", 1)]
        assert run("SELECT * FROM rows_s3.r WHERE d = 2") == []
        with pytest.raises(psycopg.errors.InternalError_, match=r"no-such-bucket.*NoSuchBucket"):
            run("SELECT * FROM rows_s3.r WHERE d = 3")
        with pytest.raises(psycopg.Error, match="not of the form s3://bucket/prefix/"):
            run("SELECT * FROM rows_s3.r WHERE d = 4")
        secrets = (stack["s3"]["access_key_id"], stack["s3"]["secret_access_key"])
        options = str(run("SELECT ftoptions FROM pg_foreign_table"))
        assert "rows" in options
        assert not any(secret in options for secret in secrets)
        run("DROP SCHEMA rows_s3 CASCADE")
