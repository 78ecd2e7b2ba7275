"""Queries: grouping, joins, windows, UNNEST, set operations, order, subqueries, and the delta's."""

from __future__ import annotations

import json

import pytest

from airscoop.deltas.sql import COUNTS, DeltaSql
from support.athena_engine import Athena, Rows

QUERIES: dict[str, tuple[str, Rows]] = {
    "NULL comes last whatever the direction": (
        "SELECT a FROM (VALUES 1, null, 2) t(a) ORDER BY a DESC",
        [("2",), ("1",), (None,)],
    ),
    "NULLS FIRST": (
        "SELECT a FROM (VALUES 1, null) t(a) ORDER BY a NULLS FIRST",
        [(None,), ("1",)],
    ),
    "OFFSET comes before LIMIT": (
        "SELECT a FROM (VALUES 3, 1, 2) t(a) ORDER BY a OFFSET 1 LIMIT 1",
        [("2",)],
    ),
    "FETCH FIRST": ("SELECT a FROM (VALUES 2, 1) t(a) ORDER BY 1 FETCH FIRST 1 ROW ONLY", [("1",)]),
    "ORDER BY an alias within an expression": (
        "SELECT a AS b FROM (VALUES 1, 2) t(a) ORDER BY -b",
        [("2",), ("1",)],
    ),
    "ORDER BY a column that is not selected": (
        "SELECT a FROM (VALUES (1, 2), (2, 1)) t(a, b) ORDER BY b",
        [("2",), ("1",)],
    ),
    "GROUP BY a place": (
        "SELECT a % 2, count(*) FROM (VALUES 1, 2, 3) t(a) GROUP BY 1 ORDER BY 1",
        [("0", "1"), ("1", "2")],
    ),
    "GROUPING SETS and grouping()": (
        "SELECT a, b, count(*), grouping(a, b) FROM (VALUES (1, 2), (1, 3)) t(a, b) "
        "GROUP BY GROUPING SETS ((a), (a, b), ()) ORDER BY 4, 2",
        [("1", "2", "1", "0"), ("1", "3", "1", "0"), ("1", None, "2", "1"), (None, None, "2", "3")],
    ),
    "ROLLUP": (
        "SELECT a, sum(b) FROM (VALUES (1, 2), (2, 3)) t(a, b) GROUP BY ROLLUP (a) ORDER BY 1",
        [("1", "2"), ("2", "3"), (None, "5")],
    ),
    "HAVING": (
        "SELECT a FROM (VALUES 1, 1, 2) t(a) GROUP BY a HAVING count(*) > 1",
        [("1",)],
    ),
    "aggregates of nothing": (
        "SELECT count(*), sum(a), max(a), array_agg(a) FROM (VALUES 1) t(a) WHERE false",
        [("0", None, None, None)],
    ),
    "FILTER": (
        "SELECT count(*) FILTER (WHERE a > 1), count_if(a > 1) FROM (VALUES 1, 2) t(a)",
        [("1", "1")],
    ),
    "array_agg in an order keeps NULL": (
        "SELECT array_agg(a ORDER BY a DESC) FROM (VALUES 1, null, 2) t(a)",
        [("[2, 1, null]",)],
    ),
    "max_by gives NULL where the greatest has NULL": (
        "SELECT max_by(a, b), min_by(a, b) FROM (VALUES (1, 1), (null, 2)) t(a, b)",
        [(None, "1")],
    ),
    "listagg": (
        "SELECT listagg(a, ',') WITHIN GROUP (ORDER BY a DESC) FROM (VALUES 'a', 'c', 'b') t(a)",
        [("c,b,a",)],
    ),
    "map_agg": (
        "SELECT map_agg(a, b) FROM (VALUES ('x', 1), ('y', 2)) t(a, b)",
        [("{x=1, y=2}",)],
    ),
    "avg of decimals is rounded half up": (
        "SELECT avg(a) FROM (VALUES 1.1, 1.2) t(a)",
        [("1.2",)],
    ),
    "approx_distinct": ("SELECT approx_distinct(a) FROM (VALUES 1, 1, null, 2) t(a)", [("2",)]),
    "USING gives the column once": (
        "SELECT * FROM (VALUES (1, 'a')) t(id, x) FULL JOIN (VALUES (2, 'b')) u(id, y) "
        "USING (id) ORDER BY id",
        [("1", "a", None), ("2", None, "b")],
    ),
    "a join of the same table twice": (
        "WITH t AS (SELECT 1 a UNION ALL SELECT 2) "
        "SELECT x.a, y.a FROM t x LEFT JOIN t y ON x.a = y.a - 1 ORDER BY 1",
        [("1", "2"), ("2", None)],
    ),
    "a cross join by a comma": ("SELECT a, b FROM (VALUES 1) t(a), (VALUES 2) u(b)", [("1", "2")]),
    "UNNEST with ordinality": (
        "SELECT t.id, u.x, u.n FROM (VALUES (1, array['p', 'q']), (2, array[])) t(id, xs) "
        "CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u(x, n) ORDER BY n",
        [("1", "p", "1"), ("1", "q", "2")],
    ),
    "UNNEST of arrays of different lengths": (
        "SELECT * FROM UNNEST(array[1, 2], array['a']) AS t(x, y)",
        [("1", "a"), ("2", None)],
    ),
    "UNNEST of rows gives their members": (
        "SELECT a, b FROM UNNEST(array[row(1, 'x'), row(2, 'y')]) AS t(a, b) ORDER BY a",
        [("1", "x"), ("2", "y")],
    ),
    "UNNEST of a map": (
        "SELECT k, v FROM UNNEST(map(array['a', 'b'], array[1, 2])) AS t(k, v) ORDER BY k",
        [("a", "1"), ("b", "2")],
    ),
    "LEFT JOIN UNNEST keeps empty ones": (
        "SELECT id, x FROM (VALUES (1, array[5]), (2, array[])) t(id, xs) "
        "LEFT JOIN UNNEST(xs) AS u(x) ON true ORDER BY id",
        [("1", "5"), ("2", None)],
    ),
    "UNION without ALL, and the types become one": (
        "SELECT 1 UNION SELECT 1 UNION SELECT 2.5 ORDER BY 1",
        [("1.0",), ("2.5",)],
    ),
    "INTERSECT and EXCEPT": (
        "(SELECT 1 INTERSECT SELECT 1) UNION ALL (SELECT 2 EXCEPT SELECT 3) ORDER BY 1",
        [("1",), ("2",)],
    ),
    "a column that is grouped by within an expression": (
        "SELECT a + 1, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY a",
        [("2", "1")],
    ),
    "an expression that is grouped by": (
        "SELECT coalesce(a, 0) FROM (VALUES (1, 2)) t(a, b) GROUP BY coalesce(a, 0)",
        [("1",)],
    ),
    "an aggregation within a window function": (
        "SELECT a, sum(sum(b)) OVER () FROM (VALUES (1, 2), (2, 3)) t(a, b) GROUP BY a ORDER BY a",
        [("1", "5"), ("2", "5")],
    ),
    "a function whose name begins with a word of clauses": (
        "SELECT 1, from_base('ff', 16), order_id FROM (VALUES 2) t(order_id)",
        [("1", "255", "2")],
    ),
    "a window frame": (
        "SELECT a, sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) "
        "FROM (VALUES 1, 2, 3) t(a) ORDER BY a",
        [("1", "1"), ("2", "3"), ("3", "5")],
    ),
    "ranks": (
        "SELECT a, rank() OVER w, dense_rank() OVER w, row_number() OVER w "
        "FROM (VALUES 1, 1, 2) t(a) WINDOW w AS (ORDER BY a) ORDER BY 4",
        [("1", "1", "1", "1"), ("1", "1", "1", "2"), ("2", "3", "2", "3")],
    ),
    "lag without NULL": (
        "SELECT lag(a) IGNORE NULLS OVER (ORDER BY n) FROM (VALUES (1, 5), (2, null), (3, 6)) "
        "t(n, a) ORDER BY n",
        [(None,), ("5",), ("5",)],
    ),
    "a correlated subquery": (
        "SELECT a, (SELECT max(b) FROM (VALUES 1, 2, 3) u(b) WHERE b < a) FROM (VALUES 2, 3) t(a) "
        "ORDER BY a",
        [("2", "1"), ("3", "2")],
    ),
    "NOT EXISTS": (
        "SELECT a FROM (VALUES 1, 2) t(a) WHERE NOT EXISTS "
        "(SELECT 1 FROM (VALUES 2) u(b) WHERE b = a)",
        [("1",)],
    ),
    "IN a subquery": (
        "SELECT a FROM (VALUES 1, 2) t(a) WHERE a IN (SELECT b FROM (VALUES 2, null) u(b))",
        [("2",)],
    ),
    "names in any case, quoted or not": (
        'SELECT "A", T."b" FROM (VALUES (1, 2)) AS t("a", B)',
        [("1", "2")],
    ),
    "a row's fields by dots": (
        "SELECT t.r.a, r.b FROM (SELECT cast(row(1, 'x') AS row(a integer, b varchar)) r) t",
        [("1", "x")],
    ),
    "TABLE and VALUES": ("VALUES (1, 'a'), (2, 'b')", [("1", "a"), ("2", "b")]),
    "a semicolon at the end": ("SELECT 1;", [("1",)]),
    "comments": ("SELECT 1 -- one\n/* two */ + 1", [("2",)]),
}


@pytest.mark.parametrize("rule", QUERIES)
def test_a_query_answers_as_the_documentation_says(athena: Athena, rule: str) -> None:
    statement, expected = QUERIES[rule]
    assert athena.rows(statement) == expected


def test_the_deltas_statements_run_and_find_the_changes(athena: Athena) -> None:
    columns = "id string, name string"
    csv = "SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
    athena.store.put("old/a.csv", b'1,x\n2,"quote "" here"\n3,gone\n')
    athena.store.put("new/a.csv", b'1,x\n2,"back\\\\slash"\n4,\n')
    for name in ("old", "new"):
        athena.table(f"{name}_t", columns, csv)
        athena.run(f"DROP TABLE {name}_t")
        athena.run(
            f"CREATE EXTERNAL TABLE {name}_t ({columns}) ROW FORMAT {csv} "
            f"LOCATION '{{place}}{name}/'"
        )
    sql = DeltaSql(
        old=f'"{athena.database}"."old_t"',
        new=f'"{athena.database}"."new_t"',
        columns=["id", "name"],
        key=["id"],
        version="v1",
    )
    (counts,) = athena.rows(sql.counts())
    found = dict(zip(COUNTS, counts, strict=True))
    assert [found[each] for each in ("inserted", "updated", "deleted", "unchanged")] == [
        "1", "1", "1", "1",
    ]  # fmt: skip
    changes = {
        c["key"]["id"]: c for c in (json.loads(r[0] or "") for r in athena.rows(sql.lines()))
    }
    assert {key: each["op"] for key, each in changes.items()} == {
        "2": "UPDATE", "3": "DELETE", "4": "INSERT",
    }  # fmt: skip
    assert changes["2"]["row"] == {"id": "2", "name": "back\\slash"}
    assert changes["2"]["changed"] == ["name"]
    assert all(len(each["id"]) == 32 for each in changes.values())
