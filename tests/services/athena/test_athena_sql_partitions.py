"""Partitions: by the catalogue or by projection, and which of them a query reads."""

from __future__ import annotations

import datetime

import pytest

from support.athena_engine import Athena

OPENX = "SERDE 'org.openx.data.jsonserde.JsonSerDe'"
SIZE = len(b'{"a":1}\n')


def _days(athena: Athena) -> None:
    """Three days of one row each; the table knows of all of them."""
    for day in (1, 2, 3):
        athena.store.put(f"t/dt=2020-01-0{day}/a.json", b'{"a":%d}\n' % day)
    athena.table("t", "a int", OPENX, keys="dt string")
    athena.run("MSCK REPAIR TABLE t")


def test_only_registered_partitions_are_read(athena: Athena) -> None:
    for day in (1, 2):
        athena.store.put(f"t/dt=2020-01-0{day}/a.json", b'{"a":%d}\n' % day)
    athena.table("t", "a int", OPENX, keys="dt string")
    assert athena.rows("SELECT * FROM t") == []
    athena.run("ALTER TABLE t ADD PARTITION (dt = '2020-01-02')")
    assert athena.rows("SELECT * FROM t") == [("2", "2020-01-02")]
    athena.run("MSCK REPAIR TABLE t")
    assert athena.rows("SELECT a FROM t ORDER BY a") == [("1",), ("2",)]
    athena.run("ALTER TABLE t DROP PARTITION (dt = '2020-01-02')")
    assert athena.rows("SELECT a FROM t") == [("1",)]


PRUNED = {
    "dt = '2020-01-02'": 1,
    "dt IN ('2020-01-01', '2020-01-03')": 2,
    "dt > '2020-01-01'": 2,
    "dt BETWEEN '2020-01-02' AND '2020-01-09'": 2,
    "dt = '2020-01-02' AND a > 0": 1,
    "dt LIKE '%-03'": 1,
    "'2020-01-02' <= dt": 2,
    "cast(dt AS date) = date '2020-01-03'": 1,
    "(dt = '2020-01-01' OR dt = '2020-01-02')": 2,
    "dt = '2020-01-01' OR a = 3": 3,
    "a = 1": 3,
}


@pytest.mark.parametrize("condition", PRUNED)
def test_a_condition_on_partition_columns_keeps_the_others_unread(
    athena: Athena, condition: str
) -> None:
    _days(athena)
    answer = athena.run(f"SELECT a FROM t WHERE {condition}")
    assert len(list(answer.rows)) == {"a = 1": 1, "dt = '2020-01-01' OR a = 3": 2}.get(
        condition, PRUNED[condition]
    )
    assert answer.scanned_bytes == PRUNED[condition] * SIZE


THROUGH = {
    "a subquery": "SELECT a FROM (SELECT a, dt AS d FROM t) WHERE d = '2020-01-02'",
    "WITH": "WITH x AS (SELECT * FROM t) SELECT a FROM x WHERE dt = '2020-01-02'",
    "a view": "SELECT a FROM v WHERE dt = '2020-01-02'",
    "a group": "SELECT dt FROM (SELECT dt, sum(a) s FROM t GROUP BY dt) WHERE dt = '2020-01-02'",
    "an inner join": (
        "SELECT t.a FROM t JOIN (VALUES 2) u(n) ON t.a = u.n AND t.dt = '2020-01-02'"
    ),
    "the kept side of an outer join": (
        "SELECT t.a FROM t LEFT JOIN (VALUES 1) u(n) ON t.a = u.n WHERE t.dt = '2020-01-02'"
    ),
}


@pytest.mark.parametrize("way", THROUGH)
def test_a_condition_reaches_the_table_through(athena: Athena, way: str) -> None:
    _days(athena)
    athena.run("CREATE VIEW v AS SELECT * FROM t")
    answer = athena.run(THROUGH[way])
    assert len(list(answer.rows)) == 1
    assert answer.scanned_bytes == SIZE


STOPPED = {
    "a limit": ("SELECT * FROM (SELECT * FROM t ORDER BY a LIMIT 1) WHERE dt = '2020-01-02'", 0),
    "a window": (
        "SELECT n FROM (SELECT dt, row_number() OVER (ORDER BY a) n FROM t) "
        "WHERE dt = '2020-01-02'",
        1,
    ),
    "the missing side of an outer join": (
        "SELECT u.n FROM (VALUES 9) u(n) LEFT JOIN t ON t.a = u.n WHERE t.dt IS NULL",
        1,
    ),
    "a whole group": (
        "SELECT * FROM (SELECT max(dt) dt, count(*) FROM t) WHERE dt = '2020-01-03'",
        1,
    ),
}


@pytest.mark.parametrize("way", STOPPED)
def test_a_condition_does_not_change_what_is_below(athena: Athena, way: str) -> None:
    _days(athena)
    statement, rows = STOPPED[way]
    answer = athena.run(statement)
    assert len(list(answer.rows)) == rows
    assert answer.scanned_bytes == 3 * SIZE


def test_a_correlated_condition_removes_no_rows_of_the_outer_query(athena: Athena) -> None:
    _days(athena)
    assert athena.rows(
        "SELECT a, EXISTS (SELECT 1 WHERE t.dt = '2020-01-02') FROM t ORDER BY a"
    ) == [("1", "false"), ("2", "true"), ("3", "false")]


def test_a_table_is_scanned_once_for_each_time_it_is_named(athena: Athena) -> None:
    _days(athena)
    once = "SELECT a FROM t WHERE a IN (SELECT max(x) FROM (VALUES 1) u(x))"
    twice = "SELECT a FROM t WHERE coalesce((SELECT max(a) FROM t), 0) = a"
    assert athena.run(once).scanned_bytes == 3 * SIZE
    assert athena.run(twice).scanned_bytes == 6 * SIZE


def test_partition_values_have_the_types_of_their_columns(athena: Athena) -> None:
    for number in (2, 10):
        athena.store.put(f"t/n={number}/d=2020-01-02/x.json", b'{"a":1}\n')
    athena.store.put("t/n=__HIVE_DEFAULT_PARTITION__/d=2020-01-02/x.json", b'{"a":1}\n')
    athena.table("t", "a int", OPENX, keys="n int, d date")
    athena.run("MSCK REPAIR TABLE t")
    assert athena.rows("SELECT n, d FROM t ORDER BY n") == [
        ("2", "2020-01-02"), ("10", "2020-01-02"), (None, "2020-01-02"),
    ]  # fmt: skip
    assert athena.run("SELECT a FROM t WHERE n > 9").scanned_bytes == SIZE


def test_a_partition_may_lie_anywhere(athena: Athena) -> None:
    athena.store.put("elsewhere/a.json", b'{"a":1}\n')
    athena.store.put("moved/a.json", b'{"a":2}\n')
    athena.table("t", "a int", OPENX, keys="dt string")
    athena.run("ALTER TABLE t ADD PARTITION (dt = 'x') LOCATION '{place}elsewhere/'")
    assert athena.rows("SELECT * FROM t") == [("1", "x")]
    athena.run("ALTER TABLE t PARTITION (dt = 'x') SET LOCATION '{place}moved/'")
    assert athena.rows("SELECT * FROM t") == [("2", "x")]
    message = athena.failure("ALTER TABLE t ADD PARTITION (dt = 'x') LOCATION '{place}elsewhere/'")
    assert "AlreadyExistsException" in message
    athena.run("ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt = 'x') LOCATION '{place}elsewhere/'")
    assert athena.rows("SELECT * FROM t") == [("2", "x")]


def test_msck_sees_no_key_in_capitals_and_no_colon(athena: Athena) -> None:
    for folder in ("DT=a", "dt=2020-01-01 00:00:00", "dt=fine", "other"):
        athena.store.put(f"t/{folder}/x.json", b'{"a":1}\n')
    athena.table("t", "a int", OPENX, keys="dt string")
    rows = athena.rows("MSCK REPAIR TABLE t")
    assert rows[1:] == [("Repair: Added partition to metastore t:dt=fine",)]
    assert athena.rows("SHOW PARTITIONS t") == [("dt=fine",)]
    assert athena.rows('SELECT * FROM "t$partitions"') == [("fine",)]


# --- projection ----------------------------------------------------------------------------------


def _projected(athena: Athena, keys: str, **properties: str) -> None:
    given = {"projection.enabled": "true"} | {
        name.replace("__", "."): value for name, value in properties.items()
    }
    text = ", ".join(f"'{name}' = '{value}'" for name, value in given.items())
    athena.table("t", "a int", OPENX, keys=keys, table_properties=text)


def test_an_enum_is_projected_and_the_catalogue_is_not_asked(athena: Athena) -> None:
    for kind in ("x", "y", "z"):
        athena.store.put(f"t/kind={kind}/a.json", b'{"a":1}\n')
    _projected(athena, "kind string", projection__kind__type="enum", projection__kind__values="x,y")
    athena.run("ALTER TABLE t ADD PARTITION (kind = 'z')")
    assert athena.rows("SELECT kind FROM t ORDER BY kind") == [("x",), ("y",)]
    answer = athena.run("SELECT a FROM t WHERE kind = 'y'")
    assert (list(answer.rows), answer.scanned_bytes) == ([("1",)], SIZE)
    assert athena.rows("SELECT a FROM t WHERE kind = 'z'") == []


def test_integers_are_projected_with_digits_and_interval(athena: Athena) -> None:
    for number in ("00", "05", "10", "15"):
        athena.store.put(f"t/n={number}/a.json", b'{"a":%d}\n' % int(number))
    _projected(
        athena, "n int", projection__n__type="integer", projection__n__range="0,10",
        projection__n__digits="2", projection__n__interval="5",
    )  # fmt: skip
    assert athena.rows("SELECT n, a FROM t ORDER BY n") == [("0", "0"), ("5", "5"), ("10", "10")]


def test_dates_are_projected_up_to_now_by_a_template(athena: Athena) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    days = [today - datetime.timedelta(days=back) for back in (0, 1, 2, 3)]
    for number, day in enumerate(days):
        athena.store.put(f"in/{day:%Y/%m/%d}/a.json", b'{"a":%d}\n' % number)
    _projected(
        athena, "dt string", projection__dt__type="date", projection__dt__format="yyyy/MM/dd",
        projection__dt__range="NOW-2DAYS,NOW", projection__dt__interval="1",
        projection__dt__interval__unit="DAYS",
        storage__location__template=athena.store.uri("in/${dt}/"),
    )  # fmt: skip
    assert athena.rows("SELECT a FROM t ORDER BY a") == [("0",), ("1",), ("2",)]
    answer = athena.run(f"SELECT a FROM t WHERE dt = '{days[1]:%Y/%m/%d}'")
    assert (list(answer.rows), answer.scanned_bytes) == ([("1",)], SIZE)


def test_hours_and_months_are_projected(athena: Athena) -> None:
    for hour in ("2020-01-01-23", "2020-01-02-00"):
        athena.store.put(f"t/h={hour}/a.json", b'{"a":1}\n')
    _projected(
        athena, "h string", projection__h__type="date", projection__h__format="yyyy-MM-dd-HH",
        projection__h__range="2020-01-01-22,2020-01-02-01", projection__h__interval="1",
        projection__h__interval__unit="HOURS",
    )  # fmt: skip
    assert athena.rows("SELECT h FROM t ORDER BY h") == [("2020-01-01-23",), ("2020-01-02-00",)]


def test_an_injected_column_needs_an_equality(athena: Athena) -> None:
    for user in ("u1", "u2"):
        athena.store.put(f"t/user={user}/a.json", b'{"a":1}\n')
    _projected(athena, "user string", projection__user__type="injected")
    assert athena.rows("SELECT user FROM t WHERE user = 'u2'") == [("u2",)]
    assert athena.rows("SELECT user FROM t WHERE user IN ('u1', 'u2') ORDER BY 1") == [
        ("u1",), ("u2",),
    ]  # fmt: skip
    message = athena.failure("SELECT a FROM t WHERE user > 'a'")
    assert message.startswith("CONSTRAINT_VIOLATION: For the injected projected partition column")


def test_several_columns_are_projected_together(athena: Athena) -> None:
    athena.store.put("t/kind=x/n=1/a.json", b'{"a":1}\n')
    athena.store.put("t/kind=y/n=2/a.json", b'{"a":2}\n')
    _projected(
        athena, "kind string, n int", projection__kind__type="enum",
        projection__kind__values="x,y", projection__n__type="integer", projection__n__range="1,2",
    )  # fmt: skip
    assert athena.rows("SELECT * FROM t ORDER BY a") == [("1", "x", "1"), ("2", "y", "2")]
    assert athena.run("SELECT a FROM t WHERE kind = 'y' AND n > 1").scanned_bytes == SIZE


def test_a_projection_that_is_not_whole_is_an_error(athena: Athena) -> None:
    _projected(athena, "n int", projection__n__type="integer")
    assert athena.failure("SELECT a FROM t") == (
        f"INVALID_TABLE_PROPERTY: Invalid partition projection of column n of {athena.database}.t: "
        "projection.n.range is missing"
    )
