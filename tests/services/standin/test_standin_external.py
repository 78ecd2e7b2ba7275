"""External schemas, tables and partitions on the Redshift stand-in."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.standin import Spectrum, StandIn

Connection = psycopg.Connection[Any]
COLUMNS = "asin varchar(10), overall double precision"


def refusal(spectrum: Spectrum, sql: str) -> tuple[str | None, str]:
    with pytest.raises(psycopg.Error) as caught:
        spectrum.run(sql)
    return caught.value.sqlstate, str(caught.value.diag.message_primary)


def add(spectrum: Spectrum, table: str, day: int | str, location: str, rest: str = "") -> None:
    spectrum.run(f"ALTER TABLE {table} ADD {rest} PARTITION (day='{day}') LOCATION '{location}'")


@pytest.fixture
def table(spectrum: Spectrum) -> str:
    """Partitioned by day, without partitions."""
    return spectrum.create("reviews", COLUMNS, "day integer")


@pytest.fixture
def bad(spectrum: Spectrum) -> str:
    """A location that fails every query that reads it."""
    return spectrum.write("bad/x.json", "no JSON")


def days(spectrum: Spectrum, table: str) -> list[tuple[Any, ...]]:
    schema, name = table.split(".")
    return spectrum.run(
        "SELECT values, location FROM svv_external_partitions "
        "WHERE schemaname = %s AND tablename = %s ORDER BY 1",
        (schema, name),
    )


def test_a_partition_gives_its_objects_rows_and_its_own_values(
    spectrum: Spectrum, table: str
) -> None:
    location = spectrum.write("a/1.json", {"asin": "A", "overall": 4.5}, {"asin": "B"})
    add(spectrum, table, 2020010108, location)
    rows = spectrum.run(f"SELECT * FROM {table} ORDER BY asin")
    assert rows == [("A", 4.5, 2020010108), ("B", None, 2020010108)]


def test_an_unpartitioned_table_reads_its_own_location(spectrum: Spectrum) -> None:
    spectrum.write("flat/1.json", {"asin": "A"})
    table = spectrum.create("flat", "asin varchar(10)")
    assert spectrum.run(f"SELECT asin FROM {table}") == [("A",)]
    spectrum.write("elsewhere/1.json", {"asin": "B"})
    spectrum.run(f"ALTER TABLE {table} SET LOCATION '{spectrum.location('elsewhere')}'")
    assert spectrum.run(f"SELECT asin FROM {table}") == [("B",)]


def test_a_table_without_partitions_is_empty(spectrum: Spectrum, table: str) -> None:
    spectrum.write("reviews/1.json", {"asin": "unseen"})
    assert spectrum.run(f"SELECT * FROM {table}") == []


def test_a_query_reads_only_the_partitions_it_names(
    spectrum: Spectrum, table: str, bad: str
) -> None:
    add(spectrum, table, 1, spectrum.write("a/1.json", {"asin": "A"}))
    add(spectrum, table, 2, bad)
    assert spectrum.run(f"SELECT asin FROM {table} WHERE day = 1") == [("A",)]
    assert spectrum.run(f"SELECT asin FROM {table} WHERE day = %s", (1,)) == [("A",)]
    plan = spectrum.run(f"EXPLAIN SELECT asin FROM {table} WHERE day = 1")
    assert sum("Foreign Scan" in str(line) for line in plan) == 1
    with pytest.raises(psycopg.Error, match="not JSON"):
        spectrum.run(f"SELECT asin FROM {table}")


def test_a_prepared_query_still_prunes_after_many_runs(
    spectrum: Spectrum, table: str, bad: str
) -> None:
    add(spectrum, table, 1, spectrum.write("a/1.json", {"asin": "A"}))
    add(spectrum, table, 2, bad)
    assert spectrum.run("SHOW plan_cache_mode") == [("force_custom_plan",)]
    for _ in range(12):
        cursor = spectrum.connection.execute(
            f"SELECT asin FROM {table} WHERE day = %s".encode(), (1,), prepare=True
        )
        assert cursor.fetchall() == [("A",)]


def test_two_partition_columns_prune_together(spectrum: Spectrum, bad: str) -> None:
    table = spectrum.create("two", "asin varchar(10)", "region varchar(10), day integer")
    places = {
        ("eu", 1): spectrum.write("eu1/1.json", {"asin": "E"}),
        ("eu", 2): bad,
        ("us", 1): bad,
    }
    for (region, day), location in places.items():
        spectrum.run(
            f"ALTER TABLE {table} ADD PARTITION (day={day}, region='{region}') "
            f"LOCATION '{location}'"
        )
    rows = spectrum.run(f"SELECT * FROM {table} WHERE region = 'eu' AND day = 1")
    assert rows == [("E", "eu", 1)]
    assert [values for values, _ in days(spectrum, table)] == [
        '["eu","1"]',
        '["eu","2"]',
        '["us","1"]',
    ]


def test_partitions_of_one_column_are_not_two_for_two_spellings(
    spectrum: Spectrum, table: str
) -> None:
    location = spectrum.write("a/1.json", {"asin": "A"})
    add(spectrum, table, "7", location)
    assert refusal(
        spectrum, f"ALTER TABLE {table} ADD PARTITION (day='007') LOCATION '{location}'"
    ) == ("42710", "Partition already exists.")


def test_if_not_exists_gives_a_notice_and_does_not_move(spectrum: Spectrum, table: str) -> None:
    notices: list[str] = []
    spectrum.connection.add_notice_handler(lambda d: notices.append(str(d.message_primary)))
    here = spectrum.write("here/1.json", {"asin": "A"})
    add(spectrum, table, 1, here)
    add(spectrum, table, 1, "file:///nowhere", "IF NOT EXISTS")
    assert notices == ["Partition already exists."]
    assert days(spectrum, table) == [('["1"]', here)]


def test_set_location_moves_a_partition_while_it_is_read(
    spectrum: Spectrum, table: str, standin: StandIn
) -> None:
    add(spectrum, table, 1, spectrum.write("old/1.json", *({"asin": "old"} for _ in range(50_000))))
    new = spectrum.write("new/1.json", {"asin": "new"})
    with standin.connect() as reader, reader.transaction():
        cursor = reader.cursor("slow")
        cursor.execute(f"SELECT asin FROM {table}".encode())
        assert cursor.fetchone() == ("old",)
        spectrum.run(f"ALTER TABLE {table} PARTITION (day='1') SET LOCATION '{new}'")
        assert len(cursor.fetchall()) == 49_999
    assert spectrum.run(f"SELECT asin FROM {table}") == [("new",)]
    assert days(spectrum, table) == [('["1"]', new)]


def test_set_location_of_a_missing_partition_is_an_error(spectrum: Spectrum, table: str) -> None:
    sql = f"ALTER TABLE {table} PARTITION (day='1') SET LOCATION 's3://b/x'"
    assert refusal(spectrum, sql) == ("42704", "Partition does not exist.")


def test_a_dropped_partition_is_read_no_more(spectrum: Spectrum, table: str) -> None:
    add(spectrum, table, 1, spectrum.write("a/1.json", {"asin": "A"}))
    spectrum.run(f"ALTER TABLE {table} DROP PARTITION (day=1)")
    assert spectrum.run(f"SELECT * FROM {table}") == []
    assert days(spectrum, table) == []
    assert refusal(spectrum, f"ALTER TABLE {table} DROP PARTITION (day=1)")[0] == "42704"


def test_a_hundred_partitions_pass_and_one_more_does_not(spectrum: Spectrum, table: str) -> None:
    def clauses(count: int) -> str:
        return " ".join(f"PARTITION (day={day}) LOCATION 's3://b/{day}'" for day in range(count))

    state, message = refusal(spectrum, f"ALTER TABLE {table} ADD {clauses(101)}")
    assert (state, "at most 100" in message) == ("54000", True)
    assert days(spectrum, table) == []
    spectrum.run(f"ALTER TABLE {table} ADD {clauses(100)}")
    assert len(days(spectrum, table)) == 100


def test_one_bad_partition_of_a_statement_adds_none(spectrum: Spectrum, table: str) -> None:
    clauses = "PARTITION (day=1) LOCATION 's3://b/1' PARTITION (day='x') LOCATION 's3://b/2'"
    assert refusal(spectrum, f"ALTER TABLE {table} ADD {clauses}")[0] == "22P02"
    assert days(spectrum, table) == []


@pytest.mark.parametrize(
    ("form", "state"),
    [
        ("ADD PARTITION (day=1)", "42601"),
        ("ADD PARTITION (day=1) LOCATION 's3://1', PARTITION (day=2) LOCATION 's3://2'", "42601"),
        ("ADD PARTITION (day>1) LOCATION 's3://b/1'", "42601"),
        ("ADD PARTITION (week=1) LOCATION 's3://b/1'", "42703"),
        ("ADD PARTITION (day=1, day=2) LOCATION 's3://b/1'", "42701"),
        ("DROP PARTITION (day=1), PARTITION (day=2)", "42601"),
        ("DROP IF EXISTS PARTITION (day=1)", "42601"),
        ("PARTITION (day=1) RENAME TO PARTITION (day=2)", "42601"),
        ("ATTACH PARTITION other DEFAULT", "42601"),
        ("PARTITION (day=1) SET LOCATION", "42601"),
    ],
)  # fmt: skip
def test_other_forms_of_partition_are_errors_not_guesses(
    spectrum: Spectrum, table: str, form: str, state: str
) -> None:
    assert refusal(spectrum, f"ALTER TABLE {table} {form}")[0] == state
    assert days(spectrum, table) == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTERNAL SCHEMA other FROM DATA CATALOG DATABASE 'd' IAM_ROLE default",
        "ALTER TABLE {table} ADD PARTITION (day=1) LOCATION 's3://b/1'",
        "ALTER TABLE {table} PARTITION (day=1) SET LOCATION 's3://b/1'",
        "DROP TABLE {table}",
    ],
)
def test_external_ddl_is_refused_in_a_transaction_block(
    spectrum: Spectrum, table: str, sql: str
) -> None:
    spectrum.run("BEGIN")
    state, message = refusal(spectrum, sql.format(table=table))
    assert state == "25001"
    assert message.endswith("cannot run inside a transaction block")
    assert refusal(spectrum, "SELECT 1")[0] == "25P02"
    spectrum.run("ROLLBACK")
    assert spectrum.run("SELECT 1") == [(1,)]


def test_external_ddl_is_refused_among_several_statements(spectrum: Spectrum, table: str) -> None:
    one = f"ALTER TABLE {table} ADD PARTITION (day=1) LOCATION 's3://b/1'"
    for sql in (f"SELECT 1; {one}", f"{one}; SELECT 1", f"BEGIN; {one}; COMMIT"):
        assert refusal(spectrum, sql) == (
            "25001",
            "ALTER EXTERNAL TABLE cannot run inside a multiple commands statement",
        )
    spectrum.run(f"-- a comment; and more\n{one};;")
    assert len(days(spectrum, table)) == 1


def test_external_ddl_works_by_the_extended_protocol(spectrum: Spectrum, table: str) -> None:
    pg = spectrum.connection.pgconn
    sql = f"ALTER TABLE {table} ADD PARTITION (day=1) LOCATION 's3://b/1'".encode()
    assert pg.exec_params(sql, None).command_status == b"ALTER TABLE"
    again = pg.exec_params(sql, None)
    assert b"Partition already exists." in again.error_message
    assert pg.exec_params(b"SELECT 1", None).get_value(0, 0) == b"1"
    pg.exec_(b"BEGIN")
    assert b"transaction block" in pg.exec_params(sql, None).error_message
    assert b"aborted" in pg.exec_params(b"SELECT 1", None).error_message
    pg.exec_(b"ROLLBACK")
    assert len(days(spectrum, table)) == 1


def test_external_ddl_prepared_once_runs_many_times(spectrum: Spectrum, table: str) -> None:
    pg = spectrum.connection.pgconn
    sql = f"ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (day=1) LOCATION 's3://b/1'".encode()
    pg.prepare(b"ddl", sql)
    assert pg.describe_prepared(b"ddl").nparams == 0
    for _ in range(2):
        assert pg.exec_prepared(b"ddl", None).command_status == b"ALTER TABLE"
    pg.exec_(b"BEGIN")
    assert b"transaction block" in pg.exec_prepared(b"ddl", None).error_message
    pg.exec_(b"ROLLBACK")
    assert len(days(spectrum, table)) == 1


def test_locations_are_cut_at_128_characters_in_the_view_only(
    spectrum: Spectrum, table: str
) -> None:
    place = "x" * 60 + "/" + "y" * 60 + "/" + "z" * 60
    location = spectrum.write(f"{place}/1.json", {"asin": "A"})
    add(spectrum, table, 1, location)
    assert days(spectrum, table) == [('["1"]', location[:128])]
    assert spectrum.run(f"SELECT asin FROM {table}") == [("A",)]


def test_the_views_describe_tables_and_columns(spectrum: Spectrum) -> None:
    spectrum.create(
        "wide", "a varchar(max), b decimal(10,2), c timestamp", "day integer, region varchar(5)",
        "'surplus_bytes_handling'='FAIL'",
    )  # fmt: skip
    columns = spectrum.run(
        "SELECT columnname, external_type, columnnum, part_key FROM svv_external_columns "
        "WHERE schemaname = %s ORDER BY columnnum",
        (spectrum.schema,),
    )
    assert columns == [
        ("a", "varchar(65535)", 1, 0),
        ("b", "numeric(10,2)", 2, 0),
        ("c", "timestamp", 3, 0),
        ("day", "integer", 4, 1),
        ("region", "varchar(5)", 5, 2),
    ]
    tables = spectrum.run(
        "SELECT tablename, location, serialization_lib, parameters FROM svv_external_tables "
        "WHERE schemaname = %s",
        (spectrum.schema,),
    )
    assert tables == [
        ("wide", spectrum.location("wide"), "org.openx.data.jsonserde.JsonSerDe",
         '{"surplus_bytes_handling": "FAIL"}')
    ]  # fmt: skip
    assert spectrum.run(
        "SELECT databasename FROM svv_external_schemas WHERE schemaname = %s", (spectrum.schema,)
    ) == [("spectrumdb",)]


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("CREATE EXTERNAL TABLE t (a integer) {s} LOCATION 's3://b/'", "42601"),
        ("CREATE EXTERNAL TABLE {n}.t (a jsonb) {s} LOCATION 's3://b/'", "0A000"),
        ("CREATE EXTERNAL TABLE {n}.t (a varchar(65536)) {s} LOCATION 's3://b/'", "22023"),
        ("CREATE EXTERNAL TABLE {n}.t (a integer, A integer) {s} LOCATION 's3://b/'", "42701"),
        ("CREATE EXTERNAL TABLE {n}.t (a integer) STORED AS PARQUET LOCATION 's3://b/'", "0A000"),
        ("CREATE EXTERNAL TABLE {n}.t (a integer) {s}", "42601"),
        ("CREATE EXTERNAL TABLE missing.t (a integer) {s} LOCATION 's3://b/'", "3F000"),
        ("CREATE EXTERNAL TABLE public.t (a integer) {s} LOCATION 's3://b/'", "42809"),
        ("CREATE EXTERNAL SCHEMA {n} FROM DATA CATALOG DATABASE 'd' IAM_ROLE default", "42P06"),
        ("CREATE EXTERNAL SCHEMA x FROM POSTGRES DATABASE 'd' IAM_ROLE default", "0A000"),
        ("ALTER TABLE {n}.missing ADD PARTITION (day=1) LOCATION 's3://b/1'", "42P01"),
    ],
)
def test_wrong_external_ddl_says_what_is_wrong(spectrum: Spectrum, sql: str, state: str) -> None:
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE"
    assert refusal(spectrum, sql.format(n=spectrum.schema, s=serde))[0] == state


def test_a_dropped_table_leaves_nothing_behind(spectrum: Spectrum, table: str) -> None:
    add(spectrum, table, 1, "s3://b/1")
    spectrum.run(f"DROP TABLE {table}")
    views = ("tables", "columns", "partitions")
    for view in views:
        found = spectrum.run(
            f"SELECT * FROM svv_external_{view} WHERE schemaname = %s", (spectrum.schema,)
        )
        assert found == []
    spectrum.run(f"DROP TABLE IF EXISTS {table}")
    assert spectrum.create("reviews", COLUMNS, "day integer") == table


def test_dropping_the_schema_drops_what_it_describes(standin: StandIn) -> None:
    with standin.connect() as session:
        spectrum = Spectrum(standin, session)
        table = spectrum.create("reviews", COLUMNS, "day integer")
        add(spectrum, table, 1, "s3://b/1")
        assert refusal(spectrum, f"DROP SCHEMA {spectrum.schema}")[0] == "2BP01"
        spectrum.run(f"DROP SCHEMA {spectrum.schema} DROP EXTERNAL DATABASE CASCADE")
        assert days(spectrum, table) == []
        assert spectrum.run(
            "SELECT 1 FROM svv_external_schemas WHERE schemaname = %s", (spectrum.schema,)
        ) == []  # fmt: skip


def test_an_ordinary_table_is_dropped_as_ever(connection: Connection) -> None:
    connection.execute("CREATE TABLE public.plain (a integer)")
    with connection.transaction():
        connection.execute("DROP TABLE public.plain")
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM public.plain")


def test_only_the_schemas_owner_changes_its_tables(
    spectrum: Spectrum, table: str, standin: StandIn
) -> None:
    spectrum.run(f"CREATE ROLE guest_{spectrum.schema} LOGIN PASSWORD 'guest'")
    spectrum.run(f"GRANT USAGE ON SCHEMA {spectrum.schema} TO guest_{spectrum.schema}")
    try:
        with standin.connect(user=f"guest_{spectrum.schema}", password="guest") as guest:
            assert guest.execute(f"SELECT * FROM {table}".encode()).fetchall() == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                guest.execute(
                    f"ALTER TABLE {table} ADD PARTITION (day=1) LOCATION 's3://b/1'".encode()
                )
    finally:
        spectrum.run(f"REVOKE USAGE ON SCHEMA {spectrum.schema} FROM guest_{spectrum.schema}")
        spectrum.run(f"DROP ROLE guest_{spectrum.schema}")


def test_external_tables_can_only_be_read(spectrum: Spectrum, table: str) -> None:
    for sql in (f"INSERT INTO {table} VALUES ('A', 1, 1)", f"DELETE FROM {table}"):
        assert refusal(spectrum, sql)[0] == "42501"


def test_a_materialized_view_over_an_external_table_is_refreshed(
    spectrum: Spectrum, table: str, bad: str
) -> None:
    add(spectrum, table, 1, spectrum.write("a/1.json", {"asin": "A"}))
    view = f"{table}_view"
    spectrum.run(f"CREATE MATERIALIZED VIEW {view} SORTKEY(asin) AS SELECT asin FROM {table}")
    add(spectrum, table, 2, spectrum.write("b/1.json", {"asin": "B"}))
    spectrum.run(f"REFRESH MATERIALIZED VIEW {view}")
    assert spectrum.run(f"SELECT asin FROM {view} ORDER BY 1") == [("A",), ("B",)]
    add(spectrum, table, 3, bad)
    with pytest.raises(psycopg.Error, match="not JSON"):
        spectrum.run(f"REFRESH MATERIALIZED VIEW {view}")
    assert len(spectrum.run(f"SELECT asin FROM {view}")) == 2


def test_the_catalogue_survives_a_restart(spare_standin: StandIn) -> None:
    with spare_standin.connect() as session:
        spectrum = Spectrum(spare_standin, session)
        table = spectrum.create("reviews", COLUMNS, "day integer")
        add(spectrum, table, 1, spectrum.write("a/1.json", {"asin": "A"}))
    spare_standin.stop()
    spare_standin.start()
    with spare_standin.connect() as session:
        assert session.execute(f"SELECT asin FROM {table}".encode()).fetchall() == [("A",)]
        again = session.execute("SHOW default_transaction_isolation").fetchone()
        assert again == ("repeatable read",)
